//! When a session ends: at the earlier of its time to live and the policy.

use actix_session_0_11::config::TtlExtensionPolicy;
use actix_session_0_11::storage::SessionStore;
use actix_web::cookie::time::Duration;
use diesel_sessions::Clock;

use super::site::{Browser, TTL, builder, copy, lifecycle, open, saved, state, ttl};
use crate::app::block_on;
use crate::site::{Site, Web};
use crate::support::{repository_with, seconds, suite};

suite! {
    a_session_ends_with_its_time_to_live,
    a_change_begins_the_time_to_live_anew,
    every_request_begins_it_anew_where_it_is_to,
    the_policy_ends_it_if_that_comes_first,
    a_session_that_is_only_read_is_touched_when_that_is_due,
    a_touch_that_fails_spoils_no_load,
}

const SECONDS: u64 = TTL as u64;

// S52 S53
fn a_session_ends_with_its_time_to_live<D: Web>(db: &D) {
    let site = Site::new(db);
    block_on(async {
        let store = site.store();
        let key = saved(&store, "a", "1").await;
        site.clock.advance(seconds(SECONDS) - std::time::Duration::from_micros(1));
        assert!(store.load(&key).await.unwrap().is_some());
        site.clock.advance(std::time::Duration::from_micros(1));
        assert!(store.load(&key).await.unwrap().is_none());
        assert!(store.update(copy(&key), state("a", "2"), &ttl()).await.is_err());
        assert!(store.update_ttl(&key, &ttl()).await.is_err());
    });
}

// S54
fn a_change_begins_the_time_to_live_anew<D: Web>(db: &D) {
    let site = Site::new(db);
    block_on(async {
        let app = open::<D>(builder::<D>(site.store())).await;
        let mut browser = Browser::new(&app);
        for counter in 1..5 {
            assert_eq!(browser.ask("/count").await.body, format!("counter={counter}"));
            site.clock.advance(seconds(SECONDS - 1));
        }
        assert_eq!(browser.told().await, "counter=4");
        site.clock.advance(seconds(1));
        assert_eq!(browser.told().await, "", "reading is no change");
    });
}

// S54
fn every_request_begins_it_anew_where_it_is_to<D: Web>(db: &D) {
    let site = Site::new(db);
    block_on(async {
        let builder = builder::<D>(site.store()).session_lifecycle(lifecycle(TtlExtensionPolicy::OnEveryRequest));
        let app = open::<D>(builder).await;
        let mut browser = Browser::new(&app);
        browser.ask("/count").await;
        for _ in 0..4 {
            site.clock.advance(seconds(SECONDS - 1));
            assert_eq!(browser.told().await, "counter=1");
        }
        let version = |db: &D| D::number(&mut db.connect(), "SELECT _version FROM sessions");
        let before = version(db);
        site.clock.advance(seconds(SECONDS / 20 - 1));
        browser.told().await;
        assert_eq!(version(db), before, "so little is not worth a write");
        site.clock.advance(seconds(SECONDS));
        assert_eq!(browser.told().await, "");
    });
}

// S59
fn the_policy_ends_it_if_that_comes_first<D: Web>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(3_600)).absolute_timeout(seconds(7_200)));
    let site = Site::of(db, sessions, clock);
    let day = Duration::days(1);
    block_on(async {
        let store = site.store();
        let begun = site.clock.now();
        let key = store.save(state("a", "1"), &day).await.unwrap();
        for n in 0..3 {
            site.clock.advance(seconds(2_000));
            store.update(copy(&key), state("a", &n.to_string()), &day).await.unwrap();
            store.update_ttl(&key, &day).await.unwrap();
            let session = site.load(key.as_ref()).unwrap();
            assert_eq!((session.deadline_at().unwrap() - begun).num_seconds(), 7_200, "nothing moves the deadline");
        }
        site.clock.advance(seconds(1_200));
        assert!(store.load(&key).await.unwrap().is_none());

        let idle = store.save(state("a", "1"), &day).await.unwrap();
        site.clock.advance(seconds(3_600));
        assert!(store.load(&idle).await.unwrap().is_none());
    });
}

fn a_session_that_is_only_read_is_touched_when_that_is_due<D: Web>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(100)));
    let site = Site::of(db, sessions, clock);
    block_on(async {
        let store = site.store();
        let key = saved(&store, "a", "1").await;
        for _ in 0..5 {
            site.clock.advance(seconds(90));
            assert!(store.load(&key).await.unwrap().is_some());
        }
        site.clock.advance(seconds(100));
        assert!(store.load(&key).await.unwrap().is_none());
    });
}

// S54 SECURITY 30
fn a_touch_that_fails_spoils_no_load<D: Web>(db: &D) {
    let site = Site::new(db);
    block_on(async {
        let store = site.store();
        let key = saved(&store, "a", "1").await;
        let refuse = match D::NAME {
            "sqlite" => "CREATE TRIGGER no BEFORE UPDATE ON sessions BEGIN SELECT RAISE(ABORT, 'no'); END",
            _ => "ALTER TABLE sessions ADD CONSTRAINT untouched CHECK (last_seen_at = created_at)",
        };
        D::execute(&mut db.connect(), refuse);
        site.clock.advance(seconds(300));
        assert_eq!(store.load(&key).await.unwrap().unwrap()["a"], "1");
    });
    let untouched = "SELECT COUNT(*) FROM sessions WHERE last_seen_at = created_at";
    assert_eq!(D::number(&mut db.connect(), untouched), 1, "a touch was due, and failed");
}
