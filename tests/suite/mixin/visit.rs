//! A model without an owner, on a table whose every column has another name, beside one whose owner is a text.

use std::str::FromStr;

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Text;
use diesel_sessions::{DbOwnedSession, DbSession, ManualClock, SessionRepository};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::table::{self, Owner};
use crate::support::{Db, noon};

/// An owner that is a UUID in Rust and a text in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub(crate) struct Account(pub(crate) Uuid);

impl std::fmt::Display for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Account {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Account)
    }
}

super::text::stored_as_text!(Account);

/// How a list of words stands in a text column.
#[derive(Debug, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub(crate) struct Joined(String);

impl From<Vec<String>> for Joined {
    fn from(words: Vec<String>) -> Self {
        Joined(words.join(","))
    }
}

impl From<Joined> for Vec<String> {
    fn from(joined: Joined) -> Self {
        joined.0.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }
}

impl<DB: Backend> ToSql<Text, DB> for Joined
where
    String: ToSql<Text, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.0.to_sql(out)
    }
}

impl<DB: Backend> FromSql<Text, DB> for Joined
where
    String: FromSql<Text, DB>,
{
    fn from_sql(value: DB::RawValue<'_>) -> deserialize::Result<Self> {
        String::from_sql(value).map(Joined)
    }
}

/// The library's columns and this table's names for them.
pub(crate) const RENAMED: [(&str, &str); 13] = [
    ("id", "number"),
    ("_uuid", "digest"),
    ("_previous_uuid", "former"),
    ("_data", "payload"),
    ("_version", "changes"),
    ("created_at", "begun"),
    ("authenticated_at", "proved"),
    ("rotated_at", "renewed"),
    ("last_seen_at", "seen"),
    ("expires_at", "ends"),
    ("deadline_at", "last_end"),
    ("idle_timeout", "idle"),
    ("persistent", "remembered"),
];

/// Two more models of the program.
pub(crate) trait Visits: Db {
    /// Renamed columns, no owner.
    type Visit: DbSession<Self::Conn> + PartialEq + std::fmt::Debug;
    /// An owner that is a text, a column that is bound as another type.
    type Guest: DbOwnedSession<Self::Conn, Owner = Account> + PartialEq + std::fmt::Debug;

    /// A column of a `Visit` whose field has another name.
    fn software(visit: &mut Self::Visit) -> &mut Option<String>;
    /// The list that stands in the table as one text.
    fn tags(guest: &mut Self::Guest) -> &mut Vec<String>;

    /// The tables, and a repository for each model.
    fn set_up(conn: &mut Self::Conn) -> (SessionRepository<Self::Visit>, SessionRepository<Self::Guest>, ManualClock) {
        table::create::<Self>(conn, "visitor_log", "agent TEXT, score DOUBLE PRECISION NOT NULL", Owner::Absent, &RENAMED);
        table::create::<Self>(conn, "guests", "account VARCHAR(36), tags VARCHAR(200) NOT NULL", Owner::Absent, &[]);
        let clock = ManualClock::new(noon());
        let visits = SessionRepository::builder().clock(clock.clone()).build().unwrap();
        (visits, SessionRepository::builder().clock(clock.clone()).build().unwrap(), clock)
    }
}

macro_rules! visits {
    ($feature:literal $engine:ident $db:ident $guest_id:ty, [$uuid:ident $json:ident $time:ident], $($backend:tt)*) => {
        #[cfg(feature = $feature)]
        pub(crate) mod $engine {
            use diesel::prelude::*;
            use diesel_sessions::{DbSession, SessionCore};

            use super::{Account, Joined, Visits};
            use crate::support::$db;

            diesel::table! {
                visitor_log (number) {
                    number -> BigInt, digest -> $uuid, former -> Nullable<$uuid>, payload -> $json, changes -> Integer,
                    begun -> $time, proved -> Nullable<$time>, renewed -> Nullable<$time>, seen -> $time, ends -> $time,
                    last_end -> Nullable<$time>, idle -> Nullable<Integer>, remembered -> Bool,
                    agent -> Nullable<Text>, score -> Double,
                }
            }
            crate::mixin::table::session_table! { $engine guests { account -> Nullable<Text>, tags -> Text, } }

            #[derive(Debug, Clone, PartialEq, Queryable, Selectable, Identifiable, DbSession)]
            #[diesel(table_name = visitor_log, primary_key(number))]
            #[diesel(check_for_backend($($backend)*))]
            #[session(columns(uuid = digest, previous_uuid = former, data = payload, version = changes, created_at = begun))]
            #[session(columns(authenticated_at = proved, rotated_at = renewed, last_seen_at = seen, expires_at = ends))]
            #[session(columns(deadline_at = last_end, idle_timeout = idle, persistent = remembered))]
            pub(crate) struct Visit {
                #[diesel(column_name = agent)]
                pub(crate) software: Option<String>,
                #[session(default = 0.5)]
                pub(crate) score: f64,
                #[diesel(embed)]
                pub(crate) head: SessionCore<Visit>,
                #[diesel(column_name = number)]
                pub(crate) row: i64,
            }

            /// A row id under a name of the application's own.
            pub(crate) type GuestId = $guest_id;

            #[derive(Debug, Clone, PartialEq, Queryable, Selectable, DbSession)]
            #[diesel(table_name = guests, check_for_backend($($backend)*))]
            pub(crate) struct Guest {
                pub(crate) id: GuestId,
                #[diesel(embed)]
                pub(crate) core: SessionCore<Guest>,
                #[session(owner)]
                pub(crate) account: Option<Account>,
                #[diesel(serialize_as = Joined, deserialize_as = Joined)]
                #[session(default)]
                pub(crate) tags: Vec<String>,
            }

            impl Visits for $db {
                type Visit = Visit;
                type Guest = Guest;

                fn software(visit: &mut Visit) -> &mut Option<String> {
                    &mut visit.software
                }
                fn tags(guest: &mut Guest) -> &mut Vec<String> {
                    &mut guest.tags
                }
            }
        }
    };
}

visits!("sqlite" sqlite Sqlite i32, [Text Text Timestamp], diesel::sqlite::Sqlite);
visits!("postgres" postgres Postgres i64, [Uuid Jsonb Timestamptz], diesel::pg::Pg);
visits!("mysql" mysql Mysql i64, [Char Longtext Datetime], diesel::mysql::Mysql);
