//! A connection that the server has closed: said as such, and never used again.

use diesel::Connection;
use diesel::r2d2::{ConnectionManager, Pool, PooledConnection, R2D2Connection};
use diesel::result::Error as DieselError;
use diesel_sessions::{DbOwnedSession, Error, ErrorKind, Saved};

use crate::life::steps::{created, kind, loaded, signed_in};
use crate::support::{Db, repository, suite, token_of};

suite! { @ postgres "postgres" Postgres:
    a_closed_connection_is_unavailable_and_marked_as_broken
    a_connection_closed_within_a_transaction_is_unavailable
    a_pool_replaces_a_closed_connection
}
suite! { @ mysql "mysql" Mysql:
    a_closed_connection_is_unavailable_and_marked_as_broken
    a_connection_closed_within_a_transaction_is_unavailable
    a_pool_replaces_a_closed_connection
}

/// The server's name for a connection.
fn id_of<D: Db>(conn: &mut D::Conn) -> i64 {
    D::number(conn, if D::NAME == "postgres" { "SELECT pg_backend_pid()" } else { "SELECT CONNECTION_ID()" })
}

/// Closes a connection from the server's side, and waits until it is.
fn kill<D: Db>(db: &D, id: i64) {
    let conn = &mut db.connect();
    if D::NAME == "postgres" {
        D::texts(conn, &format!("SELECT pg_terminate_backend({id}, 60000)"));
    } else {
        D::execute(conn, &format!("KILL {id}"));
        let left = format!("SELECT count(*) FROM information_schema.processlist WHERE id = {id}");
        while D::number(conn, &left) > 0 {
            std::thread::yield_now();
        }
    }
}

// SECURITY 30 DESIGN rule 13
fn a_closed_connection_is_unavailable_and_marked_as_broken<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    for verb in 0..6 {
        let conn = &mut db.connect();
        let mut session = signed_in::<D>(&sessions, conn, 7);
        let token = token_of(&session);
        kill(db, id_of::<D>(conn));
        session.insert("a", 1).unwrap();
        let result = match verb {
            0 => sessions.load(conn, token.as_str()).map(|_| ()),
            1 => sessions.save(conn, &mut session).map(|_| ()),
            2 => sessions.rotate(conn, &mut session),
            3 => sessions.revoke_others(conn, &mut session).map(|_| ()),
            4 => sessions.end(conn, &mut session),
            _ => sessions.check(conn),
        };
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "verb {verb}: {error:?}");
        let after = conn.transaction(|_| Ok::<_, DieselError>(()));
        assert!(matches!(after, Err(DieselError::BrokenTransactionManager)), "verb {verb}: {after:?}");
        assert!(session.was_changed() && !session.is_ended() && token_of(&session) == token);
        let conn = &mut db.connect();
        assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Updated);
    }
}

// SECURITY 30 SECURITY 31
fn a_connection_closed_within_a_transaction_is_unavailable<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = created::<D>(&sessions, conn);
    let result = conn.transaction(|conn| {
        session.insert("a", 1)?;
        sessions.save(conn, &mut session)?;
        kill(db, id_of::<D>(conn));
        session.insert("b", 2)?;
        let error = sessions.save(conn, &mut session).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        Ok::<_, Error>(())
    });
    assert!(result.is_err());
    let conn = &mut db.connect();
    assert!(loaded::<D>(&sessions, conn, &token_of(&session)).is_empty());
    sessions.save(conn, &mut session).unwrap();
    assert_eq!(loaded::<D>(&sessions, conn, &token_of(&session)).keys().collect::<Vec<_>>(), ["b"]);
}

// DESIGN rule 13
fn a_pool_replaces_a_closed_connection<D: Db>(db: &D)
where
    D::Conn: R2D2Connection,
    D::Model: DbOwnedSession<PooledConnection<ConnectionManager<D::Conn>>, Owner = i64>,
{
    let (sessions, _) = repository::<D>();
    // Diesel's own look at a connection when it is taken out is switched off: the mark alone must do.
    let pool = Pool::builder().max_size(1).test_on_check_out(false).build(ConnectionManager::<D::Conn>::new(db.url())).unwrap();
    let token = token_of(&created::<D>(&sessions, &mut db.connect()));
    let mut conn = pool.get().unwrap();
    let id = id_of::<D>(&mut conn);
    kill(db, id);
    assert_eq!(kind(sessions.load(&mut conn, token.as_str())), ErrorKind::Unavailable);
    drop(conn);
    let mut conn = pool.get().unwrap();
    assert_ne!(id_of::<D>(&mut conn), id);
    assert!(sessions.load(&mut conn, token.as_str()).unwrap().is_some());
}
