//! A model of the suite's own on tables that another crate's schema names.

use chrono::{DateTime, Utc};
use diesel_sessions::{DbOwnedSession, ErrorKind, ManualClock, Saved, SessionModel, SessionRepository, SignIn};

use crate::life::steps::kind;
use crate::mapping::loaded;
use crate::support::{Db, noon, seconds, suite, token_of};

suite! {
    a_schema_may_be_another_crates,
}

/// The query that the application writes itself, in Diesel's DSL.
trait Foreign: Db {
    type Session: DbOwnedSession<Self::Conn, Owner = i64>;

    /// What is live, by the model's own predicate, and the columns `user_id` and `remote_addr` as the model has them.
    fn live(conn: &mut Self::Conn, now: DateTime<Utc>) -> Vec<(Self::Session, Option<i64>, Option<String>)>;
}

macro_rules! foreign {
    ($feature:literal $module:ident $engine:ident $db:ident $id:ty, $backend:ty) => {
        #[cfg(feature = $feature)]
        mod $module {
            use diesel::prelude::*;
            use diesel_sessions::plain::$engine::schema;
            use diesel_sessions::{DbSession, SessionCore};

            use super::*;
            use crate::support::$db;

            /// On the library's tables, without one of their columns: `user_agent` may be NULL.
            #[derive(Debug, Clone, Queryable, Selectable, Identifiable, DbSession)]
            #[diesel(table_name = schema::sessions, check_for_backend($backend))]
            #[session(attributes = schema::session_attributes)]
            pub(crate) struct OwnSession {
                id: $id,
                #[diesel(embed)]
                core: SessionCore<OwnSession>,
                #[session(owner)]
                user_id: Option<i64>,
                remote_addr: Option<String>,
            }

            impl Foreign for $db {
                type Session = OwnSession;

                fn live(conn: &mut <Self as Db>::Conn, now: DateTime<Utc>) -> Vec<(OwnSession, Option<i64>, Option<String>)> {
                    let rows = schema::sessions::table.filter(OwnSession::live(now)).order(schema::sessions::id);
                    let rows: Vec<OwnSession> = rows.select(OwnSession::as_select()).load(conn).unwrap();
                    let told = |row: OwnSession| (row.clone(), row.user_id, row.remote_addr);
                    rows.into_iter().map(told).collect()
                }
            }
        }
    };
}

foreign!("sqlite" on_sqlite sqlite Sqlite i32, diesel::sqlite::Sqlite);
foreign!("postgres" on_postgres postgres Postgres i64, diesel::pg::Pg);
foreign!("mysql" on_mysql mysql Mysql i64, diesel::mysql::Mysql);

// S16 S61 DESIGN 3
fn a_schema_may_be_another_crates<D: Foreign>(db: &D) {
    let clock = ManualClock::new(noon());
    let sessions = SessionRepository::<D::Session>::builder().clock(clock.clone()).idle_timeout(seconds(100)).build().unwrap();
    let conn = &mut db.connect();
    let mut session = sessions.new_session();
    session.insert("remote_addr", "192.0.2.1").unwrap();
    session.insert("parrot", "ceased to be").unwrap();
    sessions.sign_in(conn, &mut session, SignIn::new(7)).unwrap();
    sessions.create(conn, &mut sessions.new_session()).unwrap();
    assert_eq!((sessions.of(&7).count(conn).unwrap(), sessions.of(&8).count(conn).unwrap()), (1, 0));
    assert_eq!(D::text(conn, "SELECT remote_addr FROM sessions WHERE user_id = 7").as_deref(), Some("192.0.2.1"));

    clock.advance(seconds(50));
    let mut found = loaded(&sessions, conn, &token_of(&session));
    assert_eq!(found.keys().collect::<Vec<_>>(), ["user_id", "remote_addr", "parrot"]);
    sessions.extend(conn, &mut found).unwrap();
    clock.advance(seconds(50));
    let live = D::live(conn, noon() + seconds(100));
    let told: Vec<_> = live.iter().map(|(row, user, address)| (Some(row.id_field()), *user, address.as_deref())).collect();
    assert_eq!(told, [(session.row_id(), Some(7), Some("192.0.2.1"))], "the other has expired");
    let mut listed = sessions.from_row(live.into_iter().next().unwrap().0).unwrap();
    listed.insert("remote_addr", "192.0.2.2").unwrap();
    assert_eq!(sessions.save(conn, &mut listed).unwrap(), Saved::Updated);
    sessions.rotate(conn, &mut session).unwrap();
    sessions.end(conn, &mut found).unwrap();
    assert_eq!(kind(sessions.save(conn, &mut found)), ErrorKind::Gone);
    assert_eq!((sessions.of(&7).count(conn).unwrap(), sessions.purge_expired(conn, 10).unwrap().sessions), (0, 1));
}
