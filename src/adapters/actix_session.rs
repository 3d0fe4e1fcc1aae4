//! A store for actix-session 0.11: feature `actix-session-0-11`.
//!
//! One line changes, and the handlers keep their `actix_session::Session`:
//!
//! ```text
//! SessionMiddleware::new(DieselStore::new(sessions, pool), key)
//! ```
//!
//! # Keys and columns
//!
//! A key that names a typed column is that column; all others are in `_data`. So `session.insert("user_id", 14)` sets the owner,
//! and the user's sessions can be listed and revoked. Where another crate keeps the user elsewhere, as actix-identity does,
//! [`DieselStore::owner_at`] says where.
//!
//! Two entries of [`Session::entries`](actix_session_0_11::Session::entries) are the store's: [`ROW_ID_KEY`], and `_base`, by
//! which it knows what a request has changed. Two requests at once that change different keys so keep both.
//!
//! # Who signs in gets another key
//!
//! Also without `session.renew()`: the store answers a change of owner with another key, and the old one opens nothing.
//!
//! | what happens | row id, attributes | key |
//! |---|---|---|
//! | a change | stay | stays |
//! | an owner comes to an anonymous session | stay | new |
//! | the owner is removed | stay | new |
//! | another owner comes, without `renew` | new session, with this request's own changes alone | new |
//! | `renew` | new row, attributes go: actix-session deletes, then saves | new |
//! | `purge` | deleted | |
//!
//! A request that is still under way with a replaced key sees an empty session, for a minute. What it changes there is not saved,
//! and answered with 500: otherwise it would begin a session of its own, whose cookie signs the user out. (A renewal is two steps
//! in actix-session. Between them, only the process that takes them knows of the replaced key.)
//!
//! # When a session ends
//!
//! At the earlier of what `session_lifecycle` says (its `state_ttl` or `session_ttl`, one day by default) and the repository's policy.
//! `TtlExtensionPolicy::OnEveryRequest` writes when a twentieth of that time has gone by, or five minutes.
//!
//! # What stays limited by the trait
//!
//! * A change to a session that has ended meanwhile is not saved, and the session is not brought back: the middleware answers
//!   500, as it does to every error of a store. So it does to a request without a change under `OnEveryRequest`.
//! * The middleware reads the session for every request, whether the handler asks or not, and saves after a server error too.
//! * It sends the cookie with every change: a slow answer may overwrite the newer cookie of a sign-in that has overtaken it. The
//!   cookie's flags and name are its own defaults, and of two cookies it takes the first.
//! * A revocation between the two steps of a renewal meets no row, and the second step creates one. A change that another request
//!   saves within the first step, between its reading and its deletion, is lost.
//! * Of two renewals at once, the second ends the session that the first has just given another key, as a sign-out would: the trait
//!   tells the two apart by nothing. Its own save then says that the session is gone: 500, and the client is signed out.
//! * `remember me` is one setting for all sessions.
//! * `Session::update` alone is no change to actix-session 0.11, and is not saved: use `insert`.
//!
//! Our own [`SessionMiddleware`](crate::SessionMiddleware) has none of these.

use std::fmt;
use std::sync::Arc;

use actix_session_0_11::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError};
use actix_web::cookie::time::Duration;

use self::ends::ends_by;
use self::state::{State, content_of, state_of};
use super::kept::Kept;
use super::memory::Memory;
use super::owner_path::OwnerPath;
use super::record::Content;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{DbSession, OwnedModel, SessionModel};
use crate::repository::SessionRepository;
use crate::source::{ConnectionSource, Crewed};
use crate::token::SessionToken;

mod ends;
mod state;
mod verbs;

pub use super::record::ROW_ID_KEY;

/// A [`SessionStore`] over a repository and a pool.
///
/// # Example
///
/// ```
/// use actix_session_0_11::{Session, SessionMiddleware};
/// use actix_web::{App, cookie::Key, test, web};
/// # use diesel::r2d2::{ConnectionManager, Pool};
/// # use diesel::sqlite::SqliteConnection;
/// use diesel_sessions::adapters::actix_session::DieselStore;
/// # use diesel_sessions::{SessionRepository, SqliteCustomizer, migrations, plain::sqlite::PlainSession};
///
/// async fn sign_in(session: Session) -> actix_web::Result<&'static str> {
///     session.insert("user_id", 14)?;    // the typed column, as the model has one of that name
///     session.insert("lines", 1)?;
///     Ok("signed in")
/// }
/// # actix_web::rt::System::new().block_on(async {
/// # let pool = Pool::builder().max_size(1).connection_customizer(Box::new(SqliteCustomizer::new()));
/// # let pool = pool.build(ConnectionManager::<SqliteConnection>::new(":memory:"))?;
/// # migrations::run(&mut *pool.get()?)?;
/// let sessions = SessionRepository::<PlainSession>::builder().build()?;
/// let store = DieselStore::new(sessions.clone(), pool.clone());
/// let middleware = SessionMiddleware::new(store, Key::generate());
/// let app = test::init_service(App::new().route("/", web::get().to(sign_in)).wrap(middleware)).await;
/// let answer = test::call_service(&app, test::TestRequest::get().to_request()).await;
/// assert!(answer.headers().contains_key("set-cookie"));
///
/// let mine = sessions.of(&14).list(&mut *pool.get()?)?;
/// assert_eq!(mine.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct DieselStore<M: SessionModel, P> {
    kept: Kept<M>,
    pool: Crewed<P>,
    memory: Arc<Memory>,
}

impl<M, P> DieselStore<M, P>
where
    P: ConnectionSource,
    M: DbSession<P::Connection>,
{
    /// A store. Clones share what they know: make one, and give each worker a clone.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::r2d2::{ConnectionManager, Pool};
    /// # use diesel::sqlite::SqliteConnection;
    /// # use diesel_sessions::{SessionRepository, plain::sqlite::PlainSession};
    /// use diesel_sessions::adapters::actix_session::DieselStore;
    ///
    /// # let pool = Pool::builder().build_unchecked(ConnectionManager::<SqliteConnection>::new(":memory:"));
    /// let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// let store = DieselStore::new(sessions, pool);
    /// assert_eq!(format!("{store:?}"), "DieselStore { .. }");
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    #[must_use]
    pub fn new(sessions: SessionRepository<M>, pool: P) -> Self {
        DieselStore { kept: Kept { sessions, owner: None }, pool: Crewed::new(pool), memory: Arc::default() }
    }

    /// Runs a verb on a thread that may block.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Kept<M>, &mut P::Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let kept = self.kept.clone();
        self.pool.run(move |conn| work(&kept, conn)).await
    }

    async fn load_content(&self, key: &str) -> Result<Option<Content>> {
        let Some(token) = SessionToken::parse(key) else { return Ok(None) };
        let (again, digest) = (token.clone(), token.digest().as_uuid());
        let loaded = match self.run(move |kept, conn| verbs::load(kept, conn, &token)).await {
            // A connection that the server has closed meanwhile says so once; the pool drops it.
            Err(error) if error.kind() == ErrorKind::Unavailable => {
                self.run(move |kept, conn| verbs::load(kept, conn, &again)).await
            }
            loaded => loaded,
        };
        let is_left = || self.memory.left_at(digest).is_some_and(|at| self.kept.sessions.in_grace(at));
        Ok(loaded?.or_else(|| is_left().then(Content::new)))
    }

    async fn create(&self, state: State, ttl: Duration) -> Result<SessionToken> {
        let content = content_of(state)?;
        let memory = Arc::clone(&self.memory);
        let created = self.run(move |kept, conn| {
            let ends_by = ends_by(kept.sessions.now().to_utc(), ttl.whole_seconds());
            verbs::create(kept, conn, &content, ends_by, &memory)
        });
        created.await
    }

    async fn update_content(&self, key: SessionKey, state: State, ttl: Duration) -> Result<SessionKey> {
        let token = of_key(&key)?;
        let content = content_of(state)?;
        let memory = Arc::clone(&self.memory);
        let updated = self.run(move |kept, conn| {
            let ends_by = ends_by(kept.sessions.now().to_utc(), ttl.whole_seconds());
            verbs::update(kept, conn, &token, &content, ends_by, &memory)
        });
        updated.await?.map_or(Ok(key), |token| to_key(&token))
    }

    async fn prolong(&self, key: &SessionKey, ttl: Duration) -> Result<()> {
        let token = of_key(key)?;
        self.run(move |kept, conn| verbs::prolong(kept, conn, &token, ttl.whole_seconds())).await
    }

    async fn end(&self, key: &SessionKey) -> Result<()> {
        let Ok(token) = of_key(key) else { return Ok(()) };
        let digest = token.digest().as_uuid();
        // A renewal deletes, then saves: nobody is to begin a session in between.
        self.memory.note_left(digest, self.kept.sessions.now());
        let memory = Arc::clone(&self.memory);
        self.run(move |kept, conn| kept.end(conn, &token, &memory)).await
    }
}

impl<M: OwnedModel, P> DieselStore<M, P> {
    /// Where the signed-in user stands when it is no key of the owner's name: a key, and the members to follow from there. An
    /// integer, or text that reads as one, becomes the owner; what is something else is an error, and nothing is saved.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::r2d2::{ConnectionManager, Pool};
    /// # use diesel::sqlite::SqliteConnection;
    /// # use diesel_sessions::{SessionRepository, plain::sqlite::PlainSession};
    /// use diesel_sessions::adapters::actix_session::DieselStore;
    ///
    /// # let pool = Pool::builder().build_unchecked(ConnectionManager::<SqliteConnection>::new(":memory:"));
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// let store = DieselStore::new(sessions, pool).owner_at(["actix_identity.user_id"]);
    /// assert_eq!(format!("{store:?}"), "DieselStore { .. }");
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    #[must_use]
    pub fn owner_at(mut self, path: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.kept.owner = Some(OwnerPath::new(path));
        self
    }
}

impl<M: SessionModel, P: Clone> Clone for DieselStore<M, P> {
    fn clone(&self) -> Self {
        DieselStore { kept: self.kept.clone(), pool: self.pool.clone(), memory: Arc::clone(&self.memory) }
    }
}

impl<M: SessionModel, P> fmt::Debug for DieselStore<M, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DieselStore").finish_non_exhaustive()
    }
}

impl<M, P> SessionStore for DieselStore<M, P>
where
    P: ConnectionSource,
    M: DbSession<P::Connection>,
{
    async fn load(&self, key: &SessionKey) -> std::result::Result<Option<State>, LoadError> {
        // Never `Deserialization`: the middleware takes that for an empty session, which the next change would put in the place of
        // what cannot be read.
        let content = self.load_content(key.as_ref()).await.map_err(|error| LoadError::Other(told(error)))?;
        Ok(content.map(state_of))
    }

    async fn save(&self, state: State, ttl: &Duration) -> std::result::Result<SessionKey, SaveError> {
        let saved = self.create(state, *ttl).await.and_then(|token| to_key(&token));
        saved.map_err(|error| match is_of_the_state(error.kind()) {
            true => SaveError::Serialization(told(error)),
            false => SaveError::Other(told(error)),
        })
    }

    async fn update(&self, key: SessionKey, state: State, ttl: &Duration) -> std::result::Result<SessionKey, UpdateError> {
        self.update_content(key, state, *ttl).await.map_err(|error| match is_of_the_state(error.kind()) {
            true => UpdateError::Serialization(told(error)),
            false => UpdateError::Other(told(error)),
        })
    }

    async fn update_ttl(&self, key: &SessionKey, ttl: &Duration) -> std::result::Result<(), anyhow::Error> {
        self.prolong(key, *ttl).await.map_err(told)
    }

    async fn delete(&self, key: &SessionKey) -> std::result::Result<(), anyhow::Error> {
        self.end(key).await.map_err(told)
    }
}

/// The middleware answers 500 and says nothing: so this does.
fn told(error: Error) -> anyhow::Error {
    match error.kind() {
        ErrorKind::Gone | ErrorKind::Rotated | ErrorKind::Conflict => {
            tracing::warn!(target: "diesel_sessions", reason = %error, "not saved");
        }
        _ => tracing::error!(target: "diesel_sessions", error = &error as &dyn std::error::Error, "request failed"),
    }
    anyhow::Error::new(error)
}

/// Whether the state itself cannot be kept, as it is.
fn is_of_the_state(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Limit
            | ErrorKind::ReservedKey
            | ErrorKind::WrongType
            | ErrorKind::NotSerializable
            | ErrorKind::InvalidArgument
    )
}

fn of_key(key: &SessionKey) -> Result<SessionToken> {
    SessionToken::parse(key.as_ref()).ok_or_else(|| Error::new(ErrorKind::Gone, "could not find the session"))
}

fn to_key(token: &SessionToken) -> Result<SessionKey> {
    let key = SessionKey::try_from(token.reveal().to_owned());
    key.map_err(|_| Error::new(ErrorKind::InvalidArgument, "could not use the token as a key"))
}
