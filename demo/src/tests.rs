//! The shop without a socket: its router is asked, and answers.

#[path = "../tests/support/database.rs"]
mod database;
#[cfg(any(feature = "postgres", feature = "mysql"))]
#[path = "../tests/support/skipped.rs"]
mod skipped;

use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::connect_info::MockConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode};
use diesel::prelude::*;
use diesel_migrations::MigrationHarness;
use diesel_sessions::web::CookieOptions;
use diesel_sessions::{JsonText, Keyring, Session, SignIn};
use tower::ServiceExt;

use self::database::{Database, ENGINE};
use crate::engine::MIGRATIONS;
use crate::engine::schema::{session_attributes, users};
use crate::model::AppSession;
use crate::shop::{Shop, router};

/// A shop with its own database.
struct Site {
    shop: Shop,
    app: Router,
    database: Database,
}

/// What it answers.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Site {
    fn open() -> Option<Site> {
        let database = Database::fresh()?;
        let shop = Shop::open(&database.url, Keyring::new("test", [7; 32]).unwrap()).unwrap();
        let address: SocketAddr = "192.0.2.1:50000".parse().unwrap();
        let app = router(shop.clone(), CookieOptions::new()).unwrap().layer(MockConnectInfo(address));
        Some(Site { shop, app, database })
    }

    /// A stored session of this user, and its cookie.
    fn signed_in(&self, name: &str) -> (Session<AppSession>, String) {
        let conn = &mut self.shop.pool.get().unwrap();
        let id = users::table.filter(users::name.eq(name)).select(users::id).first(conn).unwrap();
        let mut session = self.shop.sessions.new_session();
        self.shop.sessions.sign_in(conn, &mut session, SignIn::new(id)).unwrap();
        let cookie = format!("__Host-id={}", session.new_token().unwrap().reveal());
        (session, cookie)
    }

    async fn get(&self, path: &str, cookie: &str) -> Answer {
        self.ask(Request::get(path).header("cookie", cookie).body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, cookie: &str, form: &str) -> Answer {
        self.post_from(path, cookie, form, ("sec-fetch-site", "same-origin")).await
    }

    async fn post_from(&self, path: &str, cookie: &str, form: &str, header: (&str, &str)) -> Answer {
        let request = Request::post(path).header("cookie", cookie).header("content-type", "application/x-www-form-urlencoded");
        self.ask(request.header("host", "shop.test").header(header.0, header.1).body(Body::from(form.to_owned())).unwrap()).await
    }

    async fn ask(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.app.clone().oneshot(request).await.unwrap().into_parts();
        let text = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, text }
    }
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

// S62
#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_get_the_same_answer_and_no_session() {
    let Some(site) = Site::open() else { return };
    let wrong = site.post("/sign-in", "", "name=shopper&password=wrong").await;
    let unknown = site.post("/sign-in", "", "name=nobody&password=wrong").await;
    assert_eq!((wrong.status, unknown.status), (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::UNPROCESSABLE_ENTITY));
    assert_eq!(wrong.text, unknown.text.replace("nobody", "shopper"));
    assert!(wrong.text.contains("Name or password is not right."));
    for answer in [wrong, unknown] {
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    let right = site.post("/sign-in", "", "name=shopper&password=three+cups+of+tea").await;
    assert_eq!((right.status, right.header("location")), (StatusCode::SEE_OTHER, "/account"));
    assert!(right.header("set-cookie").starts_with("__Host-id="));
}

#[tokio::test]
async fn a_form_of_another_site_changes_nothing() {
    let Some(site) = Site::open() else { return };
    let (_, cookie) = site.signed_in("shopper");
    for header in
        [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://evil.test"), ("origin", "null")]
    {
        let answer = site.post_from("/sign-out", &cookie, "", header).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{header:?}");
        assert_eq!(site.get("/account", &cookie).await.status, StatusCode::OK, "{header:?}");
    }
    let own = site.post_from("/sign-out", &cookie, "", ("origin", "https://shop.test")).await;
    assert_eq!(own.status, StatusCode::SEE_OTHER);
    assert_eq!(site.get("/account", &cookie).await.header("location"), "/sign-in");
}

// SECURITY 15
#[tokio::test]
async fn a_device_of_another_user_cannot_be_signed_out() {
    let Some(site) = Site::open() else { return };
    let (_, shopper) = site.signed_in("shopper");
    let (mine, operator) = site.signed_in("operator");
    let form = format!("device={}", mine.row_id().unwrap());
    let answer = site.post("/devices/revoke", &shopper, &form).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(site.get("/devices", &shopper).await.text.contains("was signed out already"));
    assert_eq!(site.get("/account", &operator).await.status, StatusCode::OK);
    assert!(!site.get("/devices", &shopper).await.text.contains(&format!("value=\"{}\"", mine.row_id().unwrap())));

    assert_eq!(site.post("/devices/revoke", &operator, &form).await.status, StatusCode::SEE_OTHER);
    assert_eq!(site.get("/account", &operator).await.header("location"), "/sign-in");
}

#[tokio::test]
async fn the_operators_page_is_for_operators() {
    let Some(site) = Site::open() else { return };
    let (_, shopper) = site.signed_in("shopper");
    let (_, operator) = site.signed_in("operator");
    for path in ["/operator", "/operator/live.svg"] {
        assert_eq!(site.get(path, "").await.header("location"), "/sign-in", "{path}");
        assert_eq!(site.get(path, &shopper).await.status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(site.get(path, &operator).await.status, StatusCode::OK, "{path}");
    }
    assert_eq!(site.post("/operator/purge", &shopper, "").await.status, StatusCode::FORBIDDEN);
    assert!(!site.get("/account", &shopper).await.text.contains("href=\"/operator\""));
}

// SECURITY 6
#[tokio::test]
async fn looking_around_makes_no_session() {
    let Some(site) = Site::open() else { return };
    for path in ["/", "/pictures/1", "/cart", "/sign-in", "/sign-up", "/nowhere"] {
        let answer = site.get(path, "").await;
        assert!(!answer.headers.contains_key("set-cookie"), "{path}");
    }
    let nothing_changed = site.post("/cart/change", "", "product=1&quantity=3").await;
    assert!(!nothing_changed.headers.contains_key("set-cookie"));
    let rows: i64 = crate::engine::schema::sessions::table.count().get_result(&mut site.shop.pool.get().unwrap()).unwrap();
    assert_eq!(rows, 0);
}

#[tokio::test]
async fn private_pages_are_kept_by_no_cache() {
    let Some(site) = Site::open() else { return };
    let (_, cookie) = site.signed_in("operator");
    for path in ["/", "/account", "/devices", "/cart", "/operator", "/operator/live.svg", "/nowhere"] {
        assert_eq!(site.get(path, &cookie).await.header("cache-control"), "no-store", "{path}");
    }
    let style = site.get(&crate::assets::style(), "").await;
    assert_eq!((style.status, style.header("content-type")), (StatusCode::OK, "text/css; charset=utf-8"));
    assert!(style.header("cache-control").contains("immutable"));
    assert_eq!(site.get("/assets/style.css", "").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_new_account_is_signed_in_and_a_taken_name_is_refused() {
    let Some(site) = Site::open() else { return };
    let made = site.post("/sign-up", "", "name=newcomer&password=a+long+enough+one").await;
    assert_eq!((made.status, made.header("location")), (StatusCode::SEE_OTHER, "/account"));
    for (form, objection) in [
        ("name=newcomer&password=a+long+enough+one", "That name is taken."),
        ("name=another&password=short", "12 characters at least."),
        ("name=+&password=a+long+enough+one", "Please choose a name."),
    ] {
        let refused = site.post("/sign-up", "", form).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{form}");
        assert!(refused.text.contains(objection), "{form}");
        assert!(!refused.headers.contains_key("set-cookie"), "{form}");
    }
    let again = site.post("/sign-in", "", "name=newcomer&password=a+long+enough+one").await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
}

// S71 S77 SECURITY 26
#[tokio::test]
async fn the_code_is_stored_encrypted_and_is_none_once_it_has_expired() {
    let Some(site) = Site::open() else { return };
    let (_, cookie) = site.signed_in("shopper");
    site.post("/cart", &cookie, "product=1").await;
    assert_eq!(site.post("/order/code", &cookie, "").await.header("location"), "/order");
    let page = site.get("/order", &cookie).await.text;
    let code: String = page.split_once("id=\"code\">").unwrap().1.chars().take(6).collect();
    let rows: Vec<(Option<JsonText>, Option<Vec<u8>>)> = session_attributes::table
        .select((session_attributes::value, session_attributes::sealed))
        .load(&mut site.shop.pool.get().unwrap())
        .unwrap();
    let [(None, Some(sealed))] = rows.as_slice() else { panic!("{} rows", rows.len()) };
    assert!(!sealed.windows(code.len()).any(|window| window == code.as_bytes()));

    site.database.execute("UPDATE session_attributes SET expires_at = '2026-01-01 00:00:00.000000'");
    let form = format!("code={code}");
    assert_eq!(site.post("/order", &cookie, &form).await.header("location"), "/order");
    let page = site.get("/order", &cookie).await.text;
    assert!(page.contains("has expired") && !page.contains(&code));
    assert!(site.get("/account", &cookie).await.text.contains("None so far."));
}

// S16 S27
#[tokio::test]
async fn a_user_who_is_deleted_is_signed_out() {
    let Some(site) = Site::open() else { return };
    let (_, cookie) = site.signed_in("shopper");
    assert_eq!(site.get("/account", &cookie).await.status, StatusCode::OK);
    site.database.execute("DELETE FROM users WHERE name = 'shopper'");
    assert_eq!(site.get("/account", &cookie).await.header("location"), "/sign-in");
}

#[test]
fn the_migrations_can_be_undone_and_done_again() {
    let Some(site) = Site::open() else { return };
    let conn = &mut site.shop.pool.get().unwrap();
    conn.revert_all_migrations(MIGRATIONS).unwrap();
    conn.run_pending_migrations(MIGRATIONS).unwrap();
    assert_eq!(crate::catalogue::all(conn).unwrap().len(), 10);
    site.shop.sessions.check(conn).unwrap();
}

// S103 SECURITY 30
#[tokio::test]
async fn a_database_that_does_not_answer_is_an_error_page_and_the_cookie_stays() {
    let Some(site) = Site::open() else { return };
    let (_, cookie) = site.signed_in("shopper");
    // Every connection is taken: what a database that is away looks like to a handler.
    let taken: Vec<_> = std::iter::from_fn(|| site.shop.pool.try_get()).collect();
    assert!(!taken.is_empty());
    let answer = site.get("/account", &cookie).await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::SERVICE_UNAVAILABLE, "text/html; charset=utf-8"));
    assert!(answer.text.contains("Back in a moment") && !answer.headers.contains_key("set-cookie"));
    drop(taken);
    assert_eq!(site.get("/account", &cookie).await.status, StatusCode::OK, "{ENGINE}");
}
