//! What every test target shares: a database of its own for each test, on each engine, and a clock moved by hand.
#![allow(dead_code, unused_imports, unused_macros, unreachable_pub, reason = "no test target uses all of it")]
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

use std::fmt::Display;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::connection::{Connection, LoadConnection, SimpleConnection};
use diesel_sessions::{DbAttributes, DbOwnedSession, ManualClock, RowId, Session, SessionRepository, SessionRepositoryBuilder};

#[cfg(feature = "mysql")]
pub mod mysql;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "sqlite")]
pub mod sqlite;

#[cfg(feature = "postgres")]
pub mod left_behind;
pub mod said;

#[cfg(feature = "mysql")]
pub use mysql::Mysql;
#[cfg(feature = "postgres")]
pub use postgres::Postgres;
#[cfg(feature = "sqlite")]
pub use sqlite::Sqlite;

/// A database of a test's own, with the library's tables in it. Dropping it removes the database.
pub trait Db: Sized + Send + Sync + 'static {
    /// The engine's connection.
    type Conn: Connection + LoadConnection + SimpleConnection + Send + 'static;
    /// The ready-made model of the engine.
    type Model: DbOwnedSession<Self::Conn, Owner = i64> + DbAttributes<Self::Conn> + Plain + PartialEq + std::fmt::Debug;

    /// The engine's name, as the tests' modules have it.
    const NAME: &'static str;

    /// A new database with migrated tables; `None` when the engine's server is not set up here.
    fn fresh() -> Option<Self>;
    /// A new database without tables.
    fn empty() -> Option<Self>;
    /// Another connection to it.
    fn connect(&self) -> Self::Conn;
    /// Its URL, for pools and for other processes.
    fn url(&self) -> String;
    /// Runs the library's migrations.
    fn migrate(conn: &mut Self::Conn);
    /// The first column of a query, as text; NULL as `None`.
    fn texts(conn: &mut Self::Conn, sql: &str) -> Vec<Option<String>>;

    /// Statements without an answer.
    fn execute(conn: &mut Self::Conn, sql: &str) {
        conn.batch_execute(sql).unwrap();
    }

    /// The one number that a query gives.
    fn number(conn: &mut Self::Conn, sql: &str) -> i64 {
        Self::texts(conn, sql).remove(0).unwrap().parse().unwrap()
    }

    /// The one text that a query gives.
    fn text(conn: &mut Self::Conn, sql: &str) -> Option<String> {
        Self::texts(conn, sql).remove(0)
    }
}

/// The fields of a ready-made model, whatever its engine.
pub trait Plain {
    /// The field `user_id`.
    fn user_id(&self) -> Option<i64>;
    /// The field `user_id`, to be changed.
    fn user_id_mut(&mut self) -> &mut Option<i64>;
    /// The field `remote_addr`.
    fn remote_addr(&self) -> Option<&str>;
    /// The field `remote_addr`, to be changed.
    fn remote_addr_mut(&mut self) -> &mut Option<String>;
    /// The field `user_agent`, to be changed.
    fn user_agent_mut(&mut self) -> &mut Option<String>;
}

macro_rules! plain {
    ($engine:ident) => {
        impl $crate::support::Plain for diesel_sessions::plain::$engine::PlainSession {
            fn user_id(&self) -> Option<i64> {
                self.user_id
            }
            fn user_id_mut(&mut self) -> &mut Option<i64> {
                &mut self.user_id
            }
            fn remote_addr(&self) -> Option<&str> {
                self.remote_addr.as_deref()
            }
            fn remote_addr_mut(&mut self) -> &mut Option<String> {
                &mut self.remote_addr
            }
            fn user_agent_mut(&mut self) -> &mut Option<String> {
                &mut self.user_agent
            }
        }
    };
}
pub(crate) use plain;

/// Tests that run on every engine: each is a function `fn name<D: Db>(db: &D)`, and gets a database of its own.
///
/// ```text
/// suite! { a_new_session_has_no_row, what_is_saved_is_loaded }
/// ```
macro_rules! suite {
    ($($test:ident),* $(,)?) => {
        $crate::support::suite! { @ sqlite "sqlite" Sqlite: $($test)* }
        $crate::support::suite! { @ postgres "postgres" Postgres: $($test)* }
        $crate::support::suite! { @ mysql "mysql" Mysql: $($test)* }
    };
    (@ $module:ident $feature:literal $db:ident: $($test:ident)*) => {
        #[cfg(feature = $feature)]
        mod $module {
            $(#[test]
            fn $test() {
                $crate::support::run::<$crate::support::$db>(super::$test);
            })*
        }
    };
}
pub(crate) use suite;

/// Gives a test its database, or says that it is skipped. What the library says meanwhile holds no token.
pub fn run<D: Db>(test: fn(&D)) {
    let Some(db) = D::fresh() else { return skipped(D::NAME) };
    said::listen();
    test(&db);
    said::assert_no_token_was_said();
}

/// Says that an engine is not set up here; where all are required, that is a failure.
pub fn skipped(engine: &str) {
    assert!(std::env::var_os("TEST_REQUIRE_ALL").is_none(), "{engine} is not set up, and TEST_REQUIRE_ALL is set");
    eprintln!("skipped: {engine} is not set up; `cargo xtask test` starts it");
}

/// The time at which every test's clock begins.
pub fn noon() -> DateTime<Utc> {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

/// A repository under a clock of its own, and that clock.
pub fn repository<D: Db>() -> (SessionRepository<D::Model>, ManualClock) {
    repository_with::<D>(|builder| builder)
}

/// The same, set up further.
pub fn repository_with<D: Db>(
    set_up: impl FnOnce(SessionRepositoryBuilder<D::Model>) -> SessionRepositoryBuilder<D::Model>,
) -> (SessionRepository<D::Model>, ManualClock) {
    let clock = ManualClock::new(noon());
    let builder = SessionRepository::builder().clock(clock.clone()).token_source(said::RememberedTokens);
    (set_up(builder).build().unwrap(), clock)
}

/// The token that a session's client must be told.
pub fn token_of<M: diesel_sessions::SessionModel>(session: &Session<M>) -> String {
    session.new_token().expect("the session has a new token").reveal().to_owned()
}

/// Seconds, minutes and days as durations.
pub fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A name that no other test of this or another process uses.
pub fn unique_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("ds_test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Renders a nullable text for an assertion.
pub fn shown(value: Option<impl Display>) -> String {
    value.map_or_else(|| "NULL".to_owned(), |value| value.to_string())
}
