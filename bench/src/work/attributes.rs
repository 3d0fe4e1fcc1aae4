//! P6: attributes are set, one by one and a hundred at once.

use diesel_sessions::{Attribute, WriteOptions};

use crate::engine::{Engine, Mariadb, Place, Postgres, Sqlite, cookies, repository};
use crate::floor::Floor;
use crate::ground::Ground;
use crate::payload::{SIZES, Visits, document, text};
use crate::results::{Line, Must, Results};
use crate::rounds::{Contender, PER_PASS, Times, alternate_writing};
use crate::server;

const SESSIONS: usize = 1_000;
const MANY: usize = 100;

pub fn run(ground: &Ground, results: &mut Results) {
    for _ in 0..PER_PASS {
        on::<Postgres>(ground, false, 1, results);
        on::<Sqlite>(ground, false, 1, results);
        on::<Mariadb>(ground, false, 1, results);
    }
    on::<Postgres>(ground, true, PER_PASS, results);
    on::<Sqlite>(ground, true, PER_PASS, results);
    on::<Mariadb>(ground, true, PER_PASS, results); // whose setting is the server's from now on
    counted(ground, results);
}

fn hundred() -> Vec<Attribute> {
    (0..MANY).map(|which| Attribute::new(format!("attribute-{which}"), which).expect("it fits")).collect()
}

/// One by one beside the floor, and a hundred of them over all at once; with `flushed`, where commits wait for the disk, these alone.
fn on<E: Engine>(ground: &Ground, flushed: bool, rounds: usize, results: &mut Results) {
    ground.seat::<E>();
    let place = Place::fill::<E>(ground, "attributes", SESSIONS as u64, &text(&document(SIZES[0])));
    let numbers = place.numbers(SESSIONS as u64);
    let (sessions, mut conn) = (repository::<E>(), E::connect(&place.url));
    let session = |cookie: &String| sessions.load(&mut conn, cookie.as_str()).expect("it answers").expect("it is live");
    let loaded: Vec<_> = cookies(&numbers).iter().map(session).collect();
    let attributes: Vec<_> = loaded.iter().map(|session| sessions.attributes(session)).collect();
    let (mut first, mut second) = (Visits::of(SESSIONS), Visits::of(SESSIONS));
    if !flushed {
        let mut floor = place.floor::<E>(&numbers);
        let mut contenders: Vec<Contender<'_>> = vec![
            Box::new(|times| (0..times).for_each(|_| floor.set(first.next()))),
            Box::new(|times| {
                (0..times).for_each(|_| attributes[second.next()].set(&mut conn, "theme", 1).expect("the session is live"));
            }),
        ];
        let [lowest, ours] = alternate_writing(rounds, &mut contenders).try_into().expect("two");
        let work = format!("{}: attribute set", E::NAME);
        results.line(Line { number: "P6", work, floor: Some(lowest), ours, rival: None, at_most: None, at_least: None });
    }

    let mut conns = [conn, E::connect(&place.url)];
    if flushed {
        conns.iter_mut().for_each(E::flush_at_commit);
    }
    let names: Vec<String> = hundred().iter().map(|attribute| attribute.name().to_owned()).collect();
    let [single, together] = &mut conns;
    let mut contenders: Vec<Contender<'_>> = vec![
        Box::new(|times| {
            for _ in 0..times {
                let attributes = &attributes[first.next()];
                names.iter().for_each(|name| attributes.set(single, name, 1).expect("the session is live"));
            }
        }),
        Box::new(|times| {
            for _ in 0..times {
                let attributes = &attributes[second.next()];
                attributes.set_many(together, hundred(), WriteOptions::new()).expect("the session is live");
            }
        }),
    ];
    let [singly, at_once]: [Times; 2] = alternate_writing(rounds, &mut contenders).try_into().expect("two");
    // The slower the disk is at that time, the more of them.
    let (how, unit, must) = if flushed {
        ("commits wait for the disk, as by default", "times", Must::AtLeast(15.0))
    } else {
        ("commits do not wait for the disk", "", Must::Nothing)
    };
    let what = format!("{}: 100 sets over one set_many of 100; {how}", E::NAME);
    results.fact("P6", what, singly.over(&at_once).median(), unit, must);
}

fn counted(ground: &Ground, results: &mut Results) {
    let place = Place::fill::<Postgres>(ground, "counting", SESSIONS as u64, &text(&document(SIZES[0])));
    let (sessions, mut conn) = (repository::<Postgres>(), Postgres::connect(&place.url));
    let session = sessions.load(&mut conn, cookies(&[1])[0].as_str()).expect("it answers").expect("it is live");
    let attributes = sessions.attributes(&session);
    let mut server = server::Statistics::of(&place.url);
    server.reset();
    attributes.set(&mut conn, "theme", 1).expect("the session is live");
    results.fact("P6", "PostgreSQL: attribute set: statements", server.sent().statements, "", Must::Be(1.0));
    server.reset();
    attributes.set_many(&mut conn, hundred(), WriteOptions::new()).expect("the session is live");
    results.fact("P6", "PostgreSQL: set_many of 100: statements", server.sent().statements, "", Must::Be(1.0));
}
