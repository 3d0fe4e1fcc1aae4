//! The mixin: what makes an application's own Diesel model a session.
//!
//! A row of the table maps to the model like this:
//!
//! ```text
//! id │ _uuid … persistent               │ user_id   remote_addr   user_agent │ geo
//! ───┼──────────────────────────────────┼─────────────────────────────────────┼──────────────────
//! id │ core: SessionCore<AppSession>    │ typed columns, read and written     │ #[session(skip)]:
//!    │ twelve columns, #[diesel(embed)] │ by key like data                    │ no access by key
//! ```

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::backend::Backend;
use diesel::deserialize::{FromStaticSqlRow, Queryable};
use diesel::expression::{Expression, Selectable};
use serde_json::Value;

use crate::clock::Timestamp6;
use crate::data::JsonText;
use crate::error::Result;
use crate::policy;
use crate::token::TokenDigest;

mod attributes;
mod statements;

pub use attributes::{DbAttributes, NewAttribute, Place, RowIdOf, SealedValue, StoredAttribute, StoredExpiry};
pub use statements::{DbOwnedSession, DbSession, Findings, Guard, Reached, Replaced, SaveShape, Write};

/// The library's columns of a session, embedded into the application's model with `#[diesel(embed)]`.
///
/// It is read through its getters and changed through the verbs of [`Session`](crate::Session) and
/// [`SessionRepository`](crate::SessionRepository) only. Every getter says what the row held when it was read or last written.
///
/// # Example
///
/// ```
/// use diesel_sessions::{SessionRepository, plain::sqlite::PlainSession};
///
/// let sessions = SessionRepository::<PlainSession>::builder().build()?;
/// let session = sessions.new_session();
/// assert_eq!(session.core.version(), 0);
/// assert_eq!(session.core.data_text(), "{}");
/// # Ok::<(), diesel_sessions::Error>(())
/// ```
pub struct SessionCore<M> {
    pub(crate) stamp: Stamp,
    pub(crate) data: JsonText,
    model: PhantomData<fn() -> M>,
}

/// The core columns but the data: small enough to be copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) digest: TokenDigest,
    pub(crate) previous: Option<TokenDigest>,
    pub(crate) version: i32,
    pub(crate) created_at: Timestamp6,
    pub(crate) authenticated_at: Option<Timestamp6>,
    pub(crate) rotated_at: Option<Timestamp6>,
    pub(crate) last_seen_at: Timestamp6,
    pub(crate) expires_at: Timestamp6,
    pub(crate) deadline_at: Option<Timestamp6>,
    pub(crate) idle_timeout: Option<i32>,
    pub(crate) persistent: bool,
}

impl Stamp {
    /// The one test of liveness, as SQL has it: `expires_at > now`.
    pub(crate) fn is_live(&self, now: Timestamp6) -> bool {
        self.expires_at > now
    }

    /// Sets the last sign of life, which never goes back, and what follows from it.
    pub(crate) fn see(&mut self, now: Timestamp6) {
        self.last_seen_at = self.last_seen_at.max(now);
        self.expires_at = policy::expires_at(self.last_seen_at, self.idle_timeout, self.deadline_at);
    }
}

impl<M> SessionCore<M> {
    pub(crate) fn new(stamp: Stamp, data: JsonText) -> Self {
        SessionCore { stamp, data, model: PhantomData }
    }

    /// The digest that the session is looked up by: the column `_uuid`.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{SessionRepository, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// # sessions.create(&mut conn, &mut session)?;
    /// let token = session.new_token().expect("created");
    /// assert_eq!(session.core.digest(), token.digest());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn digest(&self) -> TokenDigest {
        self.stamp.digest
    }

    /// The digest that the last rotation replaced.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{SessionRepository, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// # sessions.create(&mut conn, &mut session)?;
    /// let before = session.core.digest();
    /// sessions.rotate(&mut conn, &mut session)?;
    /// assert_eq!(session.core.previous_digest(), Some(before));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn previous_digest(&self) -> Option<TokenDigest> {
        self.stamp.previous
    }

    /// The text of the data column, a JSON object.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{SessionRepository, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// session.insert("lines", 3)?;
    /// sessions.save(&mut conn, &mut session)?;
    /// assert_eq!(session.core.data_text(), r#"{"lines":3}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn data_text(&self) -> &str {
        self.data.as_str()
    }

    /// The data, parsed: keys and values sorted by key.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Undecodable`](crate::ErrorKind::Undecodable) when the text is no JSON object.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel_sessions::{SessionRepository, plain::sqlite::PlainSession};
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// assert!(session.core.data()?.is_empty());
    /// # session.revert();
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    pub fn data(&self) -> Result<std::collections::BTreeMap<String, Value>> {
        self.data.entries()
    }

    /// How often the row was changed, touches not counted.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{SessionRepository, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// # sessions.create(&mut conn, &mut session)?;
    /// let before = session.core.version();
    /// session.insert("lines", 3)?;
    /// sessions.save(&mut conn, &mut session)?;
    /// assert_eq!(session.core.version(), before + 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn version(&self) -> i32 {
        self.stamp.version
    }

    /// When the session began.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{SessionRepository, SignIn, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// # sessions.create(&mut conn, &mut session)?;
    /// let begun = session.core.created_at();
    /// sessions.sign_in(&mut conn, &mut session, SignIn::new(14))?;
    /// assert_eq!(session.core.created_at(), begun);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn created_at(&self) -> DateTime<Utc> {
        self.stamp.created_at.to_utc()
    }

    /// The last proof of identity.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{SessionRepository, SignIn, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// # sessions.create(&mut conn, &mut session)?;
    /// assert_eq!(session.core.authenticated_at(), None);
    /// sessions.sign_in(&mut conn, &mut session, SignIn::new(14))?;
    /// assert!(session.core.authenticated_at() >= Some(session.core.created_at()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn authenticated_at(&self) -> Option<DateTime<Utc>> {
        self.stamp.authenticated_at.map(Timestamp6::to_utc)
    }

    /// When the token was last replaced.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{SessionRepository, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// # sessions.create(&mut conn, &mut session)?;
    /// assert_eq!(session.core.rotated_at(), None);
    /// sessions.rotate(&mut conn, &mut session)?;
    /// assert!(session.core.rotated_at() >= Some(session.core.created_at()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn rotated_at(&self) -> Option<DateTime<Utc>> {
        self.stamp.rotated_at.map(Timestamp6::to_utc)
    }

    /// The last touch, exact to the throttle period.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel_sessions::{SessionRepository, plain::sqlite::PlainSession};
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let session = sessions.new_session();
    /// assert_eq!(session.core.last_seen_at(), session.core.created_at());
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    #[must_use]
    pub fn last_seen_at(&self) -> DateTime<Utc> {
        self.stamp.last_seen_at.to_utc()
    }

    /// When the session ends unless it is seen again; `None`: never.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel_sessions::Timeouts;
    /// # use diesel_sessions::{SessionRepository, plain::sqlite::PlainSession};
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let session = sessions.new_session();
    ///
    /// let idle = Timeouts::AAL2.idle.expect("an hour");
    /// assert_eq!(session.core.expires_at(), Some(session.core.last_seen_at() + idle));
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    #[must_use]
    pub fn expires_at(&self) -> Option<DateTime<Utc>> {
        (self.stamp.expires_at < Timestamp6::NEVER).then(|| self.stamp.expires_at.to_utc())
    }

    /// The end that no activity moves; `None`: there is none.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{SessionRepository, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// # sessions.create(&mut conn, &mut session)?;
    /// let end = "2100-01-01T00:00:00Z".parse()?;
    /// session.set_deadline(Some(end));
    /// assert_ne!(session.core.deadline_at(), Some(end), "not stored yet");
    /// sessions.save(&mut conn, &mut session)?;
    /// assert_eq!(session.core.deadline_at(), Some(end));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn deadline_at(&self) -> Option<DateTime<Utc>> {
        self.stamp.deadline_at.map(Timestamp6::to_utc)
    }

    /// How long the session lives without being seen, in whole seconds; `None`: it never ends through idleness.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{SessionRepository, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// # sessions.create(&mut conn, &mut session)?;
    /// session.set_idle_timeout(None);
    /// assert!(session.core.idle_timeout().is_some(), "not stored yet");
    /// sessions.save(&mut conn, &mut session)?;
    /// assert_eq!(session.core.idle_timeout(), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn idle_timeout(&self) -> Option<Duration> {
        self.stamp.idle_timeout.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs)
    }

    /// "Remember me": the cookie carries Max-Age.
    ///
    /// # Example
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{SessionRepository, SignIn, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// # sessions.create(&mut conn, &mut session)?;
    /// assert!(!session.core.is_persistent());
    /// let month = Duration::from_secs(30 * 86_400);
    /// sessions.sign_in(&mut conn, &mut session, SignIn::new(14).remember(month))?;
    /// assert!(session.core.is_persistent());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_persistent(&self) -> bool {
        self.stamp.persistent
    }
}

impl<M> Clone for SessionCore<M> {
    fn clone(&self) -> Self {
        SessionCore::new(self.stamp, self.data.clone())
    }
}

/// Times and tokens are equal, and the data denotes the same: PostgreSQL writes a document in its own way.
impl<M> PartialEq for SessionCore<M> {
    fn eq(&self, other: &Self) -> bool {
        self.stamp == other.stamp && self.data.denotes_same(&other.data)
    }
}

impl<M> Eq for SessionCore<M> {}

/// Says times and sizes; neither digests nor data.
impl<M> fmt::Debug for SessionCore<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionCore")
            .field("data", &self.data)
            .field("version", &self.stamp.version)
            .field("created_at", &self.stamp.created_at)
            .field("authenticated_at", &self.stamp.authenticated_at)
            .field("rotated_at", &self.stamp.rotated_at)
            .field("last_seen_at", &self.stamp.last_seen_at)
            .field("expires_at", &self.stamp.expires_at)
            .field("deadline_at", &self.stamp.deadline_at)
            .field("idle_timeout", &self.stamp.idle_timeout)
            .field("persistent", &self.stamp.persistent)
            .finish_non_exhaustive()
    }
}

/// The core columns in the order of the table, as Diesel reads them.
type CoreRow = (
    TokenDigest,
    Option<TokenDigest>,
    JsonText,
    i32,
    Timestamp6,
    Option<Timestamp6>,
    Option<Timestamp6>,
    Timestamp6,
    Timestamp6,
    Option<Timestamp6>,
    Option<i32>,
    bool,
);

impl<M, ST, DB> Queryable<ST, DB> for SessionCore<M>
where
    DB: Backend,
    CoreRow: FromStaticSqlRow<ST, DB>,
{
    type Row = CoreRow;

    fn build(row: CoreRow) -> diesel::deserialize::Result<Self> {
        let (
            digest,
            previous,
            data,
            version,
            created_at,
            authenticated_at,
            rotated_at,
            last_seen_at,
            expires_at,
            deadline_at,
            idle_timeout,
            persistent,
        ) = row;
        let stamp = Stamp {
            digest,
            previous,
            version,
            created_at,
            authenticated_at,
            rotated_at,
            last_seen_at,
            expires_at,
            deadline_at,
            idle_timeout,
            persistent,
        };
        Ok(SessionCore::new(stamp, data))
    }
}

impl<M, DB> Selectable<DB> for SessionCore<M>
where
    M: CoreColumns,
    DB: Backend,
{
    type SelectExpression = M::Columns;

    fn construct_selection() -> Self::SelectExpression {
        M::columns()
    }
}

/// The core columns of a model's own table. Implemented by `#[derive(DbSession)]`.
pub trait CoreColumns {
    /// The twelve columns, as a tuple.
    type Columns: Expression;
    /// Makes the tuple.
    fn columns() -> Self::Columns;
}

/// A row id: `i32` or `i64`, as the application's schema prints it.
pub trait RowId: Copy + Eq + Ord + Hash + Default + fmt::Debug + fmt::Display + Send + Sync + 'static {}

impl RowId for i32 {}
impl RowId for i64 {}

/// The owner of a model that has none: no value of it exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoOwner {}

/// A typed column of the application's.
///
/// # Example
///
/// ```
/// use diesel_sessions::{SessionModel, plain::sqlite::PlainSession};
///
/// let names: Vec<&str> = PlainSession::COLUMNS.iter().map(|column| column.name).collect();
/// assert_eq!(names, ["user_id", "remote_addr", "user_agent"]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TypedColumn {
    /// The name of the field, which is its key.
    pub name: &'static str,
    /// False for `#[session(skip)]`.
    pub by_key: bool,
}

/// The database engine of a model.
///
/// # Example
///
/// ```
/// use diesel_sessions::{Engine, SessionModel, plain::sqlite::PlainSession};
///
/// assert_eq!(PlainSession::ENGINE, Engine::Sqlite);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Engine {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
    /// MySQL or MariaDB.
    Mysql,
}

/// What a session model is without a connection: its fields by name. Implemented by `#[derive(DbSession)]`, never by hand.
///
/// Columns are numbered as in [`COLUMNS`](SessionModel::COLUMNS); a number outside of it panics.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no session model",
    note = "add `#[derive(DbSession)]` to it, and a field `#[diesel(embed)] core: SessionCore<{Self}>`"
)]
pub trait SessionModel: CoreColumns + Clone + Send + Sized + 'static {
    /// The type of the column `id`: `i32` or `i64`.
    type RowId: RowId;
    /// The type within the owner's `Option`, or [`NoOwner`].
    type Owner: Clone + PartialEq + Send + Sync + 'static;
    /// The connection of the model's backend that Diesel itself has.
    type Connection;
    /// The engine of the model's backend.
    const ENGINE: Engine;
    /// The names of the library's columns in this table, and of `id`: they are no keys.
    const RESERVED: &'static [&'static str];
    /// The typed columns, in declaration order.
    const COLUMNS: &'static [TypedColumn];
    /// The owner's place in [`COLUMNS`](SessionModel::COLUMNS).
    const OWNER: Option<usize>;

    /// A model with the given core, id 0 and every other field at its default.
    fn fresh(core: SessionCore<Self>) -> Self;
    /// The field `id`.
    fn id_field(&self) -> Self::RowId;
    /// Sets the field `id`.
    fn set_id_field(&mut self, id: Self::RowId);
    /// The embedded core.
    fn core_field(&self) -> &SessionCore<Self>;
    /// The embedded core, to be replaced.
    fn core_field_mut(&mut self) -> &mut SessionCore<Self>;
    /// The owner, if there is one.
    fn owner_field(&self) -> Option<&Self::Owner>;
    /// Sets the owner. Does nothing where the model has none.
    fn set_owner_field(&mut self, owner: Option<Self::Owner>);
    /// A column's value as JSON; an error is `Serialize`'s own.
    #[doc(hidden)]
    fn column_value(&self, column: usize) -> Result<Value, serde_json::Error>;
    /// Sets a column from JSON; an error is `Deserialize`'s own, and the column stays as it was.
    #[doc(hidden)]
    fn set_column(&mut self, column: usize, value: &Value) -> Result<(), serde_json::Error>;
    /// Sets a column to its default.
    fn reset_column(&mut self, column: usize);
    /// True when a column has its default.
    fn is_default(&self, column: usize) -> bool;
    /// True when a column has the same value in both.
    fn same_column(&self, other: &Self, column: usize) -> bool;
    /// Copies a column from another model.
    fn copy_column(&mut self, other: &Self, column: usize);
}

/// A session model with an owner. Implemented by `#[derive(DbSession)]` when a field is marked `#[session(owner)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no owner",
    note = "mark the field that links a session to its user: `#[session(owner)] user_id: Option<i64>`",
    note = "without an owner, `authenticate` rotates the session and records the proof of identity"
)]
pub trait OwnedModel: SessionModel {}
