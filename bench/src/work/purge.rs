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
    // Of each eleven thousand in a row two have expired: pages hold both.
    let long_ago = place.now - TimeDelta::from_std(IDLE).expect("hours") - TimeDelta::hours(1);
    let mut live = Vec::new();
    for block in 0..(LIVE + 2 * EXPIRED) / 1_000 {
        let (from, to) = (block * 1_000, (block + 1) * 1_000);
        let has_expired = matches!(block % 11, 3 | 8);
        conn.batch_execute(&Postgres::insert(from, to, &data, if has_expired { long_ago } else { place.now }))
            .expect("they are new");
        if !has_expired {
            live.extend(from + 1..=to);
        }
    }
    place.rows = LIVE + 2 * EXPIRED;
    Postgres::settle(&mut conn);
    let sessions = repository::<Postgres>();
    let cookies = cookies(&live.iter().step_by(90).copied().collect::<Vec<u64>>());

    let unpaused = Watched::while_at(&place, &cookies, || {
        let batches =
            (0..EXPIRED / u64::from(BATCH)).map(|_| sessions.purge_batch(&mut conn, BATCH).expect("nothing holds the rows"));
        assert_eq!(batches.map(|batch| batch.sessions as u64).sum::<u64>(), EXPIRED);
    });
    let without = "PostgreSQL: the same by batches without a gap";
    results.fact("", without, unpaused.rate(), "rows/s", Must::Nothing);
    results.fact("", format!("{without}: the writer's p99, over its own"), unpaused.ratio(), "", Must::Nothing);

    Postgres::settle(&mut conn);
    server::Statistics::of(&place.url).reset();
    let watched = Watched::while_at(&place, &cookies, || {
        let purged = sessions.purge_expired(&mut conn, BATCH).expect("nothing holds the rows");
        assert_eq!(purged.sessions as u64, EXPIRED);
    });
    let longest = server::Statistics::of(&place.url).longest("DELETE FROM \"sessions\"%");
    results.fact("P9", "PostgreSQL: purge of 100,000 among 1,000,000", watched.rate(), "rows/s", Must::AtLeast(50_000.0));
    // A batch is a transaction of its own, and holds its locks no longer than its statement takes.
    results.fact("P9", "PostgreSQL: longest batch, and so the longest lock", longest, "ms", Must::AtMost(20.0));
    results.fact("P9", "PostgreSQL: a writer's p99 by itself", watched.own() * 1e3, "ms", Must::Nothing);
    results.fact("P9", "PostgreSQL: its p99 during the purge, over its own", watched.ratio(), "", Must::AtMost(2.0));
    results.pictures.push(Picture {
        file: "writer-during-purge",
        title: "A writer's latency while 100,000 of 1,000,000 sessions are purged",
        across: "seconds",
        up: "ms",
        logarithmic: false,
        spans: vec![(watched.span.0, watched.span.1, "purge".to_owned())],
        curves: [("p99", 99), ("median", 50)]
            .map(|(name, percent)| (name.to_owned(), windows(&watched.latencies, percent)))
            .into(),
    });
}

/// A client that changes one session after the other, and how long each of its requests took.
struct Watched {
    /// When a request began and how long it took, in seconds.
    latencies: Vec<(f64, f64)>,
    /// When the work began and ended.
    span: (f64, f64),
}

impl Watched {
    /// Lets the client go about its business by itself, then during some work, then by itself again.
    fn while_at(place: &Place, cookies: &[String], work: impl FnOnce()) -> Self {
        let (sessions, stop) = (repository::<Postgres>(), AtomicBool::new(false));
        let begun = Instant::now();
        thread::scope(|scope| {
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
            let from = begun.elapsed().as_secs_f64();
            work();
            let to = begun.elapsed().as_secs_f64();
            thread::sleep(Duration::from_secs(2));
            stop.store(true, Ordering::Relaxed);
            Watched { latencies: writer.join().expect("it has ended"), span: (from, to) }
        })
    }

    /// Rows a second that the work has removed.
    fn rate(&self) -> f64 {
        EXPIRED as f64 / (self.span.1 - self.span.0)
    }

    /// The client's p99 before the work began, its first second left out, in seconds.
    fn own(&self) -> f64 {
        self.p99(1.0, self.span.0)
    }

    /// Its p99 during the work, over its own.
    fn ratio(&self) -> f64 {
        self.p99(self.span.0, self.span.1) / self.own()
    }

    fn p99(&self, from: f64, to: f64) -> f64 {
        let within = self.latencies.iter().filter(|(at, _)| (from..to).contains(at));
        let mut taken: Vec<f64> = within.map(|(_, taken)| *taken).collect();
        taken.sort_unstable_by(f64::total_cmp);
        taken[taken.len() * 99 / 100]
    }
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
