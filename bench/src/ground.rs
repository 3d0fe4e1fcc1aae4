//! Where the measurements take place: private servers and a directory, with the settings that RESULTS.md states.

use std::error::Error;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::cores::Cores;
use crate::engine::Engine;
use diesel::connection::SimpleConnection;
use diesel::{Connection, MysqlConnection, PgConnection};
use tempfile::TempDir;
use xtask::servers::{MariaDb, Postgres, Settings};

/// What PostgreSQL runs with, beyond its defaults.
pub const POSTGRES: [&str; 10] = [
    "shared_buffers=1GB",
    "max_wal_size=8GB",
    "min_wal_size=4GB",
    "checkpoint_timeout=1h",
    "synchronous_commit=off",
    "shared_preload_libraries=pg_stat_statements",
    "pg_stat_statements.track=top",
    "autovacuum_naptime=1h",
    "jit=off",
    "max_parallel_workers_per_gather=0",
];

/// What MariaDB runs with, beyond its defaults.
pub const MARIADB: [&str; 3] = ["innodb-buffer-pool-size=1G", "innodb-log-file-size=1G", "innodb-flush-log-at-trx-commit=2"];

/// Two servers that are reached through Unix sockets, and a directory for SQLite's files; they end with the value.
#[derive(Debug)]
pub struct Ground {
    cores: Cores,
    postgres: Postgres,
    _mariadb: MariaDb,
    dir: TempDir,
}

impl Ground {
    /// Starts the servers on a core of their own; this thread has another, unless it is at work on SQLite ([`seat`](Ground::seat)).
    pub fn apart() -> Result<Self, Box<dyn Error>> {
        let cores = Cores::of_this_process()?;
        cores.last()?;
        let ground = Self::start()?;
        cores.first()?;
        Ok(Ground { cores, ..ground })
    }

    /// Gives the client of an engine its place: the first core where a server has the last one. What runs within the process
    /// has all of them, threads of the rival's too.
    pub fn seat<E: Engine>(&self) {
        let seated = if E::IS_EMBEDDED { self.cores.free() } else { self.cores.first() };
        seated.expect("the cores that the process was given");
    }

    /// Starts the servers.
    pub fn start() -> Result<Self, Box<dyn Error>> {
        let cores = Cores::of_this_process()?;
        let dir = tempfile::Builder::new().prefix("sessions-bench-").tempdir()?;
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777))?; // the servers run as users of their own
        let servers = dir.path().join("servers");
        let socket = dir.path().display();
        let options = |of: &[&str], own: String| of.iter().map(ToString::to_string).chain([own]).collect();
        let postgres = options(&POSTGRES, format!("unix_socket_directories={socket}"));
        let mariadb = options(&MARIADB, format!("socket={socket}/mariadb"));
        Ok(Ground {
            cores,
            postgres: Postgres::start_with(&servers, Settings { options: postgres, ..Settings::default() })?,
            _mariadb: MariaDb::start_with(&servers, Settings { options: mariadb, ..Settings::default() })?,
            dir,
        })
    }

    /// Where SQLite's files go.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// PostgreSQL's socket.
    pub fn postgres_socket(&self) -> PathBuf {
        self.dir.path().join(format!(".s.PGSQL.{}", self.postgres.port()))
    }

    /// The address of a PostgreSQL database, for libpq and for sqlx.
    pub fn postgres_url(&self, database: &str) -> String {
        format!("postgres:///{database}?host={}&port={}&user=postgres", self.dir.path().display(), self.postgres.port())
    }

    /// MariaDB's socket.
    pub fn mariadb_socket(&self) -> PathBuf {
        self.dir.path().join("mariadb")
    }

    /// The address of a MariaDB database for Diesel.
    pub fn mariadb_url(&self, database: &str) -> String {
        format!("mysql://root@localhost/{database}?unix_socket={}", self.mariadb_socket().display())
    }

    /// The same for sqlx.
    pub fn mariadb_url_of_sqlx(&self, database: &str) -> String {
        format!("mysql://root@localhost/{database}?socket={}", self.mariadb_socket().display())
    }

    /// Makes a PostgreSQL database, in the place of one of that name.
    pub fn new_postgres(&self, database: &str) -> String {
        let mut conn = PgConnection::establish(&self.postgres_url("postgres")).expect("PostgreSQL answers");
        conn.batch_execute(&format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)")).expect("it can be dropped");
        conn.batch_execute(&format!("CREATE DATABASE {database}")).expect("it can be made");
        let url = self.postgres_url(database);
        let mut conn = PgConnection::establish(&url).expect("it is there");
        conn.batch_execute("CREATE EXTENSION pg_stat_statements").expect("it is preloaded");
        url
    }

    /// Makes a MariaDB database, in the place of one of that name.
    pub fn new_mariadb(&self, database: &str) -> String {
        let mut conn = MysqlConnection::establish(&self.mariadb_url("mysql")).expect("MariaDB answers");
        conn.batch_execute(&format!("DROP DATABASE IF EXISTS {database}")).expect("it can be dropped");
        conn.batch_execute(&format!("CREATE DATABASE {database}")).expect("it can be made");
        self.mariadb_url(database)
    }

    /// The file of a new SQLite database.
    pub fn new_sqlite(&self, database: &str) -> String {
        let file = self.dir.path().join(format!("{database}.sqlite3"));
        for end in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(format!("{}{end}", file.display())); // usually there is none
        }
        file.display().to_string()
    }
}
