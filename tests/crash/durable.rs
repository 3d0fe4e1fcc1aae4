//! The engines as a crash finds them: with durable settings, and on servers that can be killed.

use std::io;
use std::path::Path;

use diesel::connection::{Connection, SimpleConnection};
#[cfg(any(feature = "postgres", feature = "mysql"))]
use xtask::servers::{Program, Server, may_skip};

use crate::support::Db;

/// An engine that keeps what it has acknowledged.
pub(crate) trait Durable: Db {
    /// Where the database of a test is.
    type Ground: Ground;
    /// How many of a hundred kills hit the server instead of the child.
    const KILLS_OF_THE_SERVER: usize;
    /// Brings the `id`s back to 1 when the tables are empty.
    const RESTART_IDS: &'static str;

    /// The name of the key that sealed an attribute, as it stands in the sealed value; names have five letters here.
    const SEALED_BY: &'static str;

    /// A connection with the settings under which nothing acknowledged may be lost.
    fn open(url: &str) -> Self::Conn {
        Self::Conn::establish(url).unwrap()
    }

    /// Waits until no connection but this one is left: the server may still be at work for a client that was killed.
    fn wait_until_alone(conn: &mut Self::Conn);

    /// What the engine itself says of its files after a crash.
    fn assert_intact(_: &mut Self::Conn) {}

    /// Empty tables, as before the first step.
    fn reset(conn: &mut Self::Conn) {
        conn.batch_execute("DELETE FROM orders; DELETE FROM session_attributes; DELETE FROM sessions").unwrap();
        conn.batch_execute(Self::RESTART_IDS).unwrap();
    }
}

/// The table of the application's own beside the library's.
pub(crate) const ORDERS: &str = "CREATE TABLE orders (id INTEGER NOT NULL PRIMARY KEY, session_id BIGINT NOT NULL)";

/// Where a database is, and the server, if there is one.
pub(crate) trait Ground: Sized {
    /// A ground below `dir`; `None` when the server is not installed and may be missing.
    fn find(dir: &Path) -> io::Result<Option<Self>>;
    /// The address of the database.
    fn url(&self) -> String;
    /// Kills the server, as a power cut would, and starts it again.
    fn kill_server(&mut self) -> io::Result<()>;
    /// Starts it again.
    fn restart_server(&mut self) -> io::Result<()>;
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use std::path::PathBuf;

    use diesel::r2d2::CustomizeConnection;
    use diesel_sessions::SqliteCustomizer;

    use super::*;
    use crate::support::Sqlite;

    /// A file.
    pub(crate) struct File(PathBuf);

    impl Ground for File {
        fn find(dir: &Path) -> io::Result<Option<Self>> {
            Ok(Some(File(dir.join("crash.sqlite3"))))
        }

        fn url(&self) -> String {
            self.0.display().to_string()
        }

        fn kill_server(&mut self) -> io::Result<()> {
            Err(io::Error::other("SQLite has no server"))
        }

        fn restart_server(&mut self) -> io::Result<()> {
            self.kill_server()
        }
    }

    impl Durable for Sqlite {
        type Ground = File;
        const KILLS_OF_THE_SERVER: usize = 0;
        const RESTART_IDS: &'static str = "DELETE FROM sqlite_sequence";
        const SEALED_BY: &'static str = "CAST(substr(sealed, 3, 5) AS TEXT)";

        fn open(url: &str) -> Self::Conn {
            let mut conn = Self::Conn::establish(url).unwrap();
            SqliteCustomizer::new().on_acquire(&mut conn).unwrap();
            assert_eq!(Self::text(&mut conn, "SELECT synchronous FROM pragma_synchronous").as_deref(), Some("2"));
            conn
        }

        fn wait_until_alone(_: &mut Self::Conn) {}

        fn assert_intact(conn: &mut Self::Conn) {
            assert_eq!(Self::texts(conn, "SELECT integrity_check FROM pragma_integrity_check"), [Some("ok".to_owned())]);
            assert_eq!(Self::number(conn, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
        }
    }
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
impl<P: Program> Ground for Server<P> {
    fn find(dir: &Path) -> io::Result<Option<Self>> {
        match Server::start(dir) {
            Ok(server) => Ok(Some(server)),
            Err(error) if may_skip(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn url(&self) -> String {
        Server::url(self)
    }

    fn kill_server(&mut self) -> io::Result<()> {
        self.kill()
    }

    fn restart_server(&mut self) -> io::Result<()> {
        self.restart()
    }
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
fn wait_for_none<D: Db>(conn: &mut D::Conn, others: &str) {
    while D::number(conn, others) > 0 {
        std::thread::yield_now();
    }
}

#[cfg(feature = "postgres")]
impl Durable for crate::support::Postgres {
    type Ground = xtask::servers::Postgres;
    const KILLS_OF_THE_SERVER: usize = 20;
    const RESTART_IDS: &'static str = "TRUNCATE sessions, session_attributes RESTART IDENTITY";
    const SEALED_BY: &'static str = "encode(substr(sealed, 3, 5), 'escape')";

    fn wait_until_alone(conn: &mut Self::Conn) {
        wait_for_none::<Self>(
            conn,
            "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
        );
    }
}

#[cfg(feature = "mysql")]
impl Durable for crate::support::Mysql {
    type Ground = xtask::servers::MariaDb;
    const KILLS_OF_THE_SERVER: usize = 20;
    const RESTART_IDS: &'static str = "ALTER TABLE sessions AUTO_INCREMENT = 1";
    const SEALED_BY: &'static str = "CAST(substr(sealed, 3, 5) AS CHAR)";

    fn wait_until_alone(conn: &mut Self::Conn) {
        wait_for_none::<Self>(
            conn,
            "SELECT count(*) FROM information_schema.processlist WHERE id <> connection_id() AND user = 'root'",
        );
    }
}
