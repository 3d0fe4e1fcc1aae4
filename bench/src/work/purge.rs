//! P9: a tenth of a million sessions has expired and is removed while somebody writes. P10: an owner's are revoked.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use diesel::connection::SimpleConnection;

use crate::engine::{Engine, IDLE, Place, Postgres, cookies, repository};
use crate::ground::Ground;
use crate::payload::{CHANGED, SIZES, Visits, document, text};
use crate::results::{Must, Picture, Results};
use crate::server;

const EXPIRED: u64 = 100_000;
const LIVE: u64 = 900_000;
/// Rows of a batch: what README shows.
const BATCH: u32 = 1_000;
/// How long the writer is watched alone, before the purge.
const ALONE: Duration = Duration::from_secs(5);

pub fn run(ground: &Ground, results: &mut Results) {
    purge(ground, results);
    revoke(ground, results);
}

fn purge(ground: &Ground, results: &mut Results) {
    let data = text(&document(SIZES[0]));
    let mut place = Place::fill::<Postgres>(ground, "purging", 0, &data);
    let mut conn = Postgres::connect(&place.url);
    // Of each ten thousand in a row a tenth has expired: pages hold both.
    let long_ago = place.now - TimeDelta::from_std(IDLE).expect("hours") - TimeDelta::hours(1);
    let mut live = Vec::new();
    for block in 0..(LIVE + EXPIRED) / 1_000 {
        let (from, to) = (block * 1_000, (block + 1) * 1_000);
        let seen = if block % 10 == 3 { long_ago } else { place.now };
        conn.batch_execute(&Postgres::insert(from, to, &data, seen)).expect("the rows are new");
        if block % 10 != 3 {
            live.extend(from + 1..=to);
        }
    }
    place.rows = LIVE + EXPIRED;
    Postgres::settle(&mut conn);
    let mut server = server::Statistics::of(&place.url);

    let numbers: Vec<u64> = live.iter().step_by(90).copied().collect();
    let (sessions, cookies, stop) = (repository::<Postgres>(), cookies(&numbers), AtomicBool::new(false));
    let begun = Instant::now();
    let (latencies, span, purged) = thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut conn = Postgres::connect(&place.url);
            let mut visits = Visits::of(cookies.len());
            let mut latencies = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let at = Instant::now();
                let mut session =
                    sessions.load(&mut conn, cookies[visits.next()].as_str()).expect("it answers").expect("it is live");
                session.insert(CHANGED, latencies.len()).expect("it fits");
                sessions.save(&mut conn, &mut session).expect("nobody else changes it");
                latencies.push((at.duration_since(begun).as_secs_f64(), at.elapsed().as_secs_f64()));
                thread::sleep(Duration::from_millis(1)); // a thousand requests a second at most, as far as the sleep is exact
            }
            latencies
        });
        thread::sleep(ALONE);
        server.reset();
        let from = begun.elapsed().as_secs_f64();
        let purged = sessions.purge_expired(&mut conn, BATCH).expect("nothing holds the rows");
        let to = begun.elapsed().as_secs_f64();
        thread::sleep(Duration::from_secs(2));
        stop.store(true, Ordering::Relaxed);
        (writer.join().expect("it has ended"), (from, to), purged.sessions)
    });
    let longest = longest_deletion(&place.url);
    assert_eq!(purged as u64, EXPIRED);
    let within = |(from, to): (f64, f64)| {
        let mut taken: Vec<f64> = latencies.iter().filter(|(at, _)| (from..to).contains(at)).map(|(_, taken)| *taken).collect();
        taken.sort_unstable_by(f64::total_cmp);
        taken[taken.len() * 99 / 100]
    };
    let (own, during) = (within((1.0, span.0)), within(span));
    let rate = EXPIRED as f64 / (span.1 - span.0);
    results.fact("P9", "PostgreSQL: purge of 100,000 among 1,000,000", rate, "rows/s", Must::AtLeast(50_000.0));
    results.fact("P9", "PostgreSQL: longest batch, and so the longest lock", longest, "ms", Must::AtMost(20.0));
    results.fact("P9", "PostgreSQL: a writer's p99 by itself", own * 1e3, "ms", Must::Nothing);
    results.fact("P9", "PostgreSQL: its p99 during the purge, over its own", during / own, "", Must::AtMost(2.0));
    results.pictures.push(Picture {
        file: "writer-during-purge",
        title: "A writer's latency while 100,000 of 1,000,000 sessions are purged",
        across: "seconds",
        up: "ms",
        logarithmic: false,
        spans: vec![(span.0, span.1, "purge".to_owned())],
        curves: [("p99", 99), ("median", 50)].map(|(name, percent)| (name.to_owned(), windows(&latencies, percent))).into(),
    });
}

/// How long the longest deletion took: a batch is a transaction of its own, and holds its locks no longer.
fn longest_deletion(url: &str) -> f64 {
    server::Statistics::of(url).longest("DELETE FROM \"sessions\"%")
}

/// A percentile in windows of a tenth of a second, in milliseconds.
fn windows(latencies: &[(f64, f64)], percent: usize) -> Vec<(f64, f64)> {
    let window = |at: f64| (at * 10.0) as u64;
    let groups = latencies.chunk_by(|a, b| window(a.0) == window(b.0));
    let point = |group: &[(f64, f64)]| {
        let mut taken: Vec<f64> = group.iter().map(|(_, taken)| *taken).collect();
        taken.sort_unstable_by(f64::total_cmp);
        (window(group[0].0) as f64 / 10.0 + 0.05, taken[(taken.len() * percent / 100).min(taken.len() - 1)] * 1e3)
    };
    groups.map(point).collect()
}

fn revoke(ground: &Ground, results: &mut Results) {
    const SESSIONS: u64 = 10_000;
    let place = Place::fill::<Postgres>(ground, "revoking", 2 * SESSIONS, &text(&document(SIZES[0])));
    let mut conn = Postgres::connect(&place.url);
    let owners = format!("UPDATE sessions SET user_id = CASE WHEN id <= {SESSIONS} THEN 0 ELSE 1 END");
    conn.batch_execute(&owners).expect("they can be given another owner");
    let mut server = server::Statistics::of(&place.url);
    server.reset();
    let begun = Instant::now();
    let revoked = repository::<Postgres>().of(&0).revoke_all(&mut conn).expect("nothing holds the rows");
    let taken = begun.elapsed().as_secs_f64();
    assert_eq!(revoked as u64, SESSIONS);
    results.fact("P10", "PostgreSQL: revoke_all of 10,000 sessions: statements", server.sent().statements, "", Must::Be(1.0));
    results.fact("P10", "PostgreSQL: revoke_all of 10,000 sessions", taken * 1e3, "ms", Must::Nothing);
}
