//! Requests still under way with a token that was replaced or ended: their answers leave the client's newer cookie alone.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use diesel_sessions::{Error, SignIn};

use crate::site::{Handle, Site, Web, ask_as, block_on};
use crate::support::{seconds, suite};

suite! {
    a_superseded_request_sees_an_anonymous_session,
    a_superseded_request_that_changes_the_session_gets_409_and_no_cookie,
    a_superseded_request_that_signs_in_gets_a_session_of_its_own,
    a_superseded_sign_out_ends_the_session_and_removes_the_cookie,
    after_the_time_of_grace_the_old_token_is_nobodys,
    a_request_that_the_rotation_overtakes_sets_no_cookie,
    a_late_answer_never_sets_the_cookie_of_an_ended_session,
    a_new_token_of_a_session_that_is_then_ended_is_not_sent,
    a_late_rotation_of_an_ended_session_says_so,
}

fn pages<D: Web>() -> Router {
    Router::new()
        .route(
            "/read",
            get(|s: Handle<D>| async move {
                s.with(|s| Ok::<_, Error>(format!("{} {} {}", s.is_superseded(), s.len(), s.authenticated_at().is_some())))
            }),
        )
        .route("/add", get(|s: Handle<D>| async move { s.with_mut(|s| s.insert("seen", 14)).map(drop) }))
        .route("/create", get(|s: Handle<D>| async move { s.create().await }))
        .route("/rotate", get(|s: Handle<D>| async move { s.rotate().await }))
        .route("/end", get(|s: Handle<D>| async move { s.end().await }))
        .route("/in", get(|s: Handle<D>| async move { s.sign_in(SignIn::new(7)).await }))
}

/// A client's old token and its newer one, after a sign-in.
fn rotated<D: Web>(site: &Site<'_, D>) -> (String, String) {
    let (mut session, old) = site.signed_in();
    site.sessions.rotate(&mut site.db.connect(), &mut session).unwrap();
    (old, crate::support::token_of(&session))
}

// S64 DESIGN rule 14
fn a_superseded_request_sees_an_anonymous_session<D: Web>(db: &D) {
    let site = Site::new(db);
    let (old, newer) = rotated(&site);
    let app = site.app(pages::<D>());
    let reply = block_on(ask_as(&app, "/read", &old));
    assert_eq!((reply.body.as_str(), reply.set_cookie()), ("true 0 false", None), "neither set nor removed");
    assert_eq!(block_on(ask_as(&app, "/read", &newer)).body, "false 1 true");
}

// S64 S101 DESIGN rule 14
fn a_superseded_request_that_changes_the_session_gets_409_and_no_cookie<D: Web>(db: &D) {
    let site = Site::new(db);
    let (old, newer) = rotated(&site);
    let app = site.app(pages::<D>());
    for path in ["/add", "/create", "/rotate"] {
        let reply = block_on(ask_as(&app, path, &old));
        assert_eq!((reply.status, reply.set_cookie()), (StatusCode::CONFLICT, None), "{path}");
    }
    assert!(!site.load(&newer).unwrap().contains_key("seen"));
    assert_eq!(site.rows(), 1);
}

// S64 DESIGN rule 14
fn a_superseded_request_that_signs_in_gets_a_session_of_its_own<D: Web>(db: &D) {
    let site = Site::new(db);
    let (old, newer) = rotated(&site);
    let reply = block_on(ask_as(&site.app(pages::<D>()), "/in", &old));
    let own = reply.token().expect("a sign-in is told");
    assert!(site.load(&own).is_some() && site.load(&newer).is_some());
    assert_eq!(site.rows(), 2);
}

// S64 DESIGN rule 14
fn a_superseded_sign_out_ends_the_session_and_removes_the_cookie<D: Web>(db: &D) {
    let site = Site::new(db);
    let (old, newer) = rotated(&site);
    let reply = block_on(ask_as(&site.app(pages::<D>()), "/end", &old));
    assert!(reply.set_cookie().unwrap().contains("Max-Age=0"));
    assert!(site.load(&newer).is_none());
    assert_eq!(site.rows(), 0);
}

// S64
fn after_the_time_of_grace_the_old_token_is_nobodys<D: Web>(db: &D) {
    let site = Site::new(db);
    let (old, newer) = rotated(&site);
    let app = site.app(pages::<D>());
    site.clock.advance(seconds(61));
    let reply = block_on(ask_as(&app, "/read", &old));
    assert_eq!((reply.body.as_str(), reply.set_cookie()), ("false 0 false", None));
    assert!(block_on(ask_as(&app, "/add", &old)).token().is_some(), "a new session of its own");
    assert!(site.load(&newer).is_some());
}

/// Loads the session, does `meanwhile` to it elsewhere, then goes on like `pages`.
fn overtaken<D: Web>(site: &Site<'_, D>, end: bool) -> Router {
    let (sessions, pool) = (site.sessions.clone(), site.pool.clone());
    let meanwhile =
        axum::middleware::from_fn(move |session: Handle<D>, request: axum::extract::Request, next: axum::middleware::Next| {
            let (sessions, pool) = (sessions.clone(), pool.clone());
            let token = request.headers()["cookie"].to_str().unwrap().split_once('=').unwrap().1.to_owned();
            async move {
                assert!(session.with(|s| Ok::<_, Error>(!s.is_new() && !s.is_superseded()))?);
                diesel_sessions::ConnectionSource::run(&pool, move |conn| {
                    let mut other = sessions.open(conn, token.as_str())?;
                    if end { sessions.end(conn, &mut other) } else { sessions.rotate(conn, &mut other) }
                })
                .await?;
                Ok::<_, Error>(next.run(request).await)
            }
        });
    pages::<D>().layer(meanwhile)
}

// S64 DESIGN rule 14
fn a_request_that_the_rotation_overtakes_sets_no_cookie<D: Web>(db: &D) {
    let site = Site::new(db);
    let app = site.app(overtaken(&site, false));
    for (path, status) in [("/read", StatusCode::OK), ("/add", StatusCode::CONFLICT), ("/rotate", StatusCode::CONFLICT)] {
        let (_, token) = site.signed_in();
        let reply = block_on(ask_as(&app, path, &token));
        assert_eq!((reply.status, reply.set_cookie()), (status, None), "{path}");
    }
}

// SECURITY 18
fn a_late_answer_never_sets_the_cookie_of_an_ended_session<D: Web>(db: &D) {
    let site = Site::new(db);
    let app = site.app(overtaken(&site, true));
    for (path, status) in [("/read", StatusCode::OK), ("/add", StatusCode::CONFLICT)] {
        let reply = block_on(ask_as(&app, path, &site.signed_in().1));
        assert_eq!((reply.status, reply.set_cookie()), (status, None), "{path}");
        assert_eq!(site.rows(), 0);
    }
}

// SECURITY 18
fn a_new_token_of_a_session_that_is_then_ended_is_not_sent<D: Web>(db: &D) {
    let site = Site::new(db);
    let (sessions, pool) = (site.sessions.clone(), site.pool.clone());
    let handler = move |session: Handle<D>| async move {
        session.sign_in(SignIn::new(7)).await?;
        let row = session.with(|s| Ok::<_, Error>(s.row_id()))?.unwrap();
        assert!(diesel_sessions::ConnectionSource::run(&pool, move |conn| sessions.revoke_row(conn, row)).await?);
        session.with_mut(|s| s.insert("late", 1)).map(drop)
    };
    let app = site.app(Router::new().route("/", get(handler)));
    let reply = block_on(ask_as(&app, "/", &site.created().1));
    assert_eq!((reply.status, reply.set_cookie()), (StatusCode::CONFLICT, None));
    assert_eq!(site.rows(), 0);
}

// SECURITY 18
fn a_late_rotation_of_an_ended_session_says_so<D: Web>(db: &D) {
    let site = Site::new(db);
    let app = site.app(overtaken(&site, true));
    let reply = block_on(ask_as(&app, "/rotate", &site.signed_in().1));
    assert_eq!((reply.status, reply.set_cookie()), (StatusCode::CONFLICT, None));
    let ended_twice = block_on(ask_as(&app, "/end", &site.signed_in().1));
    assert!(ended_twice.set_cookie().unwrap().contains("Max-Age=0"));
    assert_eq!(site.rows(), 0);
}
