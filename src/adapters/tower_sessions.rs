//! A store for [tower-sessions](https://docs.rs/tower-sessions), and so for [axum-login](https://docs.rs/axum-login).
//!
//! Feature `tower-sessions-0-14` goes with tower-sessions 0.14 and axum-login 0.18, `tower-sessions-0-15` with tower-sessions
//! 0.15; both can be on, and [`DieselStore`] is then a store for either. An application changes the line that makes its store:
//!
//! ```text
//! let store = DieselStore::new(sessions, pool).owner_at(["axum-login.data", "user_id"]);
//! ```
//!
//! Its sessions are rows from then on: typed columns, an owner, lists and revocation, the repository's timeouts.
//!
//! # What goes where
//!
//! * A key that names a typed column is stored there, and given back from there; every other key goes into the data. Keys that
//!   begin with `_`, and those that name the library's own columns (`id`, `expires_at`, …), are refused as `Encode`, with the
//!   key's name: nothing is lost silently.
//! * [`owner_at`](DieselStore::owner_at) says where in the record the owner stands. The owner's column follows what is there.
//! * The session's id, 16 bytes, is the token: the table holds its hash alone. A new row takes the id that tower-sessions has
//!   drawn; where that is taken, or was given up by a `flush`, it draws another from the operating system.
//! * The session ends at the record's `expiry_date` or when the repository's policy says so, whichever comes first. The policy's
//!   deadline counts from the last proof of identity. A deadline of its own that a session was given through the library lasts
//!   until the next save of its record. Loading it is a sign of life, written when a touch is due.
//! * [`ROW_ID_KEY`] gives the row, for `sessions.of(&user).revoke_except(conn, row_id)`.
//!
//! # Two requests at once
//!
//! The trait hands over whole records. A reserved entry tells what each was loaded with, so that `save` stores what this request
//! has changed and nothing else: different keys both survive, of the same key the last save wins, or see
//! [`OnConflict::Refuse`](crate::OnConflict::Refuse). The same session may save more than once. After `clear`, and in a record
//! made by hand, there is no such entry: the record then means what it says, and every other key is removed.
//!
//! To start clean, call `flush`, not `clear`: that keeps the id that the client presented. Where no session has it any longer,
//! what is inserted afterwards is refused, with each request anew.
//!
//! # A change of owner
//!
//! It must come with a new id, or whoever knew the old one would be signed in too. `save` cannot give one, so it says no, and
//! the layer answers 500: call `cycle_id` first. axum-login's `login` does so, unless somebody is signed in already: there,
//! `logout` first. The same where the signed-in user is no longer found (deleted, without a foreign key that ends the sessions):
//! nobody looks signed in, and yet `logout` must come before `login`. A save that clears the owner ends the session, so that the id of a signed-in session opens nothing after a
//! sign-out; with `cycle_id` before it, what else the session held goes on without an owner.
//!
//! # A new id
//!
//! `cycle_id` deletes the row, and the save after the handler creates another: a new row id, and the attributes of the old row
//! are gone, as is the session if that save never comes (the answer is a 5xx, say). The times go on: beginning, proof of identity
//! and so the deadline are those of the old row, and what other requests had saved in it goes along. If the row was ended by somebody else meanwhile, nothing goes on: the save says
//! no, unless an owner signs in with it. Over another owner's session, the new one begins with this request's own changes.
//!
//! For a minute, the old id then stands for an empty session: a request that was under way with it leaves the client's newer
//! cookie alone, and what it writes is refused. One that signs in, or asks for a new id itself, gets a session of its own.
//!
//! The store remembers the last 8,192 of its own deletions for this, in memory, with the content of the last 256, and the keys that
//! the last 1,024 records have saved. Deletions are always followed up in the process that made them; in another process, the old
//! id is unknown at once. Losing an entry ends a session or merges less well; it never brings one back.
//!
//! # What stays limited by that crate's interface
//!
//! | | here | with the library's own layer |
//! |---|---|---|
//! | a session ended meanwhile | a save says no, the answer is a 500 and sets no cookie | 409, and the handler's answer where nothing was changed |
//! | errors | text in one of three variants; no `kind()`, nothing to retry on | `Error` with its kind |
//! | a new token | `cycle_id`: another row, attributes are gone | `rotate`, `sign_in`: the same row |
//! | a revocation between `cycle_id` and the save after the handler | meets no row, and the save creates one | there is no such moment |
//! | a `flush` with the old id after that save | ends nothing: the newer session lives on | it ends the session that the token once stood for |
//! | a change that another request saves within `cycle_id`, between its reading and its deletion | is lost | is merged |
//! | sign-in with "remember me", asking for a fresh proof | not through the record; the row has its `authenticated_at` | `SignIn::remember`, `require_fresh` |
//! | `rotate`, `revoke_others` on the row of such a session | the browser is not told the new token, and is signed out: `revoke_except` and `cycle_id` instead | the cookie follows |
//! | a parallel request after a new id | empty; what it writes is a 500, as is every answer where the layer always saves | superseded: it sets no cookie, also without a change |
//! | a parallel request that loads between `cycle_id` and the save after the handler, or in another process | anonymous: its answer removes the cookie, or sets that of a new session | as above |
//! | transactions | a save is a transaction of its own | the session is saved in the application's |
//! | a cache in front (`CachingSessionStore`) | must not be: it answers for what was ended here | none is needed |
//! | statements | a load is one, two when a touch is due or the id is unknown; a save and a `delete` are two, they read the row again; a move is three here, and three calls there | a load is the same, a save and an `end` are one |
//! | cookie | named `id`; of two with that name, one counts | `__Host-id`; of two, none counts |
//!
//! # Coming from another store
//!
//! [`migrating_from`](DieselStore::migrating_from) moves each session with its id when it is first seen, so that nobody is signed
//! out on the day of the change. Until then a session is in the old store alone: **`revoke_all` and its like do not reach it**.
//! Once those that are left have expired, take the call away and drop the old table.

use std::fmt;
use std::sync::Arc;

use super::kept::Kept;
use super::memory::Memory;
use super::owner_path::OwnerPath;
use crate::model::{DbSession, OwnedModel, SessionModel};
use crate::repository::SessionRepository;
use crate::source::{ConnectionSource, Crewed};

mod former;
mod verbs;
mod versions;

pub use super::record::ROW_ID_KEY;
pub use former::OldStore;

/// A store for both versions of tower-sessions: a repository, a pool, and where records hold the owner.
///
/// Cloning is cheap. Clones remember together what is said in the [module's documentation](self#a-new-id), so that one store,
/// cloned, serves the application.
///
/// # Example
///
/// ```
/// # #[cfg(all(feature = "sqlite", feature = "r2d2", feature = "tower-sessions-0-14"))]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use diesel::r2d2::{ConnectionManager, Pool};
/// use diesel::sqlite::SqliteConnection;
/// use diesel_sessions::adapters::tower_sessions::{DieselStore, ROW_ID_KEY};
/// use diesel_sessions::{SessionRepository, SqliteCustomizer, migrations, plain::sqlite::PlainSession};
/// use tower_sessions_0_14::Session;
///
/// let manager = ConnectionManager::<SqliteConnection>::new(":memory:");
/// let pool = Pool::builder().max_size(1).connection_customizer(Box::new(SqliteCustomizer::new())).build(manager)?;
/// migrations::run(&mut *pool.get()?)?;
/// let sessions = SessionRepository::<PlainSession>::builder().build()?;
/// let store = DieselStore::new(sessions.clone(), pool.clone());
///
/// tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
///     let phone = Session::new(None, Arc::new(store.clone()), None);
///     phone.insert("user_id", 14).await?;
///     phone.save().await?;
///     let laptop = Session::new(None, Arc::new(store), None);
///     laptop.insert("user_id", 14).await?;
///     laptop.save().await?;
///
///     let row_id = laptop.get(ROW_ID_KEY).await?.expect("saved");
///     assert_eq!(sessions.of(&14).revoke_except(&mut *pool.get()?, row_id)?, 1);
///     assert!(phone.save().await.is_err(), "it was signed out, and stays so");
///     Ok(())
/// })
/// # }
/// # #[cfg(not(all(feature = "sqlite", feature = "r2d2", feature = "tower-sessions-0-14")))]
/// # fn main() {}
/// ```
pub struct DieselStore<M: SessionModel, P> {
    kept: Kept<M>,
    pool: Crewed<P>,
    former: Option<Arc<dyn former::Former>>,
    memory: Arc<Memory>,
}

impl<M, P> DieselStore<M, P>
where
    P: ConnectionSource,
    M: DbSession<P::Connection>,
{
    /// A store over a repository, whose sessions it loads and saves on connections of a pool.
    ///
    /// # Example
    ///
    /// ```
    /// # #[cfg(all(feature = "sqlite", feature = "r2d2", feature = "tower-sessions-0-14"))]
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use diesel::r2d2::{ConnectionManager, Pool};
    /// # use diesel::sqlite::SqliteConnection;
    /// # use diesel_sessions::{SessionRepository, SqliteCustomizer, migrations, plain::sqlite::PlainSession};
    /// # use diesel_sessions::adapters::tower_sessions::DieselStore;
    /// # let manager = ConnectionManager::<SqliteConnection>::new(":memory:");
    /// # let pool = Pool::builder().max_size(1).connection_customizer(Box::new(SqliteCustomizer::new())).build(manager)?;
    /// # migrations::run(&mut *pool.get()?)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// use tower_sessions_0_14::SessionManagerLayer;
    ///
    /// let store = DieselStore::new(sessions, pool);
    /// assert_eq!(format!("{store:?}"), "DieselStore { is_migrating: false, .. }");
    /// let layer = SessionManagerLayer::new(store);
    /// # Ok(())
    /// # }
    /// # #[cfg(not(all(feature = "sqlite", feature = "r2d2", feature = "tower-sessions-0-14")))]
    /// # fn main() {}
    /// ```
    #[must_use]
    pub fn new(sessions: SessionRepository<M>, pool: P) -> Self {
        DieselStore { kept: Kept { sessions, owner: None }, pool: Crewed::new(pool), former: None, memory: Arc::default() }
    }

    /// Moves sessions here that another store holds: an id that is unknown here is looked for there once, and its session gets
    /// its row here, under the same id, before it is deleted there. Requests that do so at the same time end well.
    ///
    /// Data, end and owner are kept; the time of the last proof of identity is not known. A session that was ended here is not
    /// moved again, and a `delete` deletes in both. While the old store fails, so does every request with an id that is unknown
    /// here: it is never taken for an anonymous one. A record that does not fit (a key that is the library's own, a limit, an
    /// owner that cannot be read) is an error too, until it expires there; one whose owner is no longer in the user table counts as
    /// ended.
    ///
    /// A move goes on when its request is given up, and moves of one id take turns within a process. A process that is killed
    /// between the two steps, or that reaches neither store there, leaves a row in both: revoked here, such a session would be
    /// moved once more. So would one that is revoked while two processes move it at the same time.
    ///
    /// # Example
    ///
    /// ```
    /// # #[cfg(all(feature = "sqlite", feature = "r2d2", feature = "tower-sessions-0-14"))]
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use diesel::r2d2::{ConnectionManager, Pool};
    /// # use diesel::sqlite::SqliteConnection;
    /// # use diesel_sessions::{SessionRepository, SqliteCustomizer, migrations, plain::sqlite::PlainSession};
    /// # use diesel_sessions::adapters::tower_sessions::DieselStore;
    /// # let manager = ConnectionManager::<SqliteConnection>::new(":memory:");
    /// # let pool = Pool::builder().max_size(1).connection_customizer(Box::new(SqliteCustomizer::new())).build(manager)?;
    /// # migrations::run(&mut *pool.get()?)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// use tower_sessions_0_14::SessionStore;
    /// use tower_sessions_0_14::session::{Id, Record};
    ///
    /// # #[derive(Debug)]
    /// # struct TheOldOne(Record);
    /// # #[async_trait::async_trait]
    /// # impl SessionStore for TheOldOne {
    /// #     async fn save(&self, _: &Record) -> tower_sessions_0_14::session_store::Result<()> { Ok(()) }
    /// #     async fn load(&self, id: &Id) -> tower_sessions_0_14::session_store::Result<Option<Record>> {
    /// #         Ok((*id == self.0.id).then(|| self.0.clone()))
    /// #     }
    /// #     async fn delete(&self, _: &Id) -> tower_sessions_0_14::session_store::Result<()> { Ok(()) }
    /// # }
    /// # let data = [("cart".to_owned(), "spam".into())].into();
    /// # let old_record = Record { id: Id(14), data, expiry_date: time::OffsetDateTime::now_utc() + time::Duration::days(1) };
    /// # let old_store = TheOldOne(old_record);
    /// let store = DieselStore::new(sessions, pool).migrating_from(old_store);
    /// tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    ///     let moved = SessionStore::load(&store, &Id(14)).await?.expect("the old store has it");
    ///     assert_eq!(moved.data["cart"], "spam");
    ///     Ok::<(), Box<dyn std::error::Error>>(())
    /// })?;
    /// # Ok(())
    /// # }
    /// # #[cfg(not(all(feature = "sqlite", feature = "r2d2", feature = "tower-sessions-0-14")))]
    /// # fn main() {}
    /// ```
    #[must_use]
    pub fn migrating_from<Version>(mut self, old: impl OldStore<Version>) -> Self {
        self.former = Some(old.into_former().into());
        self
    }
}

impl<M: OwnedModel, P> DieselStore<M, P> {
    /// Where in a record the owner stands: a key, and the members to follow from its value.
    ///
    /// The owner's column follows what is there: a value of the owner's type, text that reads as an integer, or an integer where
    /// the owner is text. JSON null, a missing member and a missing key are no owner; anything else is an error of encoding. The
    /// owner's own key is then read-only: set to another owner, it is refused.
    ///
    /// # Example
    ///
    /// ```
    /// # #[cfg(all(feature = "sqlite", feature = "r2d2", feature = "tower-sessions-0-14"))]
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use diesel::r2d2::{ConnectionManager, Pool};
    /// # use diesel::sqlite::SqliteConnection;
    /// # use diesel_sessions::{SessionRepository, SqliteCustomizer, migrations, plain::sqlite::PlainSession};
    /// # use diesel_sessions::adapters::tower_sessions::DieselStore;
    /// # let manager = ConnectionManager::<SqliteConnection>::new(":memory:");
    /// # let pool = Pool::builder().max_size(1).connection_customizer(Box::new(SqliteCustomizer::new())).build(manager)?;
    /// # migrations::run(&mut *pool.get()?)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// use serde_json::json;
    /// use tower_sessions_0_14::Session;
    ///
    /// let store = DieselStore::new(sessions.clone(), pool.clone()).owner_at(["axum-login.data", "user_id"]);
    /// tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    ///     let session = Session::new(None, std::sync::Arc::new(store), None);
    ///     session.insert("axum-login.data", json!({ "user_id": "14" })).await?;
    ///     session.save().await?;
    ///     Ok::<(), Box<dyn std::error::Error>>(())
    /// })?;
    /// assert_eq!(sessions.of(&14).count(&mut *pool.get()?)?, 1);
    /// # Ok(())
    /// # }
    /// # #[cfg(not(all(feature = "sqlite", feature = "r2d2", feature = "tower-sessions-0-14")))]
    /// # fn main() {}
    /// ```
    #[must_use]
    pub fn owner_at(mut self, path: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.kept.owner = Some(OwnerPath::new(path));
        self
    }
}

impl<M: SessionModel, P: Clone> Clone for DieselStore<M, P> {
    fn clone(&self) -> Self {
        DieselStore {
            kept: self.kept.clone(),
            pool: self.pool.clone(),
            former: self.former.clone(),
            memory: Arc::clone(&self.memory),
        }
    }
}

/// Says nothing of the pool, whose own may hold an address.
impl<M: SessionModel, P> fmt::Debug for DieselStore<M, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DieselStore").field("is_migrating", &self.former.is_some()).finish_non_exhaustive()
    }
}
