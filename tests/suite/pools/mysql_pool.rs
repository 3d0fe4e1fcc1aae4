//! MySQL without strict mode would cut values off: it is refused.

use diesel::MysqlConnection;
use diesel::connection::SimpleConnection;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Pool};
use diesel_sessions::{ErrorKind, MysqlCustomizer};

use crate::life::steps::kind;
use crate::support::{Db, Mysql, repository, suite};

suite! { @ mysql "mysql" Mysql:
    check_refuses_a_server_session_without_strict_mode
    the_customizer_refuses_it_too
}

// SECURITY 29
fn check_refuses_a_server_session_without_strict_mode<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    for (mode, accepted) in [
        ("", false),
        ("ANSI_QUOTES,NO_ZERO_DATE", false),
        ("STRICT_TRANS_TABLES", true),
        ("STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION", true),
    ] {
        D::execute(conn, &format!("SET SESSION sql_mode = '{mode}'"));
        let result = sessions.check(conn);
        if accepted {
            result.unwrap();
        } else {
            assert!(result.as_ref().unwrap_err().to_string().contains("sql_mode"), "{mode}");
            assert_eq!(kind(result), ErrorKind::Config, "{mode}");
        }
    }
}

// SECURITY 29
fn the_customizer_refuses_it_too(db: &Mysql) {
    let pool = Pool::builder()
        .max_size(1)
        .connection_customizer(Box::new(MysqlCustomizer))
        .build(ConnectionManager::<MysqlConnection>::new(db.url()))
        .unwrap();
    assert!(pool.get().is_ok());

    let conn = &mut db.connect();
    MysqlCustomizer.on_acquire(conn).unwrap();
    conn.batch_execute("SET SESSION sql_mode = ''").unwrap();
    let refused = MysqlCustomizer.on_acquire(conn).unwrap_err();
    assert!(refused.to_string().contains("sql_mode"), "{refused}");
}
