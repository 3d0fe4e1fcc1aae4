//! How long a session lasts: its record's end, the repository's policy, and signs of life.

use diesel_sessions::{Clock, Timeouts};
use serde_json::json;
use time::Duration;

use super::stall::{noon, record, store, stored};
use super::ts::{ExpiredDeletion, SessionStore};
use crate::place::{Place, Pooled, block_on};
use crate::support::left_behind::LeftBehind;
use crate::support::{Postgres, run, seconds, suite};

suite! {
    the_earlier_end_counts,
    the_end_moves_with_the_record_and_never_past_the_policys,
    a_load_touches_when_that_is_due,
    a_touch_that_fails_spoils_no_load,
    what_has_expired_is_purged,
}

// S52 S53 S59
fn the_earlier_end_counts<D: Pooled>(db: &D) {
    let place =
        Place::with(db, |builder| builder.timeouts(Timeouts { idle: Some(seconds(1_800)), absolute: Some(seconds(7_200)) }));
    block_on(async {
        let store = store(&place);
        let mut sooner = record([("a", json!(1))]);
        sooner.expiry_date = noon() + Duration::minutes(10);
        let mut later = record([("a", json!(1))]);
        later.expiry_date = noon() + Duration::days(10);
        store.create(&mut sooner).await.unwrap();
        store.create(&mut later).await.unwrap();
        assert_eq!(sooner.expiry_date, noon() + Duration::minutes(10));
        assert_eq!(later.expiry_date, noon() + Duration::minutes(30), "the idle timeout is the repository's");
        place.clock.advance(seconds(599));
        assert!(store.load(&sooner.id).await.unwrap().is_some());
        place.clock.advance(seconds(1));
        assert!(store.load(&sooner.id).await.unwrap().is_none());
        assert!(store.load(&later.id).await.unwrap().is_some());
        for _ in 0..5 {
            place.clock.advance(seconds(1_200));
            assert!(store.load(&later.id).await.unwrap().is_some(), "each load is a sign of life");
        }
        place.clock.advance(seconds(599));
        assert!(store.load(&later.id).await.unwrap().is_some());
        place.clock.advance(seconds(1));
        assert!(store.load(&later.id).await.unwrap().is_none(), "and none moves the deadline");
    });
}

// S54 S59
fn the_end_moves_with_the_record_and_never_past_the_policys<D: Pooled>(db: &D) {
    let place = Place::with(db, |builder| builder.timeouts(Timeouts { idle: None, absolute: Some(seconds(7_200)) }));
    block_on(async {
        let store = store(&place);
        let id = stored(&store, [("a", json!(1))]).await;
        for (end, kept) in [(90, 90), (30, 30), (119, 119), (121, 120), (10_000, 120), (60, 60)] {
            let mut loaded = store.load(&id).await.unwrap().unwrap();
            loaded.expiry_date = noon() + Duration::minutes(end);
            store.save(&loaded).await.unwrap();
            assert_eq!(store.load(&id).await.unwrap().unwrap().expiry_date, noon() + Duration::minutes(kept), "{end}");
        }
        let mut over = store.load(&id).await.unwrap().unwrap();
        over.expiry_date = noon() - Duration::seconds(1);
        store.save(&over).await.unwrap();
        assert!(store.load(&id).await.unwrap().is_none());
    });
}

// S58 SECURITY 20, 21
fn a_load_touches_when_that_is_due<D: Pooled>(db: &D) {
    let place = Place::with(db, |builder| builder.timeouts(Timeouts { idle: Some(seconds(1_000)), absolute: None }));
    block_on(async {
        let store = store(&place);
        let mut record = record([("a", json!(1))]);
        record.expiry_date = noon() + Duration::days(1);
        store.create(&mut record).await.unwrap();
        let seen = || place.number("SELECT COUNT(*) FROM sessions WHERE last_seen_at > created_at");
        place.clock.advance(seconds(49));
        store.load(&record.id).await.unwrap().unwrap();
        assert_eq!(seen(), 0);
        place.clock.advance(seconds(1));
        let loaded = store.load(&record.id).await.unwrap().unwrap();
        assert_eq!(seen(), 1);
        assert_eq!(loaded.expiry_date, noon() + Duration::seconds(1_050));
        assert_eq!(place.number("SELECT _version FROM sessions"), 0, "a touch is no change");
    });
}

// S63
fn what_has_expired_is_purged<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = store(&place);
        let mut short = record([("a", json!(1))]);
        short.expiry_date = noon() + Duration::seconds(1);
        store.create(&mut short).await.unwrap();
        let long = stored(&store, [("a", json!(1))]).await;
        place.clock.advance(seconds(1));
        store.delete_expired().await.unwrap();
        assert_eq!(place.rows(), 1);
        assert!(store.load(&long).await.unwrap().is_some());
    });
}

// PERFORMANCE P9
#[test]
fn a_batch_of_the_store_goes_on_where_the_one_before_it_ended() {
    run(|db: &Postgres| {
        let place = Place::new(db);
        let left_behind = LeftBehind::new(db, 5_000, place.clock.now());
        block_on(store(&place).delete_expired()).unwrap();
        assert_eq!(place.rows(), 1);
        left_behind.check_passed_once(&mut place.pool.get().unwrap());
    });
}

// S54 SECURITY 30
fn a_touch_that_fails_spoils_no_load<D: Pooled>(db: &D) {
    let place = Place::new(db);
    block_on(async {
        let store = store(&place);
        let id = stored(&store, [("a", json!(1))]).await;
        let refuse = match D::NAME {
            "sqlite" => "CREATE TRIGGER no BEFORE UPDATE ON sessions BEGIN SELECT RAISE(ABORT, 'no'); END",
            _ => "ALTER TABLE sessions ADD CONSTRAINT untouched CHECK (last_seen_at = created_at)",
        };
        D::execute(&mut db.connect(), refuse);
        place.clock.advance(seconds(600));
        assert_eq!(store.load(&id).await.unwrap().unwrap().data["a"], 1);
    });
    assert_eq!(place.number("SELECT COUNT(*) FROM sessions WHERE last_seen_at = created_at"), 1, "a touch was due, and failed");
}
