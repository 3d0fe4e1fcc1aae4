//! The shop without a socket: its router is asked, and answers.

mod cart;
#[path = "../tests/support/database.rs"]
mod database;
mod devices;
mod members;
mod operator;
mod order;
mod pages;
#[cfg(any(feature = "postgres", feature = "mysql"))]
#[path = "../tests/support/skipped.rs"]
mod skipped;
mod start;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::connect_info::MockConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::middleware::{Next, from_fn};
use diesel::prelude::*;
use diesel_sessions::web::CookieOptions;
use diesel_sessions::{Keyring, Session, SignIn};
use tower::ServiceExt;

use self::database::Database;
use crate::engine::schema::users;
use crate::model::{AppSession, Web};
use crate::shop::{Shop, pages, router, sessions};

/// A shop with its own database.
#[derive(Clone)]
struct Site {
    shop: Shop,
    app: Router,
    database: Arc<Database>,
}

/// What it answers.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Site {
    fn open() -> Option<Site> {
        Some(Site::over(Arc::new(Database::fresh()?), [7; 32], crate::PATIENCE))
    }

    /// A shop over a database that is there, with this key.
    fn over(database: Arc<Database>, key: [u8; 32], patience: Duration) -> Site {
        let shop = Shop::open(&database.url, Keyring::new("test", key).unwrap(), patience).unwrap();
        let app = router(shop.clone(), CookieOptions::new()).unwrap();
        Site { shop, app: known(app), database }
    }

    /// The same site, where each request has its session loaded, and then waits until this form was sent and answered.
    fn while_sent(&self, path: &'static str, cookie: &str, form: &'static str) -> Site {
        let (other, cookie) = (self.clone(), cookie.to_owned());
        self.with(pages().layer(from_fn(move |_loaded: Web, request: Request<Body>, next: Next| {
            let (other, cookie) = (other.clone(), cookie.clone());
            async move {
                assert_eq!(other.post(path, &cookie, form).await.status, StatusCode::SEE_OTHER);
                next.run(request).await
            }
        })))
    }

    /// The same site, where this SQL is run after each handler, before its session is saved.
    fn with_sql_after(&self, sql: &'static str) -> Site {
        let database = Arc::clone(&self.database);
        self.with(pages().layer(from_fn(move |request: Request<Body>, next: Next| {
            let database = Arc::clone(&database);
            async move {
                let answer = next.run(request).await;
                database.execute(sql);
                answer
            }
        })))
    }

    fn with(&self, pages: Router<Shop>) -> Site {
        let layer = sessions(&self.shop, CookieOptions::new()).unwrap();
        Site { app: known(pages.layer(layer).with_state(self.shop.clone())), ..self.clone() }
    }

    /// A stored session of this user, and its cookie.
    fn signed_in(&self, name: &str) -> (Session<AppSession>, String) {
        let conn = &mut self.shop.pool.get().unwrap();
        let id = users::table.filter(users::name.eq(name)).select(users::id).first(conn).unwrap();
        let mut session = self.shop.sessions.new_session();
        self.shop.sessions.sign_in(conn, &mut session, SignIn::new(id)).unwrap();
        let cookie = cookie(&session);
        (session, cookie)
    }

    /// The cookie of an anonymous session that holds this text.
    fn holding(&self, key: &str, text: &str) -> String {
        let mut session = self.shop.sessions.new_session();
        session.insert(key, text).unwrap();
        self.shop.sessions.save(&mut self.shop.pool.get().unwrap(), &mut session).unwrap();
        cookie(&session)
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

fn cookie(session: &Session<AppSession>) -> String {
    format!("__Host-id={}", session.new_token().unwrap().reveal())
}

/// Requests come from this address.
fn known(app: Router) -> Router {
    app.layer(MockConnectInfo(SocketAddr::from(([192, 0, 2, 1], 50_000))))
}
