//! A new id, and the end of a session: what is ended stays ended, also when a request under way carries it on.

use serde_json::json;

use super::stall::{Store, content, opens_nothing, session, store, stored};
use super::ts::session::Id;
use super::ts::{Session, SessionStore};
use crate::place::{Place, Pooled, block_on};
use crate::support::{seconds, suite};
use diesel_sessions::adapters::tower_sessions::ROW_ID_KEY;

suite! {
    a_new_id_is_a_new_row_with_what_the_old_one_had,
    a_new_id_moves_no_deadline,
    attributes_stay_behind_with_the_old_row,
    a_revoked_session_gets_no_new_id,
    a_session_that_another_request_signed_out_gets_no_new_id,
    of_two_new_ids_at_once_one_is_given,
    a_sign_in_on_a_session_that_is_gone_begins_a_new_one,
    what_is_inserted_after_flush_has_another_id,
    a_save_after_the_id_was_changed_elsewhere_is_refused,
    the_former_id_is_an_empty_session_for_a_minute,
}

async fn opened<D: Pooled>(store: &Store<D>, id: Id) -> Session {
    let session = session(store, id);
    session.load().await.unwrap();
    session
}

// S10 SECURITY 10
fn a_new_id_is_a_new_row_with_what_the_old_one_had<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = store(&place);
        let id = stored(&store, [("user_id", json!(7)), ("a", json!(1))]).await;
        let before = place.open(&id.to_string()).unwrap();
        place.clock.advance(seconds(60));
        let session = session(&store, id);
        let row: i64 = session.get(ROW_ID_KEY).await.unwrap().unwrap();
        session.cycle_id().await.unwrap();
        session.insert("b", 1).await.unwrap();
        session.save().await.unwrap();
        assert!(opens_nothing(&store, id).await);
        let now = store.load(&session.id().unwrap()).await.unwrap().unwrap();
        assert_eq!(content(&now), json!({"user_id": 7, "a": 1, "b": 1}));
        assert_eq!(session.get::<i64>(ROW_ID_KEY).await.unwrap(), Some(row + 1));
        let after = place.open(&session.id().unwrap().to_string()).unwrap();
        assert!(before.authenticated_at().is_some());
        assert_eq!(after.authenticated_at(), before.authenticated_at(), "a new id is no proof of identity");
        assert_eq!(after.created_at(), before.created_at());
        session.insert("c", 1).await.unwrap();
        session.save().await.unwrap();
    });
    assert_eq!(place.rows(), 1);
}

// S59
fn a_new_id_moves_no_deadline<D: Pooled>(db: &D) {
    let place = Place::with(db, |builder| builder.idle_timeout(seconds(60)).absolute_timeout(seconds(100)));
    block_on(async {
        let store = store(&place);
        let mut id = stored(&store, [("user_id", json!(7))]).await;
        for _ in 0..3 {
            place.clock.advance(seconds(33));
            let session = session(&store, id);
            session.cycle_id().await.unwrap();
            session.save().await.unwrap();
            id = session.id().unwrap();
        }
        assert!(store.load(&id).await.unwrap().is_some());
        place.clock.advance(seconds(1));
        assert!(store.load(&id).await.unwrap().is_none());
    });
}

// S75
fn attributes_stay_behind_with_the_old_row<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = store(&place);
        let id = stored(&store, [("a", json!(1))]).await;
        let row = place.open(&id.to_string()).unwrap();
        place.sessions.attributes(&row).set(&mut db.connect(), "theme", "dark").unwrap();
        let session = session(&store, id);
        session.cycle_id().await.unwrap();
        session.save().await.unwrap();
    });
    assert_eq!(place.number("SELECT COUNT(*) FROM session_attributes"), 0);
    assert_eq!(place.rows(), 1);
}

// S49 SECURITY 13
fn a_revoked_session_gets_no_new_id<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = store(&place);
        for owner in [json!(7), json!(null)] {
            let id = stored(&store, [("user_id", owner), ("a", json!(1))]).await;
            let (one, other) = (opened::<D>(&store, id).await, opened::<D>(&store, id).await);
            one.cycle_id().await.unwrap();
            one.save().await.unwrap();
            assert_eq!(place.sessions.revoke_everyone(&mut db.connect()).unwrap(), 1);
            other.cycle_id().await.unwrap();
            let error = other.save().await.unwrap_err().to_string();
            assert!(error.contains("no such live session"), "{error}");
            assert!(one.save().await.is_err() && one.cycle_id().await.is_ok() && one.save().await.is_err());
            assert_eq!(place.rows(), 0);
        }
    });
}

// SECURITY 13
fn a_session_that_another_request_signed_out_gets_no_new_id<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = store(&place);
        let id = stored(&store, [("user_id", json!(7))]).await;
        let (one, other) = (opened::<D>(&store, id).await, opened::<D>(&store, id).await);
        one.flush().await.unwrap();
        other.cycle_id().await.unwrap();
        other.save().await.unwrap_err();
    });
    assert_eq!(place.rows(), 0);
}

// SECURITY 11
fn of_two_new_ids_at_once_one_is_given<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = store(&place);
        let id = stored(&store, [("user_id", json!(7))]).await;
        let (one, other) = (opened::<D>(&store, id).await, opened::<D>(&store, id).await);
        one.cycle_id().await.unwrap();
        one.save().await.unwrap();
        other.cycle_id().await.unwrap();
        other.save().await.unwrap_err();
        assert!(store.load(&one.id().unwrap()).await.unwrap().is_some());
    });
    assert_eq!(place.rows(), 1);
}

// S62
fn a_sign_in_on_a_session_that_is_gone_begins_a_new_one<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = store(&place);
        let id = stored(&store, [("cart", json!(["spam"]))]).await;
        let (one, other) = (opened::<D>(&store, id).await, opened::<D>(&store, id).await);
        for twice in [&one, &other] {
            twice.cycle_id().await.unwrap();
            twice.insert("user_id", 7).await.unwrap();
            twice.save().await.unwrap();
        }
        let now = store.load(&other.id().unwrap()).await.unwrap().unwrap();
        assert_eq!(content(&now), json!({"user_id": 7, "cart": ["spam"]}));
    });
    assert_eq!(place.sessions.of(&7).count(&mut db.connect()).unwrap(), 2);
}

// SECURITY 5, 10
fn what_is_inserted_after_flush_has_another_id<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = store(&place);
        let id = stored(&store, [("user_id", json!(7)), ("a", json!(1))]).await;
        let session = opened::<D>(&store, id).await;
        session.flush().await.unwrap();
        session.insert("flash", "signed out").await.unwrap();
        session.save().await.unwrap();
        assert!(store.load(&id).await.unwrap().is_none(), "the id of the signed-in session opens nothing again");
        let now = store.load(&session.id().unwrap()).await.unwrap().unwrap();
        assert_eq!(content(&now), json!({"flash": "signed out"}));
    });
}

// S49 SECURITY 11
fn a_save_after_the_id_was_changed_elsewhere_is_refused<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = store(&place);
        let id = stored(&store, [("a", json!(1))]).await;
        let session = opened::<D>(&store, id).await;
        let mut elsewhere = place.open(&id.to_string()).unwrap();
        place.sessions.rotate(&mut db.connect(), &mut elsewhere).unwrap();
        session.insert("a", 2).await.unwrap();
        session.save().await.unwrap_err();
    });
    assert_eq!(place.text("SELECT _data FROM sessions").unwrap().replace(' ', ""), r#"{"a":1}"#);
}

// SECURITY 11 DESIGN rule 14
fn the_former_id_is_an_empty_session_for_a_minute<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = store(&place);
        let id = stored(&store, [("user_id", json!(7)), ("a", json!(1))]).await;
        let newer = session(&store, id);
        newer.cycle_id().await.unwrap();
        assert!(store.load(&id).await.unwrap().is_none(), "nothing has come in its place yet");
        newer.save().await.unwrap();
        let late = opened::<D>(&store, id).await;
        assert_eq!((late.get::<u32>("a").await.unwrap(), late.is_empty().await), (None, false));
        late.insert("a", 2).await.unwrap();
        late.save().await.unwrap_err();
        late.clear().await;
        late.save().await.unwrap_err();
        place.clock.advance(seconds(59));
        assert!(store.load(&id).await.unwrap().is_some());
        place.clock.advance(seconds(1));
        assert!(store.load(&id).await.unwrap().is_none());
        assert_eq!(store.load(&newer.id().unwrap()).await.unwrap().unwrap().data["a"], 1);
    });
    assert_eq!(place.rows(), 1);
}
