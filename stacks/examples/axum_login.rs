//! axum-login on sessions with rows: sign out everywhere else, and how handlers are tested:
//! `cargo run -p stacks --example axum_login`.
//!
//! `axum_login/users.rs` is what every application on axum-login has: its users. It asks its own router, without a socket, and
//! asserts what comes back.
#![allow(clippy::print_stdout, reason = "it tells what it does")]

use std::sync::Arc;

use axum::{Router, body::Body, extract::State, http::Request, http::StatusCode, routing::post};
use axum_login::{AuthManagerLayerBuilder, AuthUser, login_required};
use diesel::r2d2::{ConnectionManager, Pool};
use diesel::sqlite::SqliteConnection;
use diesel_sessions::adapters::tower_sessions::{DieselStore, ROW_ID_KEY};
use diesel_sessions::plain::sqlite::PlainSession;
use diesel_sessions::{ConnectionSource, SessionRepository, SqliteCustomizer, migrations};
use serde_json::json;
use tower::ServiceExt;
use tower_sessions_0_14::{Session, SessionManagerLayer};

#[path = "axum_login/users.rs"]
mod users;
use users::{User, Users};

type AuthSession = axum_login::AuthSession<Users>;
type Site = (SessionRepository<PlainSession>, Pool<ConnectionManager<SqliteConnection>>);

async fn sign_in(mut auth: AuthSession) {
    auth.login(&User(14)).await.expect("the store works");
}

/// Every session of the user but this one: the row id says which one that is.
async fn sign_out_everywhere_else(auth: AuthSession, State((sessions, pool)): State<Site>) -> Result<String, StatusCode> {
    let row_id = auth.session.get(ROW_ID_KEY).await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let (Some(User(id)), Some(row_id)) = (auth.user, row_id) else { return Err(StatusCode::UNAUTHORIZED) };
    let revoked = pool.run(move |conn| sessions.of(&id).revoke_except(conn, row_id)).await;
    revoked.map(|rows| format!("signed out {rows} times\n")).map_err(|_| StatusCode::SERVICE_UNAVAILABLE)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let dir = tempfile::tempdir()?;
    let file = ConnectionManager::<SqliteConnection>::new(dir.path().join("users.sqlite3").display().to_string());
    let pool = Pool::builder().test_on_check_out(false).connection_customizer(Box::new(SqliteCustomizer::new())).build(file)?;
    migrations::run(&mut *pool.get()?)?;
    let sessions = SessionRepository::<PlainSession>::builder().build()?;

    // These two lines are all that an application on another store changes.
    let store = DieselStore::new(sessions.clone(), pool.clone()).owner_at(["axum-login.data", "user_id"]);
    let layer = SessionManagerLayer::new(store.clone());

    let others = Router::new().route("/others", post(sign_out_everywhere_else)).route_layer(login_required!(Users));
    let app = others.route("/sign-in", post(sign_in)).layer(AuthManagerLayerBuilder::new(Users, layer).build());
    let app = app.with_state((sessions.clone(), pool.clone()));

    let phone = app.clone().oneshot(Request::post("/sign-in").body(Body::empty())?).await?;
    assert!(phone.headers().contains_key("set-cookie"));

    // A handler that needs a signed-in user is tested with a session that is stored as one, and its id in the cookie.
    let laptop = Session::new(None, Arc::new(store), None);
    laptop.insert("axum-login.data", json!({ "user_id": 14, "auth_hash": User(14).session_auth_hash() })).await?;
    laptop.save().await?;
    let id = laptop.id().expect("saved").to_string();
    for (cookie, status) in [(format!("id={id}"), 200), ("id=forged".to_owned(), 401), (format!("id={id}"), 200)] {
        let answer = app.clone().oneshot(Request::post("/others").header("cookie", &cookie).body(Body::empty())?).await?;
        assert_eq!(answer.status(), status);
        println!("/others: {status}");
    }
    assert_eq!(sessions.of(&14).count(&mut *pool.get()?)?, 1, "the phone is signed out");
    Ok(())
}
