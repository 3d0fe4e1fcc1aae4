//! What can go wrong, and what a caller may do about it.

use std::fmt;

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error as DieselError};

use crate::backend::{self, Trouble};

mod sealed;

pub(crate) use sealed::Unopened;

/// What every fallible call of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// What went wrong, while doing what.
///
/// [`kind`](Error::kind) is what code decides on; the message names the deed ("could not save the session") and never repeats
/// the [source](std::error::Error::source). Neither holds a token, a key's value or a bound parameter.
///
/// # Example
///
/// ```
/// use diesel_sessions::{ErrorKind, SessionRepository, plain::sqlite::PlainSession};
///
/// let sessions = SessionRepository::<PlainSession>::builder().build()?;
/// let mut session = sessions.new_session();
/// let error = session.insert("_data", 1).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::ReservedKey);
/// assert!(!error.is_retryable());
/// # Ok::<(), diesel_sessions::Error>(())
/// ```
pub struct Error {
    kind: ErrorKind,
    deed: &'static str,
    detail: Option<String>,
    constraint: Option<String>,
    attribute: Option<String>,
    source: Option<Source>,
}

/// The kinds of [`Error`].
///
/// # Example
///
/// ```
/// use diesel_sessions::{Error, ErrorKind};
///
/// fn status(error: &Error) -> u16 {
///     match error.kind() {
///         ErrorKind::Gone | ErrorKind::Rotated => 401,
///         _ if error.is_retryable() => 503,
///         _ => 500,
///     }
/// }
/// assert_eq!(status(&diesel::result::Error::NotFound.into()), 500);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No such live session: it was ended, revoked, or has expired.
    Gone,
    /// Another handle rotated the session; what this one holds is the old token.
    Rotated,
    /// Another handle changed the same key, typed column or limit, and the repository refuses to choose
    /// ([`OnConflict::Refuse`](crate::OnConflict)); or other requests were faster again and again (100 times, 10 for attributes).
    Conflict,
    /// The session has no row yet: `save` a change, or `create` it.
    NotCreated,
    /// No such key, no such attribute, or no owner where one is needed.
    NotFound,
    /// A live attribute of that name exists.
    AlreadyExists,
    /// Too long, too many, too large or nested too deep.
    Limit,
    /// The key names a column of the library's own.
    ReservedKey,
    /// The value does not fit the type that was asked for, or the column's.
    WrongType,
    /// The value's `Serialize` failed, or JSON has no place for it.
    NotSerializable,
    /// An argument that never works: a duration of zero, a key with outer spaces, U+0000.
    InvalidArgument,
    /// The last proof of identity is too old, or there was none.
    NotFresh,
    /// The model's `id` or `core` were replaced since it was loaded.
    StaleModel,
    /// What the row holds cannot be read as a session's data, or as an attribute's value.
    Undecodable,
    /// An encrypted attribute does not open.
    Decrypt,
    /// The repository, the keys or the database are set up wrongly.
    Config,
    /// Another connection holds a lock for longer than this one may wait.
    Busy,
    /// The database ended this transaction to resolve a deadlock.
    Deadlock,
    /// The transaction could not be serialised with another one.
    Serialization,
    /// The pool had no free connection in time.
    PoolTimeout,
    /// The database cannot be reached, or the connection is lost.
    Unavailable,
    /// A foreign key forbids it.
    ForeignKey,
    /// Anything else that the database said.
    Database,
}

impl Error {
    /// What kind of failure it is.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel_sessions::{ErrorKind, SessionRepository, plain::sqlite::PlainSession};
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// let error = session.insert("", 1).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// True when the same call, or the caller's whole transaction where one was open, may succeed if tried again:
    /// busy, deadlock, serialisation failure, empty pool; after a conflict, once the session is loaded again.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel::result::{DatabaseErrorKind, Error as DieselError};
    /// use diesel_sessions::Error;
    ///
    /// let said = Box::new("could not serialize access due to concurrent update".to_owned());
    /// let error = Error::from(DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, said));
    /// assert!(error.is_retryable());
    /// assert!(!Error::from(DieselError::NotFound).is_retryable());
    /// ```
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::Busy | ErrorKind::Deadlock | ErrorKind::Serialization | ErrorKind::PoolTimeout | ErrorKind::Conflict
        )
    }

    /// The constraint that objected, where the database named one.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::connection::SimpleConnection;
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{SessionRepository, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// # sessions.create(&mut conn, &mut session)?;
    /// conn.batch_execute(
    ///     "PRAGMA foreign_keys = ON;
    ///      CREATE TABLE orders (session_id INTEGER REFERENCES sessions (id));
    ///      INSERT INTO orders SELECT id FROM sessions;",
    /// )?;
    /// let error = sessions.end(&mut conn, &mut session).unwrap_err();
    /// assert_eq!(error.constraint_name(), Some("orders(session_id)"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn constraint_name(&self) -> Option<&str> {
        self.constraint.as_deref()
    }

    /// The attribute that the error is about.
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
    /// let error = sessions.attributes(&session).update(&mut conn, "theme", "dark").unwrap_err();
    /// assert_eq!(error.attribute_name(), Some("theme"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn attribute_name(&self) -> Option<&str> {
        self.attribute.as_deref()
    }

    pub(crate) fn new(kind: ErrorKind, deed: &'static str) -> Self {
        Error { kind, deed, detail: None, constraint: None, attribute: None, source: None }
    }

    pub(crate) fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    pub(crate) fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.source = Some(source.into());
        self
    }

    pub(crate) fn with_constraint(mut self, name: Option<String>) -> Self {
        self.constraint = name;
        self
    }

    pub(crate) fn with_attribute(mut self, name: &str) -> Self {
        self.attribute = Some(name.to_owned());
        self
    }

    /// Names the deed, where BEGIN or COMMIT failed and Diesel alone has spoken.
    pub(crate) fn with_deed_of_its_own(mut self, deed: &'static str) -> Self {
        if self.deed == SOME_STATEMENT {
            self.deed = deed;
        }
        self
    }

    /// Translates what Diesel gives; `deed` says what was being done.
    pub(crate) fn from_database(deed: &'static str, error: DieselError) -> Self {
        let mut constraint = None;
        if let DieselError::DatabaseError(_, information) = &error {
            constraint = backend::constraint_name(&**information);
        }
        Error::new(kind_of(&error), deed).with_constraint(constraint).with_source(backend::without_values(error))
    }

    /// Whether a unique constraint objected.
    pub(crate) fn is_unique_violation(&self) -> bool {
        let source = self.source.as_deref().and_then(|source| source.downcast_ref::<DieselError>());
        matches!(source, Some(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)))
    }
}

fn kind_of(error: &DieselError) -> ErrorKind {
    match error {
        DieselError::DatabaseError(kind, information) => database_kind(kind, &**information),
        DieselError::RollbackErrorOnCommit { commit_error, .. } => kind_of(commit_error),
        DieselError::BrokenTransactionManager => ErrorKind::Unavailable,
        DieselError::DeserializationError(_) => ErrorKind::Undecodable,
        _ => ErrorKind::Database,
    }
}

fn database_kind(kind: &DatabaseErrorKind, information: &dyn DatabaseErrorInformation) -> ErrorKind {
    match kind {
        DatabaseErrorKind::ForeignKeyViolation | DatabaseErrorKind::RestrictViolation => ErrorKind::ForeignKey,
        DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => ErrorKind::Unavailable,
        // MySQL's only one is its deadlock, PostgreSQL's only one is not.
        DatabaseErrorKind::SerializationFailure if backend::is_mysql_deadlock(information.message()) => ErrorKind::Deadlock,
        DatabaseErrorKind::SerializationFailure => ErrorKind::Serialization,
        DatabaseErrorKind::UniqueViolation
        | DatabaseErrorKind::NotNullViolation
        | DatabaseErrorKind::CheckViolation
        | DatabaseErrorKind::ExclusionViolation
        | DatabaseErrorKind::ReadOnlyTransaction => ErrorKind::Database,
        _ => match backend::trouble(information.message()) {
            Some(Trouble::Busy) => ErrorKind::Busy,
            Some(Trouble::Deadlock) => ErrorKind::Deadlock,
            Some(Trouble::Serialization) => ErrorKind::Serialization,
            Some(Trouble::Disconnected) => ErrorKind::Unavailable,
            None => ErrorKind::Database,
        },
    }
}

/// For `?` in a closure that holds statements of the application's own; the message then only says so.
impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        Error::from_database(SOME_STATEMENT, error)
    }
}

const SOME_STATEMENT: &str = "could not run a statement";

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.deed)?;
        f.write_str(": ")?;
        match &self.detail {
            Some(detail) => f.write_str(detail),
            None => f.write_str(self.kind.text()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.kind)
            .field("message", &self.to_string())
            .field("constraint", &self.constraint)
            .field("attribute", &self.attribute)
            .field("source", &self.source)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl ErrorKind {
    fn text(self) -> &'static str {
        match self {
            ErrorKind::Gone => "no such live session",
            ErrorKind::Rotated => "the session has a new token since this handle was loaded",
            ErrorKind::Conflict => "another request changed the same key",
            ErrorKind::NotCreated => "the session has no row yet",
            ErrorKind::NotFound => "nothing of that name",
            ErrorKind::AlreadyExists => "the name is taken",
            ErrorKind::Limit => "over a limit",
            ErrorKind::ReservedKey => "the key names a column of the library's own",
            ErrorKind::WrongType => "the value has another type",
            ErrorKind::NotSerializable => "the value cannot be serialised",
            ErrorKind::InvalidArgument => "the argument is invalid",
            ErrorKind::NotFresh => "the last proof of identity is too old",
            ErrorKind::StaleModel => "the model's id or core were replaced",
            ErrorKind::Undecodable => "the stored row cannot be decoded",
            ErrorKind::Decrypt => "the sealed value does not open",
            ErrorKind::Config => "the set-up is wrong",
            ErrorKind::Busy => "the database is locked by another connection",
            ErrorKind::Deadlock => "the database resolved a deadlock",
            ErrorKind::Serialization => "the transaction could not be serialised",
            ErrorKind::PoolTimeout => "the pool had no free connection in time",
            ErrorKind::Unavailable => "the database is unavailable",
            ErrorKind::ForeignKey => "a foreign key forbids it",
            ErrorKind::Database => "the database refused",
        }
    }
}
