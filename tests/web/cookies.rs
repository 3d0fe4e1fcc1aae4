//! The cookie as the client gets it, and what caches are told.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use chrono::TimeDelta;
use diesel_sessions::web::CookieOptions;
use diesel_sessions::{Error, SignIn};
use tower::ServiceExt;

use crate::site::{Handle, NAME, Site, Web, ask, ask_as, ask_with, block_on};
use crate::support::said::on_this_thread;
use crate::support::{seconds, suite};

suite! {
    the_defaults_are_the_safe_ones,
    the_cookie_is_sent_when_the_token_changes_and_at_no_other_time,
    a_remembered_session_has_a_max_age_to_its_deadline,
    signing_in_without_remember_makes_a_cookie_of_the_browser_again,
    ending_removes_the_cookie_with_the_same_attributes,
    ending_a_session_that_the_client_never_had_removes_nothing,
    a_new_session_may_begin_where_one_was_ended,
    a_new_session_may_begin_where_a_live_one_was_presented,
    other_options_are_used_to_set_read_and_remove,
    a_token_is_in_the_cookie_alone,
    answers_that_met_the_session_vary_by_cookie,
    a_secure_cookie_over_plain_http_is_warned_of_once_and_the_way_out_is_named,
}

const DAY: u64 = 86_400;

/// A page for each verb.
fn verbs<D: Web>() -> Router {
    Router::new()
        .route("/read", get(|_: Handle<D>| async { "read" }))
        .route("/add", get(|s: Handle<D>| async move { s.with_mut(|s| s.insert("seen", 14)).map(drop) }))
        .route("/create", get(|s: Handle<D>| async move { s.create().await }))
        .route("/rotate", get(|s: Handle<D>| async move { s.rotate().await }))
        .route("/extend", get(|s: Handle<D>| async move { s.extend().await.map(drop) }))
        .route("/end", get(|s: Handle<D>| async move { s.end().await }))
        .route("/in", get(|s: Handle<D>| async move { s.sign_in(SignIn::new(7)).await }))
        .route("/others", get(|s: Handle<D>| async move { s.revoke_others().await.map(drop) }))
        .route("/remember", get(|s: Handle<D>| async move { s.sign_in(SignIn::new(7).remember(seconds(30 * DAY))).await }))
}

// S99 SECURITY 34
fn the_defaults_are_the_safe_ones<D: Web>(db: &D) {
    let site = Site::new(db);
    let reply = block_on(ask(&site.app(verbs::<D>()), "/create"));
    assert!(reply.set_cookie().unwrap().starts_with(&format!("{NAME}=")));
    assert!(NAME.starts_with("__Host-"));
    let mut attributes = reply.attributes();
    attributes.sort();
    assert_eq!(attributes, ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"]);
    assert!(reply.set_cookie().unwrap().len() <= 4096);
}

// S99
fn the_cookie_is_sent_when_the_token_changes_and_at_no_other_time<D: Web>(db: &D) {
    let site = Site::new(db);
    let app = site.app(verbs::<D>());
    block_on(async {
        assert_eq!(ask(&app, "/read").await.set_cookie(), None);
        let mut token = ask(&app, "/add").await.token().expect("a first save gives a token");
        for (path, changes) in [
            ("/add", false),
            ("/read", false),
            ("/rotate", true),
            ("/extend", false),
            ("/in", true),
            ("/add", false),
            ("/others", true),
            ("/remember", true),
            ("/read", false),
        ] {
            let reply = ask_as(&app, path, &token).await;
            assert!(reply.status.is_success(), "{path}: {reply:?}");
            assert_eq!(reply.set_cookie().is_some(), changes, "{path}");
            if let Some(newer) = reply.token() {
                assert_ne!(newer, token);
                token = newer;
            }
            assert!(site.load(&token).is_some(), "{path}");
        }
    });
    assert_eq!(site.rows(), 1);
}

// S99
fn a_remembered_session_has_a_max_age_to_its_deadline<D: Web>(db: &D) {
    let site = Site::new(db);
    let app = site.app(verbs::<D>());
    block_on(async {
        let reply = ask(&app, "/remember").await;
        assert!(reply.attributes().contains(&format!("Max-Age={}", 30 * DAY)), "{reply:?}");
        site.clock.advance(seconds(10 * DAY + 1));
        let reply = ask_as(&app, "/rotate", &reply.token().unwrap()).await;
        assert!(reply.attributes().contains(&format!("Max-Age={}", 20 * DAY - 1)), "the deadline stays: {reply:?}");
        let session = site.load(&reply.token().unwrap()).unwrap();
        assert_eq!(
            session.deadline_at().unwrap() - diesel_sessions::Clock::now(&site.clock),
            TimeDelta::seconds(20 * 86_400 - 1)
        );
    });
}

// S99
fn signing_in_without_remember_makes_a_cookie_of_the_browser_again<D: Web>(db: &D) {
    let site = Site::new(db);
    let app = site.app(verbs::<D>());
    block_on(async {
        let token = ask(&app, "/remember").await.token().unwrap();
        let reply = ask_as(&app, "/in", &token).await;
        assert!(!reply.set_cookie().unwrap().contains("Max-Age"), "{reply:?}");
    });
}

// S99
fn ending_removes_the_cookie_with_the_same_attributes<D: Web>(db: &D) {
    let site = Site::new(db);
    let app = site.app(verbs::<D>());
    block_on(async {
        let set = ask(&app, "/create").await;
        let removal = ask_as(&app, "/end", &set.token().unwrap()).await;
        assert!(removal.set_cookie().unwrap().starts_with(&format!("{NAME}=;")));
        let mut attributes = removal.attributes();
        let ends = |attribute: &String| attribute == "Max-Age=0" || attribute.starts_with("Expires=");
        assert_eq!(attributes.iter().filter(|attribute| ends(attribute)).count(), 2);
        assert!(removal.set_cookie().unwrap().contains("Expires=Thu, 01 Jan 1970 00:00:00 GMT"));
        attributes.retain(|attribute| !ends(attribute));
        assert_eq!(attributes, set.attributes());
        assert_eq!(removal.header("cache-control"), Some("no-store"));
    });
    assert_eq!(site.rows(), 0);
}

fn ending_a_session_that_the_client_never_had_removes_nothing<D: Web>(db: &D) {
    let site = Site::new(db);
    let reply = block_on(ask(&site.app(verbs::<D>()), "/end"));
    assert_eq!((reply.status.is_success(), reply.set_cookie()), (true, None));
}

// S99
fn other_options_are_used_to_set_read_and_remove<D: Web>(db: &D) {
    let site = Site::new(db);
    let options = CookieOptions::new().name("shop").path("/shop").domain("example.com").same_site_strict().over_plain_http();
    let app = Router::new().nest("/shop", verbs::<D>()).layer(site.layer().cookie(options).unwrap());
    block_on(async {
        let set = ask(&app, "/shop/in").await;
        let mut attributes = set.attributes();
        attributes.sort();
        assert_eq!(attributes, ["Domain=example.com", "HttpOnly", "Path=/shop", "SameSite=Strict"]);
        let token = set.token().unwrap();
        let header = format!("shop={token}");
        assert_eq!(ask_with(&app, "/shop/others", [&header]).await.attributes().len(), 4);
        assert!(site.load(&token).is_none(), "it was read, and rotated");
        let removal = ask_with(&app, "/shop/end", [&header]).await;
        assert!(removal.set_cookie().unwrap().starts_with("shop=; "));
        assert!(set.attributes().iter().all(|attribute| removal.attributes().contains(attribute)));
    });
}

// SECURITY 34
fn a_token_is_in_the_cookie_alone<D: Web>(db: &D) {
    let site = Site::new(db);
    let app = site.app(verbs::<D>());
    let mut reply = block_on(ask(&app, "/remember"));
    let token = reply.token().unwrap();
    reply.headers.remove("set-cookie");
    assert!(!format!("{reply:?}").contains(&token));
    let query = block_on(ask(&app, &format!("/rotate?{NAME}={token}")));
    assert!(!query.status.is_success(), "a token in the query opens nothing");
}

// S100
fn answers_that_met_the_session_vary_by_cookie<D: Web>(db: &D) {
    let site = Site::new(db);
    let app = site.app(verbs::<D>().route("/none", get(|| async { "no session" })));
    block_on(async {
        let none = ask(&app, "/none").await;
        assert_eq!((none.header("vary"), none.header("cache-control")), (None, None));
        let read = ask(&app, "/read").await;
        assert_eq!((read.header("vary"), read.header("cache-control")), (Some("Cookie"), None));
        let set = ask(&app, "/add").await;
        assert_eq!((set.header("vary"), set.header("cache-control")), (Some("Cookie"), Some("no-store")));
        let kept = ask_as(&app, "/add", &set.token().unwrap()).await;
        assert_eq!((kept.header("vary"), kept.header("cache-control")), (Some("Cookie"), None));
    });
}

// S8
fn a_new_session_may_begin_where_one_was_ended<D: Web>(db: &D) {
    for noted in [true, false] {
        let site = Site::new(db);
        let (_, token) = site.signed_in();
        let before = site.rows();
        let sign_out = move |session: Handle<D>| async move {
            session.with_mut(|s| s.insert("never", "stored"))?;
            session.end().await?;
            session.start_anew()?;
            if noted {
                session.with_mut(|s| s.insert("notice", "signed out"))?;
            }
            Ok::<_, Error>(())
        };
        let reply = block_on(ask_as(&site.app(Router::new().route("/", get(sign_out))), "/", &token));
        assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
        assert!(site.load(&token).is_none());
        if noted {
            let fresh = site.load(&reply.token().unwrap()).unwrap();
            assert_eq!(fresh.keys().collect::<Vec<_>>(), ["notice"]);
            assert_eq!(site.rows(), before, "one has gone, one has come");
        } else {
            assert!(reply.attributes().contains(&"Max-Age=0".to_owned()), "{reply:?}");
            assert_eq!(site.rows(), before - 1);
        }
    }
}

// S8
fn a_new_session_may_begin_where_a_live_one_was_presented<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.signed_in();
    let start = |session: Handle<D>| async move {
        session.with_mut(|s| s.insert("never", "stored"))?;
        session.start_anew()?;
        session.with(|s| Ok::<_, Error>((s.is_new() && s.is_empty()).to_string()))
    };
    let reply = block_on(ask_as(&site.app(Router::new().route("/", get(start))), "/", &token));
    assert_eq!((reply.status, reply.body.as_str(), reply.set_cookie()), (StatusCode::OK, "true", None));
    assert!(!site.load(&token).unwrap().contains_key("never"), "what was left behind lives on as it was");
}

// S102
fn a_secure_cookie_over_plain_http_is_warned_of_once_and_the_way_out_is_named<D: Web>(db: &D) {
    let site = Site::new(db);
    let app = site.app(verbs::<D>());
    let local = || Request::get("/read").header("host", "localhost:3000").body(Body::empty()).unwrap();
    let (_, said) = on_this_thread(|| block_on(ask(&app, "/read")));
    assert!(!said.contains("plain HTTP"), "nobody knows how it came: {said}");
    let (_, said) = on_this_thread(|| {
        block_on(async {
            for _ in 0..3 {
                app.clone().oneshot(local()).await.unwrap();
            }
        });
    });
    assert_eq!(said.matches("WARN").count(), 1, "{said}");
    for words in ["Secure cookie", "plain HTTP", "localhost", "CookieOptions::new().over_plain_http()"] {
        assert!(said.contains(words), "{said}");
    }
    let plain = site.layer().cookie(CookieOptions::new().over_plain_http()).unwrap();
    let app = verbs::<D>().layer(plain);
    let (_, said) = on_this_thread(|| block_on(app.clone().oneshot(local())));
    assert!(!said.contains("WARN"), "{said}");
}
