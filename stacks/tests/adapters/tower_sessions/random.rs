//! Random requests on one session, interleaved: once its owner's sessions are revoked, nothing brings one back.

use serde_json::json;

use super::stall::{opens_nothing, session, store, stored};
use super::ts::Session;
use crate::place::{Place, Pooled, block_on};
use crate::support::suite;

suite! {
    nothing_brings_a_revoked_session_back,
}

/// Numbers that follow from a seed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % bound).unwrap()
    }
}

const SAVE: usize = 7;

/// One step of a request; errors are what it may well meet.
async fn step(session: &Session, kind: usize) {
    match kind {
        0 => drop(session.load().await),
        1 => drop(session.insert("a", kind).await),
        2 => drop(session.remove_value("a").await),
        3 => drop(session.insert("remote_addr", "192.0.2.1").await),
        4 => session.clear().await,
        5 => drop(session.flush().await),
        6 => drop(session.cycle_id().await),
        _ => drop(session.save().await),
    }
}

// SECURITY 13
fn nothing_brings_a_revoked_session_back<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = store(&place);
        let mut numbers = Numbers(14);
        for round in 0..40 {
            let id = stored(&store, [("user_id", json!(7)), ("a", json!(0))]).await;
            let requests = [session(&store, id), session(&store, id), session(&store, id)];
            for request in &requests {
                request.load().await.unwrap();
            }
            let end = numbers.below(16);
            for at in 0..24 {
                let mine = place.sessions.of(&7);
                if at == end {
                    // Between `cycle_id` and the save after it there is no row that could be revoked: a limit of the interface.
                    for request in &requests {
                        step(request, SAVE).await;
                    }
                    mine.revoke_all(&mut db.connect()).unwrap();
                }
                let (request, kind) = (numbers.below(3), numbers.below(10));
                step(&requests[request], kind).await;
                if at >= end {
                    assert_eq!(mine.count(&mut db.connect()).unwrap(), 0, "round {round}, step {at}: {kind}");
                }
            }
            assert!(opens_nothing(&store, id).await);
        }
    });
}
