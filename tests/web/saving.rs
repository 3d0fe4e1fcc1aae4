//! When a session is saved, and what a client is told when that fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use diesel_sessions::{Error, OnConflict, SignIn};

use crate::site::{Handle, Site, Web, ask, ask_as, block_on};
use crate::support::{repository_with, seconds, suite};

suite! {
    a_change_is_saved_once,
    an_unchanged_session_is_not_written,
    a_touch_that_is_due_is_written_with_the_request,
    redirects_and_refusals_save,
    a_server_error_saves_nothing,
    a_panic_saves_nothing,
    a_value_and_its_way_back_are_no_change,
    a_token_changed_by_a_verb_is_sent_with_a_server_error,
    a_change_to_a_session_that_has_ended_gets_409,
    the_application_may_answer_for_a_lost_session,
    an_unchanged_request_keeps_its_answer_when_the_session_has_ended,
    a_due_touch_of_a_session_that_has_ended_keeps_the_answer,
    a_token_whose_session_has_ended_since_is_not_sent,
    a_refused_conflict_gets_409,
}

fn version<D: Web>(site: &Site<'_, D>) -> i64 {
    D::number(&mut site.db.connect(), "SELECT _version FROM sessions")
}

fn seen<D: Web>(site: &Site<'_, D>, token: &str) -> Option<u32> {
    site.load(token).unwrap().get("seen").unwrap()
}

/// Changes the session, and answers like this.
fn changing<D: Web, R: IntoResponse>(answer: impl Fn() -> R + Clone + Send + Sync + 'static) -> Router {
    let handler = move |session: Handle<D>| async move {
        session.with_mut(|s| s.insert("seen", 14))?;
        Ok::<_, Error>(answer())
    };
    Router::new().route("/", get(handler))
}

// S98
fn a_change_is_saved_once<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.created();
    let handler = |session: Handle<D>| async move {
        for _ in 0..3 {
            session.with_mut(|s| {
                let seen: Option<u32> = s.get("seen")?;
                s.insert("seen", seen.unwrap_or(0) + 1)
            })?;
        }
        Ok::<_, Error>("saved")
    };
    let app = site.app(Router::new().route("/", get(handler)));
    let reply = block_on(ask_as(&app, "/", &token));
    assert_eq!((reply.status, reply.body.as_str()), (StatusCode::OK, "saved"));
    assert_eq!((version(&site), seen(&site, &token)), (1, Some(3)));
    let before = site.sent();
    block_on(ask_as(&app, "/", &token));
    assert_eq!(site.sent() - before, 2, "a load and a save");
}

// S98
fn an_unchanged_session_is_not_written<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.created();
    let app = site.app(Router::new().route("/", get(|_: Handle<D>| async { "read" })));
    assert_eq!(block_on(ask_as(&app, "/", &token)).body, "read");
    assert_eq!(block_on(ask(&app, "/")).set_cookie(), None);
    assert_eq!((version(&site), site.rows()), (0, 1));
}

fn a_touch_that_is_due_is_written_with_the_request<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.created();
    let app = site.app(Router::new().route("/", get(|_: Handle<D>| async { "read" })));
    site.clock.advance(seconds(600));
    let reply = block_on(ask_as(&app, "/", &token));
    assert_eq!(reply.set_cookie(), None);
    let session = site.load(&token).unwrap();
    assert_eq!(session.last_seen_at(), diesel_sessions::Clock::now(&site.clock));
    assert_eq!(version(&site), 0);
}

// S98
fn redirects_and_refusals_save<D: Web>(db: &D) {
    let site = Site::new(db);
    let redirect = block_on(ask(&site.app(changing::<D, _>(|| Redirect::to("/next"))), "/"));
    assert_eq!((redirect.status, redirect.location()), (StatusCode::SEE_OTHER, Some("/next")));
    assert_eq!(seen(&site, &redirect.token().unwrap()), Some(14));
    let refusal = block_on(ask(&site.app(changing::<D, _>(|| StatusCode::FORBIDDEN)), "/"));
    assert_eq!(refusal.status, StatusCode::FORBIDDEN);
    assert_eq!(seen(&site, &refusal.token().unwrap()), Some(14));
}

// S98
fn a_server_error_saves_nothing<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.created();
    let app = site.app(changing::<D, _>(|| (StatusCode::INTERNAL_SERVER_ERROR, "own words")));
    let reply = block_on(ask_as(&app, "/", &token));
    assert_eq!((reply.status, reply.body.as_str()), (StatusCode::INTERNAL_SERVER_ERROR, "own words"));
    assert_eq!(reply.set_cookie(), None);
    assert_eq!((version(&site), seen(&site, &token)), (0, None));
    assert_eq!(block_on(ask(&app, "/")).set_cookie(), None);
    assert_eq!(site.rows(), 1);
}

// S98
fn a_panic_saves_nothing<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.created();
    let app = site.app(changing::<D, Response>(|| panic!("the handler's own")));
    for token in [Some(token.clone()), None] {
        let app = app.clone();
        let panicked = block_on(async move {
            tokio::spawn(async move {
                match token {
                    Some(token) => ask_as(&app, "/", &token).await,
                    None => ask(&app, "/").await,
                }
            })
            .await
        });
        assert!(panicked.unwrap_err().is_panic());
    }
    assert_eq!((version(&site), seen(&site, &token), site.rows()), (0, None, 1));
}

fn a_value_and_its_way_back_are_no_change<D: Web>(db: &D) {
    let site = Site::new(db);
    let handler = |session: Handle<D>| async move {
        session.with_mut(|s| s.insert("seen", 1))?;
        session.with_mut(|s| s.remove("seen"))?;
        Ok::<_, Error>("nothing")
    };
    let app = site.app(Router::new().route("/", get(handler)));
    assert_eq!(block_on(ask(&app, "/")).set_cookie(), None);
    assert_eq!(site.rows(), 0);
}

// S101
fn a_token_changed_by_a_verb_is_sent_with_a_server_error<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.created();
    let handler = |session: Handle<D>| async move {
        session.rotate().await?;
        session.with_mut(|s| s.insert("seen", 14))?;
        Ok::<_, Error>(StatusCode::BAD_GATEWAY)
    };
    let app = site.app(Router::new().route("/", get(handler)));
    let reply = block_on(ask_as(&app, "/", &token));
    assert_eq!(reply.status, StatusCode::BAD_GATEWAY);
    let newer = reply.token().unwrap();
    assert!(site.load(&token).is_none());
    assert_eq!(seen(&site, &newer), None, "the change is given up");
}

/// Ends the session behind the handler's back, then changes it, if asked to.
fn overtaken<D: Web>(site: &Site<'_, D>, change: bool) -> Router {
    let (sessions, pool) = (site.sessions.clone(), site.pool.clone());
    let handler = move |session: Handle<D>| async move {
        let row = session.with(|s| Ok::<_, Error>(s.row_id()))?.unwrap();
        assert!(diesel_sessions::ConnectionSource::run(&pool, move |conn| sessions.revoke_row(conn, row)).await?);
        if change {
            session.with_mut(|s| s.insert("seen", 14))?;
        }
        Ok::<_, Error>("own words")
    };
    Router::new().route("/", get(handler))
}

// S101 SECURITY 18
fn a_change_to_a_session_that_has_ended_gets_409<D: Web>(db: &D) {
    let site = Site::new(db);
    let reply = block_on(ask_as(&site.app(overtaken(&site, true)), "/", &site.created().1));
    assert_eq!(reply.status, StatusCode::CONFLICT);
    assert!(!reply.body.contains("own words"));
    assert_eq!((reply.set_cookie(), reply.header("vary")), (None, Some("Cookie")));
    assert_eq!(site.rows(), 0);
}

// S101
fn the_application_may_answer_for_a_lost_session<D: Web>(db: &D) {
    let site = Site::new(db);
    let layer = site.layer().when_lost(|| Redirect::to("/sign-in").into_response());
    let app = overtaken(&site, true).layer(layer);
    let reply = block_on(ask_as(&app, "/", &site.created().1));
    assert_eq!((reply.status, reply.location()), (StatusCode::SEE_OTHER, Some("/sign-in")));
    assert_eq!((reply.set_cookie(), reply.header("vary")), (None, Some("Cookie")));
}

// S101 SECURITY 18
fn an_unchanged_request_keeps_its_answer_when_the_session_has_ended<D: Web>(db: &D) {
    let site = Site::new(db);
    let reply = block_on(ask_as(&site.app(overtaken(&site, false)), "/", &site.created().1));
    assert_eq!((reply.status, reply.body.as_str(), reply.set_cookie()), (StatusCode::OK, "own words", None));
    assert_eq!(site.rows(), 0);
}

// S101
fn a_due_touch_of_a_session_that_has_ended_keeps_the_answer<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.created();
    site.clock.advance(seconds(600));
    let reply = block_on(ask_as(&site.app(overtaken(&site, false)), "/", &token));
    assert_eq!((reply.status, reply.body.as_str(), reply.set_cookie()), (StatusCode::OK, "own words", None));
    assert_eq!(site.rows(), 0);
}

// SECURITY 18
fn a_token_whose_session_has_ended_since_is_not_sent<D: Web>(db: &D) {
    let site = Site::new(db);
    for (revoked, status) in [false, true].into_iter().flat_map(|revoked| [200, 404, 500].map(|status| (revoked, status))) {
        let (sessions, pool, status) = (site.sessions.clone(), site.pool.clone(), StatusCode::from_u16(status).unwrap());
        let handler = move |session: Handle<D>| async move {
            session.sign_in(SignIn::new(7)).await?;
            if revoked {
                let all = move |conn: &mut D::Conn| sessions.of(&7).revoke_all(conn);
                assert!(diesel_sessions::ConnectionSource::run(&pool, all).await? > 0);
            }
            Ok::<_, Error>((status, "own words"))
        };
        let reply = block_on(ask(&site.app(Router::new().route("/", get(handler))), "/"));
        assert_eq!((reply.status, reply.body.as_str()), (status, "own words"));
        assert_eq!(reply.set_cookie().is_none(), revoked, "{status}");
    }
}

fn a_refused_conflict_gets_409<D: Web>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.on_conflict(OnConflict::Refuse));
    let site = Site::of(db, sessions, clock);
    let (_, token) = site.created();
    let (other, pool, path) = (site.sessions.clone(), site.pool.clone(), token.clone());
    let was_faster = Arc::new(AtomicBool::new(false));
    let done = Arc::clone(&was_faster);
    let handler = move |session: Handle<D>| async move {
        diesel_sessions::ConnectionSource::run(&pool, move |conn| {
            let mut faster = other.open(conn, path.as_str())?;
            faster.insert("seen", 1)?;
            other.save(conn, &mut faster)
        })
        .await?;
        done.store(true, Ordering::Relaxed);
        session.with_mut(|s| s.insert("seen", 2))?;
        Ok::<_, Error>("own words")
    };
    let app = site.app(Router::new().route("/", get(handler)));
    assert_eq!(block_on(ask_as(&app, "/", &token)).status, StatusCode::CONFLICT);
    assert!(was_faster.load(Ordering::Relaxed));
    assert_eq!(seen(&site, &token), Some(1));
}
