//! P3 and P4: a session is looked up, changed or not, and saved.

use serde_json::Value;

use crate::engine::{Engine, Mariadb, Place, Postgres, Sqlite, cookies, repository};
use crate::floor::Floor;
use crate::ground::Ground;
use crate::payload::{CHANGED, SIZES, Visits, document, text};
use crate::results::{Line, Must, Results};
use crate::rival::Rival;
use crate::rounds::{Contender, PER_PASS, alternate_writing};
use crate::server;
use crate::wire::Wire;

/// Sessions in the table.
const ROWS: usize = 10_000;

pub fn run(ground: &Ground, results: &mut Results) {
    for bytes in SIZES {
        on::<Postgres>(ground, bytes, "P3", Some(1.20), PER_PASS, results);
    }
    for bytes in SIZES.repeat(PER_PASS) {
        on::<Sqlite>(ground, bytes, "", None, 1, results);
    }
    for bytes in SIZES {
        on::<Mariadb>(ground, bytes, "", None, PER_PASS, results);
    }
    counted(ground, results);
}

fn on<E: Engine>(
    ground: &Ground,
    bytes: usize,
    number: &'static str,
    at_most: Option<f64>,
    rounds: usize,
    results: &mut Results,
) {
    ground.seat::<E>();
    let document = document(bytes);
    let place = Place::fill::<E>(ground, "saving", ROWS as u64, &text(&document));
    let numbers = place.numbers(ROWS as u64);
    let half = ROWS / 2; // the floor and ours have a half each: neither sees a version of the other's
    let mut floor = place.floor::<E>(&numbers[..half]);
    let [own, others] = ["ours", "rival"].map(|who| place.beside::<E>(ground, who, &text(&document)));
    let (sessions, mut conn, cookies) = (repository::<E>(), E::connect(&own.url), cookies(&numbers[half..]));
    let rival = Rival::<E>::fill(ground, &others.name, &document, half);
    let visits = Visits::of(half);
    let (mut first, mut second, mut third) = (visits.clone(), visits.clone(), visits);
    let texts = [1_000_001, 1_000_002].map(|number| {
        let mut changed = document.clone();
        changed.insert(CHANGED.into(), Value::from(number));
        text(&changed)
    });
    let (mut own, mut ours, mut theirs) = (0_usize, 1_000_000_u64, 1_000_000_u64);
    let mut contenders: Vec<Contender<'_>> = vec![
        Box::new(|times| {
            for _ in 0..times {
                let session = first.next();
                let version = floor.load(session);
                own += 1;
                floor.save(session, version, &texts[own % 2]);
            }
        }),
        Box::new(|times| {
            for _ in 0..times {
                let cookie = cookies[second.next()].as_str();
                let mut session = sessions.load(&mut conn, cookie).expect("it answers").expect("it is live");
                ours += 1;
                session.insert(CHANGED, ours).expect("it fits");
                sessions.save(&mut conn, &mut session).expect("nobody else changes it");
            }
        }),
        Box::new(|times| {
            rival.change(
                times,
                || third.next(),
                || {
                    theirs += 1;
                    theirs
                },
            );
        }),
    ];
    let [floor, ours, rival] = alternate_writing(rounds, &mut contenders).try_into().expect("three");
    let work = format!("{}: load, change a key, save, {bytes} B", E::NAME);
    results.line(Line { number, work, floor: Some(floor), ours, rival: Some(rival), at_most, at_least: None });
}

/// What PostgreSQL was sent and wrote, as it tells itself, and how often the client waited.
fn counted(ground: &Ground, results: &mut Results) {
    const TIMES: usize = 1_000;
    let place = Place::fill::<Postgres>(ground, "counting", ROWS as u64, &text(&document(SIZES[0])));
    let (sessions, cookies) = (repository::<Postgres>(), cookies(&place.numbers(ROWS as u64)));
    let wire = Wire::to(&ground.postgres_socket());
    let mut conn = Postgres::connect(&wire.url(&place.name));
    let mut count = |change: bool| {
        let mut visits = Visits::of(ROWS);
        let mut request = || {
            let mut session = sessions.load(&mut conn, cookies[visits.next()].as_str()).expect("it answers").expect("it is live");
            if change {
                session.insert(CHANGED, 7).expect("it fits");
            }
            sessions.save(&mut conn, &mut session).expect("nobody else changes it");
        };
        request(); // a statement is prepared when it is first sent
        let mut server = server::Statistics::of(&place.url);
        server.reset();
        let before = wire.round_trips();
        for _ in 0..TIMES {
            request();
        }
        (server.sent(), (wire.round_trips() - before) as f64 / TIMES as f64)
    };
    let (changed, trips) = count(true);
    results.fact("P3", "PostgreSQL: load, change a key, save: statements", changed.statements / TIMES as f64, "", Must::Be(2.0));
    results.fact("P3", "PostgreSQL: load, change a key, save: round trips", trips, "", Must::Be(2.0));
    // What a change leaves on its page is tidied up by whoever reads there next, and logged: not by those who are counted.
    Postgres::settle(&mut Postgres::connect(&place.url));
    let (unchanged, trips) = count(false);
    results.fact("P4", "PostgreSQL: load, save unchanged: statements", unchanged.statements / TIMES as f64, "", Must::Be(1.0));
    results.fact("P2", "PostgreSQL: load: round trips", trips, "", Must::Be(1.0));
    results.fact("P4", "PostgreSQL: load, save unchanged: rows written", unchanged.written, "", Must::Be(0.0));
    results.fact("P4", "PostgreSQL: load, save unchanged: write-ahead log", unchanged.wal_bytes, "bytes", Must::Be(0.0));
}
