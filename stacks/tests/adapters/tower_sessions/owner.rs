//! The owner: taken from a path in the record, set and cleared under the rules for a change of owner.

use serde_json::{Value, json};

use super::stall::{Store, content, opens_nothing, record, session, store, stored};
use super::ts::SessionStore;
use super::ts::session::Id;
use super::ts::session_store::Error;
use crate::place::{Place, Pooled, block_on};
use crate::support::{Plain, suite};
use diesel_sessions::adapters::tower_sessions::ROW_ID_KEY;

suite! {
    the_owner_is_taken_from_the_path,
    what_is_no_owner_is_an_error,
    the_owners_own_key_follows_the_path,
    a_sign_in_is_a_proof_of_identity,
    an_owner_is_not_set_under_an_id_that_was_known_before,
    another_owner_begins_with_own_changes_alone,
    who_clears_the_owner_ends_the_session,
    who_clears_the_owner_of_a_session_that_is_gone_wants_nothing_else,
    a_record_that_carries_its_owner_leaves_it_as_it_is,
    all_sessions_but_this_one_are_revoked_by_the_row_id,
}

/// The key under which axum-login keeps who is signed in.
const LOGIN: &str = "axum-login.data";

fn login(user: impl Into<Value>) -> Value {
    json!({"user_id": user.into(), "auth_hash": [1, 2, 3]})
}

fn owned<D: Pooled>(place: &Place<'_, D>) -> Store<D> {
    store(place).owner_at([LOGIN, "user_id"])
}

fn owner<D: Pooled>(place: &Place<'_, D>, id: Id) -> Option<i64> {
    place.open(&id.to_string()).unwrap().to_model().user_id()
}

// S26 S62
fn the_owner_is_taken_from_the_path<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = owned(&place);
        for (user, number) in [(json!(7), 7), (json!("8"), 8), (json!(i64::MAX), i64::MAX)] {
            let id = stored(&store, [(LOGIN, login(user.clone()))]).await;
            assert_eq!(owner(&place, id), Some(number));
            let loaded = store.load(&id).await.unwrap().unwrap();
            assert_eq!(content(&loaded), json!({LOGIN: login(user), "user_id": number}));
        }
        for anonymous in [json!({"user_id": null}), json!({}), json!(null)] {
            let id = stored(&store, [(LOGIN, anonymous)]).await;
            assert_eq!(owner(&place, id), None);
        }
        assert_eq!(place.sessions.of(&7).count(&mut db.connect()).unwrap(), 1);
        let data = place.text("SELECT _data FROM sessions WHERE user_id = 7").unwrap();
        let data: Value = serde_json::from_str(&data).unwrap();
        assert_eq!(data, json!({LOGIN: login(7)}));
    });
}

// S28
fn what_is_no_owner_is_an_error<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = owned(&place);
        for wrong in [json!("seven"), json!(true), json!(1.5), json!([7]), json!(u64::MAX)] {
            let error = store.create(&mut record([(LOGIN, login(wrong))])).await.unwrap_err();
            assert!(matches!(error, Error::Encode(_)), "{error:?}");
            assert!(
                error.to_string().contains("`axum-login.data` → `user_id`") && !error.to_string().contains("seven"),
                "{error}"
            );
        }
    });
    assert_eq!(place.rows(), 0);
}

fn the_owners_own_key_follows_the_path<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = owned(&place);
        let id = stored(&store, [(LOGIN, login(7)), ("user_id", json!(7))]).await;
        let session = session(&store, id);
        session.insert("user_id", 8).await.unwrap();
        let error = session.save().await.unwrap_err().to_string();
        assert!(error.contains("`user_id` follows the owner's path"), "{error}");
        assert_eq!(owner(&place, id), Some(7));
        session.insert("user_id", 7).await.unwrap();
        session.save().await.unwrap();
        store.create(&mut record([("user_id", json!(7))])).await.unwrap_err();
    });
    assert_eq!(place.rows(), 1);
}

// S62 SECURITY 9, 10
fn a_sign_in_is_a_proof_of_identity<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = owned(&place);
        let anonymous = session(&store, None);
        anonymous.insert("cart", json!(["spam"])).await.unwrap();
        anonymous.save().await.unwrap();
        let before = anonymous.id().unwrap();
        place.clock.advance(crate::support::seconds(60));
        let session = session(&store, before);
        session.cycle_id().await.unwrap();
        session.insert(LOGIN, login(7)).await.unwrap();
        session.save().await.unwrap();
        let after = session.id().unwrap();
        assert!(after != before && opens_nothing(&store, before).await);
        let row = place.open(&after.to_string()).unwrap();
        assert_eq!((row.authenticated_at(), row.created_at()), (Some(row.last_seen_at()), row.last_seen_at()));
        assert_eq!(row.get::<Value>("cart").unwrap(), Some(json!(["spam"])), "what the visitor had goes along");
    });
    assert_eq!(place.rows(), 1);
}

// SECURITY 9
fn an_owner_is_not_set_under_an_id_that_was_known_before<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let by_path = owned(&place);
        let by_key = store(&place);
        let anonymous = stored(&by_path, [("a", json!(1))]).await;
        let signed_in = stored(&by_path, [(LOGIN, login(7))]).await;
        for (store, id, key, value) in [
            (&by_path, anonymous, LOGIN, login(8)),
            (&by_path, signed_in, LOGIN, login(8)),
            (&by_key, anonymous, "user_id", json!(8)),
            (&by_key, signed_in, "user_id", json!(8)),
        ] {
            let session = session(store, id);
            session.insert(key, value).await.unwrap();
            session.insert("b", 1).await.unwrap();
            let error = session.save().await.unwrap_err().to_string();
            assert!(error.contains("its owner changed under the same id"), "{error}");
        }
        assert_eq!((owner(&place, anonymous), owner(&place, signed_in)), (None, Some(7)));
        assert_eq!(content(&by_path.load(&anonymous).await.unwrap().unwrap()), json!({"a": 1}), "nothing of it is stored");
    });
}

// S62 SECURITY 9
fn another_owner_begins_with_own_changes_alone<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = owned(&place);
        let id = stored(&store, [(LOGIN, login(7)), ("secret of 7", json!(1)), ("remote_addr", json!("192.0.2.1"))]).await;
        let session = session(&store, id);
        session.insert("a", 1).await.unwrap();
        session.cycle_id().await.unwrap();
        session.insert(LOGIN, login(8)).await.unwrap();
        session.save().await.unwrap();
        let now = store.load(&session.id().unwrap()).await.unwrap().unwrap();
        assert_eq!(content(&now), json!({LOGIN: login(8), "user_id": 8, "a": 1}));
        assert_eq!(session.get::<u32>("secret of 7").await.unwrap(), None, "nor does this request see it any longer");
    });
    assert_eq!(place.rows(), 1);
}

// SECURITY 9, 10
fn who_clears_the_owner_ends_the_session<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let by_path = owned(&place);
        let by_key = store(&place);
        for (store, key, value) in
            [(&by_path, LOGIN, None), (&by_path, LOGIN, Some(login(Value::Null))), (&by_key, "user_id", None)]
        {
            let id = stored(&by_path, [(LOGIN, login(7)), ("a", json!(1))]).await;
            let session = session(store, id);
            match value {
                Some(value) => drop(session.insert_value(key, value).await.unwrap()),
                None => drop(session.remove_value(key).await.unwrap()),
            }
            session.save().await.unwrap();
            assert!(store.load(&id).await.unwrap().is_none());
        }
        // With a new id, the rest of it goes on.
        let id = stored(&by_path, [(LOGIN, login(7)), ("a", json!(1))]).await;
        let session = session(&by_path, id);
        session.cycle_id().await.unwrap();
        session.remove_value(LOGIN).await.unwrap();
        session.save().await.unwrap();
        let id = session.id().unwrap();
        assert_eq!(content(&by_path.load(&id).await.unwrap().unwrap()), json!({"a": 1}));
        assert_eq!(place.open(&id.to_string()).unwrap().authenticated_at(), None);
    });
    assert_eq!(place.rows(), 1);
}

// SECURITY 13
fn who_clears_the_owner_of_a_session_that_is_gone_wants_nothing_else<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let by_path = owned(&place);
        for (store, key) in [(&by_path, LOGIN), (&store(&place), "user_id")] {
            for is_revoked in [false, true] {
                let id = stored(&by_path, [(LOGIN, login(7))]).await;
                let session = session(store, id);
                session.remove_value(key).await.unwrap().unwrap();
                if is_revoked {
                    place.sessions.revoke_everyone(&mut db.connect()).unwrap();
                }
                // The handler's own, and the layer's.
                session.save().await.unwrap();
                session.save().await.unwrap();
                assert_eq!(place.rows(), 0);
            }
            // One that had no owner is gone for whoever changes it.
            let session = session(store, stored(&by_path, [("a", json!(1))]).await);
            session.insert("a", 2).await.unwrap();
            place.sessions.revoke_everyone(&mut db.connect()).unwrap();
            session.save().await.unwrap_err();
        }
    });
}

// SECURITY 9
fn a_record_that_carries_its_owner_leaves_it_as_it_is<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = owned(&place);
        // Set without the path: that it names nobody is no change of the record's.
        let mut id = stored(&super::stall::store(&place), [("user_id", json!(7))]).await;
        let proved_at = place.open(&id.to_string()).unwrap().authenticated_at();
        place.clock.advance(crate::support::seconds(60));
        for is_new_id in [false, true, true] {
            let session = session(&store, id);
            session.insert("a", 1).await.unwrap();
            if is_new_id {
                session.cycle_id().await.unwrap();
            }
            session.save().await.unwrap();
            id = session.id().unwrap();
            assert_eq!((owner(&place, id), place.open(&id.to_string()).unwrap().authenticated_at()), (Some(7), proved_at));
        }
        let session = session(&store, id);
        session.cycle_id().await.unwrap();
        session.insert(LOGIN, login(8)).await.unwrap();
        session.save().await.unwrap();
        assert_eq!(owner(&place, session.id().unwrap()), Some(8), "whom the path names counts");
    });
    assert_eq!(place.rows(), 1);
}

// SECURITY 14, 15
fn all_sessions_but_this_one_are_revoked_by_the_row_id<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = owned(&place);
        let mut ids = Vec::new();
        for user in [7, 7, 7, 8] {
            ids.push(stored(&store, [(LOGIN, login(user))]).await);
        }
        let session = session(&store, ids[1]);
        let row: i64 = session.get(ROW_ID_KEY).await.unwrap().unwrap();
        D::execute(&mut db.connect(), &format!("UPDATE sessions SET remote_addr = 'this one' WHERE id = {row}"));
        let conn = &mut db.connect();
        let mine = place.sessions.of(&7);
        let this = mine.list(conn).unwrap().into_iter().find(|model| model.remote_addr() == Some("this one")).unwrap();
        let row_id = place.sessions.from_row(this).unwrap().row_id().unwrap();
        assert_eq!(mine.revoke_except(conn, row_id).unwrap(), 2);
        for (id, is_live) in ids.into_iter().zip([false, true, false, true]) {
            assert_eq!(store.load(&id).await.unwrap().is_some(), is_live);
        }
    });
}
