//! A counter behind a sign-in, in actix-web, and how its handlers are tested:
//! `cargo run -p stacks --example actix`.
//!
//! It asks its own application, without a socket, and asserts what comes back. Given an address, as in `… -- 127.0.0.1:3000`, it
//! then serves there.
#![allow(clippy::print_stdout, reason = "it tells what it does")]

use actix_web::web::{ServiceConfig, get};
use actix_web::{App, HttpResponse, HttpServer, test};
use diesel::r2d2::{ConnectionManager, Pool};
use diesel::sqlite::SqliteConnection;
use diesel_sessions::plain::sqlite::PlainSession;
use diesel_sessions::web::CookieOptions;
use diesel_sessions::{
    Error, Owner, SessionMiddleware, SessionRepository, SignIn, SqliteCustomizer, WebSession, migrations, sign_in_as,
};

async fn count(session: WebSession<PlainSession>) -> Result<String, Error> {
    session.with_mut(|s| {
        let visits = s.get("visits")?.unwrap_or(0) + 1;
        s.insert("visits", visits)?;
        Ok(format!("visit number {visits}\n"))
    })
}

async fn sign_in(session: WebSession<PlainSession>) -> Result<HttpResponse, Error> {
    session.sign_in(SignIn::new(14)).await?; // a real one is a form, and checks a password first
    Ok(HttpResponse::SeeOther().insert_header(("location", "/account")).finish())
}

async fn account(Owner(id): Owner<PlainSession>) -> String {
    format!("signed in as user number {id}\n")
}

fn routes(config: &mut ServiceConfig) {
    config.route("/", get().to(count)).route("/sign-in", get().to(sign_in)).route("/account", get().to(account));
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let file = ConnectionManager::<SqliteConnection>::new(dir.path().join("counter.sqlite3").display().to_string());
    let pool = Pool::builder().test_on_check_out(false).connection_customizer(Box::new(SqliteCustomizer::new())).build(file)?;
    migrations::run(&mut *pool.get()?)?;
    let sessions = SessionRepository::<PlainSession>::builder().build()?;
    let cookie = CookieOptions::new().over_plain_http(); // for this machine alone
    let middleware = SessionMiddleware::new(sessions.clone(), pool.clone()).cookie(cookie)?.sign_in_page("/sign-in");
    let app = test::init_service(App::new().configure(routes).wrap(middleware.clone())).await;

    // A handler that needs a signed-in user is tested with a session that is stored as one, and its token in the cookie.
    let session = sign_in_as(&sessions, &mut *pool.get()?, 14)?;
    let mine = format!("id={}", session.new_token().expect("signed in").reveal());
    for (path, cookie, status) in [("/account", mine.as_str(), 200), ("/account", "id=forged", 303), ("/", "", 200)] {
        let request = test::TestRequest::with_uri(path).insert_header(("cookie", cookie)).to_request();
        let answer = test::call_service(&app, request).await;
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers().contains_key("set-cookie"), path == "/");
        println!("{path}: {status}");
    }

    let Some(address) = std::env::args().nth(1) else { return Ok(()) };
    println!("serving http://{address}");
    Ok(HttpServer::new(move || App::new().configure(routes).wrap(middleware.clone())).bind(address)?.run().await?)
}
