//! Whose session it is, and which key that gives the client.

use axum::http::StatusCode;

use super::site::{Browser, builder, open};
use crate::app::block_on;
use crate::site::{Site, Web};
use crate::support::{seconds, suite};

suite! {
    an_owner_who_comes_without_renew_gets_another_key,
    an_owner_who_goes_leaves_an_anonymous_session_under_another_key,
    another_owner_gets_a_session_of_its_own,
    signing_in_gives_the_session_fresh_times,
    a_request_with_the_replaced_key_begins_no_session,
    the_owner_is_taken_from_a_path,
    what_is_no_owner_at_the_path_is_an_error,
}

// S62 SECURITY 9 10
fn an_owner_who_comes_without_renew_gets_another_key<D: Web>(db: &D) {
    let site = Site::new(db);
    block_on(async {
        let app = open::<D>(builder::<D>(site.store().owner_at(["who"]))).await;
        let mut browser = Browser::new(&app);
        browser.ask("/count").await;
        let row = D::number(&mut db.connect(), "SELECT id FROM sessions");
        let mut before = browser.twin();
        assert_eq!(browser.ask("/set/who/7").await.status, StatusCode::OK);
        assert_ne!(browser.cookie, before.cookie);
        assert_eq!(before.told().await, "");
        assert_eq!(browser.told().await, r#"counter=1 user_id=7 who="7""#);
        assert_eq!(D::number(&mut db.connect(), "SELECT id FROM sessions"), row, "the row stays");
        let model = site.sessions.of(&7).list(&mut db.connect()).unwrap().remove(0);
        assert!(site.sessions.from_row(model).unwrap().authenticated_at().is_some());
    });
    assert_eq!(site.rows(), 1);
}

// SECURITY 9 10
fn an_owner_who_goes_leaves_an_anonymous_session_under_another_key<D: Web>(db: &D) {
    let site = Site::new(db);
    block_on(async {
        let app = open::<D>(builder::<D>(site.store())).await;
        for (path, told) in [("/remove/user_id", "counter=1"), ("/clear", "")] {
            let mut browser = Browser::new(&app);
            browser.ask("/count").await;
            browser.ask("/in/7").await;
            let mut before = browser.twin();
            assert_eq!(browser.ask(path).await.status, StatusCode::OK);
            assert_ne!(browser.cookie, before.cookie, "{path}");
            assert_eq!(before.told().await, "", "{path}");
            assert_eq!(browser.told().await, told);
        }
    });
    assert_eq!(site.sessions.of(&7).count(&mut db.connect()).unwrap(), 0);
    let conn = &mut db.connect();
    assert_eq!(D::number(conn, "SELECT COUNT(*) FROM sessions WHERE authenticated_at IS NOT NULL"), 0);
}

// S62 SECURITY 9
fn another_owner_gets_a_session_of_its_own<D: Web>(db: &D) {
    let site = Site::new(db);
    block_on(async {
        // With `renew`, and without.
        for (path, store) in [("/in/8", site.store()), ("/set/who/8", site.store().owner_at(["who"]))] {
            let app = open::<D>(builder::<D>(store)).await;
            let mut browser = Browser::new(&app);
            browser.ask("/count").await;
            browser.ask(if path == "/in/8" { "/in/7" } else { "/set/who/7" }).await;
            assert_eq!(site.sessions.of(&7).count(&mut db.connect()).unwrap(), 1);
            let mut before = browser.twin();
            assert_eq!(browser.ask(path).await.status, StatusCode::OK);
            assert_eq!(before.told().await, "", "{path}");
            let told = browser.told().await;
            assert!(told.contains("user_id=8") && !told.contains("counter"), "{path}: {told}");
            let conn = &mut db.connect();
            assert_eq!((site.sessions.of(&7).count(conn).unwrap(), site.sessions.of(&8).count(conn).unwrap()), (0, 1));
            site.sessions.revoke_everyone(conn).unwrap();
        }
    });
}

// S62
fn signing_in_gives_the_session_fresh_times<D: Web>(db: &D) {
    let site = Site::new(db);
    block_on(async {
        for (path, store) in [("/in/7", site.store()), ("/set/who/7", site.store().owner_at(["who"]))] {
            let app = open::<D>(builder::<D>(store)).await;
            let mut browser = Browser::new(&app);
            browser.ask("/count").await;
            site.clock.advance(seconds(500));
            browser.ask(path).await;
            let model = site.sessions.of(&7).list(&mut db.connect()).unwrap().remove(0);
            let session = site.sessions.from_row(model).unwrap();
            let now = diesel_sessions::Clock::now(&site.clock);
            assert_eq!(session.authenticated_at(), Some(now), "{path}");
            assert_eq!((session.expires_at().unwrap() - now).num_seconds(), super::site::TTL, "{path}");
            site.sessions.revoke_everyone(&mut db.connect()).unwrap();
        }
    });
}

// S64 DESIGN rule 14
fn a_request_with_the_replaced_key_begins_no_session<D: Web>(db: &D) {
    let site = Site::new(db);
    block_on(async {
        for (path, store) in [("/in/7", site.store()), ("/renew", site.store()), ("/set/who/7", site.store().owner_at(["who"]))] {
            let app = open::<D>(builder::<D>(store)).await;
            let mut browser = Browser::new(&app);
            browser.ask("/count").await;
            let mut late = browser.twin();
            browser.ask(path).await;
            let read = late.ask("/").await;
            assert_eq!((read.status, read.body.as_str(), read.set_cookie()), (StatusCode::OK, "", None), "{path}");
            let changed = late.ask("/count").await;
            assert_eq!((changed.status, changed.set_cookie()), (StatusCode::INTERNAL_SERVER_ERROR, None), "{path}");
            assert!(browser.told().await.contains("counter=1"), "{path}");
            assert_eq!(site.rows(), 1, "{path}");

            let mut signing_out = late.twin();
            signing_out.ask("/out").await;
            assert_eq!((browser.told().await.as_str(), site.rows()), ("", 0), "{path}: a sign-out is never lost");

            browser.ask("/count").await;
            let mut later = browser.twin();
            browser.ask(path).await;
            site.clock.advance(seconds(60));
            assert_eq!(later.ask("/count").await.body, "counter=1", "{path}: after its time of grace it is nobody's");
            assert_eq!(site.rows(), 2, "{path}");
            site.sessions.revoke_everyone(&mut db.connect()).unwrap();
        }
    });
}

fn the_owner_is_taken_from_a_path<D: Web>(db: &D) {
    let site = Site::new(db);
    block_on(async {
        let app = open::<D>(builder::<D>(site.store().owner_at(["actix_identity.user_id"]))).await;
        let mut browser = Browser::new(&app);
        browser.ask("/set/actix_identity.user_id/14").await;
        assert_eq!(site.sessions.of(&14).count(&mut db.connect()).unwrap(), 1);
        assert_eq!(browser.told().await, r#"actix_identity.user_id="14" user_id=14"#);
        browser.ask("/remove/actix_identity.user_id").await;
        assert_eq!(site.sessions.of(&14).count(&mut db.connect()).unwrap(), 0);
    });
}

fn what_is_no_owner_at_the_path_is_an_error<D: Web>(db: &D) {
    let site = Site::new(db);
    block_on(async {
        let app = open::<D>(builder::<D>(site.store().owner_at(["who"]))).await;
        let mut browser = Browser::new(&app);
        let reply = browser.ask("/set/who/nobody").await;
        assert_eq!((reply.status, reply.set_cookie()), (StatusCode::INTERNAL_SERVER_ERROR, None));
    });
    assert_eq!(site.rows(), 0);
}
