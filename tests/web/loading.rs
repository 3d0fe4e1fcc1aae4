//! When a session is loaded, and what a request must present for one.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use diesel_sessions::{Error, SessionLayer};

use crate::site::{Handle, NAME, Site, Web, ask, ask_as, ask_with, block_on, unreachable};
use crate::support::suite;

suite! {
    a_handler_that_never_asks_costs_no_statement_and_sets_no_cookie,
    a_handler_that_never_asks_needs_no_database,
    a_session_that_is_read_costs_one_statement,
    two_extractors_see_the_same_state,
    middleware_and_handler_see_the_same_state,
    a_bad_cookie_gets_a_fresh_session_and_no_row,
    of_two_cookies_none_is_adopted,
    cookies_of_others_are_no_concern,
    an_expired_session_is_not_loaded,
}

/// Tells which session the handler has: its row's id, or that it is new.
fn telling<D: Web>() -> Router {
    Router::new().route(
        "/",
        get(|session: Handle<D>| async move {
            session.with(|s| Ok::<_, Error>(s.row_id().map_or_else(|| "new".to_owned(), |row| row.to_string())))
        }),
    )
}

// S97
fn a_handler_that_never_asks_costs_no_statement_and_sets_no_cookie<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.signed_in();
    let app = site.app(Router::new().route("/", get(|| async { "hello" })));
    let reply = block_on(ask_as(&app, "/", &token));
    assert_eq!((reply.status, reply.body.as_str()), (StatusCode::OK, "hello"));
    assert_eq!(site.sent(), 0);
    assert_eq!(site.pool.state().connections, 0, "not even a connection");
    assert!(reply.set_cookie().is_none() && reply.header("vary").is_none() && reply.header("cache-control").is_none());
}

// S97
fn a_handler_that_never_asks_needs_no_database<D: Web>(db: &D) {
    let site = Site::new(db);
    let layer = SessionLayer::new(site.sessions.clone(), unreachable(db));
    let app = Router::new().route("/", get(|| async { "hello" })).layer(layer);
    assert_eq!(block_on(ask_as(&app, "/", &site.signed_in().1)).body, "hello");
}

// S97
fn a_session_that_is_read_costs_one_statement<D: Web>(db: &D) {
    let site = Site::new(db);
    let (session, token) = site.signed_in();
    let app = site.app(telling::<D>());
    block_on(ask_as(&app, "/", &token));
    let before = site.sent();
    let reply = block_on(ask_as(&app, "/", &token));
    assert_eq!(reply.body, session.row_id().unwrap().to_string());
    assert_eq!(site.sent() - before, 1, "the first request looks at the database's settings besides");
}

// S7
fn two_extractors_see_the_same_state<D: Web>(db: &D) {
    let site = Site::new(db);
    let app = site.app(Router::new().route(
        "/",
        get(|one: Handle<D>, other: Handle<D>| async move {
            one.with_mut(|s| s.insert("seen", 14))?;
            let seen: Option<u32> = other.with(|s| s.get("seen"))?;
            assert_eq!(one.clone().with(|s| s.get("seen"))?, seen);
            Ok::<_, Error>(format!("{seen:?}"))
        }),
    ));
    let reply = block_on(ask(&app, "/"));
    assert_eq!(reply.body, "Some(14)");
    assert_eq!(site.load(&reply.token().unwrap()).unwrap().get::<u32>("seen").unwrap(), Some(14));
    assert_eq!(site.rows(), 1);
}

// S7 S98
fn middleware_and_handler_see_the_same_state<D: Web>(db: &D) {
    let site = Site::new(db);
    let router = Router::new().route(
        "/",
        get(|session: Handle<D>| async move {
            let seen: Option<u32> = session.with(|s| s.get("seen"))?;
            session.with_mut(|s| s.insert("handled", seen))?;
            Ok::<_, Error>(format!("{seen:?}"))
        }),
    );
    let counting = axum::middleware::from_fn(
        |session: Handle<D>, request: axum::extract::Request, next: axum::middleware::Next| async move {
            session.with_mut(|s| s.insert("seen", 1))?;
            Ok::<_, Error>(next.run(request).await)
        },
    );
    let app = site.app(router.layer(counting));
    let reply = block_on(ask(&app, "/"));
    assert_eq!(reply.body, "Some(1)");
    let session = site.load(&reply.token().unwrap()).unwrap();
    assert_eq!(session.get::<u32>("handled").unwrap(), Some(1));
    assert_eq!(site.rows(), 1);
}

// SECURITY 35 and malformed, oversized, unknown cookies
fn a_bad_cookie_gets_a_fresh_session_and_no_row<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.created();
    let app = site.app(telling::<D>());
    let unknown = "A".repeat(43);
    let digest = D::text(&mut db.connect(), "SELECT _uuid FROM sessions").unwrap();
    let long = "A".repeat(100_000);
    let doubled_value = format!("{token}{token}");
    let quoted = format!("\"{token}\"");
    let bad =
        ["", "=", "no token", "A", &unknown, &long, &doubled_value, &quoted, &digest, "für-immer", "%41%41", "{}", "' OR 1=1 --"];
    for value in bad {
        let reply = block_on(ask_as(&app, "/", value));
        let shown = &value[..value.len().min(50)];
        assert_eq!((reply.status, reply.body.as_str()), (StatusCode::OK, "new"), "{shown}");
        assert!(reply.set_cookie().is_none(), "{shown}");
    }
    let bytes: [&[u8]; 3] = [b"__Host-id=\xff\xfe", b"__Host-id", b";;;=;__Host-id=;"];
    for header in bytes {
        let reply = block_on(ask_with(&app, "/", [header]));
        assert_eq!((reply.body.as_str(), reply.set_cookie()), ("new", None), "{header:?}");
    }
    assert_eq!(site.rows(), 1, "the one that was there");
}

// SECURITY 35
fn of_two_cookies_none_is_adopted<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, mine) = site.signed_in();
    let (_, planted) = site.signed_in();
    let app = site.app(telling::<D>());
    let together = format!("{NAME}={mine}; {NAME}={planted}");
    let twice = format!("{NAME}={mine}; other=1; {NAME}={mine}");
    for header in [together, twice] {
        let reply = block_on(ask_with(&app, "/", [header]));
        assert_eq!((reply.body.as_str(), reply.set_cookie()), ("new", None));
    }
    let apart = [format!("{NAME}={planted}"), format!("{NAME}={mine}")];
    assert_eq!(block_on(ask_with(&app, "/", apart)).body, "new");
    assert_eq!(site.rows(), 2);
}

fn cookies_of_others_are_no_concern<D: Web>(db: &D) {
    let site = Site::new(db);
    let (session, token) = site.signed_in();
    let app = site.app(telling::<D>());
    let row = session.row_id().unwrap().to_string();
    let among = format!("a=1; {NAME}={token}; __Host-idea=2; id=3; theme=dunkel für immer");
    let apart = [b"\xff\xfe=\xff; broken".to_vec(), format!(" {NAME} = {token} ").into_bytes()];
    assert_eq!(block_on(ask_with(&app, "/", [among])).body, row);
    assert_eq!(block_on(ask_with(&app, "/", apart)).body, row);
}

fn an_expired_session_is_not_loaded<D: Web>(db: &D) {
    let site = Site::new(db);
    let (session, token) = site.signed_in();
    let app = site.app(telling::<D>());
    assert_eq!(block_on(ask_as(&app, "/", &token)).body, session.row_id().unwrap().to_string());
    site.clock.set(session.expires_at().unwrap());
    let reply = block_on(ask_as(&app, "/", &token));
    assert_eq!((reply.body.as_str(), reply.set_cookie()), ("new", None));
}
