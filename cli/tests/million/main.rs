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

use std::sync::atomic::{AtomicBool, Ordering};

use diesel_sessions::{SessionRepository, SessionToken};
use serde_json::{Value, json};

use support::{Db, suite};
use watched::watched;

suite! { a_million_sessions_take_the_memory_that_ten_thousand_take }

const FEW: i64 = 10_000;
const MANY: i64 = 1_000_000;
/// Most rows of a list: pages enough to tell whether they are kept.
const LISTED: &str = "100000";
/// How much memory may grow with a hundred times the rows, in KiB.
const GROWTH: u64 = 20 * 1_024;

/// The numbers from one to a million, on every engine.
const NUMBERS: &str = "WITH RECURSIVE thousand(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM thousand WHERE n < 999) \
                       SELECT 1 + few.n + 1000 * many.n AS id FROM thousand AS few CROSS JOIN thousand AS many";

/// Expired sessions with ids from 1 to `count`, made by the server.
fn fill<D: Db>(conn: &mut D::Conn, count: i64) {
    // Ends that differ, as those of sessions do.
    let (uuid, past) = match D::NAME {
        "sqlite" => ("printf('00000000-0000-4000-8000-%012d', id)", "printf('2001-02-03 04:05:06.%06d', id % 1000000)"),
        "mysql" => (
            "CONCAT('00000000-0000-4000-8000-', LPAD(id, 12, '0'))",
            "TIMESTAMPADD(MICROSECOND, id, '2001-02-03 04:05:06.000000')",
        ),
        _ => (
            "CAST('00000000-0000-4000-8000-' || LPAD(CAST(id AS text), 12, '0') AS uuid)",
            "TIMESTAMPTZ '2001-02-03 04:05:06Z' + id * INTERVAL '1 microsecond'",
        ),
    };
    D::execute(
        conn,
        &format!(
            "INSERT INTO sessions (id, _uuid, _data, created_at, last_seen_at, expires_at) \
             SELECT id, {uuid}, '{{\"note\": \"nothing that anybody reads\"}}', {past}, {past}, {past} \
             FROM ({NUMBERS}) AS numbers WHERE id <= {count}"
        ),
    );
}

/// Saves one after the other until it is told to stop; how many. Each finds what the one before has written.
fn save_again_and_again<D: Db>(
    db: &D,
    sessions: &SessionRepository<D::Model>,
    token: &SessionToken,
    is_done: &AtomicBool,
) -> i64 {
    let mut conn = db.connect();
    let begin: i64 = sessions.load(&mut conn, Some(token.reveal())).unwrap().unwrap().get("count").unwrap().unwrap();
    let mut count = begin;
    while !is_done.load(Ordering::Relaxed) {
        let mut session = sessions.load(&mut conn, Some(token.reveal())).unwrap().unwrap();
        assert_eq!(session.get::<i64>("count").unwrap(), Some(count), "nothing is lost");
        count += 1;
        session.insert("count", count).unwrap();
        sessions.save(&mut conn, &mut session).unwrap();
    }
    count - begin
}

// S63, P12
fn a_million_sessions_take_the_memory_that_ten_thousand_take<D: Db>(db: &D) {
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
        let (table, _) = watched(&db.url(), &["list", "--expired", "--limit", LISTED]);
        let (array, _) = watched(&db.url(), &["list", "--expired", "--limit", LISTED, "--format", "json"]);
        let is_done = AtomicBool::new(false);
        let ((purge, answer), saves) = std::thread::scope(|scope| {
            let writer = scope.spawn(|| save_again_and_again(db, &sessions, &token, &is_done));
            let answer = watched(&db.url(), &["purge", "--batch", "10000", "--format", "json"]);
            is_done.store(true, Ordering::Relaxed);
            (answer, writer.join().unwrap())
        });
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer, json!({ "sessions": rows, "attributes": 0, "complete": true }));
        assert!(saves > 0, "the writer has not stood still");
        eprintln!(
            "{}: {rows} rows, {saves} saves meanwhile; KiB of list, list as JSON, purge: {table}, {array}, {purge}",
            D::NAME
        );
        peaks.push([table, array, purge]);
    }
    for (few, many) in peaks[0].iter().zip(&peaks[1]) {
        assert!(*many < few + GROWTH, "{few} KiB with {FEW} rows, {many} KiB with {MANY}");
    }
    assert_eq!(tool::json(&db.url(), &["stats"])["live"], 1);
}
