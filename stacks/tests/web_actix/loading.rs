//! When a session is loaded, and what a request must present for one.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, ServiceConfig};
use axum::http::StatusCode;
use diesel_sessions::{Error, SessionMiddleware};

use crate::app::{block_on, open};
use crate::site::{Handle, NAME, Site, Web, unreachable};
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
fn telling<D: Web>(config: &mut ServiceConfig) {
    let tell = |session: Handle<D>| async move {
        session.with(|s| Ok::<_, Error>(s.row_id().map_or_else(|| "new".to_owned(), |row| row.to_string())))
    };
    config.route("/", web::get().to(tell));
}

fn silent(config: &mut ServiceConfig) {
    config.route("/", web::get().to(|| async { "hello" }));
}

// S97
fn a_handler_that_never_asks_costs_no_statement_and_sets_no_cookie<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.signed_in();
    let reply = block_on(async { site.open(silent).await.ask_as("/", &token).await });
    assert_eq!((reply.status, reply.body.as_str()), (StatusCode::OK, "hello"));
    assert_eq!(site.sent(), 0);
    assert_eq!(site.pool.state().connections, 0, "not even a connection");
    assert!(reply.set_cookie().is_none() && reply.header("vary").is_none() && reply.header("cache-control").is_none());
}

// S97
fn a_handler_that_never_asks_needs_no_database<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.signed_in();
    let middleware = SessionMiddleware::new(site.sessions.clone(), unreachable(db));
    assert_eq!(block_on(async { open::<D>(middleware, silent).await.ask_as("/", &token).await }).body, "hello");
}

// S97
fn a_session_that_is_read_costs_one_statement<D: Web>(db: &D) {
    let site = Site::new(db);
    let (session, token) = site.signed_in();
    block_on(async {
        let app = site.open(telling::<D>).await;
        app.ask_as("/", &token).await;
        let before = site.sent();
        let reply = app.ask_as("/", &token).await;
        assert_eq!(reply.body, session.row_id().unwrap().to_string());
        assert_eq!(site.sent() - before, 1, "the first request looks at the database's settings besides");
    });
}

// S7
fn two_extractors_see_the_same_state<D: Web>(db: &D) {
    let site = Site::new(db);
    let both = |one: Handle<D>, other: Handle<D>| async move {
        one.with_mut(|s| s.insert("seen", 14))?;
        let seen: Option<u32> = other.with(|s| s.get("seen"))?;
        Ok::<_, Error>(format!("{seen:?}"))
    };
    let reply = block_on(async {
        site.open(|config| {
            config.route("/", web::get().to(both));
        })
        .await
        .ask("/")
        .await
    });
    assert_eq!(reply.body, "Some(14)");
    assert_eq!(site.load(&reply.token().unwrap()).unwrap().get::<u32>("seen").unwrap(), Some(14));
    assert_eq!(site.rows(), 1);
}

// S7 S98
fn middleware_and_handler_see_the_same_state<D: Web>(db: &D) {
    async fn counting<D: Web>(
        session: Handle<D>,
        request: ServiceRequest,
        next: Next<impl MessageBody>,
    ) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
        session.with_mut(|s| s.insert("seen", 1))?;
        next.call(request).await
    }
    let site = Site::new(db);
    let handler = |session: Handle<D>| async move {
        let seen: Option<u32> = session.with(|s| s.get("seen"))?;
        session.with_mut(|s| s.insert("handled", seen))?;
        Ok::<_, Error>(format!("{seen:?}"))
    };
    let reply = block_on(async {
        site.open(|config| {
            config.service(web::scope("").wrap(from_fn(counting::<D>)).route("/", web::get().to(handler)));
        })
        .await
        .ask("/")
        .await
    });
    assert_eq!(reply.body, "Some(1)");
    assert_eq!(site.load(&reply.token().unwrap()).unwrap().get::<u32>("handled").unwrap(), Some(1));
    assert_eq!(site.rows(), 1);
}

// SECURITY 4 5 6
fn a_bad_cookie_gets_a_fresh_session_and_no_row<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.created();
    let unknown = "A".repeat(43);
    let digest = D::text(&mut db.connect(), "SELECT _uuid FROM sessions").unwrap();
    let (long, doubled, quoted) = ("A".repeat(100_000), format!("{token}{token}"), format!("\"{token}\""));
    let bad = ["", "=", "no token", "A", &unknown, &long, &doubled, &quoted, &digest, "für-immer", "%41%41", "{}", "' OR 1=1 --"];
    let bytes: [&[u8]; 3] = [b"__Host-id=\xff\xfe", b"__Host-id", b";;;=;__Host-id=;"];
    block_on(async {
        let app = site.open(telling::<D>).await;
        for value in bad {
            let reply = app.ask_as("/", value).await;
            let shown: String = value.chars().take(50).collect();
            assert_eq!((reply.status, reply.body.as_str(), reply.set_cookie()), (StatusCode::OK, "new", None), "{shown}");
        }
        for header in bytes {
            let reply = app.ask_with("/", [header]).await;
            assert_eq!((reply.body.as_str(), reply.set_cookie()), ("new", None), "{header:?}");
        }
    });
    assert_eq!(site.rows(), 1, "the one that was there");
}

// SECURITY 35
fn of_two_cookies_none_is_adopted<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, mine) = site.signed_in();
    let (_, planted) = site.signed_in();
    let pair = |token: &str| format!("{NAME}={token}");
    let doubled = [
        vec![format!("{}; {}", pair(&mine), pair(&planted))],
        vec![format!("{}; other=1; {}", pair(&mine), pair(&mine))],
        vec![pair(&planted), pair(&mine)],
    ];
    block_on(async {
        let app = site.open(telling::<D>).await;
        for headers in doubled {
            let reply = app.ask_with("/", headers).await;
            assert_eq!((reply.body.as_str(), reply.set_cookie()), ("new", None));
        }
    });
    assert_eq!(site.rows(), 2);
}

fn cookies_of_others_are_no_concern<D: Web>(db: &D) {
    let site = Site::new(db);
    let (session, token) = site.signed_in();
    let row = session.row_id().unwrap().to_string();
    let among = format!("a=1; {NAME}={token}; __Host-idea=2; id=3; theme=dunkel für immer");
    let apart = [b"\xff\xfe=\xff; broken".to_vec(), format!(" {NAME} = {token} ").into_bytes()];
    block_on(async {
        let app = site.open(telling::<D>).await;
        assert_eq!(app.ask_with("/", [among]).await.body, row);
        assert_eq!(app.ask_with("/", apart).await.body, row);
    });
}

fn an_expired_session_is_not_loaded<D: Web>(db: &D) {
    let site = Site::new(db);
    let (session, token) = site.signed_in();
    block_on(async {
        let app = site.open(telling::<D>).await;
        assert_eq!(app.ask_as("/", &token).await.body, session.row_id().unwrap().to_string());
        site.clock.set(session.expires_at().unwrap());
        let reply = app.ask_as("/", &token).await;
        assert_eq!((reply.body.as_str(), reply.set_cookie()), ("new", None));
    });
}
