//! Sessions of the store that an application comes from: each is moved once, with its id, and ends once.

use serde_json::json;
use time::Duration;

use super::old::Old;
use super::stall::{Store, content, noon, record, session, store};
use super::ts::SessionStore;
use super::ts::session::{Id, Record};
use super::ts::session_store::Error;
use crate::place::{Place, Pooled, block_on};
use crate::support::suite;

suite! {
    a_session_is_moved_once_with_its_id,
    a_session_that_nobody_knows_is_none,
    requests_that_move_a_session_at_once_end_well,
    an_old_store_that_fails_is_an_error,
    a_sign_out_reaches_the_old_store,
    a_moved_session_is_not_fresh,
    a_session_that_was_moved_and_ended_meanwhile_stays_ended,
    a_session_that_was_signed_out_while_it_moved_stays_ended,
    a_move_that_its_request_gives_up_is_finished,
    a_session_that_was_never_loaded_can_be_cleared,
    a_record_that_does_not_fit_is_an_error_and_stays_where_it_is,
}

fn owned<D: Pooled>(place: &Place<'_, D>, old: &Old) -> Store<D> {
    store(place).owner_at(["axum-login.data", "user_id"]).migrating_from(old.clone())
}

fn old_record() -> Record {
    let mut record = record([("axum-login.data", json!({"user_id": 7, "auth_hash": null})), ("cart", json!(["spam"]))]);
    record.expiry_date = noon() + Duration::minutes(42);
    record
}

// SECURITY 5
fn a_session_is_moved_once_with_its_id<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let before = old_record();
        let old = Old::holding(&[&before, &record([])]);
        let store = owned(&place, &old);
        let moved = store.load(&before.id).await.unwrap().unwrap();
        assert_eq!((moved.id, moved.expiry_date), (before.id, before.expiry_date));
        assert_eq!(
            content(&moved),
            json!({"axum-login.data": {"user_id": 7, "auth_hash": null}, "cart": ["spam"], "user_id": 7})
        );
        assert_eq!(old.len(), 1, "the other one is untouched");
        let asked = old.loads();
        let session = session(&store, before.id);
        session.insert("cart", json!([])).await.unwrap();
        session.save().await.unwrap();
        assert_eq!(store.load(&before.id).await.unwrap().unwrap().data["cart"], json!([]));
        assert_eq!(old.loads(), asked, "what is here is not looked for there");
    });
    assert_eq!(place.sessions.of(&7).count(&mut db.connect()).unwrap(), 1);
}

// SECURITY 5, 6
fn a_session_that_nobody_knows_is_none<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let mut over = old_record();
        over.expiry_date = noon();
        let old = Old::holding(&[&over]);
        let store = owned(&place, &old);
        assert!(store.load(&Id::default()).await.unwrap().is_none());
        assert_eq!(place.rows(), 0);
        assert!(store.load(&over.id).await.unwrap().is_none(), "it has expired there");
        assert!(store.load(&over.id).await.unwrap().is_none());
    });
}

fn requests_that_move_a_session_at_once_end_well<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let before = old_record();
        let old = Old::holding(&[&before]);
        let store = owned(&place, &old);
        let requests: Vec<_> = (0..16)
            .map(|_| {
                let (store, id) = (store.clone(), before.id);
                tokio::spawn(async move { store.load(&id).await })
            })
            .collect();
        for request in requests {
            let found = request.await.unwrap().unwrap().expect("nobody is signed out");
            assert_eq!(found.data["cart"], json!(["spam"]));
        }
        assert_eq!(old.len(), 0);
    });
    assert_eq!(place.rows(), 1);
}

// SECURITY 30
fn an_old_store_that_fails_is_an_error<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let before = old_record();
        let old = Old::holding(&[&before]);
        let store = owned(&place, &old);
        for verb in ["load", "delete"] {
            old.fail_at(verb);
            let error = store.load(&before.id).await.unwrap_err();
            let said = format!("{error} {error:?}");
            assert!(said.contains("the old store's backend failed") && !said.contains("user is 7"), "{said}");
            assert!(session(&store, before.id).get::<u32>("a").await.is_err(), "it is not taken for an anonymous one");
            assert_eq!((place.rows(), old.len()), (0, 1), "nothing is half-moved");
        }
        store.delete(&before.id).await.unwrap_err();
        old.fail_at("");
        assert!(store.load(&before.id).await.unwrap().is_some());
        old.fail_at("delete");
        store.delete(&before.id).await.unwrap_err();
    });
    assert_eq!(place.rows(), 0, "who signs out is signed out here, whatever there is there");
}

// S11 SECURITY 13
fn a_sign_out_reaches_the_old_store<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let before = old_record();
        let old = Old::holding(&[&before]);
        let store = owned(&place, &old);
        session(&store, before.id).flush().await.unwrap();
        assert_eq!(old.len(), 0, "though it was never loaded here");
        assert!(store.load(&before.id).await.unwrap().is_none());
        let other = old_record();
        old.save(&other).await.unwrap();
        let session = session(&store, other.id);
        assert!(session.get_value("cart").await.unwrap().is_some());
        old.save(&other).await.unwrap(); // as if the process had been killed between the two steps of the move
        session.flush().await.unwrap();
        assert!(store.load(&other.id).await.unwrap().is_none());
    });
    assert_eq!(place.rows(), 0);
}

// SECURITY 9
fn a_moved_session_is_not_fresh<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let before = old_record();
        let store = owned(&place, &Old::holding(&[&before]));
        store.load(&before.id).await.unwrap().unwrap();
        assert_eq!(place.open(&before.id.to_string()).unwrap().authenticated_at(), None);
        let session = session(&store, before.id);
        session.cycle_id().await.unwrap();
        session.save().await.unwrap();
        assert_eq!(place.open(&session.id().unwrap().to_string()).unwrap().authenticated_at(), None);
    });
    assert_eq!(place.sessions.of(&7).count(&mut db.connect()).unwrap(), 1);
}

// SECURITY 13
fn a_session_that_was_moved_and_ended_meanwhile_stays_ended<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let before = old_record();
        let old = Old::holding(&[&before]);
        // Between this request's first look into the old store and its next step, another one has moved the session, and the user
        // has revoked it.
        old.lose_after_first_load(before.id);
        let store = owned(&place, &old);
        assert!(store.load(&before.id).await.unwrap().is_none());
    });
    assert_eq!(place.rows(), 0);
}

// SECURITY 13
fn a_session_that_was_signed_out_while_it_moved_stays_ended<D: Pooled>(db: &D) {
    let place = Place::new(db);
    for round in 0..20 {
        block_on(async {
            let before = old_record();
            let store = owned(&place, &Old::holding(&[&before]));
            let (mover, leaver, id) = (store.clone(), store.clone(), before.id);
            let moving = tokio::spawn(async move { mover.load(&id).await.unwrap() });
            let leaving = tokio::spawn(async move { leaver.delete(&id).await.unwrap() });
            moving.await.unwrap();
            leaving.await.unwrap();
            assert!(store.load(&id).await.unwrap().is_none(), "{round}");
        });
    }
    assert_eq!(place.rows(), 0);
}

// SECURITY 13, 31
fn a_move_that_its_request_gives_up_is_finished<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let before = old_record();
        let old = Old::holding(&[&before]);
        let store = owned(&place, &old);
        let (held, mover, id) = (old.hold_delete(), store.clone(), before.id);
        let request = tokio::spawn(async move { mover.load(&id).await });
        held.0.notified().await;
        request.abort();
        assert!(request.await.unwrap_err().is_cancelled());
        held.1.notify_one();
        assert_eq!(place.sessions.of(&7).revoke_all(&mut db.connect()).unwrap(), 1, "it has its row here");
        assert!(store.load(&id).await.unwrap().is_none(), "it is not moved again");
        assert_eq!(old.len(), 0);
    });
    assert_eq!(place.rows(), 0);
}

// S24
fn a_session_that_was_never_loaded_can_be_cleared<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let mut before = record([("cart", json!(["spam"]))]);
        before.expiry_date = noon() + Duration::minutes(42);
        let old = Old::holding(&[&before]);
        let store = owned(&place, &old);
        let session = session(&store, before.id);
        session.clear().await;
        session.insert("a", 1).await.unwrap();
        session.save().await.unwrap();
        assert_eq!(content(&store.load(&before.id).await.unwrap().unwrap()), json!({"a": 1}));
        assert_eq!(old.len(), 0);
    });
}

// S25
fn a_record_that_does_not_fit_is_an_error_and_stays_where_it_is<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let before = record([("_flash", json!("a value"))]);
        let old = Old::holding(&[&before]);
        let error = owned(&place, &old).load(&before.id).await.unwrap_err();
        assert!(matches!(error, Error::Encode(_)) && error.to_string().contains("`_flash`"), "{error}");
        assert_eq!(old.len(), 1);
    });
    assert_eq!(place.rows(), 0);
}
