//! A counter behind a sign-in, in Rocket, and how its handlers are tested: `cargo run -p stacks --example rocket`.
//!
//! `rocket/sessions.rs` holds the guard and the fairing, to be taken over as they are. It asks its own routes, without a socket, and
//! asserts what comes back.
#![allow(clippy::print_stdout, reason = "it tells what it does")]

use diesel::r2d2::ConnectionManager;
use diesel_sessions::plain::sqlite::PlainSession;
use diesel_sessions::web::{CookieOptions, SessionEdge};
use diesel_sessions::{SessionRepository, SignIn, SqliteCustomizer, migrations, sign_in_as};
use rocket::http::{Header, Status};
use rocket::{get, local::asynchronous::Client, response::Redirect, routes};

#[path = "rocket/sessions.rs"]
mod sessions;
use sessions::{Pool, Session, Sessions};

#[get("/")]
fn count(session: Session) -> Result<String, Status> {
    session.with(|s| {
        let visits = s.get("visits")?.unwrap_or(0) + 1;
        s.insert("visits", visits)?;
        Ok(format!("visit number {visits}\n"))
    })
}

#[get("/sign-in")]
async fn sign_in(session: Session) -> Result<Redirect, Status> {
    session.run(|sessions, conn, s| sessions.sign_in(conn, s, SignIn::new(14))).await?; // once a password was checked
    Ok(Redirect::to("/account"))
}

#[get("/account")]
fn account(session: Session) -> Result<String, Status> {
    let id = session.with(|s| Ok(s.user_id))?.ok_or(Status::Unauthorized)?;
    Ok(format!("signed in as user number {id}\n"))
}

#[rocket::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let file = ConnectionManager::new(dir.path().join("counter.sqlite3").display().to_string());
    let pool = Pool::builder().test_on_check_out(false).connection_customizer(Box::new(SqliteCustomizer::new())).build(file)?;
    migrations::run(&mut *pool.get()?)?;
    let sessions = SessionRepository::<PlainSession>::builder().build()?;
    let edge = SessionEdge::new(sessions.clone(), CookieOptions::new().over_plain_http())?; // for this machine alone
    let quiet = rocket::Config { log_level: rocket::log::LogLevel::Off, ..rocket::Config::default() };
    let fairing = Sessions { edge, pool: pool.clone() };
    let client = Client::untracked(rocket::custom(quiet).attach(fairing).mount("/", routes![count, sign_in, account])).await?;

    // A handler that needs a signed-in user is tested with a session that is stored as one, and its token in the cookie.
    let session = sign_in_as(&sessions, &mut *pool.get()?, 14)?;
    let mine = format!("id={}", session.new_token().expect("signed in").reveal());
    for (path, cookie, status) in
        [("/account", &*mine, 200), ("/account", "id=forged", 401), ("/sign-in", "", 303), ("/", "", 200)]
    {
        let answer = client.get(path).header(Header::new("cookie", cookie.to_owned())).dispatch().await;
        assert_eq!(answer.status().code, status);
        assert_eq!(answer.headers().contains("set-cookie"), path != "/account");
        assert_eq!(answer.headers().get_one("vary"), Some("Cookie"));
        println!("{path}: {status}");
    }
    Ok(())
}
