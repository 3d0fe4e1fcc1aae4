//! P1 and P2: a session is looked up by its token.

use std::time::Instant;

use crate::engine::{Engine, Mariadb, Place, Postgres, Sqlite, cookies, repository};
use crate::floor::{Floor, pgbench};
use crate::ground::Ground;
use crate::payload::{SIZES, Visits, document, text, token};
use crate::results::{Line, Must, Results};
use crate::rival::Rival;
use crate::rounds::{Contender, PER_PASS, Times, alternate};

/// Loads that take about a second.
const LOADS: u32 = 10_000;

/// Bytes of the sessions that one contender asks for, as a file or a table holds them. All of them fit into a processor's cache
/// together: where some come from the memory, which others on the machine use too, a look-up on SQLite takes up to twice as long.
const ASKED: usize = 2_000_000;

/// So many sessions, with data of so many bytes.
pub fn sessions_asked(bytes: usize) -> usize {
    const REST_OF_ROW: usize = 700;
    ASKED / (bytes + REST_OF_ROW)
}

pub fn run(ground: &Ground, results: &mut Results) {
    for bytes in SIZES.repeat(PER_PASS) {
        on::<Sqlite>(ground, bytes, "P1", Some((1.25, 8.0)), 1, results);
    }
    for bytes in SIZES {
        on::<Postgres>(ground, bytes, "P2", Some((1.15, 2.0)), PER_PASS, results);
    }
    beside_pgbench(ground, results);
    for bytes in SIZES {
        on::<Mariadb>(ground, bytes, "", None, PER_PASS, results);
    }
}

fn on<E: Engine>(
    ground: &Ground,
    bytes: usize,
    number: &'static str,
    must: Option<(f64, f64)>,
    rounds: usize,
    results: &mut Results,
) {
    ground.seat::<E>();
    let (document, rows) = (document(bytes), sessions_asked(bytes));
    let place = Place::fill::<E>(ground, "loading", rows as u64, &text(&document));
    let numbers = place.numbers(rows as u64);
    let mut floor = place.floor::<E>(&numbers);
    let [own, others, diesels] = ["ours", "rival", "diesel"].map(|who| place.beside::<E>(ground, who, &text(&document)));
    let (sessions, mut conn, cookies) = (repository::<E>(), E::connect(&own.url), cookies(&numbers));
    let rival = Rival::<E>::fill(ground, &others.name, &document, rows);
    let visits = Visits::of(rows);
    let (mut first, mut second, mut third, mut fourth) = (visits.clone(), visits.clone(), visits.clone(), visits);
    let mut other = E::connect(&diesels.url);
    let mut contenders: Vec<Contender<'_>> = vec![
        Box::new(|times| {
            for _ in 0..times {
                floor.load(first.next());
            }
        }),
        Box::new(|times| {
            for _ in 0..times {
                let cookie = cookies[second.next()].as_str();
                sessions.load(&mut conn, cookie).expect("it answers").expect("it is live");
            }
        }),
        Box::new(|times| rival.load(times, || third.next())),
        Box::new(|times| {
            for _ in 0..times {
                E::by_diesel(&mut other, token(numbers[fourth.next()]).digest().as_uuid(), chrono::Utc::now());
            }
        }),
    ];
    let [floor, ours, rival, diesel] = alternate(rounds, &mut contenders).try_into().expect("four");
    let what = format!("{}: load, {bytes} B: over the same look-up by Diesel alone", E::NAME);
    results.fact("", what, ours.over(&diesel).median(), "", Must::Nothing);
    results.line(Line {
        number,
        work: format!("{}: load, {bytes} B", E::NAME),
        floor: Some(floor),
        ours,
        rival: Some(rival),
        at_most: must.map(|(most, _)| most),
        at_least: must.map(|(_, least)| least),
    });
}

/// The smallest load beside pgbench, in turns of about a second.
fn beside_pgbench(ground: &Ground, results: &mut Results) {
    ground.seat::<Postgres>();
    let place = Place::fill::<Postgres>(ground, "pgbench", sessions_asked(SIZES[0]) as u64, &text(&document(SIZES[0])));
    let number = place.numbers(1)[0];
    let (sessions, mut conn, cookie) = (repository::<Postgres>(), Postgres::connect(&place.url), token(number));
    let (mut floor, mut ours) = (Times::default(), Times::default());
    for round in 0..PER_PASS {
        for turn in [round, round + 1] {
            if turn % 2 == 0 {
                let pgbench = pgbench::load(&place.url, ground.dir(), token(number).digest().as_uuid(), place.now);
                floor.0.push(pgbench.expect("it comes with PostgreSQL"));
                continue;
            }
            let begun = Instant::now();
            for _ in 0..LOADS {
                sessions.load(&mut conn, cookie.reveal()).expect("it answers").expect("it is live");
            }
            ours.0.push(begun.elapsed().as_secs_f64() / f64::from(LOADS));
        }
    }
    results.line(Line {
        number: "",
        work: format!("PostgreSQL: load, {} B, the floor by pgbench", SIZES[0]),
        floor: Some(floor),
        ours,
        rival: None,
        at_most: None,
        at_least: None,
    });
}
