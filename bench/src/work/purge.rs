//! P9: a tenth of a million sessions has expired and is removed while somebody writes. P10: an owner's are revoked.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use crate::cores::{Cores, Seat};
use crate::engine::{Engine, IDLE, Place, Postgres, cookies, repository};
use crate::ground::Ground;
use crate::payload::{CHANGED, SIZES, Visits, document, text};
use crate::results::{Must, Picture, Results};
use crate::rounds::Times;
use crate::server;

/// What a purge removes.
const EXPIRED: u64 = 100_000;
/// Purges with a core of their own, and as many that share the cores with the writer.
const ROUNDS: usize = 5;
/// Purges that are told besides.
const ROUNDS_BESIDES: usize = 3;
const LIVE: u64 = 900_000;
/// Rows of a batch: what README shows.
const BATCH: u32 = 1_000;
/// How long the writer is watched alone, before the purge.
const ALONE: Duration = Duration::from_secs(4);

pub fn run(ground: &Ground, results: &mut Results) {
    purge(ground, results);
    revoke(ground, results);
}

fn purge(ground: &Ground, results: &mut Results) {
    let data = text(&document(SIZES[0]));
    let place = Place::fill::<Postgres>(ground, "purging", LIVE + EXPIRED, &data);
    let live: Vec<u64> = (1..=place.rows).filter(|id| id % 10 != 0).step_by(90).collect();
    let mut writer = Writer { place, cookies: cookies(&live) };
    let mut conn = Postgres::connect(&writer.place.url);
    expire(&mut conn, "id % 10 = 0");
    purge_expired(&mut conn); // whose room, all over the table, is that of the sessions that are to come and expire

    let purges = Purges { rounds: ROUNDS, seated: true, before_each: |_| {} };
    let rounds = purges.beside(&mut writer, &data);
    let purged = "PostgreSQL: purge of 100,000 among 1,000,000";
    results.fact("P9", purged, median(&rounds, |round| round.watched.rate()), "rows/s", Must::AtLeast(50_000.0));
    // A batch is a transaction of its own, and holds its locks no longer than its statement takes.
    let longest = "PostgreSQL: longest batch, and so the longest lock";
    results.fact("P9", longest, median(&rounds, |round| round.longest), "ms", Must::AtMost(20.0));
    let longest = rounds.iter().map(|round| round.longest).fold(0.0, f64::max);
    results.fact("P9", "PostgreSQL: longest batch of all five purges", longest, "ms", Must::Nothing);
    let own = median(&rounds, |round| round.watched.own() * 1e3);
    results.fact("P9", "PostgreSQL: a writer's p99 by itself", own, "ms", Must::Nothing);
    let during = "PostgreSQL: its p99 during the purge, over its own, a core each";
    results.fact("P9", during, median(&rounds, |round| round.watched.ratio()), "times", Must::AtMost(2.0));
    let Some(Round { watched, .. }) = rounds.last() else { return };
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

    // As the system places them.
    let shared = Purges { seated: false, ..purges }.beside(&mut writer, &data);
    let paused = "PostgreSQL: the same, cores shared";
    results.fact("", paused, median(&shared, |round| round.watched.rate()), "rows/s", Must::Nothing);
    let during = format!("{paused}: a writer's p99, over its own");
    results.fact("P9", &during, median(&shared, |round| round.watched.ratio()), "times", Must::AtMost(2.0));
    let of_all = |pick: fn(f64, f64) -> f64| shared.iter().map(|round| round.watched.ratio()).reduce(pick).unwrap_or(f64::NAN);
    results.fact("", format!("{during}: the least of five"), of_all(f64::min), "times", Must::Nothing);
    results.fact("", format!("{during}: the most of five"), of_all(f64::max), "times", Must::Nothing);

    // Where each page that is changed is written whole into the log, once: the first change after a checkpoint.
    let checkpoint = |conn: &mut PgConnection| conn.batch_execute("CHECKPOINT").expect("a superuser may");
    let rounds = Purges { rounds: ROUNDS_BESIDES, before_each: checkpoint, ..purges }.beside(&mut writer, &data);
    let after = |what: &str| format!("PostgreSQL: directly after a checkpoint: {what}");
    let rate = median(&rounds, |round| round.watched.rate());
    results.fact("P9", after("purge"), rate, "rows/s", Must::Nothing);
    results.fact("P9", after("longest batch"), median(&rounds, |round| round.longest), "ms", Must::Nothing);
    let during = after("a writer's p99 during the purge, over its own, a core each");
    results.fact("P9", during, median(&rounds, |round| round.watched.ratio()), "times", Must::Nothing);
}

/// Purges beside a writer.
#[derive(Clone, Copy)]
struct Purges {
    rounds: usize,
    /// Whether the purge and the writer have a core each; otherwise the system places them.
    seated: bool,
    before_each: fn(&mut PgConnection),
}

impl Purges {
    /// Each of as many sessions, which come and expire before it.
    fn beside(&self, writer: &mut Writer, data: &str) -> Vec<Round> {
        let conn = &mut Postgres::connect(&writer.place.url); // whose process of the server keeps the seat that it gets
        let cores = Cores::of_this_process().expect("the cores that the process was given");
        let round = |_| {
            writer.place.come_again(data, conn);
            (self.before_each)(conn);
            nix::unistd::sync(); // to write down what there is so far would take time of the cores
            server::Statistics::of(&writer.place.url).reset();
            let watched = writer.watched(self.seated.then_some(&cores), conn);
            cores.free().expect("the cores that the process was given");
            Round { watched, longest: server::Statistics::of(&writer.place.url).longest("DELETE FROM \"sessions\"%") }
        };
        (0..self.rounds).map(round).collect()
    }
}

/// What one of them has come to.
struct Round {
    watched: Watched,
    /// The longest of its batches, in milliseconds.
    longest: f64,
}

fn median(rounds: &[Round], of: impl Fn(&Round) -> f64) -> f64 {
    Times(rounds.iter().map(of).collect()).median()
}

impl Place {
    /// Lets as many sessions come as a purge has removed, in the room that it has left, and expire.
    fn come_again(&mut self, data: &str, conn: &mut PgConnection) {
        let before = self.rows;
        self.grow::<Postgres>(before + EXPIRED, data);
        expire(conn, &format!("id > {before}"));
    }
}

/// Lets sessions expire, within the last hour but one: none at the same time as another, and none next to the one whose time comes
/// next, as it is after some days with requests.
fn expire(conn: &mut PgConnection, which: &str) {
    let ago = format!("make_interval(secs => {} + 3600 + id * 2654435761 % 3600000000 / 1e6)", IDLE.as_secs());
    let times = format!("(last_seen_at, expires_at) = (last_seen_at - {ago}, expires_at - {ago})");
    conn.batch_execute(&format!("UPDATE sessions SET {times} WHERE {which}")).expect("nothing holds the rows");
    conn.batch_execute("VACUUM ANALYZE sessions").expect("nobody else is there");
}

fn purge_expired(conn: &mut PgConnection) {
    let purged = repository::<Postgres>().purge_expired(conn, BATCH).expect("nothing holds the rows");
    assert_eq!(purged.sessions as u64, EXPIRED);
}

/// A client that changes one session after the other.
struct Writer {
    place: Place,
    cookies: Vec<String>,
}

/// How long each of its requests took.
struct Watched {
    /// When a request began and how long it took, in seconds.
    latencies: Vec<(f64, f64)>,
    /// When the purge began and ended.
    span: (f64, f64),
}

impl Writer {
    /// Lets it go about its business by itself, then during a purge, then by itself again. With `cores` it has one, with its process
    /// of the server, and the purge has another; without, the system places them.
    fn watched(&self, cores: Option<&Cores>, conn: &mut PgConnection) -> Watched {
        let sit = |seat, conn: &mut PgConnection| {
            let Some(cores) = cores else { return };
            let process = diesel::dsl::sql::<diesel::sql_types::Integer>("SELECT pg_backend_pid()").get_result(conn);
            cores.share(seat, process.expect("it answers")).expect("the process is there, and our own or we are root");
        };
        let (sessions, stop) = (repository::<Postgres>(), AtomicBool::new(false));
        let begun = Instant::now();
        thread::scope(|scope| {
            let writer = scope.spawn(|| {
                let mut conn = Postgres::connect(&self.place.url);
                sit(Seat::First, &mut conn);
                let mut visits = Visits::of(self.cookies.len());
                let mut latencies = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let at = Instant::now();
                    let cookie = self.cookies[visits.next()].as_str();
                    let mut session = sessions.load(&mut conn, cookie).expect("it answers").expect("it is live");
                    session.insert(CHANGED, latencies.len()).expect("it fits");
                    sessions.save(&mut conn, &mut session).expect("nobody else changes it");
                    latencies.push((at.duration_since(begun).as_secs_f64(), at.elapsed().as_secs_f64()));
                    thread::sleep(Duration::from_millis(1)); // a thousand requests a second at most, as far as the sleep is exact
                }
                latencies
            });
            sit(Seat::Last, conn);
            thread::sleep(ALONE);
            let from = begun.elapsed().as_secs_f64();
            purge_expired(conn);
            let to = begun.elapsed().as_secs_f64();
            thread::sleep(Duration::from_secs(2));
            stop.store(true, Ordering::Relaxed);
            Watched { latencies: writer.join().expect("it has ended"), span: (from, to) }
        })
    }
}

impl Watched {
    /// Rows a second that the purge has removed.
    fn rate(&self) -> f64 {
        EXPIRED as f64 / (self.span.1 - self.span.0)
    }

    /// The client's p99 before the purge began, its first second left out, in seconds.
    fn own(&self) -> f64 {
        self.p99(1.0, self.span.0)
    }

    /// Its p99 during the purge, over its own.
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
