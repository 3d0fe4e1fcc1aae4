//! A million sessions: the tool's memory stays what it is with ten thousand, and a writer goes on meanwhile.
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]
#![cfg(target_os = "linux")]

#[path = "../../../tests/support/support.rs"]
mod support;

#[path = "../cli/tool.rs"]
mod tool;

#[path = "../cli/import/former.rs"]
#[allow(dead_code, reason = "it is shared with the tests of the import")]
mod former;
mod importing;
mod watched;

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use diesel_sessions::{SessionRepository, SessionToken};
use serde_json::{Value, json};

use support::Db;
use watched::watched;

/// All engines at once: each waits for its server, or for others' turns, half of the time.
#[test]
fn a_million_sessions_take_the_memory_that_ten_thousand_take() {
    std::thread::scope(|scope| {
        #[cfg(feature = "sqlite")]
        scope.spawn(|| support::run::<support::Sqlite>(memory_stays));
        #[cfg(feature = "postgres")]
        scope.spawn(|| support::run::<support::Postgres>(memory_stays));
        #[cfg(feature = "mysql")]
        scope.spawn(|| support::run::<support::Mysql>(memory_stays));
    });
}

const FEW: i64 = 10_000;
const MANY: i64 = 1_000_000;
/// Between two writes: there is always one under way, and time left for the other engines' tests.
const PACE: Duration = Duration::from_millis(5);
/// How much memory may grow with a hundred times the rows, in KiB.
const GROWTH: u64 = 20 * 1_024;

/// Expired sessions with ids from 1 to `count`, made by the server.
fn fill<D: Db>(conn: &mut D::Conn, count: i64) {
    // Ends that differ, as those of sessions do.
    let (setting, uuid, past) = match D::NAME {
        // Room for all of them, so that nothing goes to the file twice.
        "sqlite" => (
            "PRAGMA cache_size = -400000",
            "printf('00000000-0000-4000-8000-%012d', id)",
            "printf('2001-02-03 04:05:06.%06d', id % 1000000)",
        ),
        "mysql" => (
            "SET max_recursive_iterations = 1000000",
            "CONCAT('00000000-0000-4000-8000-', LPAD(id, 12, '0'))",
            "TIMESTAMPADD(MICROSECOND, id, '2001-02-03 04:05:06.000000')",
        ),
        _ => (
            "SET synchronous_commit = off",
            "CAST('00000000-0000-4000-8000-' || LPAD(CAST(id AS text), 12, '0') AS uuid)",
            "TIMESTAMPTZ '2001-02-03 04:05:06Z' + id * INTERVAL '1 microsecond'",
        ),
    };
    D::execute(conn, setting);
    D::execute(
        conn,
        &format!(
            "INSERT INTO sessions (id, _uuid, _data, created_at, last_seen_at, expires_at) \
             WITH RECURSIVE numbers (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM numbers WHERE id < {count}) \
             SELECT id, {uuid}, '{{\"note\": \"nothing that anybody reads\"}}', past, past, past \
             FROM (SELECT id, {past} AS past FROM numbers) AS expired"
        ),
    );
}

/// The list that is printed in full. Rows are read in the engine's way, and printed in the same two ways on all of them.
fn whole_list<D: Db>() -> &'static [&'static str] {
    match D::NAME {
        "postgres" => &["list", "--expired", "--format", "json"],
        _ => &["list", "--expired"],
    }
}

/// Saves one after the other until nobody is left to send `done`; how many. Each finds what the one before has written.
fn save_again_and_again<D: Db>(db: &D, sessions: &SessionRepository<D::Model>, token: &SessionToken, done: &Receiver<()>) -> i64 {
    let mut conn = db.connect();
    let begin: i64 = sessions.load(&mut conn, Some(token.reveal())).unwrap().unwrap().get("count").unwrap().unwrap();
    let mut count = begin;
    while done.recv_timeout(PACE) == Err(RecvTimeoutError::Timeout) {
        let mut session = sessions.load(&mut conn, Some(token.reveal())).unwrap().unwrap();
        assert_eq!(session.get::<i64>("count").unwrap(), Some(count), "nothing is lost");
        count += 1;
        session.insert("count", count).unwrap();
        sessions.save(&mut conn, &mut session).unwrap();
    }
    count - begin
}

// S63, P12
fn memory_stays<D: Db>(db: &D) {
    let mut conn = db.connect();
    let sessions = SessionRepository::<D::Model>::builder().build().unwrap();
    let mut own = sessions.new_session();
    own.insert("count", 0).unwrap();
    sessions.create(&mut conn, &mut own).unwrap();
    // Ids from 1 on are those of the others.
    D::execute(&mut conn, "UPDATE sessions SET id = 2000000");
    let token = own.new_token().unwrap().clone();

    let mut peaks = Vec::new();
    for rows in [FEW, MANY] {
        fill::<D>(&mut conn, rows);
        let (list, _) = watched(&db.url(), whole_list::<D>());
        let (still_at_it, done) = channel();
        let ((purge, answer), saves) = std::thread::scope(|scope| {
            let (sessions, token) = (&sessions, &token);
            let writer = scope.spawn(move || save_again_and_again(db, sessions, token, &done));
            let answer = watched(&db.url(), &["purge", "--batch", "10000", "--format", "json"]);
            drop(still_at_it);
            (answer, writer.join().unwrap())
        });
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer, json!({ "sessions": rows, "attributes": 0, "complete": true }));
        assert!(saves > 0, "the writer has not stood still");
        eprintln!("{}: {rows} rows, {saves} saves meanwhile; {list} KiB of list, {purge} KiB of purge", D::NAME);
        peaks.push([list, purge]);
    }
    for (few, many) in peaks[0].iter().zip(&peaks[1]) {
        assert!(*many < few + GROWTH, "{few} KiB with {FEW} rows, {many} KiB with {MANY}");
    }
    assert_eq!(tool::json(&db.url(), &["stats"])["live"], 1);
}
