//! An application on the printed schema: its own users, and a session model as the design has it.

use diesel_sessions::Attribute;

use crate::support::Db;

/// What an application adds to an engine.
pub(crate) trait Application: Db {
    /// The migration that makes its users.
    const USERS: &'static str;

    /// Uses its model on a database that was migrated by the command line alone.
    fn use_it(&self);
}

/// An attribute in clear and an encrypted one.
fn two() -> [Attribute; 2] {
    [Attribute::new("parrot", "resting").unwrap(), Attribute::new("secret", 7).unwrap().encrypted()]
}

macro_rules! application {
    ($module:ident $feature:literal $db:ident $backend:path, $id:ident, $printed:literal, $users:literal) => {
        #[cfg(feature = $feature)]
        mod $module {
            use diesel::prelude::*;
            use diesel_sessions::{DbSession, Expiry, Keyring, SessionCore, SessionRepository, SignIn, WriteOptions};

            use super::{Application, two};
            use crate::support::{Db, noon, repository, seconds, token_of, $db};

            #[allow(unused_imports, reason = "Diesel's own macros import what not every table needs")]
            mod schema {
                include!($printed);
            }

            use schema::{sessions, users};

            #[derive(Debug, Clone, PartialEq, Queryable, Selectable, Identifiable)]
            #[diesel(table_name = users, check_for_backend($backend))]
            struct User {
                id: $id,
                name: String,
            }

            #[derive(Debug, Clone, Queryable, Selectable, Identifiable, Associations, DbSession)]
            #[diesel(table_name = sessions, belongs_to(User), check_for_backend($backend))]
            #[session(attributes = schema::session_attributes)]
            struct AppSession {
                id: $id,
                #[diesel(embed)]
                core: SessionCore<AppSession>,
                #[session(owner)]
                user_id: Option<$id>,
                remote_addr: Option<String>,
                #[session(default = "unknown")]
                user_agent: String,
                #[session(skip)]
                geo: Option<String>,
            }

            impl Application for $db {
                const USERS: &'static str = $users;

                fn use_it(&self) {
                    let conn = &mut self.connect();
                    let (_, clock) = repository::<$db>();
                    let keyring = Keyring::new("2026-11", [7; 32]).unwrap();
                    let sessions = SessionRepository::<AppSession>::builder().clock(clock).keyring(keyring).build().unwrap();
                    diesel::insert_into(users::table).values(users::name.eq("Brian")).execute(conn).unwrap();
                    let user = users::table.select(User::as_select()).first(conn).unwrap();

                    let mut session = sessions.open(conn, None).unwrap();
                    session.insert("parrot", "ceased to be").unwrap();
                    session.geo = Some("Finchley".to_owned());
                    sessions.sign_in(conn, &mut session, SignIn::new(user.id)).unwrap();
                    let found = sessions.load(conn, token_of(&session).as_str()).unwrap().unwrap();
                    assert_eq!((found.user_id, found.user_agent.as_str()), (Some(user.id), "unknown"));
                    assert_eq!((found.remote_addr.as_ref(), found.geo.as_deref()), (None, Some("Finchley")));
                    assert_eq!((found.id, Some(found.id)), (session.id, found.row_id()));

                    let attributes = sessions.attributes(&session);
                    attributes.set_many(conn, two(), WriteOptions::new()).unwrap();
                    attributes.update(conn, "parrot", "ceased to be").unwrap();
                    attributes.set_expiry(conn, "parrot", Expiry::In(seconds(60))).unwrap();
                    let parrot: Option<String> = attributes.get(conn, "parrot").unwrap();
                    let secret: Option<u8> = attributes.take(conn, "secret").unwrap();
                    assert_eq!((parrot.as_deref(), secret), (Some("ceased to be"), Some(7)));
                    assert_eq!(attributes.names(conn).unwrap(), ["parrot"]);
                    let joined = schema::session_attributes::table.inner_join(sessions::table);
                    assert_eq!(joined.select(sessions::id).load::<$id>(conn), Ok(vec![found.id]));

                    let own = AppSession::belonging_to(&user).filter(AppSession::live(noon()));
                    let own: Vec<(AppSession, User)> =
                        own.inner_join(users::table).select((AppSession::as_select(), User::as_select())).load(conn).unwrap();
                    let [(model, joined)] = &own[..] else { panic!("{own:?}") };
                    assert_eq!((model.core.digest(), &joined.name), (found.core.digest(), &user.name));

                    diesel::delete(users::table.find(user.id)).execute(conn).unwrap();
                    assert!(sessions.load(conn, token_of(&session).as_str()).unwrap().is_none());
                    assert_eq!(sessions::table.count().get_result(conn), Ok(0));
                    assert_eq!(schema::session_attributes::table.count().get_result(conn), Ok(0));
                }
            }
        }
    };
}

application!(sqlite "sqlite" Sqlite diesel::sqlite::Sqlite, i32, "printed/sqlite.rs",
    "CREATE TABLE users (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL)");
application!(postgres "postgres" Postgres diesel::pg::Pg, i64, "printed/postgres.rs",
    "CREATE TABLE users (id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, name TEXT NOT NULL)");
application!(mysql "mysql" Mysql diesel::mysql::Mysql, i64, "printed/mysql.rs",
    "CREATE TABLE users (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, name TEXT NOT NULL)");
