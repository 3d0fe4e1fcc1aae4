//! Requests still under way with a token that was replaced or ended: their answers leave the client's newer cookie alone.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Data, ServiceConfig};
use axum::http::StatusCode;
use diesel_sessions::{ConnectionSource, Error, SessionRepository, SignIn};

use crate::app::{Client, block_on, done};
use crate::site::{ConnPool, Handle, Site, Web};
use crate::support::{seconds, suite, token_of};

suite! {
    a_superseded_request_sees_an_anonymous_session_and_saves_none,
    a_superseded_request_that_signs_in_gets_a_session_of_its_own,
    a_superseded_sign_out_ends_the_session_and_removes_the_cookie,
    after_the_time_of_grace_the_old_token_is_nobodys,
    a_request_that_the_rotation_overtakes_sets_no_cookie,
    a_late_answer_never_sets_the_cookie_of_an_ended_session,
}

fn pages<D: Web>(config: &mut ServiceConfig) {
    let read = |s: Handle<D>| async move {
        s.with(|s| Ok::<_, Error>(format!("{} {} {}", s.is_superseded(), s.len(), s.authenticated_at().is_some())))
    };
    config
        .route("/read", web::get().to(read))
        .route("/add", web::get().to(|s: Handle<D>| async move { s.with_mut(|s| s.insert("seen", 14)).map(done) }))
        .route("/create", web::get().to(|s: Handle<D>| async move { s.create().await.map(done) }))
        .route("/rotate", web::get().to(|s: Handle<D>| async move { s.rotate().await.map(done) }))
        .route("/end", web::get().to(|s: Handle<D>| async move { s.end().await.map(done) }))
        .route("/in", web::get().to(|s: Handle<D>| async move { s.sign_in(SignIn::new(7)).await.map(done) }));
}

/// A client's old token and its newer one, after a sign-in.
fn rotated<D: Web>(site: &Site<'_, D>) -> (String, String) {
    let (mut session, old) = site.signed_in();
    site.sessions.rotate(&mut site.db.connect(), &mut session).unwrap();
    (old, token_of(&session))
}

// S64 S101 DESIGN rule 14
fn a_superseded_request_sees_an_anonymous_session_and_saves_none<D: Web>(db: &D) {
    let site = Site::new(db);
    let (old, newer) = rotated(&site);
    block_on(async {
        let app = site.open(pages::<D>).await;
        let reply = app.ask_as("/read", &old).await;
        assert_eq!((reply.body.as_str(), reply.set_cookie()), ("true 0 false", None), "neither set nor removed");
        assert_eq!(app.ask_as("/read", &newer).await.body, "false 1 true");
        for path in ["/add", "/create", "/rotate"] {
            let reply = app.ask_as(path, &old).await;
            assert_eq!((reply.status, reply.set_cookie()), (StatusCode::CONFLICT, None), "{path}");
        }
    });
    assert!(!site.load(&newer).unwrap().contains_key("seen"));
    assert_eq!(site.rows(), 1);
}

// S64 DESIGN rule 14
fn a_superseded_request_that_signs_in_gets_a_session_of_its_own<D: Web>(db: &D) {
    let site = Site::new(db);
    let (old, newer) = rotated(&site);
    let reply = block_on(async { site.open(pages::<D>).await.ask_as("/in", &old).await });
    let own = reply.token().expect("a sign-in is told");
    assert!(site.load(&own).is_some() && site.load(&newer).is_some());
    assert_eq!(site.rows(), 2);
}

// S64 DESIGN rule 14
fn a_superseded_sign_out_ends_the_session_and_removes_the_cookie<D: Web>(db: &D) {
    let site = Site::new(db);
    let (old, newer) = rotated(&site);
    let reply = block_on(async { site.open(pages::<D>).await.ask_as("/end", &old).await });
    assert!(reply.set_cookie().unwrap().contains("Max-Age=0"));
    assert!(site.load(&newer).is_none());
    assert_eq!(site.rows(), 0);
}

// S64
fn after_the_time_of_grace_the_old_token_is_nobodys<D: Web>(db: &D) {
    let site = Site::new(db);
    let (old, newer) = rotated(&site);
    site.clock.advance(seconds(61));
    block_on(async {
        let app = site.open(pages::<D>).await;
        let reply = app.ask_as("/read", &old).await;
        assert_eq!((reply.body.as_str(), reply.set_cookie()), ("false 0 false", None));
        assert!(app.ask_as("/add", &old).await.token().is_some(), "a new session of its own");
    });
    assert!(site.load(&newer).is_some());
}

/// Ends the session of a request, or rotates it, once it was loaded.
struct Meanwhile<D: Web> {
    sessions: SessionRepository<D::Model>,
    pool: ConnPool<D>,
    end: bool,
}

async fn meanwhile<D: Web>(
    session: Handle<D>,
    other: Data<Meanwhile<D>>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    assert!(session.with(|s| Ok::<_, Error>(!s.is_new() && !s.is_superseded()))?);
    let cookie = request.headers().get("cookie").unwrap().to_str().unwrap();
    let token = cookie.split_once('=').unwrap().1.to_owned();
    let (sessions, end) = (other.sessions.clone(), other.end);
    let done = other.pool.run(move |conn| {
        let mut other = sessions.open(conn, token.as_str())?;
        if end { sessions.end(conn, &mut other) } else { sessions.rotate(conn, &mut other) }
    });
    done.await?;
    next.call(request).await
}

async fn overtaken<D: Web>(site: &Site<'_, D>, end: bool) -> Client {
    let meanwhile = Data::new(Meanwhile::<D> { sessions: site.sessions.clone(), pool: site.pool.clone(), end });
    site.open(|config| {
        let below = web::scope("").wrap(from_fn(self::meanwhile::<D>)).configure(pages::<D>);
        config.app_data(meanwhile).service(below);
    })
    .await
}

// S64 DESIGN rule 14
fn a_request_that_the_rotation_overtakes_sets_no_cookie<D: Web>(db: &D) {
    let site = Site::new(db);
    block_on(async {
        let app = overtaken(&site, false).await;
        for (path, status) in [("/read", StatusCode::OK), ("/add", StatusCode::CONFLICT), ("/rotate", StatusCode::CONFLICT)] {
            let reply = app.ask_as(path, &site.signed_in().1).await;
            assert_eq!((reply.status, reply.set_cookie()), (status, None), "{path}");
        }
    });
}

// SECURITY 13 18
fn a_late_answer_never_sets_the_cookie_of_an_ended_session<D: Web>(db: &D) {
    let site = Site::new(db);
    block_on(async {
        let app = overtaken(&site, true).await;
        for (path, status) in [("/read", StatusCode::OK), ("/add", StatusCode::CONFLICT), ("/rotate", StatusCode::CONFLICT)] {
            let reply = app.ask_as(path, &site.signed_in().1).await;
            assert_eq!((reply.status, reply.set_cookie()), (status, None), "{path}");
            assert_eq!(site.rows(), 0);
        }
        let ended_twice = app.ask_as("/end", &site.signed_in().1).await;
        assert!(ended_twice.set_cookie().unwrap().contains("Max-Age=0"));
    });
    assert_eq!(site.rows(), 0);
}
