//! P1 and P2: a session is looked up by its token.

use crate::engine::{Engine, Mariadb, Place, Postgres, Sqlite, cookies, repository};
use crate::floor::Floor;
use crate::ground::Ground;
use crate::payload::{SIZES, Visits, document, text};
use crate::results::{Line, Results};
use crate::rival::Rival;
use crate::rounds::{Contender, alternate};

/// Sessions in the table.
pub const ROWS: usize = 10_000;

pub fn run(ground: &Ground, results: &mut Results) {
    for bytes in SIZES {
        on::<Sqlite>(ground, bytes, "P1", Some((1.25, 8.0)), results);
    }
    for bytes in SIZES {
        on::<Postgres>(ground, bytes, "P2", Some((1.15, 2.0)), results);
    }
    for bytes in SIZES {
        on::<Mariadb>(ground, bytes, "", None, results);
    }
}

fn on<E: Engine>(ground: &Ground, bytes: usize, number: &'static str, must: Option<(f64, f64)>, results: &mut Results) {
    let document = document(bytes);
    let place = Place::fill::<E>(ground, "loading", ROWS as u64, &text(&document));
    let numbers = place.numbers(ROWS as u64);
    let mut floor = place.floor::<E>(&numbers);
    let (sessions, mut conn, cookies) = (repository::<E>(), E::connect(&place.url), cookies(&numbers));
    let rival = Rival::<E>::fill(ground, &place.name, &document, ROWS);
    let visits = Visits::of(ROWS);
    let (mut first, mut second, mut third) = (visits.clone(), visits.clone(), visits);
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
    ];
    let [floor, ours, rival] = alternate(&mut contenders).try_into().expect("three");
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
