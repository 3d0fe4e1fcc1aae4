//! The store behind the layer of tower-sessions: what a browser sees.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use diesel_sessions::SystemClock;
use time::{Duration, OffsetDateTime};

use super::stall::store;
use super::ts::{Expiry, Session, SessionManagerLayer};
use crate::asking::Browser;
use crate::place::{Place, Pooled, block_on};
use crate::support::suite;

suite! {
    a_request_that_asks_for_nothing_gets_no_cookie_and_no_row,
    what_one_request_inserts_the_next_one_gets,
    an_unknown_cookie_is_not_adopted,
    a_new_id_opens_what_the_old_one_opened_and_the_old_one_nothing,
    a_request_with_the_former_id_changes_no_cookie,
    flush_removes_the_cookie_and_the_row,
    the_last_value_is_removed_and_the_session_stays,
    an_answer_to_a_session_that_has_ended_sets_no_cookie,
    a_layer_that_always_saves_moves_the_end,
}

fn routes() -> Router {
    Router::new()
        .route("/", get(|_: Session| async { "hello" }))
        .route("/insert", get(|session: Session| async move { session.insert("a", 42).await.unwrap() }))
        .route("/get", get(|session: Session| async move { format!("{:?}", session.get::<u32>("a").await.unwrap()) }))
        .route("/remove", get(|session: Session| async move { drop(session.remove_value("a").await.unwrap()) }))
        .route("/cycle_id", get(|session: Session| async move { session.cycle_id().await.unwrap() }))
        .route("/flush", get(|session: Session| async move { session.flush().await.unwrap() }))
        .route("/clear", get(|session: Session| async move { session.clear().await }))
        .route(
            "/ends_tomorrow",
            get(|session: Session| async move {
                session.set_expiry(Some(Expiry::AtDateTime(OffsetDateTime::now_utc() + Duration::days(1))));
            }),
        )
}

/// Such an application; its layer takes the time from the system, and so does its repository.
fn place<D: Pooled>(db: &D) -> Place<'_, D> {
    Place::with(db, |builder| builder.clock(SystemClock))
}

fn app<D: Pooled>(place: &Place<'_, D>) -> Router {
    routes().layer(SessionManagerLayer::new(store(place)).with_expiry(Expiry::OnInactivity(Duration::hours(1))))
}

// S97 SECURITY 6
fn a_request_that_asks_for_nothing_gets_no_cookie_and_no_row<D: Pooled>(db: &D) {
    let place = place(db);
    block_on(async {
        let app = app(&place);
        for path in ["/", "/get"] {
            assert!(Browser::default().get(&app, path).await.set_cookie.is_none(), "{path}");
        }
    });
    assert_eq!(place.rows(), 0);
}

// S3 S98
fn what_one_request_inserts_the_next_one_gets<D: Pooled>(db: &D) {
    let place = place(db);
    block_on(async {
        let (app, mut browser) = (app(&place), Browser::default());
        let reply = browser.get(&app, "/insert").await;
        let cookie = reply.set_cookie.unwrap();
        for attribute in ["HttpOnly", "SameSite=Strict", "Secure", "Path=/"] {
            assert!(cookie.contains(attribute), "{cookie}");
        }
        assert_eq!(browser.get(&app, "/get").await.body, "Some(42)");
        assert_eq!(Browser::default().get(&app, "/get").await.body, "None");
        assert_eq!(browser.get(&app, "/ends_tomorrow").await.status, StatusCode::OK);
        assert_eq!(browser.get(&app, "/get").await.body, "Some(42)");
    });
    assert_eq!(place.rows(), 1);
}

// S5 SECURITY 4, 5
fn an_unknown_cookie_is_not_adopted<D: Pooled>(db: &D) {
    let place = place(db);
    block_on(async {
        let app = app(&place);
        let long = "A".repeat(4_000);
        for made_up in ["AAAAAAAAAAAAAAAAAAAAAA", "malformed", long.as_str()] {
            let mut browser = Browser::with(made_up);
            let reply = browser.get(&app, "/insert").await;
            assert_eq!(reply.status, StatusCode::OK);
            assert_ne!(browser.cookie.as_deref(), Some(made_up));
            assert_eq!(Browser::with(made_up).get(&app, "/get").await.body, "None");
            assert_eq!(Browser::with(made_up).get(&app, "/clear").await.status, StatusCode::OK);
        }
    });
    assert_eq!(place.rows(), 3);
}

// SECURITY 10
fn a_new_id_opens_what_the_old_one_opened_and_the_old_one_nothing<D: Pooled>(db: &D) {
    let place = place(db);
    block_on(async {
        let (app, mut browser) = (app(&place), Browser::default());
        browser.get(&app, "/insert").await;
        let mut old = browser.clone();
        browser.get(&app, "/cycle_id").await;
        assert_ne!(browser.cookie, old.cookie);
        assert_eq!(browser.get(&app, "/get").await.body, "Some(42)");
        assert_eq!(old.get(&app, "/get").await.body, "None");
    });
    assert_eq!(place.rows(), 1);
}

// SECURITY 11 DESIGN rule 14
fn a_request_with_the_former_id_changes_no_cookie<D: Pooled>(db: &D) {
    let place = place(db);
    block_on(async {
        let (app, mut browser) = (app(&place), Browser::default());
        browser.get(&app, "/insert").await;
        let late = browser.clone();
        browser.get(&app, "/cycle_id").await;
        for (path, status) in [
            ("/", StatusCode::OK),
            ("/get", StatusCode::OK),
            ("/insert", StatusCode::INTERNAL_SERVER_ERROR),
            ("/clear", StatusCode::INTERNAL_SERVER_ERROR),
        ] {
            let reply = late.clone().get(&app, path).await;
            assert_eq!((reply.status, reply.set_cookie), (status, None), "{path}");
        }
        assert_eq!(browser.get(&app, "/get").await.body, "Some(42)");
    });
    assert_eq!(place.rows(), 1);
}

// S11
fn flush_removes_the_cookie_and_the_row<D: Pooled>(db: &D) {
    let place = place(db);
    block_on(async {
        let (app, mut browser) = (app(&place), Browser::default());
        browser.get(&app, "/insert").await;
        let mut again = browser.clone();
        browser.get(&app, "/flush").await;
        assert_eq!(browser.cookie, None);
        assert_eq!(again.get(&app, "/flush").await.status, StatusCode::OK, "signing out twice is no error");
    });
    assert_eq!(place.rows(), 0);
}

fn the_last_value_is_removed_and_the_session_stays<D: Pooled>(db: &D) {
    let place = place(db);
    block_on(async {
        let (app, mut browser) = (app(&place), Browser::default());
        browser.get(&app, "/insert").await;
        browser.get(&app, "/remove").await;
        assert_eq!(browser.get(&app, "/get").await.body, "None");
        browser.get(&app, "/insert").await;
        browser.get(&app, "/clear").await;
        assert_eq!(browser.get(&app, "/get").await.body, "None");
    });
    assert_eq!(place.rows(), 1);
}

// S101 SECURITY 18
fn an_answer_to_a_session_that_has_ended_sets_no_cookie<D: Pooled>(db: &D) {
    let place = place(db);
    block_on(async {
        let sessions = place.sessions.clone();
        let url = db.connect();
        let conn = std::sync::Arc::new(std::sync::Mutex::new(url));
        let revoking = Router::new().route(
            "/revoked_meanwhile",
            get(move |session: Session| async move {
                session.insert("a", 43).await.unwrap();
                assert_eq!(sessions.revoke_everyone(&mut *conn.lock().unwrap()).unwrap(), 1);
            }),
        );
        let layer = SessionManagerLayer::new(store(&place)).with_expiry(Expiry::OnInactivity(Duration::hours(1)));
        let app = routes().merge(revoking).layer(layer);
        let mut browser = Browser::default();
        browser.get(&app, "/insert").await;
        let late = browser.get(&app, "/revoked_meanwhile").await;
        assert_eq!((late.status, late.set_cookie), (StatusCode::INTERNAL_SERVER_ERROR, None));
        assert_eq!(browser.get(&app, "/get").await.body, "None");
    });
    assert_eq!(place.rows(), 0);
}

// S54
fn a_layer_that_always_saves_moves_the_end<D: Pooled>(db: &D) {
    let place = Place::with(db, |builder| builder.clock(SystemClock).idle_timeout(None));
    block_on(async {
        let layer = |hours| SessionManagerLayer::new(store(&place)).with_expiry(Expiry::OnInactivity(Duration::hours(hours)));
        let mut browser = Browser::default();
        browser.get(&routes().layer(layer(1)), "/insert").await;
        let end = || place.text("SELECT deadline_at FROM sessions").unwrap();
        let first = end();
        browser.get(&routes().layer(layer(2)), "/get").await;
        assert_eq!(end(), first, "a request that only reads is not saved");
        browser.get(&routes().layer(layer(2).with_always_save(true)), "/get").await;
        assert!(end() > first);
    });
}
