//! P5: how often a session is touched, and what a save writes between two touches.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use chrono::Utc;
use diesel_sessions::SessionRepository;
use diesel_sessions::testing::ManualClock;

use crate::engine::{Engine, IDLE, Place, Postgres, cookies, repository};
use crate::ground::Ground;
use crate::payload::{CHANGED, SIZES, Visits, document, text};
use crate::results::{Must, Results};
use crate::server;

pub fn run(ground: &Ground, results: &mut Results) {
    touches(ground, results);
    for bytes in SIZES {
        saves(ground, bytes, results);
    }
}

/// Eight clients ask for one session, all at the same time, 40 times within each throttle period.
fn touches(ground: &Ground, results: &mut Results) {
    const CLIENTS: usize = 8;
    const REQUESTS: usize = 40;
    const PERIODS: u32 = 10;
    let place = Place::fill::<Postgres>(ground, "touching", 1_000, &text(&document(SIZES[0])));
    let clock = ManualClock::new(Utc::now());
    let builder = SessionRepository::<<Postgres as Engine>::Model>::builder().clock(clock.clone());
    let sessions = builder.idle_timeout(IDLE).absolute_timeout(None).build().expect("settings that go together");
    let throttle = Duration::from_secs(5 * 60); // DESIGN: a twentieth of the idle time, at most five minutes
    let cookie = &cookies(&[1])[0];
    let mut server = server::Statistics::of(&place.url);
    server.reset();
    for _ in 0..PERIODS {
        clock.advance(throttle);
        let all = Barrier::new(CLIENTS);
        thread::scope(|scope| {
            for _ in 0..CLIENTS {
                scope.spawn(|| {
                    let mut conn = Postgres::connect(&place.url);
                    for _ in 0..REQUESTS {
                        let mut session = sessions.load(&mut conn, cookie.as_str()).expect("it answers").expect("it is live");
                        all.wait();
                        sessions.save(&mut conn, &mut session).expect("nobody changes it");
                    }
                });
            }
        });
    }
    let touched = server.sent().written / f64::from(PERIODS);
    results.fact("P5", "PostgreSQL: touches in a throttle period of 320 requests", touched, "", Must::AtMost(1.0));
}

/// Each session of a table is saved three times, one key changed.
fn saves(ground: &Ground, bytes: usize, results: &mut Results) {
    const ROWS: usize = 5_000;
    const SAVES: usize = 3;
    let document = document(bytes);
    let place = Place::fill::<Postgres>(ground, "saving", ROWS as u64, &text(&document));
    let (sessions, cookies) = (repository::<Postgres>(), cookies(&place.numbers(ROWS as u64)));
    let mut server = server::Statistics::of(&place.url);
    let mut visits = Visits::of(ROWS);
    let mut value = 2_000_000;
    let mut save_all = |times: usize| {
        let mut conn = Postgres::connect(&place.url);
        for _ in 0..times * ROWS {
            let mut session = sessions.load(&mut conn, cookies[visits.next()].as_str()).expect("it answers").expect("it is live");
            value += 1;
            session.insert(CHANGED, value).expect("it fits");
            sessions.save(&mut conn, &mut session).expect("nobody else changes it");
        }
    };
    save_all(1); // the first change of a page after a checkpoint logs the whole page, whoever makes it
    server.reset();
    let before = server.updates();
    save_all(SAVES);
    let (sent, after) = (server.sent(), server.updates());
    let beyond = sent.wal_bytes / (SAVES * ROWS) as f64 - text(&document).len() as f64;
    let hot = (after.hot - before.hot) as f64 / (after.all - before.all).max(1) as f64;
    let kept_out_of_line = bytes > 2_000; // TOAST: the document is written anew, whatever was changed of it
    let must = |must| if kept_out_of_line { Must::Nothing } else { must };
    results.fact(
        "P5",
        format!("PostgreSQL: save of {bytes} B: share of HOT updates"),
        hot * 100.0,
        "%",
        must(Must::AtLeast(95.0)),
    );
    let what = format!("PostgreSQL: save of {bytes} B: write-ahead log beyond the data");
    results.fact("P5", what, beyond, "bytes", must(Must::AtMost(350.0)));
}
