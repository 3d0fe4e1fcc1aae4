//! An application of actix-session, and its client's cookie.

use std::collections::HashMap;

use actix_session_0_11::config::{CookieContentSecurity, PersistentSession, SessionMiddlewareBuilder, TtlExtensionPolicy};
use actix_session_0_11::storage::{SessionKey, SessionStore};
use actix_session_0_11::{Session, SessionExt, SessionMiddleware};
use actix_web::cookie::{Key, time::Duration};
use actix_web::web::{self, ServiceConfig, get};
use actix_web::{App, Result, guard};
use diesel_sessions::adapters::actix_session::DieselStore;

use crate::app::{Client, client};
use crate::site::{ConnPool, Reply, Site, Web};

pub(crate) type Store<D> = DieselStore<<D as crate::support::Db>::Model, ConnPool<D>>;

/// How long its sessions live, in seconds.
pub(crate) const TTL: i64 = 600;

/// Both ways in which it protects its cookie.
pub(crate) const POLICIES: [CookieContentSecurity; 2] = [CookieContentSecurity::Signed, CookieContentSecurity::Private];

impl<D: Web> Site<'_, D> {
    pub(crate) fn store(&self) -> Store<D> {
        DieselStore::new(self.sessions.clone(), self.pool.clone())
    }
}

/// A middleware of its with a key of its own.
pub(crate) fn builder<D: Web>(store: Store<D>) -> SessionMiddlewareBuilder<Store<D>> {
    SessionMiddleware::builder(store, Key::generate()).session_lifecycle(lifecycle(TtlExtensionPolicy::OnStateChanges))
}

pub(crate) fn lifecycle(policy: TtlExtensionPolicy) -> PersistentSession {
    PersistentSession::default().session_ttl(Duration::seconds(TTL)).session_ttl_extension_policy(policy)
}

/// The pages below a middleware.
pub(crate) async fn open<D: Web>(builder: SessionMiddlewareBuilder<Store<D>>) -> Client {
    client!(App::new().configure(pages).wrap(builder.build()))
}

/// Reading, changing, signing in and out.
pub(crate) fn pages(config: &mut ServiceConfig) {
    config
        .route("/", get().to(|session: Session| async move { told(&session) }))
        .route("/count", get().to(count))
        .route("/set/{key}/{value}", get().to(set))
        .route("/remove/{key}", get().to(|session: Session, key: web::Path<String>| done(move || session.remove(&key))))
        .route("/in/{user}", get().to(sign_in))
        .route("/renew", get().to(|session: Session| done(move || session.renew())))
        .route("/clear", get().to(|session: Session| done(move || session.clear())))
        .route("/out", get().to(|session: Session| done(move || session.purge())))
        .route("/nothing", get().to(|| async { "nothing" }))
        .service(web::scope("/guarded").guard(guard::fn_guard(is_signed_in)).route("/", get().to(|| async { "let in" })));
}

fn is_signed_in(context: &guard::GuardContext<'_>) -> bool {
    context.get_session().contains_key("user_id")
}

/// What the application has put into a session, the store's own entries aside.
fn told(session: &Session) -> String {
    let mut entries: Vec<String> = session.entries().iter().map(|(key, value)| format!("{key}={value}")).collect();
    entries.retain(|entry| !entry.starts_with('_'));
    entries.sort();
    entries.join(" ")
}

async fn done<T>(work: impl FnOnce() -> T) -> &'static str {
    work();
    "done"
}

async fn count(session: Session) -> Result<String> {
    let counter = session.get("counter")?.unwrap_or(0) + 1;
    session.insert("counter", counter)?;
    Ok(told(&session))
}

async fn set(session: Session, path: web::Path<(String, String)>) -> Result<String> {
    let (key, value) = path.into_inner();
    session.insert(key, value)?;
    Ok(told(&session))
}

async fn sign_in(session: Session, user: web::Path<i64>) -> Result<String> {
    session.insert("user_id", *user)?;
    session.renew();
    Ok(told(&session))
}

/// A client that keeps its cookie.
pub(crate) struct Browser<'a> {
    app: &'a Client,
    /// Name and value.
    pub(crate) cookie: Option<String>,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(app: &'a Client) -> Self {
        Browser { app, cookie: None }
    }

    /// Another that has the same cookie.
    pub(crate) fn twin(&self) -> Self {
        Browser { app: self.app, cookie: self.cookie.clone() }
    }

    pub(crate) async fn ask(&mut self, path: &str) -> Reply {
        let reply = self.app.ask_with(path, self.cookie.iter()).await;
        if let Some(set) = reply.set_cookie() {
            self.cookie = Some(set.split(';').next().unwrap().to_owned());
        }
        reply
    }

    /// What the session holds.
    pub(crate) async fn told(&mut self) -> String {
        self.ask("/").await.body
    }
}

/// A state of one entry, as the middleware hands it over.
pub(crate) fn state(key: &str, value: &str) -> HashMap<String, String> {
    [(key.to_owned(), value.to_owned())].into()
}

pub(crate) fn ttl() -> Duration {
    Duration::seconds(TTL)
}

/// The key of a session of one entry that the store has saved.
pub(crate) async fn saved(store: &impl SessionStore, name: &str, value: &str) -> SessionKey {
    store.save(state(name, value), &ttl()).await.unwrap()
}

/// The same key once more; the type has no copy.
pub(crate) fn copy(key: &SessionKey) -> SessionKey {
    SessionKey::try_from(key.as_ref().to_owned()).unwrap()
}
