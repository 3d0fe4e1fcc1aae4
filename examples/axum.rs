//! A counter behind a sign-in, in axum, and how its handlers are tested: `cargo run --example axum --features axum,r2d2`.
//!
//! It asks its own router, without a socket, and asserts what comes back. Given an address, as in `… -- 127.0.0.1:3000`, it then
//! serves there.
#![allow(clippy::print_stdout, reason = "it tells what it does")]

use axum::{Router, body::Body, http::Request, response::Redirect, routing::get};
use diesel::r2d2::{ConnectionManager, Pool};
use diesel::sqlite::SqliteConnection;
use diesel_sessions::plain::sqlite::PlainSession;
use diesel_sessions::web::CookieOptions;
use diesel_sessions::{Error, Owner, SessionLayer, SessionRepository, SignIn, SqliteCustomizer, WebSession, migrations};
use tower::ServiceExt;

async fn count(session: WebSession<PlainSession>) -> Result<String, Error> {
    session.with_mut(|s| {
        let visits = s.get("visits")?.unwrap_or(0) + 1;
        s.insert("visits", visits)?;
        Ok(format!("visit number {visits}\n"))
    })
}

async fn sign_in(session: WebSession<PlainSession>) -> Result<Redirect, Error> {
    session.sign_in(SignIn::new(14)).await?; // a real one is a form, and checks a password first
    Ok(Redirect::to("/account"))
}

async fn account(Owner(id): Owner<PlainSession>) -> String {
    format!("signed in as user number {id}\n")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let dir = tempfile::tempdir()?;
    let file = ConnectionManager::<SqliteConnection>::new(dir.path().join("counter.sqlite3").display().to_string());
    let pool = Pool::builder().test_on_check_out(false).connection_customizer(Box::new(SqliteCustomizer::new())).build(file)?;
    migrations::run(&mut *pool.get()?)?;
    let sessions = SessionRepository::<PlainSession>::builder().build()?;
    let cookie = CookieOptions::new().over_plain_http(); // for this machine alone
    let layer = SessionLayer::new(sessions.clone(), pool.clone()).cookie(cookie)?.sign_in_page("/sign-in");
    let app = Router::new().route("/", get(count)).route("/sign-in", get(sign_in)).route("/account", get(account)).layer(layer);

    // A handler that needs a signed-in user is tested with a session that is stored as one, and its token in the cookie.
    let mut session = sessions.new_session();
    sessions.sign_in(&mut *pool.get()?, &mut session, SignIn::new(14))?;
    let token = session.new_token().expect("signed in").reveal().to_owned();
    for (path, cookie, status) in
        [("/account", format!("id={token}"), 200), ("/account", "id=forged".to_owned(), 303), ("/", String::new(), 200)]
    {
        let answer = app.clone().oneshot(Request::get(path).header("cookie", &cookie).body(Body::empty())?).await?;
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers().contains_key("set-cookie"), path == "/");
        println!("{path}: {status}");
    }

    let Some(address) = std::env::args().nth(1) else { return Ok(()) };
    println!("serving http://{address}");
    Ok(axum::serve(tokio::net::TcpListener::bind(address).await?, app).await?)
}
