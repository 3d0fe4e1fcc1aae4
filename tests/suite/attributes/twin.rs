//! A second model on the library's own sessions, with attributes in another table.

use diesel_sessions::{DbAttributes, Keyring, ManualClock, SessionRepository, SessionRepositoryBuilder};

use crate::life::steps::Id;
use crate::support::{Db, noon};

/// The second model of an engine.
pub(super) trait Twin: Db {
    type Other: DbAttributes<Self::Conn, RowId = Id<Self>>;

    /// The table, like the first one, and a repository with this key.
    fn twin(conn: &mut Self::Conn, keyring: Keyring) -> SessionRepository<Self::Other> {
        Self::execute(
            conn,
            match Self::NAME {
                "sqlite" => {
                    "CREATE TABLE twin_attributes (session_id INTEGER NOT NULL, name TEXT NOT NULL, value TEXT, sealed BLOB, \
                     created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP NOT NULL, expires_at TIMESTAMP, \
                     PRIMARY KEY (session_id, name))"
                }
                "postgres" => "CREATE TABLE twin_attributes (LIKE session_attributes INCLUDING ALL)",
                _ => "CREATE TABLE twin_attributes LIKE session_attributes",
            },
        );
        let builder: SessionRepositoryBuilder<Self::Other> = SessionRepository::builder();
        builder.clock(ManualClock::new(noon())).keyring(keyring).build().unwrap()
    }
}

macro_rules! twin {
    ($feature:literal $engine:ident $db:ident $id:ty, $backend:ty, $sql_id:ident $json:ident $bytes:ident $time:ident) => {
        #[cfg(feature = $feature)]
        mod $engine {
            use diesel::prelude::*;
            use diesel_sessions::plain::$engine::schema::sessions;
            use diesel_sessions::{DbSession, SessionCore};

            diesel::table! {
                twin_attributes (session_id, name) {
                    session_id -> $sql_id,
                    name -> Text,
                    value -> Nullable<$json>,
                    sealed -> Nullable<$bytes>,
                    created_at -> $time,
                    updated_at -> $time,
                    expires_at -> Nullable<$time>,
                }
            }

            #[derive(Debug, Clone, PartialEq, Queryable, Selectable, Identifiable, DbSession)]
            #[diesel(table_name = sessions, check_for_backend($backend))]
            #[session(attributes = twin_attributes)]
            pub(crate) struct TwinSession {
                id: $id,
                #[diesel(embed)]
                core: SessionCore<TwinSession>,
                #[session(owner)]
                user_id: Option<i64>,
                remote_addr: Option<String>,
                user_agent: Option<String>,
            }

            impl super::Twin for crate::support::$db {
                type Other = TwinSession;
            }
        }
    };
}

twin!("sqlite" sqlite Sqlite i32, diesel::sqlite::Sqlite, Integer Text Binary Timestamp);
twin!("postgres" postgres Postgres i64, diesel::pg::Pg, Int8 Jsonb Bytea Timestamptz);
twin!("mysql" mysql Mysql i64, diesel::mysql::Mysql, Bigint Longtext Longblob Datetime);
