//! Requests on the same session at the same time: the trait hands over whole records, and yet no change is lost.

use serde_json::json;
use time::Duration;

use super::stall::{Store, content, noon, record, session, store, stored};
use super::ts::session::{Id, Record};
use super::ts::{Session, SessionStore};
use crate::place::{Place, Pooled, block_on};
use crate::support::suite;
use diesel_sessions::OnConflict;

suite! {
    two_requests_changing_different_keys_both_keep_their_change,
    what_one_request_removes_stays_removed_when_another_saves,
    of_the_same_key_the_last_save_wins,
    a_conflict_is_refused_where_that_is_asked_for,
    a_session_that_saves_twice_stores_what_it_did_in_between,
    a_session_that_saves_twice_writes_nothing_again,
    saving_twice_is_no_conflict_with_oneself,
    a_session_merges_from_its_first_save_on,
    clear_leaves_what_is_inserted_afterwards_and_nothing_else,
    two_copies_of_one_record_both_keep_their_change,
    numbers_that_a_database_spells_differently_are_no_change,
    many_requests_at_once_lose_nothing,
}

pub(crate) async fn opened<D: Pooled>(store: &Store<D>, id: Id) -> Session {
    let session = session(store, id);
    session.load().await.unwrap();
    session
}

pub(crate) async fn loaded<D: Pooled>(store: &Store<D>, id: Id) -> Record {
    store.load(&id).await.unwrap().unwrap()
}

// S47
fn two_requests_changing_different_keys_both_keep_their_change<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = store(&place);
        let id = stored(&store, [("a", json!(1)), ("remote_addr", json!("192.0.2.1"))]).await;
        let (one, other, third) = (opened::<D>(&store, id).await, opened::<D>(&store, id).await, opened::<D>(&store, id).await);
        one.insert("remote_addr", "198.51.100.7").await.unwrap();
        other.insert("a", 2).await.unwrap();
        third.insert("b", 3).await.unwrap();
        for session in [&one, &other, &third] {
            session.save().await.unwrap();
        }
        let now = loaded::<D>(&store, id).await;
        let expected = json!({"a": 2, "b": 3, "remote_addr": "198.51.100.7"});
        assert_eq!(content(&now), expected);
    });
    assert_eq!(place.rows(), 1);
}

// S47
fn what_one_request_removes_stays_removed_when_another_saves<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = store(&place);
        let id = stored(&store, [("a", json!(1)), ("b", json!(1)), ("remote_addr", json!("192.0.2.1"))]).await;
        let (one, other) = (opened::<D>(&store, id).await, opened::<D>(&store, id).await);
        one.remove::<u32>("a").await.unwrap();
        one.remove::<String>("remote_addr").await.unwrap();
        other.insert("b", 2).await.unwrap();
        one.save().await.unwrap();
        other.save().await.unwrap();
        assert_eq!(content(&loaded::<D>(&store, id).await), json!({"b": 2}));
    });
}

// S48
fn of_the_same_key_the_last_save_wins<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = store(&place);
        let id = stored(&store, [("a", json!({"x": 0, "y": 0}))]).await;
        let (one, other) = (opened::<D>(&store, id).await, opened::<D>(&store, id).await);
        one.insert("a", json!({"x": 1, "y": 0})).await.unwrap();
        other.insert("a", json!({"x": 0, "y": 2})).await.unwrap();
        other.save().await.unwrap();
        one.save().await.unwrap();
        assert_eq!(content(&loaded::<D>(&store, id).await), json!({"a": {"x": 1, "y": 0}}), "and never a mix");
    });
}

// S48
fn a_conflict_is_refused_where_that_is_asked_for<D: Pooled>(db: &D) {
    let place = Place::with(db, |builder| builder.on_conflict(OnConflict::Refuse));
    block_on(async {
        let store = store(&place);
        let id = stored(&store, [("a", json!(1)), ("remote_addr", json!("192.0.2.1"))]).await;
        for key in ["a", "remote_addr", "new"] {
            let (one, other) = (opened::<D>(&store, id).await, opened::<D>(&store, id).await);
            let third = opened::<D>(&store, id).await;
            one.insert("mine", key).await.unwrap();
            one.insert(key, "one's").await.unwrap();
            other.insert(key, "the other's").await.unwrap();
            third.insert("third", key).await.unwrap();
            one.save().await.unwrap();
            let error = other.save().await.unwrap_err().to_string();
            assert!(error.contains(&format!("`{key}`")) && !error.contains("other's"), "{error}");
            third.save().await.unwrap();
            let now = loaded::<D>(&store, id).await;
            assert_eq!((&now.data[key], &now.data["third"]), (&json!("one's"), &json!(key)));
        }
        // The end that moves with every save is nobody's change.
        let (mut one, mut other) = (loaded::<D>(&store, id).await, loaded::<D>(&store, id).await);
        one.data.insert("x".to_owned(), json!(1));
        other.data.insert("y".to_owned(), json!(1));
        one.expiry_date = noon() + Duration::minutes(20);
        other.expiry_date = noon() + Duration::minutes(21);
        store.save(&one).await.unwrap();
        store.save(&other).await.unwrap();
        let now = loaded::<D>(&store, id).await;
        assert_eq!((&now.data["x"], &now.data["y"], now.expiry_date), (&json!(1), &json!(1), other.expiry_date));
    });
}

// S39 S47
fn a_session_that_saves_twice_stores_what_it_did_in_between<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = store(&place);
        let id = stored(&store, [("kept", json!(1)), ("changed", json!(1))]).await;
        let session = opened::<D>(&store, id).await;
        session.insert("added", 1).await.unwrap();
        session.insert("changed", 2).await.unwrap();
        session.insert("remote_addr", "192.0.2.1").await.unwrap();
        session.save().await.unwrap();
        session.remove::<u32>("added").await.unwrap();
        session.insert("changed", 1).await.unwrap();
        session.remove::<String>("remote_addr").await.unwrap();
        session.save().await.unwrap();
        let as_before = json!({"changed": 1, "kept": 1});
        assert_eq!(content(&loaded::<D>(&store, id).await), as_before);
        session.remove::<u32>("kept").await.unwrap();
        session.save().await.unwrap();
        session.insert("kept", 1).await.unwrap();
        session.save().await.unwrap();
        assert_eq!(content(&loaded::<D>(&store, id).await), as_before);
    });
}

// S47 S48
fn a_session_that_saves_twice_writes_nothing_again<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = store(&place);
        let id = stored(&store, [("a", json!(1)), ("b", json!(1))]).await;
        let (one, other) = (opened::<D>(&store, id).await, opened::<D>(&store, id).await);
        one.insert("a", "one's").await.unwrap();
        one.remove::<u32>("b").await.unwrap();
        one.save().await.unwrap();
        other.insert("a", "the other's").await.unwrap();
        other.insert("b", "the other's").await.unwrap();
        other.save().await.unwrap();
        one.insert("c", 1).await.unwrap();
        one.save().await.unwrap();
        let now = loaded::<D>(&store, id).await;
        assert_eq!(content(&now), json!({"a": "the other's", "b": "the other's", "c": 1}));
    });
}

// S48
fn saving_twice_is_no_conflict_with_oneself<D: Pooled>(db: &D) {
    let place = Place::with(db, |builder| builder.on_conflict(OnConflict::Refuse));
    block_on(async {
        let store = store(&place);
        let id = stored(&store, [("a", json!(1))]).await;
        let session = opened::<D>(&store, id).await;
        for value in [2, 2, 3, 1] {
            session.insert("a", value).await.unwrap();
            session.insert("remote_addr", format!("192.0.2.{value}")).await.unwrap();
            session.save().await.unwrap();
        }
        let other = opened::<D>(&store, id).await;
        other.insert("a", 9).await.unwrap();
        other.save().await.unwrap();
        session.insert("a", 4).await.unwrap();
        session.save().await.unwrap_err();
        assert_eq!(loaded::<D>(&store, id).await.data["a"], 9);
    });
}

// S47
fn a_session_merges_from_its_first_save_on<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = store(&place);
        let one = session(&store, None);
        one.insert("a", 1).await.unwrap();
        one.save().await.unwrap();
        let id = one.id().unwrap();
        let other = opened::<D>(&store, id).await;
        other.insert("b", 1).await.unwrap();
        other.save().await.unwrap();
        one.insert("c", 1).await.unwrap();
        one.save().await.unwrap();
        let all = json!({"a": 1, "b": 1, "c": 1});
        assert_eq!(content(&loaded::<D>(&store, id).await), all);
    });
}

// S24
fn clear_leaves_what_is_inserted_afterwards_and_nothing_else<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = store(&place);
        let id = stored(&store, [("a", json!(1)), ("remote_addr", json!("192.0.2.1"))]).await;
        for was_loaded in [true, false] {
            let session = session(&store, id);
            if was_loaded {
                session.load().await.unwrap();
            }
            session.clear().await;
            session.insert("b", was_loaded).await.unwrap();
            session.save().await.unwrap();
            assert_eq!(content(&loaded::<D>(&store, id).await), json!({"b": was_loaded}));
        }
        let mut by_hand = record([("c", json!(1))]);
        by_hand.id = id;
        store.save(&by_hand).await.unwrap();
        assert_eq!(content(&loaded::<D>(&store, id).await), json!({"c": 1}));
    });
}

// S47
fn two_copies_of_one_record_both_keep_their_change<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = store(&place);
        let id = stored(&store, [("a", json!(1))]).await;
        let mut one = loaded::<D>(&store, id).await;
        let mut other = one.clone();
        one.data.insert("b".to_owned(), json!(1));
        other.data.insert("c".to_owned(), json!(1));
        store.save(&one).await.unwrap();
        store.save(&other).await.unwrap();
        let all = json!({"a": 1, "b": 1, "c": 1});
        assert_eq!(content(&loaded::<D>(&store, id).await), all);
    });
}

// S29 S37
fn numbers_that_a_database_spells_differently_are_no_change<D: Pooled>(db: &D) {
    let place = Place::with(db, |builder| builder.on_conflict(OnConflict::Refuse));
    block_on(async {
        let store = store(&place);
        let one = session(&store, None);
        let numbers = json!([1.0, 1e2, 1.5e300, -0.0, u64::MAX, {"x": 2e15}]);
        one.insert("numbers", &numbers).await.unwrap();
        one.save().await.unwrap();
        let other = opened::<D>(&store, one.id().unwrap()).await;
        other.insert("numbers", "none").await.unwrap();
        other.save().await.unwrap();
        one.insert("a", 1).await.unwrap();
        one.save().await.unwrap();
        let now = loaded::<D>(&store, one.id().unwrap()).await;
        assert_eq!(content(&now), json!({"a": 1, "numbers": "none"}));
    });
}

// S47 SECURITY 31
fn many_requests_at_once_lose_nothing<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = store(&place);
        let id = stored(&store, []).await;
        let requests: Vec<_> = (0..16)
            .map(|n| {
                let store = store.clone();
                tokio::spawn(async move {
                    let session = session(&store, id);
                    session.insert(&format!("key {n}"), n).await.unwrap();
                    session.save().await.unwrap();
                })
            })
            .collect();
        for request in requests {
            request.await.unwrap();
        }
        assert_eq!(content(&loaded::<D>(&store, id).await).as_object().unwrap().len(), 16);
    });
}
