//! A database for each test, on the engine that the shop is built for; it goes with the value.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

#[cfg(feature = "mysql")]
type Conn = diesel::mysql::MysqlConnection;
#[cfg(all(feature = "postgres", not(feature = "mysql")))]
type Conn = diesel::pg::PgConnection;
#[cfg(not(any(feature = "postgres", feature = "mysql")))]
type Conn = diesel::sqlite::SqliteConnection;

/// The engine, as directories are named after it.
pub(crate) const ENGINE: &str = if cfg!(feature = "mysql") {
    "mysql"
} else if cfg!(feature = "postgres") {
    "postgres"
} else {
    "sqlite"
};

/// An empty database.
pub(crate) struct Database {
    pub(crate) url: String,
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    admin: String,
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    name: String,
    #[cfg(not(any(feature = "postgres", feature = "mysql")))]
    _dir: tempfile::TempDir,
}

#[cfg(not(any(feature = "postgres", feature = "mysql")))]
impl Database {
    /// A file in a directory of its own.
    pub(crate) fn fresh() -> Option<Database> {
        let dir = tempfile::tempdir().unwrap();
        Some(Database { url: dir.path().join("shop.sqlite3").display().to_string(), _dir: dir })
    }
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
impl Database {
    /// On the server that `TEST_POSTGRES_URL` or `TEST_MYSQL_URL` names; without one there is none, and the test is skipped.
    pub(crate) fn fresh() -> Option<Database> {
        use std::sync::atomic::{AtomicU32, Ordering};
        static COUNT: AtomicU32 = AtomicU32::new(0);

        let variable = if cfg!(feature = "mysql") { "TEST_MYSQL_URL" } else { "TEST_POSTGRES_URL" };
        let Ok(admin) = std::env::var(variable) else {
            super::skipped::skipped(&format!("{variable} is not set"));
            return None;
        };
        let name = format!("demo_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Conn::establish(&admin).unwrap().batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
        let (server, _) = admin.rsplit_once('/').expect("the URL names a database");
        Some(Database { url: format!("{server}/{name}"), admin, name })
    }
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
impl Drop for Database {
    fn drop(&mut self) {
        let force = if cfg!(feature = "mysql") { "" } else { " WITH (FORCE)" };
        let dropped = Conn::establish(&self.admin).map_err(|error| error.to_string()).and_then(|mut conn| {
            conn.batch_execute(&format!("DROP DATABASE IF EXISTS {}{force}", self.name)).map_err(|error| error.to_string())
        });
        if let Err(error) = dropped {
            eprintln!("left behind {}: {error}", self.name);
        }
    }
}

impl Database {
    /// Runs plain SQL, beside the shop. Times in it are UTC.
    pub(crate) fn execute(&self, sql: &str) {
        let settings = match ENGINE {
            "postgres" => "SET TIME ZONE 'UTC'",
            "mysql" => "SET time_zone = '+00:00'",
            _ => "PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON",
        };
        let mut conn = Conn::establish(&self.url).unwrap();
        conn.batch_execute(settings).unwrap();
        conn.batch_execute(sql).unwrap();
    }
}
