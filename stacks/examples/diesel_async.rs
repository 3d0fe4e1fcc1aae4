//! A basket behind a sign-in, in axum on a pool of diesel-async, and how its handlers are tested. It needs PostgreSQL:
//! `DATABASE_URL=postgres://… cargo run -p stacks --features postgres --example diesel_async`.
//!
//! Its tables are temporary ones. It asks its own router, without a socket, and asserts what comes back.
#![allow(clippy::print_stdout, reason = "it tells what it does")]

use axum::{Router, body::Body, http::Request, response::Redirect, routing::get};
use diesel::{Connection, connection::SimpleConnection};
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, bb8::Pool};
use diesel_sessions::plain::postgres::PlainSession;
use diesel_sessions::{
    BlockingConnection, ConnectionSource, Error, Owner, SessionLayer, SessionRepository, SignIn, migrations, sign_in_as,
};
use tower::ServiceExt;

/// What the pool lends to closures is named once; `Owner` needs to name nothing.
type WebSession = diesel_sessions::WebSession<PlainSession, BlockingConnection<AsyncPgConnection>>;

async fn add(session: WebSession) -> Result<String, Error> {
    let add = session.run(|conn, s| {
        conn.transaction(|conn| {
            conn.batch_execute("UPDATE stock SET parrots = parrots - 1")?; // the application's own work, with Diesel's own verbs
            let parrots = s.get("parrots")?.unwrap_or(0) + 1;
            s.insert("parrots", parrots)?;
            s.save(conn)?;
            Ok::<_, Error>(format!("{parrots} in the basket"))
        })
    });
    add.await
}

async fn sign_in(session: WebSession) -> Result<Redirect, Error> {
    session.sign_in(SignIn::new(14)).await?; // a real one is a form, and checks a password first
    Ok(Redirect::to("/account"))
}

async fn account(Owner(id): Owner<PlainSession>) -> String {
    format!("signed in as user number {id}")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let url = std::env::var("DATABASE_URL")?;
    let pool = Pool::builder().max_size(1).build(AsyncDieselConnectionManager::<AsyncPgConnection>::new(url)).await?;
    // The server drops temporary tables when it closes the pool's one connection.
    pool.run(|conn| {
        conn.batch_execute("SET search_path = pg_temp; CREATE TABLE stock AS SELECT 10 AS parrots")?;
        migrations::run(conn)
    })
    .await?;
    let sessions = SessionRepository::<PlainSession>::builder().build()?;
    let layer = SessionLayer::new(sessions.clone(), pool.clone());
    let app = Router::new().route("/add", get(add)).route("/sign-in", get(sign_in)).route("/account", get(account)).layer(layer);

    // A handler that needs a signed-in user is tested with a session that is stored as one, and its token in the cookie.
    let stored = sessions.clone();
    let session = pool.run(move |conn| sign_in_as(&stored, conn, 14)).await?;
    let token = session.new_token().expect("signed in").reveal().to_owned();
    let known = format!("__Host-id={token}");
    for (path, cookie, status) in
        [("/account", known.as_str(), 200), ("/account", "__Host-id=forged", 401), ("/add", &known, 200), ("/sign-in", "", 303)]
    {
        let answer = app.clone().oneshot(Request::get(path).header("cookie", cookie).body(Body::empty())?).await?;
        assert_eq!(answer.status(), status);
        println!("{path}: {status}");
    }
    let session = pool.run(move |conn| sessions.load(conn, token.as_str())).await?.expect("still signed in");
    assert_eq!(session.get("parrots")?, Some(1));
    Ok(())
}
