//! P7 and P8: what a look-up and a list cost when the table grows.

use crate::engine::{Engine, Mariadb, Place, Postgres, SESSIONS_OF_OWNER, Sqlite, cookies, repository};
use crate::floor::Floor;
use crate::ground::Ground;
use crate::payload::{SIZES, Visits, document, text};
use crate::results::{Must, Picture, Results};
use crate::rounds::{Contender, PASSES, PER_PASS, Times, alternate};

const STEPS: [u64; 5] = [10_000, 30_000, 100_000, 300_000, 1_000_000];

/// Sessions that are asked for, whatever the size of the table.
const ASKED: usize = 10_000;

pub fn run(ground: &Ground, results: &mut Results) {
    let mut loads = Vec::new();
    let mut lists = Vec::new();
    on::<Sqlite>(ground, results, &mut loads, &mut lists);
    on::<Postgres>(ground, results, &mut loads, &mut lists);
    on::<Mariadb>(ground, results, &mut loads, &mut lists);
    let picture = |file, title, curves| Picture {
        file,
        title,
        across: "sessions in the table",
        up: "µs",
        logarithmic: true,
        spans: Vec::new(),
        curves,
    };
    results.pictures.push(picture("load-by-table-size", "A session is looked up by its token", loads));
    results.pictures.push(picture("list-by-table-size", "The sessions of one owner are listed", lists));
}

type Curves = Vec<(String, Vec<(f64, f64)>)>;

fn on<E: Engine>(ground: &Ground, results: &mut Results, loads: &mut Curves, lists: &mut Curves) {
    ground.seat::<E>();
    let text = text(&document(SIZES[0]));
    let mut large = Place::fill::<E>(ground, "large", STEPS[0], &text);
    let mut curves = [Vec::new(), Vec::new(), Vec::new(), Vec::new()];
    for rows in STEPS {
        large.grow::<E>(rows, &text);
        let mut times = four::<E>(&large, &large);
        for _ in 1..PASSES {
            times.iter_mut().zip(four::<E>(&large, &large)).for_each(|(times, more)| times.extend(more));
        }
        if rows == STEPS[0] && E::IS_EMBEDDED {
            let what = format!("{}: load, 300 B, with its default cache of 2 MB, in one file: over the floor", E::NAME);
            results.fact("", what, times[0].over(&times[1]).median(), "", Must::Nothing);
        }
        for (curve, times) in curves.iter_mut().zip(&times) {
            curve.push((rows as f64, times.median() * 1e6));
        }
    }
    let [load, load_floor, list, list_floor] = curves;
    loads.extend([(E::NAME.to_owned(), load), (format!("{}, floor", E::NAME), load_floor)]);
    lists.extend([(E::NAME.to_owned(), list), (format!("{}, floor", E::NAME), list_floor)]);

    let work = |verb| format!("{}: {verb} among 1,000,000, over the same among 10,000", E::NAME);
    for pass in 0..PASSES {
        let small = Place::fill::<E>(ground, &format!("small_{pass}"), STEPS[0], &text);
        large = large.anew::<E>(ground, &format!("large_{pass}"));
        let ((load, load_large), (list, list_large)) = two::<E>(&small, &large);
        results.fact("P8", work("load"), load_large.over(&load).median(), "", Must::AtMost(1.3));
        results.fact("P7", work("sessions of one owner"), list_large.over(&list).median(), "", Must::AtMost(1.5));
    }
}

/// Ours and the floor: a load each, a list each.
fn four<E: Engine>(ours: &Place, floor: &Place) -> [Times; 4] {
    let numbers = ours.numbers(ASKED as u64);
    let (sessions, mut conn, mut lister, cookies) =
        (repository::<E>(), E::connect(&ours.url), E::connect(&ours.url), cookies(&numbers));
    let (mut loading, mut listing) = (floor.floor::<E>(&numbers), floor.floor::<E>(&[]));
    // The small table would fit into SQLite's cache for the contenders of a look-up, and the large one would not.
    [&mut conn, &mut lister].into_iter().for_each(E::default_cache);
    [&mut loading, &mut listing].into_iter().for_each(Floor::default_cache);
    let owners = ours.rows as i64 / SESSIONS_OF_OWNER as i64;
    let visits = Visits::of(ASKED);
    let (mut first, mut second, mut third, mut fourth) = (visits.clone(), visits.clone(), visits.clone(), visits);
    let owner = |visit: usize| visit as i64 * (owners / 2_000) % owners;
    let mut contenders: Vec<Contender<'_>> = vec![
        Box::new(|times| {
            for _ in 0..times {
                sessions.load(&mut conn, cookies[first.next()].as_str()).expect("it answers").expect("it is live");
            }
        }),
        Box::new(|times| {
            for _ in 0..times {
                loading.load(second.next());
            }
        }),
        Box::new(|times| {
            for _ in 0..times {
                let listed = sessions.of(&owner(third.next())).list(&mut lister).expect("it answers");
                assert_eq!(listed.len(), SESSIONS_OF_OWNER);
            }
        }),
        Box::new(|times| {
            for _ in 0..times {
                assert_eq!(listing.list(owner(fourth.next())), SESSIONS_OF_OWNER);
            }
        }),
    ];
    alternate(PER_PASS, &mut contenders).try_into().expect("four")
}

/// A small table and a large one in turns: loads, then lists.
fn two<E: Engine>(small: &Place, large: &Place) -> ((Times, Times), (Times, Times)) {
    let sessions = repository::<E>();
    let mut conns = [E::connect(&small.url), E::connect(&large.url)];
    conns.iter_mut().for_each(E::default_cache);
    let cookies = [small, large].map(|place| cookies(&place.numbers(ASKED as u64)));
    let owners = [small, large].map(|place| place.rows as i64 / SESSIONS_OF_OWNER as i64);
    let mut visits = [Visits::of(ASKED), Visits::of(ASKED)];
    let mut loaders: Vec<Contender<'_>> = Vec::new();
    for ((conn, cookies), visits) in conns.iter_mut().zip(&cookies).zip(&mut visits) {
        let sessions = &sessions;
        loaders.push(Box::new(move |times| {
            for _ in 0..times {
                sessions.load(conn, cookies[visits.next()].as_str()).expect("it answers").expect("it is live");
            }
        }));
    }
    let loads = alternate(PER_PASS, &mut loaders);
    drop(loaders);
    let mut listers: Vec<Contender<'_>> = Vec::new();
    for ((conn, owners), visits) in conns.iter_mut().zip(owners).zip(&mut visits) {
        let sessions = &sessions;
        listers.push(Box::new(move |times| {
            for _ in 0..times {
                let owner = visits.next() as i64 * (owners / 2_000) % owners;
                let listed = sessions.of(&owner).list(conn).expect("it answers");
                assert_eq!(listed.len(), SESSIONS_OF_OWNER);
            }
        }));
    }
    let lists = alternate(PER_PASS, &mut listers);
    drop(listers);
    let pair = |times: Vec<Times>| <[Times; 2]>::try_from(times).expect("two").into();
    (pair(loads), pair(lists))
}
