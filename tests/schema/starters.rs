//! Eight processes that start together on one empty database, round after round.
//!
//! The processes are this test binary again: with [`CHILD`] set, a test does not start the others but is one of them. Each
//! takes a URL from its standard input, connects, says so, and begins when it is told to.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

use diesel::connection::Connection;

use crate::support::{Db, skipped};

const CHILD: &str = "DIESEL_SESSIONS_STARTER";
const PROCESSES: usize = 8;
const ROUNDS: usize = 20;

/// What one process does in one round, given the database's URL: it connects, and hands back the work to be done together.
type Connect = fn(&str) -> Box<dyn FnOnce()>;

/// Connects in peace; only the migrations run together.
fn plainly<D: Db>(url: &str) -> Box<dyn FnOnce()> {
    let mut conn = D::Conn::establish(url).unwrap();
    if D::NAME == "sqlite" {
        D::execute(&mut conn, "PRAGMA busy_timeout = 20000");
    }
    Box::new(move || D::migrate(&mut conn))
}

#[cfg(feature = "sqlite")]
#[test]
fn eight_processes_may_migrate_one_sqlite_file() {
    rounds::<crate::support::Sqlite>("starters::eight_processes_may_migrate_one_sqlite_file", plainly::<crate::support::Sqlite>);
}

#[cfg(feature = "postgres")]
#[test]
fn eight_processes_may_migrate_one_postgres_database() {
    let name = "starters::eight_processes_may_migrate_one_postgres_database";
    rounds::<crate::support::Postgres>(name, plainly::<crate::support::Postgres>);
}

#[cfg(feature = "mysql")]
#[test]
fn eight_processes_may_migrate_one_mysql_database() {
    let name = "starters::eight_processes_may_migrate_one_mysql_database";
    rounds::<crate::support::Mysql>(name, plainly::<crate::support::Mysql>);
}

/// Opening the file is part of the race: every connection of every pool wants to change the journal's mode.
#[cfg(feature = "sqlite")]
#[test]
fn eight_processes_may_open_a_pool_on_a_new_sqlite_file_and_migrate_it() {
    use crate::support::Sqlite;
    use diesel::r2d2::{ConnectionManager, Pool};
    use diesel_sessions::SqliteCustomizer;

    rounds::<Sqlite>("starters::eight_processes_may_open_a_pool_on_a_new_sqlite_file_and_migrate_it", |url| {
        let manager = ConnectionManager::<diesel::SqliteConnection>::new(url);
        Box::new(move || {
            let customizer = Box::new(SqliteCustomizer::new().busy_timeout(crate::support::seconds(20)));
            let pool = Pool::builder().max_size(2).connection_customizer(customizer).build(manager).unwrap();
            Sqlite::migrate(&mut pool.get().unwrap());
        })
    });
}

fn rounds<D: Db>(name: &str, connect: Connect) {
    if std::env::var_os(CHILD).is_some() {
        return serve(connect);
    }
    if D::empty().is_none() {
        return skipped(D::NAME);
    }
    let mut starters: Vec<Starter> = (0..PROCESSES).map(|_| Starter::new(name)).collect();
    for round in 1..=ROUNDS {
        let db = D::empty().unwrap();
        starters.iter_mut().for_each(|starter| starter.say(&db.url()));
        starters.iter_mut().for_each(|starter| assert_eq!(starter.hear(), READY, "round {round}"));
        starters.iter_mut().for_each(|starter| starter.say("go"));
        let answers: Vec<String> = starters.iter_mut().map(Starter::hear).collect();
        assert_eq!(answers, vec![DONE; PROCESSES], "round {round}");

        let conn = &mut db.connect();
        assert_eq!(D::number(conn, "SELECT count(*) FROM __diesel_schema_migrations"), 1);
        assert_eq!(D::number(conn, "SELECT count(*) FROM sessions"), 0);
        assert_eq!(D::number(conn, "SELECT count(*) FROM session_attributes"), 0);
    }
}

const READY: &str = "ready";
const DONE: &str = "done";

/// A child's side: standard error is the line to its parent, as the test harness writes to standard output itself.
fn serve(connect: Connect) {
    let mut lines = std::io::stdin().lines();
    while let Some(url) = lines.next() {
        let work = connect(&url.unwrap());
        eprintln!("{READY}");
        lines.next().unwrap().unwrap();
        work();
        eprintln!("{DONE}");
    }
}

/// A parent's side. Dropping it ends the process.
struct Starter {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<std::process::ChildStderr>,
}

impl Starter {
    fn new(name: &str) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(CHILD, "1")
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (process.stdin.take(), BufReader::new(process.stderr.take().unwrap()));
        Starter { process, input, output }
    }

    fn say(&mut self, line: &str) {
        // A process that has ended is found out when it is listened to.
        let _ = writeln!(self.input.as_mut().unwrap(), "{line}");
    }

    /// Its next line; of a process that fails, all that it says about it.
    fn hear(&mut self) -> String {
        let mut text = String::new();
        while self.output.read_line(&mut text).unwrap() > 0 {
            if matches!(text.trim_end(), READY | DONE) {
                break;
            }
        }
        text.trim_end().to_owned()
    }
}

impl Drop for Starter {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.process.wait();
    }
}
