//! The cookie as the client gets it, and what caches are told.

use actix_web::web::{self, ServiceConfig};
use diesel_sessions::SignIn;
use diesel_sessions::web::CookieOptions;

use crate::app::{block_on, done, open};
use crate::site::{Handle, NAME, Site, Web};
use crate::support::{seconds, suite};

suite! {
    the_defaults_are_the_safe_ones,
    the_cookie_is_sent_when_the_token_changes_and_at_no_other_time,
    a_remembered_session_has_a_max_age_to_its_deadline,
    ending_removes_the_cookie_with_the_same_attributes,
    other_options_are_used_to_set_read_and_remove,
    a_token_is_in_the_cookie_alone,
    answers_that_met_the_session_vary_by_cookie,
    other_cookies_of_the_answer_stay,
}

const DAY: u64 = 86_400;

/// A verb a path.
fn verbs<D: Web>(config: &mut ServiceConfig) {
    config
        .route("/none", web::get().to(|| async { "no session" }))
        .route("/read", web::get().to(|_: Handle<D>| async { "read" }))
        .route("/add", web::get().to(|s: Handle<D>| async move { s.with_mut(|s| s.insert("seen", 14)).map(done) }))
        .route("/create", web::get().to(|s: Handle<D>| async move { s.create().await.map(done) }))
        .route("/rotate", web::get().to(|s: Handle<D>| async move { s.rotate().await.map(done) }))
        .route("/extend", web::get().to(|s: Handle<D>| async move { s.extend().await.map(done) }))
        .route("/end", web::get().to(|s: Handle<D>| async move { s.end().await.map(done) }))
        .route("/in", web::get().to(|s: Handle<D>| async move { s.sign_in(SignIn::new(7)).await.map(done) }))
        .route("/others", web::get().to(|s: Handle<D>| async move { s.revoke_others().await.map(done) }))
        .route("/remember", web::get().to(remember::<D>));
}

async fn remember<D: Web>(session: Handle<D>) -> Result<&'static str, diesel_sessions::Error> {
    session.sign_in(SignIn::new(7).remember(seconds(30 * DAY))).await.map(done)
}

// S99 SECURITY 34
fn the_defaults_are_the_safe_ones<D: Web>(db: &D) {
    let site = Site::new(db);
    let reply = block_on(async { site.open(verbs::<D>).await.ask("/create").await });
    assert!(reply.set_cookie().unwrap().starts_with("__Host-id="));
    let mut attributes = reply.attributes();
    attributes.sort();
    assert_eq!(attributes, ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"]);
    assert!(reply.set_cookie().unwrap().len() <= 4096);
}

// S99
fn the_cookie_is_sent_when_the_token_changes_and_at_no_other_time<D: Web>(db: &D) {
    let site = Site::new(db);
    block_on(async {
        let app = site.open(verbs::<D>).await;
        assert_eq!(app.ask("/read").await.set_cookie(), None);
        let mut token = app.ask("/add").await.token().expect("a first save gives a token");
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
            let reply = app.ask_as(path, &token).await;
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
    block_on(async {
        let app = site.open(verbs::<D>).await;
        let reply = app.ask("/remember").await;
        assert!(reply.attributes().contains(&format!("Max-Age={}", 30 * DAY)), "{reply:?}");
        site.clock.advance(seconds(10 * DAY + 1));
        let reply = app.ask_as("/rotate", &reply.token().unwrap()).await;
        assert!(reply.attributes().contains(&format!("Max-Age={}", 20 * DAY - 1)), "the deadline stays: {reply:?}");
        let reply = app.ask_as("/in", &reply.token().unwrap()).await;
        assert!(!reply.set_cookie().unwrap().contains("Max-Age"), "a cookie of the browser again: {reply:?}");
    });
}

// S99
fn ending_removes_the_cookie_with_the_same_attributes<D: Web>(db: &D) {
    let site = Site::new(db);
    block_on(async {
        let app = site.open(verbs::<D>).await;
        let set = app.ask("/create").await;
        let removal = app.ask_as("/end", &set.token().unwrap()).await;
        assert!(removal.set_cookie().unwrap().starts_with(&format!("{NAME}=;")));
        let (ends, kept): (Vec<_>, Vec<_>) =
            removal.attributes().into_iter().partition(|one| one == "Max-Age=0" || one.starts_with("Expires=Thu, 01 Jan 1970"));
        assert_eq!((ends.len(), kept), (2, set.attributes()));
        assert_eq!(removal.header("cache-control"), Some("no-store"));
        assert_eq!(app.ask("/end").await.set_cookie(), None, "the client never had one");
    });
    assert_eq!(site.rows(), 0);
}

// S99
fn other_options_are_used_to_set_read_and_remove<D: Web>(db: &D) {
    let site = Site::new(db);
    let options = CookieOptions::new().name("shop").path("/shop").domain("example.com").same_site_strict().over_plain_http();
    block_on(async {
        let app = open::<D>(site.middleware().cookie(options).unwrap(), |config| {
            config.service(web::scope("/shop").configure(verbs::<D>));
        })
        .await;
        let set = app.ask("/shop/in").await;
        let mut attributes = set.attributes();
        attributes.sort();
        assert_eq!(attributes, ["Domain=example.com", "HttpOnly", "Path=/shop", "SameSite=Strict"]);
        let token = set.token().unwrap();
        let header = format!("shop={token}");
        assert_eq!(app.ask_with("/shop/others", [&header]).await.attributes().len(), 4);
        assert!(site.load(&token).is_none(), "it was read, and rotated");
        let removal = app.ask_with("/shop/end", [&header]).await;
        assert!(removal.set_cookie().unwrap().starts_with("shop=; "));
        assert!(set.attributes().iter().all(|attribute| removal.attributes().contains(attribute)));
    });
}

// SECURITY 34
fn a_token_is_in_the_cookie_alone<D: Web>(db: &D) {
    let site = Site::new(db);
    block_on(async {
        let app = site.open(verbs::<D>).await;
        let mut reply = app.ask("/remember").await;
        let token = reply.token().unwrap();
        reply.headers.remove("set-cookie");
        assert!(!format!("{reply:?}").contains(&token));
        let query = app.ask(&format!("/rotate?{NAME}={token}")).await;
        assert!(!query.status.is_success(), "a token in the query opens nothing");
    });
}

// S100
fn answers_that_met_the_session_vary_by_cookie<D: Web>(db: &D) {
    let site = Site::new(db);
    block_on(async {
        let app = site.open(verbs::<D>).await;
        let none = app.ask("/none").await;
        assert_eq!((none.header("vary"), none.header("cache-control")), (None, None));
        let read = app.ask("/read").await;
        assert_eq!((read.header("vary"), read.header("cache-control")), (Some("Cookie"), None));
        let set = app.ask("/add").await;
        assert_eq!((set.header("vary"), set.header("cache-control")), (Some("Cookie"), Some("no-store")));
        let kept = app.ask_as("/add", &set.token().unwrap()).await;
        assert_eq!((kept.header("vary"), kept.header("cache-control")), (Some("Cookie"), None));
    });
}

// S100
fn other_cookies_of_the_answer_stay<D: Web>(db: &D) {
    let site = Site::new(db);
    let own = |session: Handle<D>| async move {
        session.create().await?;
        let mut answer = actix_web::HttpResponse::Ok();
        answer.insert_header(("set-cookie", "theme=dark")).insert_header(("vary", "Accept"));
        Ok::<_, diesel_sessions::Error>(answer.insert_header(("cache-control", "max-age=60")).finish())
    };
    let reply = block_on(async {
        site.open(|config| {
            config.route("/", web::get().to(own));
        })
        .await
        .ask("/")
        .await
    });
    let cookies: Vec<_> = reply.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    assert!(cookies.len() == 2 && cookies[0] == "theme=dark" && cookies[1].starts_with("__Host-id="));
    assert_eq!(reply.headers.get_all("vary").iter().collect::<Vec<_>>(), ["Accept", "Cookie"]);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
}
