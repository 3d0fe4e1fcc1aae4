//! The rounds: a child plays, it or its server is killed, and what is left is compared with an undisturbed run.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};

use diesel_sessions::SessionRepository;

use crate::child::{Player, STEPS};
use crate::durable::{Durable, Ground, ORDERS};
use crate::script::{CYCLE, Script, several};
use crate::snapshot::{Snapshot, opened};
use crate::support::{self, Db};

/// What an undisturbed run leaves after each step.
struct Moment<D: Db> {
    stored: Snapshot,
    opened: BTreeMap<u64, String>,
    /// A repository whose clock stands at that moment.
    sessions: SessionRepository<D::Model>,
}

/// Plays the script undisturbed: the moment before its first step, and those after each.
fn undisturbed<D: Durable>(conn: &mut D::Conn, steps: usize) -> Vec<Moment<D>> {
    let mut moments = Vec::new();
    let mut script = Script::<D>::new();
    loop {
        let sessions = script.sessions_now();
        moments.push(Moment { stored: Snapshot::take::<D>(conn), opened: opened::<D>(conn, &sessions), sessions });
        if moments.len() > steps {
            return moments;
        }
        script.step(conn).unwrap_or_else(|failure| panic!("step {}: {failure:?}", moments.len() - 1));
    }
}

pub(crate) fn every_step_leaves_its_mark<D: Durable>(db: &D) {
    let conn = &mut db.connect();
    D::execute(conn, ORDERS);
    let moments = undisturbed::<D>(conn, 2 * CYCLE);
    for (number, pair) in moments.windows(2).enumerate() {
        assert_ne!(pair[0].stored, pair[1].stored, "step {number}");
    }
    assert_eq!(moments[0].stored, moments[CYCLE].stored, "a cycle ends with empty tables");
    assert!(moments.iter().any(|moment| moment.opened.len() > 2));
}

const KILLS: usize = 100;

pub(crate) fn what_was_acknowledged_survives_a_kill<D: Durable>() {
    let dir = tempfile::tempdir().unwrap();
    let Some(mut ground) = D::Ground::find(dir.path()).unwrap() else { return support::skipped(D::NAME) };
    let url = ground.url();
    let mut conn = D::open(&url);
    D::migrate(&mut conn);
    D::execute(&mut conn, ORDERS);
    D::reset(&mut conn);
    let moments = undisturbed::<D>(&mut conn, STEPS);
    drop(conn);

    let random = RandomState::new();
    let (mut in_the_middle, mut came_through) = (0, 0);
    for round in 0..KILLS {
        D::reset(&mut D::open(&url));
        let chance = random.hash_one(round);
        let kills_server = round * D::KILLS_OF_THE_SERVER / KILLS != (round + 1) * D::KILLS_OF_THE_SERVER / KILLS;
        let mut player = Player::start::<D>(&url, step_to_hit(chance));
        player.go();
        player.wait_for_the_next_step();
        for _ in 0..(chance >> 20) % (1 << (8 + (chance >> 56) % 10)) {
            std::hint::spin_loop();
        }
        if kills_server {
            ground.kill_server().unwrap();
            player.listen_to_the_end();
            ground.restart_server().unwrap();
        } else {
            player.kill();
            player.listen_to_the_end();
        }
        assert!(player.lost <= kills_server, "round {round}: the child lost its connection");

        let conn = &mut D::open(&url);
        D::wait_until_alone(conn);
        D::assert_intact(conn);
        let stored = Snapshot::take::<D>(conn);
        let (done, begun) = (player.done, player.begun);
        let Some(moment) = (done..=begun).find(|moment| moments[*moment].stored == stored) else {
            panic!(
                "round {round} (server killed: {kills_server}), step {} of a cycle: neither the old nor the new state\n\
                 old {:#?}\nnew {:#?}\nstored {stored:#?}",
                done % CYCLE,
                moments[done].stored,
                moments[begun].stored
            );
        };
        assert_eq!(opened::<D>(conn, &moments[moment].sessions), moments[moment].opened, "round {round}");
        in_the_middle += usize::from(begun > done);
        came_through += usize::from(moment > done);
    }
    eprintln!(
        "{}: {KILLS} kills, {} of the server; {in_the_middle} in the middle of a verb, {came_through} of these after its commit",
        D::NAME,
        D::KILLS_OF_THE_SERVER
    );
    assert!(in_the_middle > KILLS / 10, "the kills hit nothing");
}

/// Before which step the child pauses; half of the time it is one of several statements.
fn step_to_hit(chance: u64) -> usize {
    let pick = (chance >> 8) as usize;
    let several = several();
    if chance % 2 == 0 { several[pick % several.len()] } else { pick % (2 * CYCLE) }
}
