//! The store by itself: creating, saving, loading, deleting, purging records.

use serde_json::json;

use super::stall::{content, record, session, store, stored};
use super::ts::session::Id;
use super::ts::session_store::Error;
use super::ts::{ExpiredDeletion, SessionStore};
use crate::place::{Place, Pooled, block_on, unreachable};
use crate::support::{Plain, seconds, suite};
use diesel_sessions::SessionToken;
use diesel_sessions::adapters::tower_sessions::{DieselStore, ROW_ID_KEY};

suite! {
    a_created_record_is_loaded_as_it_is,
    a_taken_id_is_drawn_anew_and_its_session_stays,
    a_save_of_an_unknown_id_creates_nothing,
    what_was_ended_stays_ended_whatever_is_saved,
    looking_up_makes_no_row,
    keys_that_name_columns_go_there_and_come_back,
    reserved_entries_never_reach_the_row_and_cannot_be_written,
    a_key_that_is_the_librarys_own_is_an_error_that_names_it,
    a_deleted_session_is_gone_and_deleting_it_again_is_no_error,
    the_table_holds_no_id_and_what_it_holds_opens_nothing,
    a_database_that_is_down_is_an_error,
    what_cannot_be_decoded_is_an_error,
    emptying_a_session_that_is_gone_creates_nothing,
}

// S3 S61
fn a_created_record_is_loaded_as_it_is<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = store(&place);
        let mut created = record([("cart", json!(["egg", {"spam": 1.5}])), ("parrot", json!(null))]);
        let (id, end) = (created.id, created.expiry_date);
        store.create(&mut created).await.unwrap();
        assert_eq!((created.id, created.expiry_date), (id, end));
        let loaded = store.load(&id).await.unwrap().unwrap();
        assert_eq!(content(&loaded), content(&created));
        assert_eq!(content(&loaded), json!({"cart": ["egg", {"spam": 1.5}], "parrot": null}));
        assert_eq!((loaded.id, loaded.expiry_date), (id, end));

        let mut changed = loaded;
        changed.data.insert("cart".to_owned(), json!([]));
        store.save(&changed).await.unwrap();
        assert_eq!(store.load(&id).await.unwrap().unwrap().data["cart"], json!([]));
    });
    assert_eq!(place.rows(), 1);
}

// SECURITY 7
fn a_taken_id_is_drawn_anew_and_its_session_stays<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = store(&place);
        let mut first = record([("whose", json!("first"))]);
        let mut second = record([("whose", json!("second"))]);
        second.id = first.id;
        let id = first.id;
        store.create(&mut first).await.unwrap();
        store.create(&mut second).await.unwrap();
        assert_eq!(first.id, id);
        assert_ne!(second.id, id);
        for (id, whose) in [(first.id, "first"), (second.id, "second")] {
            assert_eq!(store.load(&id).await.unwrap().unwrap().data["whose"], whose);
        }
        let mut copy = first.clone();
        store.create(&mut copy).await.unwrap();
        assert!(copy.id != first.id && copy.data[ROW_ID_KEY] != first.data[ROW_ID_KEY]);
    });
    assert_eq!(place.rows(), 3);
}

// S49 SECURITY 5, 6
fn a_save_of_an_unknown_id_creates_nothing<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = store(&place);
        let made_up = record([("a", json!(1))]);
        let error = store.save(&made_up).await.unwrap_err();
        assert!(matches!(error, Error::Backend(_)) && error.to_string().contains("no such live session"), "{error}");
        assert!(store.load(&made_up.id).await.unwrap().is_none());
    });
    assert_eq!(place.rows(), 0);
}

// S49 SECURITY 13
fn what_was_ended_stays_ended_whatever_is_saved<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = store(&place);
        for end in ["revoked", "deleted", "expired"] {
            let id = stored(&store, [("a", json!(1))]).await;
            let mut changed = store.load(&id).await.unwrap().unwrap();
            let unchanged = changed.clone();
            changed.data.insert("a".to_owned(), json!(2));
            let mut emptied = changed.clone();
            emptied.data.clear();
            emptied.data.insert("b".to_owned(), json!(1));
            match end {
                "revoked" => assert_eq!(place.sessions.revoke_everyone(&mut db.connect()).unwrap(), 1),
                "deleted" => store.delete(&id).await.unwrap(),
                _ => place.clock.advance(seconds(3_600)),
            }
            for saved in [&changed, &unchanged, &emptied] {
                store.save(saved).await.unwrap_err();
                assert!(store.load(&id).await.unwrap().is_none(), "{end}");
            }
        }
    });
    assert_eq!(place.number("SELECT COUNT(*) FROM sessions WHERE expires_at > '2026-11-21 13:00:00.000000'"), 0);
}

// S6 SECURITY 6
fn looking_up_makes_no_row<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = store(&place);
        assert!(store.load(&Id::default()).await.unwrap().is_none());
        let untouched = session(&store, None);
        assert_eq!(untouched.get::<u32>("a").await.unwrap(), None);
        let unknown = session(&store, Id::default());
        assert_eq!(unknown.get::<u32>("a").await.unwrap(), None);
        assert!(unknown.id().is_none(), "it is not adopted");
    });
    assert_eq!(place.rows(), 0);
}

// S17 S18 S19 S28
fn keys_that_name_columns_go_there_and_come_back<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = store(&place);
        let id = stored(&store, [("user_id", json!(7)), ("parrot", json!("ceased")), ("actor_id", json!(14))]).await;
        assert_eq!(place.text("SELECT user_id FROM sessions").as_deref(), Some("7"));
        let data: serde_json::Value = serde_json::from_str(&place.text("SELECT _data FROM sessions").unwrap()).unwrap();
        assert_eq!(data, json!({"actor_id": 14, "parrot": "ceased"}));
        let mut loaded = store.load(&id).await.unwrap().unwrap();
        assert_eq!(loaded.data["user_id"], 7);
        loaded.data.insert("remote_addr".to_owned(), json!("192.0.2.1"));
        loaded.data.remove("parrot");
        store.save(&loaded).await.unwrap();
        assert_eq!(place.text("SELECT remote_addr FROM sessions").as_deref(), Some("192.0.2.1"));
        let mut loaded = store.load(&id).await.unwrap().unwrap();
        assert_eq!(content(&loaded).as_object().unwrap().keys().collect::<Vec<_>>(), ["actor_id", "remote_addr", "user_id"]);
        loaded.data.remove("remote_addr");
        store.save(&loaded).await.unwrap();
        assert_eq!(place.text("SELECT remote_addr FROM sessions"), None);
        loaded.data.insert("remote_addr".to_owned(), json!(192));
        let error = store.save(&loaded).await.unwrap_err();
        assert!(matches!(error, Error::Encode(_)) && error.to_string().contains("`remote_addr`"), "{error}");
    });
}

// S24 S25 SECURITY 24
fn reserved_entries_never_reach_the_row_and_cannot_be_written<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = store(&place);
        let other = stored(&store, [("other", json!(1))]).await;
        let id = stored(&store, [("a", json!(1))]).await;
        let session = session(&store, id);
        assert_eq!(session.get::<i64>(ROW_ID_KEY).await.unwrap(), Some(2));
        session.insert(ROW_ID_KEY, 1).await.unwrap();
        session.insert("a", 2).await.unwrap();
        session.save().await.unwrap();
        let loaded = store.load(&id).await.unwrap().unwrap();
        assert_eq!((&loaded.data[ROW_ID_KEY], &loaded.data["a"]), (&json!(2), &json!(2)));
        assert_eq!(content(&store.load(&other).await.unwrap().unwrap()), json!({"other": 1}));
    });
    assert_eq!(place.text("SELECT _data FROM sessions WHERE id = 2").unwrap().replace(' ', ""), r#"{"a":2}"#);
}

// S25 SECURITY 24
fn a_key_that_is_the_librarys_own_is_an_error_that_names_it<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = store(&place);
        for key in ["id", "_uuid", "_data", "expires_at", "_anything"] {
            let error = store.create(&mut record([(key, json!("a value"))])).await.unwrap_err();
            let said = format!("{error} {error:?}");
            assert!(matches!(error, Error::Encode(_)) && said.contains(key) && !said.contains("a value"), "{said}");
        }
    });
    assert_eq!(place.rows(), 0);
}

// S11
fn a_deleted_session_is_gone_and_deleting_it_again_is_no_error<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = store(&place);
        let id = stored(&store, [("a", json!(1))]).await;
        for _ in 0..2 {
            store.delete(&id).await.unwrap();
            assert!(store.load(&id).await.unwrap().is_none());
        }
        // A session that was rotated elsewhere is ended by the request that still has its old id.
        let id = stored(&store, [("a", json!(1))]).await;
        let mut elsewhere = place.open(&id.to_string()).unwrap();
        place.sessions.rotate(&mut db.connect(), &mut elsewhere).unwrap();
        assert!(store.load(&id).await.unwrap().is_none());
        store.delete(&id).await.unwrap();
    });
    assert_eq!(place.rows(), 0);
}

// SECURITY 2, 3, 4
fn the_table_holds_no_id_and_what_it_holds_opens_nothing<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = store(&place);
        let id = stored(&store, [("user_id", json!(7))]).await;
        let row = place.open(&id.to_string()).expect("the cookie's text is the library's token");
        let digest = SessionToken::from_bytes(&id.0.to_le_bytes()).unwrap().digest().as_uuid();
        let stored_digest = place.text("SELECT _uuid FROM sessions").unwrap();
        assert_eq!(digest.to_string(), stored_digest);
        for stored in [i128::from_le_bytes(digest.into_bytes()), i128::from_be_bytes(digest.into_bytes()), 0, 1] {
            assert!(store.load(&Id(stored)).await.unwrap().is_none());
        }
        for text in [digest.to_string(), digest.simple().to_string(), "short".to_owned(), "A".repeat(4_096)] {
            assert!(text.parse::<Id>().is_err(), "it ends before the store");
        }
        assert_eq!(row.to_model().user_id(), Some(7));
        let said = format!("{store:?}");
        assert!(said.contains("DieselStore") && !said.contains(&id.to_string()), "{said}");
    });
}

// SECURITY 30
fn a_database_that_is_down_is_an_error<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = DieselStore::new(place.sessions.clone(), unreachable(db));
        let error = store.load(&Id::default()).await.unwrap_err();
        assert!(matches!(error, Error::Backend(_)) && error.to_string().contains("connection"), "{error}");
        store.create(&mut record([])).await.unwrap_err();
        store.save(&record([])).await.unwrap_err();
        store.delete(&Id::default()).await.unwrap_err();
        store.delete_expired().await.unwrap_err();
        assert!(session(&store, Id::default()).get::<u32>("a").await.is_err(), "it is not taken for an anonymous one");
    });
}

// SECURITY 23
fn what_cannot_be_decoded_is_an_error<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = store(&place);
        let id = stored(&store, [("a", json!("a value"))]).await;
        D::execute(&mut db.connect(), "UPDATE sessions SET _data = '[\"a value\"]'");
        let error = store.load(&id).await.unwrap_err();
        assert!(matches!(error, Error::Decode(_)) && !format!("{error:?}").contains("a value"), "{error:?}");
        store.delete(&id).await.unwrap();
    });
    assert_eq!(place.rows(), 0, "it can still be ended");
}

// SECURITY 5, 6
fn emptying_a_session_that_is_gone_creates_nothing<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = store(&place);
        let session = session(&store, Id::default());
        session.clear().await;
        session.save().await.unwrap();
    });
    assert_eq!(place.rows(), 0);
}
