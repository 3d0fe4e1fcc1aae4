//! `purge`: deleting what has expired.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use diesel_sessions::SessionRepository;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::rows;
use super::support::{Db, suite};
use super::terminal::typed;
use super::tool::{json, print, run, tool};

suite! {
    what_has_expired_is_purged_and_counted,
    it_purges_as_the_library_does,
    batches_of_any_size_purge_everything,
    a_signal_ends_a_purge_between_two_batches,
    purging_every_now_and_then_ends_with_a_signal,
    purging_every_now_and_then_outlives_a_failure,
    a_terminal_shows_a_bar,
}

// S63
fn what_has_expired_is_purged_and_counted<D: Db>(db: &D) {
    let mut conn = rows::four(db);
    assert_eq!(print(&db.url(), &["purge"]), "1 expired sessions and 1 expired attributes deleted\n");
    assert_eq!(rows::ids::<D>(&mut conn), [2, 3, 4]);
    assert_eq!(D::number(&mut conn, "SELECT COUNT(*) FROM session_attributes"), 2);
    assert_eq!(json(&db.url(), &["purge"]), json!({ "sessions": 0, "attributes": 0, "complete": true }));
    assert_eq!(run(&db.url(), &["purge", "--batch", "0"]).status, Some(2));
    assert_eq!(run(&db.url(), &["purge", "--every", "1ms"]).status, Some(2));
}

fn it_purges_as_the_library_does<D: Db>(db: &D) {
    let mut conn = rows::four(db);
    D::execute(&mut conn, "DELETE FROM sessions WHERE id = 2");
    let sessions = SessionRepository::<D::Model>::builder().build().unwrap();
    let purged = sessions.purge_expired(&mut conn, 10).unwrap();
    let left = rows::ids::<D>(&mut conn);
    D::execute(&mut conn, "DELETE FROM sessions");
    rows::four(db);
    D::execute(&mut conn, "DELETE FROM sessions WHERE id = 2");
    let answer = json(&db.url(), &["purge"]);
    assert_eq!((&answer["sessions"], &answer["attributes"]), (&json!(purged.sessions), &json!(purged.attributes)));
    assert_eq!(rows::ids::<D>(&mut conn), left);
}

// S63
fn batches_of_any_size_purge_everything<D: Db>(db: &D) {
    let mut conn = db.connect();
    for batch in ["7", "1000", "1500", "100000"] {
        rows::expired::<D>(&mut conn, 2_300);
        rows::session::<D>(&mut conn, 5_000, None, rows::FUTURE);
        for number in 0..250 {
            rows::attribute::<D>(&mut conn, 5_000, &format!("a{number}"), Some(rows::PAST));
        }
        let answer = json(&db.url(), &["purge", "--batch", batch]);
        assert_eq!(answer, json!({ "sessions": 2_300, "attributes": 250, "complete": true }), "batches of {batch}");
        assert_eq!(rows::ids::<D>(&mut conn), [5_000]);
        D::execute(&mut conn, "DELETE FROM sessions");
    }
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

fn a_signal_ends_a_purge_between_two_batches<D: Db>(db: &D) {
    const ROWS: usize = 20_000;
    let mut conn = db.connect();
    for (signal, status) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        D::execute(&mut conn, "DELETE FROM sessions");
        rows::expired::<D>(&mut conn, ROWS);
        let folder = tempfile::tempdir().unwrap();
        let mut command = tool(folder.path());
        command.env("DATABASE_URL", db.url()).args(["purge", "--batch", "1", "--format", "json"]).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let left = |conn: &mut D::Conn| D::number(conn, "SELECT COUNT(*) FROM sessions");
        while left(&mut conn) == ROWS as i64 {
            assert_eq!(child.try_wait().unwrap(), None, "it is at work");
        }
        send(&child, signal);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(status));
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let left = left(&mut conn);
        assert!(left > 0, "it was to be interrupted");
        assert_eq!(answer, json!({ "sessions": ROWS as i64 - left, "attributes": 0, "complete": false }));
    }
}

/// A process that goes on until it is told to end. It does not outlive a test that fails.
struct Running(Child);

impl Running {
    fn ends(mut self, signal: Signal) -> Option<i32> {
        send(&self.0, signal);
        self.0.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok(); // it has ended, unless the test has failed
        self.0.wait().ok();
    }
}

/// A purge that goes on, and what it prints.
fn every(command: &mut Command, url: &str, interval: &str) -> (Running, BufReader<std::process::ChildStdout>) {
    command.env("DATABASE_URL", url).args(["purge", "--every", interval]).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let printed = BufReader::new(child.stdout.take().unwrap());
    (Running(child), printed)
}

fn purging_every_now_and_then_ends_with_a_signal<D: Db>(db: &D) {
    let mut conn = rows::four(db);
    let folder = tempfile::tempdir().unwrap();
    let (child, mut printed) = every(&mut tool(folder.path()), &db.url(), "1h");
    let mut line = String::new();
    printed.read_line(&mut line).unwrap();
    assert_eq!(line, "1 expired sessions and 1 expired attributes deleted\n");
    assert_eq!(child.ends(Signal::TERM), Some(0));
    assert_eq!(rows::ids::<D>(&mut conn), [2, 3, 4]);
    run(&db.url(), &["purge", "--every", "1h", "--table", "visits"]).assert_failed(1, &["no table `visits`"]);
}

fn purging_every_now_and_then_outlives_a_failure<D: Db>(db: &D) {
    let mut conn = rows::four(db);
    let folder = tempfile::tempdir().unwrap();
    let (mut child, mut printed) = every(tool(folder.path()).stderr(Stdio::piped()), &db.url(), "1s");
    let mut complaints = BufReader::new(child.0.stderr.take().unwrap());
    let mut line = String::new();
    printed.read_line(&mut line).unwrap();
    D::execute(&mut conn, "ALTER TABLE sessions RENAME TO elsewhere");
    // Rounds before and after the renaming are fine: what is awaited is the one that is not.
    line.clear();
    complaints.read_line(&mut line).unwrap();
    assert!(line.contains("no table `sessions`"), "{line}");
    D::execute(&mut conn, "ALTER TABLE elsewhere RENAME TO sessions");
    rows::session::<D>(&mut conn, 1, None, rows::PAST);
    while !line.starts_with("1 expired sessions") {
        line.clear();
        assert_ne!(printed.read_line(&mut line).unwrap(), 0, "it goes on");
    }
    assert_eq!(child.ends(Signal::TERM), Some(0));
}

fn a_terminal_shows_a_bar<D: Db>(db: &D) {
    rows::expired::<D>(&mut db.connect(), 3_000);
    let folder = tempfile::tempdir().unwrap();
    let (status, shown) = typed(tool(folder.path()).env("DATABASE_URL", db.url()).arg("purge"), "");
    assert_eq!(status, Some(0), "{shown}");
    assert!(shown.contains("of 3,000 sessions purged") && shown.contains("3000 expired sessions"), "{shown}");
}

#[cfg(feature = "postgres")]
#[test]
fn a_round_is_left_to_another_process_that_is_at_it() {
    use super::support::{Postgres, skipped};
    let Some(db) = Postgres::fresh() else { return skipped(Postgres::NAME) };
    let mut conn = rows::four(&db);
    let key = diesel_sessions::__private::postgres::purge_key("sessions");
    Postgres::execute(&mut conn, &format!("SELECT pg_advisory_lock({key})"));
    let folder = tempfile::tempdir().unwrap();
    // The library has its lock by the name that the schema declares, which has no `public` before it.
    for table in ["sessions", "public.sessions"] {
        let (child, mut printed) = every(tool(folder.path()).args(["--table", table]), &db.url(), "1h");
        let mut line = String::new();
        printed.read_line(&mut line).unwrap();
        assert_eq!(line, "0 expired sessions and 0 expired attributes deleted\n", "{table}");
        assert_eq!(child.ends(Signal::INT), Some(0));
    }
    assert_eq!(json(&db.url(), &["purge"])["sessions"], 1, "asked for once, it does not wait for its turn");
}

#[cfg(feature = "postgres")]
#[test]
fn a_second_signal_ends_a_purge_that_waits_for_a_lock() {
    use super::support::{Postgres, skipped};
    let Some(db) = Postgres::fresh() else { return skipped(Postgres::NAME) };
    let (mut conn, mut watcher) = (rows::four(&db), db.connect());
    Postgres::execute(&mut conn, "BEGIN; LOCK TABLE sessions");
    let folder = tempfile::tempdir().unwrap();
    let mut child = tool(folder.path()).env("DATABASE_URL", db.url()).arg("purge").spawn().unwrap();
    let waiting = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while Postgres::number(&mut watcher, waiting) == 0 {
        assert_eq!(child.try_wait().unwrap(), None, "it waits");
    }
    send(&child, Signal::TERM);
    send(&child, Signal::INT);
    assert!(matches!(child.wait().unwrap().code(), Some(130 | 143)));
    Postgres::execute(&mut conn, "ROLLBACK");
    assert_eq!(rows::ids::<Postgres>(&mut conn), [1, 2, 3, 4]);
}
