//! The application: users in a table, a page for those who are signed in, and a form. It knows tower-sessions and axum-login, and
//! nothing of the library under test.

use axum::extract::{Form, Query};
use axum::http::StatusCode;
use axum::response::Redirect;
use axum::routing::get;
use axum::{Extension, Router};
use axum_login::{AuthManagerLayerBuilder, AuthUser, AuthnBackend, login_required};
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool};
use serde::Deserialize;
use tower_sessions_0_14::{Expiry, Session, SessionManagerLayer, SessionStore};

use super::Conn;

diesel::table! {
    users (id) {
        id -> BigInt,
        username -> Text,
        password -> Text,
    }
}

#[derive(Clone, Queryable)]
pub(crate) struct User {
    id: i64,
    username: String,
    password: String,
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("id", &self.id).finish_non_exhaustive()
    }
}

impl AuthUser for User {
    type Id = i64;

    fn id(&self) -> i64 {
        self.id
    }

    fn session_auth_hash(&self) -> &[u8] {
        self.password.as_bytes() // whoever changes the password is signed out elsewhere
    }
}

#[derive(Clone, Deserialize)]
pub(crate) struct Credentials {
    username: String,
    password: String,
    next: Option<String>,
}

/// The table of users, behind a pool of the application's own.
#[derive(Clone)]
pub(crate) struct Backend(pub(crate) Pool<ConnectionManager<Conn>>);

impl Backend {
    async fn find<F>(&self, query: F) -> Result<Option<User>, diesel::result::Error>
    where
        F: FnOnce(&mut Conn) -> QueryResult<User> + Send + 'static,
    {
        let pool = self.0.clone();
        tokio::task::spawn_blocking(move || query(&mut pool.get().unwrap()).optional()).await.unwrap()
    }
}

impl AuthnBackend for Backend {
    type User = User;
    type Credentials = Credentials;
    type Error = diesel::result::Error;

    async fn authenticate(&self, given: Credentials) -> Result<Option<User>, diesel::result::Error> {
        let found = self.find(|conn| users::table.filter(users::username.eq(given.username)).first(conn)).await?;
        Ok(found.filter(|user| user.password == given.password)) // a real one keeps a hash
    }

    async fn get_user(&self, id: &i64) -> Result<Option<User>, diesel::result::Error> {
        let id = *id;
        self.find(move |conn| users::table.find(id).first(conn)).await
    }
}

type AuthSession = axum_login::AuthSession<Backend>;

/// The application on some store of sessions.
pub(crate) fn app(store: impl SessionStore + Clone, backend: Backend) -> Router {
    let sessions = SessionManagerLayer::new(store).with_secure(false).with_expiry(Expiry::OnInactivity(time::Duration::days(1)));
    let auth = AuthManagerLayerBuilder::new(backend, sessions).build();
    Router::new()
        .route("/", get(protected))
        .route_layer(login_required!(Backend, login_url = "/login"))
        .route("/login", get(form).post(log_in))
        .route("/logout", get(log_out))
        .layer(auth)
}

/// What is to be read once, on the next page.
const NOTICE: &str = "notice";

async fn protected(auth: AuthSession) -> Result<String, StatusCode> {
    let Some(user) = auth.user else { return Err(StatusCode::INTERNAL_SERVER_ERROR) };
    let notice = auth.session.remove::<String>(NOTICE).await.map_err(failed)?;
    Ok(format!("{}account of {}", notice.unwrap_or_default(), user.username))
}

#[derive(Deserialize)]
struct Next {
    next: Option<String>,
}

async fn form(Extension(session): Extension<Session>, Query(query): Query<Next>) -> Result<String, StatusCode> {
    let notice = session.remove::<String>(NOTICE).await.map_err(failed)?;
    Ok(format!("{}form for {}", notice.unwrap_or_default(), query.next.as_deref().unwrap_or("/")))
}

async fn log_in(mut auth: AuthSession, Form(given): Form<Credentials>) -> Result<Redirect, StatusCode> {
    let next = given.next.clone();
    let Some(user) = auth.authenticate(given).await.map_err(failed)? else {
        auth.session.insert(NOTICE, "wrong name or password; ").await.map_err(failed)?;
        return Ok(Redirect::to(&next.map_or("/login".to_owned(), |next| format!("/login?next={next}"))));
    };
    auth.login(&user).await.map_err(failed)?;
    auth.session.insert(NOTICE, "signed in; ").await.map_err(failed)?;
    Ok(Redirect::to(next.as_deref().unwrap_or("/")))
}

async fn log_out(mut auth: AuthSession) -> Result<Redirect, StatusCode> {
    auth.logout().await.map_err(failed)?;
    Ok(Redirect::to("/login"))
}

fn failed<E>(_: E) -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}
