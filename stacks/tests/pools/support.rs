//! What the suite's files ask of `crate::support`, with PostgreSQL's connections lent by one of diesel-async's pools.

use std::cell::Cell;
use std::sync::LazyLock;

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, bb8, deadpool};
use diesel_sessions::plain::postgres::PlainSession;
use diesel_sessions::{BlockingConnection, LentConnection, migrations};
use tokio::runtime::Runtime;

#[path = "../../../tests/support/support.rs"]
mod every_target;

/// The database as every other target has it.
pub(crate) use every_target::Postgres as Libpq;
pub(crate) use every_target::*;

/// The runtime that drives every connection. The tests' own threads are none of it, so that they may wait.
static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap());

/// The pools that the suite runs over.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Bb8,
    Deadpool,
}

thread_local! {
    static KIND: Cell<Kind> = const { Cell::new(Kind::Bb8) };
}

/// Gives a test its database, and a pool of that kind.
pub(crate) fn run_over(kind: Kind, test: fn(&Postgres)) {
    KIND.set(kind);
    every_target::run::<Postgres>(test);
}

/// As many connections as a test ever has at once.
const SIZE: u32 = 40;

enum Pool {
    Bb8(bb8::Pool<AsyncPgConnection>),
    Deadpool(deadpool::Pool<AsyncPgConnection>),
}

impl Pool {
    fn new(kind: Kind, url: String) -> Self {
        let manager = AsyncDieselConnectionManager::new(url);
        let _inside = RUNTIME.enter();
        match kind {
            Kind::Bb8 => Pool::Bb8(bb8::Pool::builder().max_size(SIZE).build_unchecked(manager)),
            Kind::Deadpool => Pool::Deadpool(deadpool::Pool::builder(manager).max_size(SIZE as usize).build().unwrap()),
        }
    }

    fn lend(&self) -> BlockingConnection<AsyncPgConnection> {
        let _inside = RUNTIME.enter();
        BlockingConnection::from(match self {
            Pool::Bb8(pool) => LentConnection::new(RUNTIME.block_on(pool.get_owned()).unwrap()),
            Pool::Deadpool(pool) => LentConnection::new(RUNTIME.block_on(pool.get()).unwrap()),
        })
    }
}

/// A database whose connections a pool lends. Both are gone with this value, the pool first.
pub(crate) struct Postgres {
    pool: Pool,
    database: every_target::Postgres,
}

impl Postgres {
    fn of(database: every_target::Postgres) -> Self {
        Postgres { pool: Pool::new(KIND.get(), database.url()), database }
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Nullable<Text>)]
    value: Option<String>,
}

impl Db for Postgres {
    type Conn = BlockingConnection<AsyncPgConnection>;
    type Model = PlainSession;
    const NAME: &'static str = "postgres";

    fn fresh() -> Option<Self> {
        let db = Self::empty()?;
        Self::migrate(&mut db.connect());
        Some(db)
    }

    fn empty() -> Option<Self> {
        every_target::Postgres::empty().map(Self::of)
    }

    fn connect(&self) -> Self::Conn {
        self.pool.lend()
    }

    fn url(&self) -> String {
        self.database.url()
    }

    fn migrate(conn: &mut Self::Conn) {
        migrations::run(conn).unwrap();
    }

    fn texts(conn: &mut Self::Conn, sql: &str) -> Vec<Option<String>> {
        let sql = format!("WITH answer(value) AS ({sql}) SELECT CAST(value AS TEXT) AS value FROM answer");
        diesel::sql_query(sql).load::<Row>(conn).unwrap().into_iter().map(|row| row.value).collect()
    }
}

/// The suite's macro: its tests for PostgreSQL, once for each pool.
macro_rules! suite {
    // Needs an r2d2 pool of the connection.
    (@ $kind:ident a_pool_replaces_a_closed_connection) => {};
    // Starts itself anew, under the name that it has in the suite; it uses no connection.
    (@ $kind:ident a_keyring_comes_from_the_environment) => {};
    (@ $kind:ident $test:ident) => {
        #[test]
        fn $test() {
            $crate::support::run_over($crate::support::Kind::$kind, super::$test);
        }
    };
    (@ postgres "postgres" Postgres: $($test:ident)*) => {
        mod bb8 {
            $($crate::support::suite! { @ Bb8 $test })*
        }
        mod deadpool {
            $($crate::support::suite! { @ Deadpool $test })*
        }
    };
    (@ $module:ident $feature:literal $db:ident: $($test:ident)*) => {};
    ($($test:ident),* $(,)?) => {
        $crate::support::suite! { @ postgres "postgres" Postgres: $($test)* }
    };
}
pub(crate) use suite;
