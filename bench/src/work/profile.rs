//! One contender alone, for a profiler: `profile <work> <engine> <bytes> <times>`, as in `profile load sqlite 300 20000`.

use std::error::Error;

use crate::engine::{Engine, Place, Postgres, Sqlite, cookies, repository};
use crate::floor::Floor;
use crate::ground::Ground;
use crate::payload::{Visits, document, text};
use crate::work::load::sessions_asked;

pub fn run(ground: &Ground, arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    let [work, engine, bytes, times] = arguments else { return Err("profile <work> <engine> <bytes> <times>".into()) };
    let (bytes, times) = (bytes.parse()?, times.parse()?);
    match *engine {
        "sqlite" => on::<Sqlite>(ground, work, bytes, times),
        "postgres" => on::<Postgres>(ground, work, bytes, times),
        other => Err(format!("no engine {other}").into()),
    }
}

fn on<E: Engine>(ground: &Ground, work: &str, bytes: usize, times: u64) -> Result<(), Box<dyn Error>> {
    let place = Place::fill::<E>(ground, "profiled", sessions_asked(bytes) as u64, &text(&document(bytes)));
    let numbers = place.numbers(place.rows);
    let (sessions, mut conn, cookies) = (repository::<E>(), E::connect(&place.url), cookies(&numbers));
    let mut floor = place.floor::<E>(&numbers);
    let mut visits = Visits::of(numbers.len());
    for _ in 0..times {
        let session = visits.next();
        match work {
            "floor" => {
                floor.load(session);
            }
            "load" => {
                sessions.load(&mut conn, cookies[session].as_str())?.ok_or("it is live")?;
            }
            other => return Err(format!("no work {other}").into()),
        }
    }
    Ok(())
}
