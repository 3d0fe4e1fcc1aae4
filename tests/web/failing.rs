//! A database that is down, a pool that is empty: an error that says so, and never an anonymous page.

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use diesel_sessions::{Error, Owner, SessionLayer};

use crate::site::{Handle, Reply, Site, Web, ask, ask_as, block_on, pool, unreachable};
use crate::support::said::on_this_thread;
use crate::support::{seconds, suite};

suite! {
    a_database_that_is_down_is_503_and_no_anonymous_page,
    an_empty_pool_is_503,
    a_save_without_a_connection_is_503_and_changes_nothing,
    a_due_touch_without_a_connection_keeps_the_answer,
    a_dead_connection_is_made_up_for_by_another,
    a_row_that_cannot_be_read_is_500_and_no_anonymous_page,
    a_database_that_check_refuses_is_500,
}

fn assert_unavailable(reply: &Reply) {
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE, "{reply:?}");
    assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!((reply.header("cache-control"), reply.set_cookie()), (Some("no-store"), None));
    for detail in ["anonymous", "127.0.0.1", "sqlite", "postgres", "mysql", "connection"] {
        assert!(!reply.body.contains(detail), "{reply:?}");
    }
}

// S103 SECURITY 30
fn a_database_that_is_down_is_503_and_no_anonymous_page<D: Web>(db: &D) {
    let site = Site::new(db);
    let app = Router::new()
        .route("/", get(|_: Handle<D>| async { "anonymous" }))
        .route("/owner", get(|_: Owner<D::Model>| async { "anonymous" }))
        .route("/maybe", get(|_: Option<Owner<D::Model>>| async { "anonymous" }))
        .layer(SessionLayer::new(site.sessions.clone(), unreachable(db)));
    let (_, token) = site.signed_in();
    for path in ["/", "/owner", "/maybe"] {
        let (reply, said) = on_this_thread(|| block_on(ask_as(&app, path, &token)));
        assert_unavailable(&reply);
        assert_eq!(said.matches("ERROR diesel_sessions: request failed").count(), 1, "{said}");
        assert!(said.contains("could not get a connection") && !said.contains(&token), "{said}");
    }
    assert_unavailable(&block_on(ask(&app, "/")));
}

// S103 SECURITY 30
fn an_empty_pool_is_503<D: Web>(db: &D) {
    let site = Site::new(db);
    let pool = pool::<D>(db.url(), 1, Duration::from_millis(100), site.statements.clone());
    let held = pool.get().unwrap();
    let layer = SessionLayer::new(site.sessions.clone(), pool.clone());
    let app = Router::new().route("/", get(|_: Handle<D>| async { "anonymous" })).layer(layer);
    let (_, token) = site.signed_in();
    assert_unavailable(&block_on(ask_as(&app, "/", &token)));
    drop(held);
    assert_eq!(block_on(ask_as(&app, "/", &token)).status, StatusCode::OK);
}

/// Loads the session, then holds the pool's one connection until `done`.
fn holding<D: Web>(site: &Site<'_, D>, change: bool) -> Router {
    let pool = pool::<D>(site.db.url(), 1, Duration::from_millis(100), site.statements.clone());
    let layer = SessionLayer::new(site.sessions.clone(), pool.clone());
    let handler = move |session: Handle<D>| async move {
        // Never given back: the next request finds the pool empty as well.
        std::mem::forget(pool.get());
        if change {
            session.with_mut(|s| s.insert("seen", 14))?;
        }
        Ok::<_, Error>("own words")
    };
    Router::new().route("/", get(handler)).layer(layer)
}

// S103 SECURITY 30
fn a_save_without_a_connection_is_503_and_changes_nothing<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.created();
    assert_unavailable(&block_on(ask_as(&holding(&site, true), "/", &token)));
    assert!(site.load(&token).unwrap().is_empty());
    assert_unavailable(&block_on(ask(&holding(&site, true), "/")));
    assert_eq!(site.rows(), 1);
}

// S101 S103
fn a_due_touch_without_a_connection_keeps_the_answer<D: Web>(db: &D) {
    let site = Site::new(db);
    let (session, token) = site.created();
    site.clock.advance(seconds(600));
    let reply = block_on(ask_as(&holding(&site, false), "/", &token));
    assert_eq!((reply.status, reply.body.as_str()), (StatusCode::OK, "own words"));
    assert_eq!(site.load(&token).unwrap().last_seen_at(), session.last_seen_at());
}

// DESIGN rule 13
fn a_dead_connection_is_made_up_for_by_another<D: Web>(db: &D) {
    let (own_id, end) = match D::NAME {
        "postgres" => ("SELECT pg_backend_pid()", "SELECT pg_terminate_backend"),
        "mysql" => ("SELECT CONNECTION_ID()", "KILL "),
        // SQLite has no server to close one.
        _ => return,
    };
    let site = Site::new(db);
    let (_, token) = site.signed_in();
    let pool = pool::<D>(db.url(), 1, Duration::from_secs(30), site.statements.clone());
    let layer = SessionLayer::new(site.sessions.clone(), pool.clone());
    let app = Router::new().route("/", get(|_: Owner<D::Model>| async { "signed in" })).layer(layer);
    assert_eq!(block_on(ask_as(&app, "/", &token)).body, "signed in");
    for _ in 0..3 {
        let id = D::number(&mut pool.get().unwrap(), own_id);
        D::execute(&mut db.connect(), &format!("{end}({id})"));
        let reply = block_on(ask_as(&app, "/", &token));
        assert_eq!((reply.status, reply.body.as_str()), (StatusCode::OK, "signed in"), "{reply:?}");
        assert_ne!(D::number(&mut pool.get().unwrap(), own_id), id, "another connection");
    }
}

// SECURITY 30
fn a_row_that_cannot_be_read_is_500_and_no_anonymous_page<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.signed_in();
    D::execute(&mut db.connect(), "UPDATE sessions SET _data = '[]'");
    let app = site.app(Router::new().route("/", get(|_: Handle<D>| async { "anonymous" })));
    let reply = block_on(ask_as(&app, "/", &token));
    assert_eq!((reply.status, reply.set_cookie()), (StatusCode::INTERNAL_SERVER_ERROR, None));
    assert!(!reply.body.contains("anonymous"));
}

// SECURITY 29: what `check` refuses, the layer refuses.
fn a_database_that_check_refuses_is_500<D: Web>(db: &D) {
    let site = Site::new(db);
    D::execute(&mut db.connect(), "DROP TABLE session_attributes");
    let app = site.app(Router::new().route("/", get(|_: Handle<D>| async { "anonymous" })));
    let reply = block_on(ask(&app, "/"));
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR, "{reply:?}");
}
