//! A session in hand: its identity, its times and its state. Nothing here sends SQL.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::clock::{Clock, Timestamp6};
use crate::data::{Contents, Entry, JsonText};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{SessionCore, SessionModel, Stamp};
use crate::policy;
use crate::token::{SessionToken, TokenDigest};

mod changes;
mod handle;
mod mapping;
mod merge;

pub(crate) use changes::{OwnerChange, PolicyChange};
#[cfg(any(feature = "tower-sessions-0-14", feature = "tower-sessions-0-15"))]
pub(crate) use mapping::check_reserved;
pub use merge::OnConflict;

/// A session of the model `M`: data like a map, typed columns as the model's fields, and the changes since it was read.
///
/// It dereferences to the model, so `session.user_id = Some(14)` and `session.insert("user_id", 14)?` are the same thing.
/// Nothing is stored until [`SessionRepository::save`](crate::SessionRepository::save).
///
/// A handle that was used in a transaction which is then rolled back is stale: it holds what the database does not. Its next
/// verb that sends SQL says [`Rotated`](ErrorKind::Rotated) or [`Gone`](ErrorKind::Gone), or merges its own changes into what
/// is really there. Load it again instead.
///
/// # Example
///
/// ```
/// use diesel_sessions::{SessionRepository, plain::sqlite::PlainSession};
///
/// let sessions = SessionRepository::<PlainSession>::builder().build()?;
/// let mut session = sessions.new_session();
/// session.insert("user_id", 7)?;
/// session.insert("parrot", "ceased to be")?;
/// assert_eq!(session.user_id, Some(7));
/// assert_eq!(session.keys().collect::<Vec<_>>(), ["user_id", "parrot"]);
/// assert!(session.is_new() && session.was_changed() && session.row_id().is_none());
/// session.revert();
/// assert!(session.is_empty());
/// # Ok::<(), diesel_sessions::Error>(())
/// ```
pub struct Session<M: SessionModel> {
    /// The typed columns as they are now; id and core as stored.
    model: M,
    /// The model as stored, from the first mutable access on.
    stored: Option<Box<M>>,
    /// The data as it is now.
    data: Contents,
    /// The stored entry of every key that was written to.
    touched: BTreeMap<String, Option<Entry>>,
    /// Bytes of the data's text with entries as they were read, unless one was changed in place.
    bytes: Option<usize>,
    state: State<M::RowId>,
    seen: Stamp,
    policy: PolicyChange,
    token: Option<SessionToken>,
    clock: Arc<dyn Clock>,
    /// A save inside a caller's transaction may have been rolled back: the version proves nothing.
    version_unsure: bool,
    /// The row was read inside a caller's transaction: outside of it, the version proves nothing.
    read_in_transaction: bool,
    /// The row was inserted or read inside a caller's transaction of SQLite's, which gives the ids of a rolled-back one again.
    row_unsure: bool,
}

/// Where a handle stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State<Id> {
    /// No row yet.
    New,
    /// A row, under the digest in `seen`.
    Stored(Id),
    /// The client presented the token that a rotation of this row has just replaced; the time is the row's `created_at`.
    Superseded(Id, Timestamp6),
    /// Ended through this handle.
    Ended,
}

impl<M: SessionModel> Session<M> {
    /// A session without a row, with every column at its default.
    pub(crate) fn new(stamp: Stamp, clock: Arc<dyn Clock>) -> Self {
        let model = M::fresh(SessionCore::new(stamp, JsonText::empty()));
        Self::with(model, State::New, Contents::empty(), clock)
    }

    /// A session of a row; its data must parse.
    pub(crate) fn of_row(model: M, clock: Arc<dyn Clock>) -> Result<Self> {
        let data = Contents::of(&model.core_field().data)?;
        let state = State::Stored(model.id_field());
        Ok(Self::with(model, state, data, clock))
    }

    /// A session that sees nothing of the row that has just been rotated.
    pub(crate) fn superseded(stamp: Stamp, row: M::RowId, created_at: Timestamp6, clock: Arc<dyn Clock>) -> Self {
        let mut session = Self::new(stamp, clock);
        session.state = State::Superseded(row, created_at);
        session
    }

    fn with(model: M, state: State<M::RowId>, data: Contents, clock: Arc<dyn Clock>) -> Self {
        let seen = model.core_field().stamp;
        Session {
            model,
            stored: None,
            data,
            touched: BTreeMap::new(),
            bytes: None,
            state,
            seen,
            policy: PolicyChange::default(),
            token: None,
            clock,
            version_unsure: false,
            read_in_transaction: false,
            row_unsure: false,
        }
    }

    /// The row's id; `None` until the session is created, and after it was ended.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{SessionRepository, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// let mut session = sessions.new_session();
    /// assert_eq!(session.row_id(), None);
    /// sessions.create(&mut conn, &mut session)?;
    /// assert_eq!(session.row_id(), Some(1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn row_id(&self) -> Option<M::RowId> {
        match self.state {
            State::Stored(id) => Some(id),
            State::New | State::Superseded(..) | State::Ended => None,
        }
    }

    /// The token that the client must be told: after the row was created or the token rotated through this handle.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{SessionRepository, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// let mut session = sessions.new_session();
    /// assert!(session.new_token().is_none());
    /// sessions.create(&mut conn, &mut session)?;
    /// let cookie = session.new_token().expect("created").reveal().to_owned();
    /// let found = sessions.load(&mut conn, cookie.as_str())?.expect("live");
    /// assert!(found.new_token().is_none(), "the client knows it");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn new_token(&self) -> Option<&SessionToken> {
        self.token.as_ref()
    }

    /// True while there is no row.
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
    /// assert!(session.is_new());
    /// sessions.create(&mut conn, &mut session)?;
    /// assert!(!session.is_new());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.state == State::New
    }

    /// True when the client presented the token that a rotation replaced less than 60 seconds ago: the request was under way.
    /// Such a session is empty, and save, create and rotate say [`Rotated`](ErrorKind::Rotated). `sign_in` starts a new
    /// session, `end` ends the one it once was.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{ErrorKind, SessionRepository, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// let mut session = sessions.new_session();
    /// sessions.create(&mut conn, &mut session)?;
    /// let old = session.new_token().expect("created").reveal().to_owned();
    /// sessions.rotate(&mut conn, &mut session)?;
    /// let mut late = sessions.open(&mut conn, old.as_str())?;
    /// assert!(late.is_superseded() && late.is_empty());
    /// assert_eq!(sessions.save(&mut conn, &mut late).unwrap_err().kind(), ErrorKind::Rotated);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_superseded(&self) -> bool {
        matches!(self.state, State::Superseded(..))
    }

    /// True once the session was ended through this handle.
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
    /// assert!(!session.is_ended());
    /// sessions.end(&mut conn, &mut session)?;
    /// assert!(session.is_ended());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// When the session began; it never changes.
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
    /// let begun = session.created_at();
    /// sessions.sign_in(&mut conn, &mut session, SignIn::new(14))?;
    /// assert_eq!(session.created_at(), begun);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn created_at(&self) -> DateTime<Utc> {
        self.seen.created_at.to_utc()
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
    /// assert_eq!(session.authenticated_at(), None);
    /// sessions.sign_in(&mut conn, &mut session, SignIn::new(14))?;
    /// assert!(session.authenticated_at() >= Some(session.created_at()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn authenticated_at(&self) -> Option<DateTime<Utc>> {
        self.seen.authenticated_at.map(Timestamp6::to_utc)
    }

    /// The last touch.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel_sessions::{SessionRepository, plain::sqlite::PlainSession};
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let session = sessions.new_session();
    /// assert_eq!(session.last_seen_at(), session.created_at());
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    #[must_use]
    pub fn last_seen_at(&self) -> DateTime<Utc> {
        self.seen.last_seen_at.to_utc()
    }

    /// When the session ends unless it is seen again, as last stored; `None`: never.
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
    /// assert_eq!(session.expires_at(), Some(session.last_seen_at() + idle));
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    #[must_use]
    pub fn expires_at(&self) -> Option<DateTime<Utc>> {
        (self.seen.expires_at < Timestamp6::NEVER).then(|| self.seen.expires_at.to_utc())
    }

    /// The end that no activity moves; `None`: there is none. A change that is not saved yet counts.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel_sessions::{SessionRepository, plain::sqlite::PlainSession};
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// assert!(session.deadline_at() > session.expires_at(), "the idle timeout is the shorter one");
    /// session.set_deadline(None);
    /// assert_eq!(session.deadline_at(), None);
    /// # session.revert();
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    #[must_use]
    pub fn deadline_at(&self) -> Option<DateTime<Utc>> {
        self.policy.deadline.unwrap_or(self.seen.deadline_at.map(Timestamp6::to_utc))
    }

    /// How long the session lives unseen; `None`: it never ends through idleness. A change that is not saved yet counts.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel_sessions::{SessionRepository, plain::sqlite::PlainSession};
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// let minute = std::time::Duration::from_secs(60);
    /// session.set_idle_timeout(Some(minute));
    /// assert_eq!(session.idle_timeout(), Some(minute));
    /// # session.revert();
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    #[must_use]
    pub fn idle_timeout(&self) -> Option<Duration> {
        self.policy.idle.unwrap_or_else(|| self.model.core_field().idle_timeout())
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
    /// assert!(!session.is_persistent());
    /// let month = Duration::from_secs(30 * 86_400);
    /// sessions.sign_in(&mut conn, &mut session, SignIn::new(14).remember(month))?;
    /// assert!(session.is_persistent());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_persistent(&self) -> bool {
        self.seen.persistent
    }

    /// Gives this session an idle timeout of its own: whole seconds from 1 to `i32::MAX`, or `None` for no such end.
    ///
    /// It takes effect with the next save, which refuses a duration out of bounds as
    /// [`InvalidArgument`](ErrorKind::InvalidArgument).
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel_sessions::{SessionRepository, plain::sqlite::PlainSession};
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// session.set_idle_timeout(None);
    /// assert_eq!(session.idle_timeout(), None);
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    pub fn set_idle_timeout(&mut self, timeout: Option<Duration>) {
        self.policy.idle = Some(timeout);
    }

    /// Gives this session an absolute end of its own, or none. It takes effect with the next save; a time that has passed ends
    /// the session then. Times before 1970 count as its beginning, times after the year 9999 as never.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel_sessions::{SessionRepository, plain::sqlite::PlainSession};
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// let end = "2030-01-01T00:00:00Z".parse().unwrap();
    /// session.set_deadline(Some(end));
    /// assert_eq!(session.deadline_at(), Some(end));
    /// # session.revert();
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    pub fn set_deadline(&mut self, deadline: Option<DateTime<Utc>>) {
        self.policy.deadline =
            Some(deadline.map(|time| Timestamp6::from(time.clamp(DateTime::UNIX_EPOCH, Timestamp6::NEVER.to_utc())).to_utc()));
    }

    /// Demands that identity was proved within the last `age`: before a password change, a payment, a deletion.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFresh`] when `authenticated_at` is older, or absent.
    ///
    /// # Example
    ///
    /// ```
    /// use std::time::Duration;
    /// use diesel_sessions::{ErrorKind, SessionRepository, plain::sqlite::PlainSession};
    ///
    /// let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// let anonymous = sessions.new_session();
    /// let error = anonymous.require_fresh(Duration::from_secs(300)).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::NotFresh);
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    pub fn require_fresh(&self, age: Duration) -> Result<()> {
        let age = TimeDelta::from_std(age).unwrap_or(TimeDelta::MAX);
        let oldest = Timestamp6::from(self.clock.now()).minus(age);
        match self.seen.authenticated_at {
            Some(proved) if proved >= oldest => Ok(()),
            _ => Err(Error::new(ErrorKind::NotFresh, "could not rely on the session")),
        }
    }

    /// A copy of the model: typed columns and data as they are now, saved or not.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel_sessions::{SessionRepository, plain::sqlite::PlainSession};
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// session.insert("parrot", "ceased to be")?;
    /// let model = session.to_model();
    /// assert_eq!(model.core.data_text(), r#"{"parrot":"ceased to be"}"#);
    /// # session.revert();
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    #[must_use]
    pub fn to_model(&self) -> M {
        let mut model = self.model.clone();
        model.core_field_mut().data = self.data.to_text_of_any_size();
        model
    }
}

impl<M: SessionModel> Deref for Session<M> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.model
    }
}

impl<M: SessionModel> DerefMut for Session<M> {
    fn deref_mut(&mut self) -> &mut M {
        self.model_mut()
    }
}

/// Says where the handle stands; neither tokens nor data nor typed columns.
impl<M: SessionModel> fmt::Debug for Session<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("state", &self.state)
            .field("keys", &self.len())
            .field("was_changed", &self.was_changed())
            .finish_non_exhaustive()
    }
}

/// A session that was changed and never saved is usually a forgotten `save`: it is said once.
impl<M: SessionModel> Drop for Session<M> {
    fn drop(&mut self) {
        if self.state != State::Ended && !std::thread::panicking() && self.was_changed() {
            let row_id = self.row_id().map(tracing::field::display);
            tracing::warn!(target: "diesel_sessions", row_id, reason = "dropped without a save", "unsaved");
        }
    }
}

/// What a session is before it has a row.
pub(crate) fn new_stamp(now: Timestamp6, timeouts: policy::Timeouts) -> Stamp {
    let idle_timeout = timeouts.idle.and_then(|timeout| policy::whole_seconds(timeout).ok());
    let deadline_at = timeouts.absolute.and_then(|timeout| TimeDelta::from_std(timeout).ok()).map(|timeout| now.plus(timeout));
    Stamp {
        digest: TokenDigest::NONE,
        previous: None,
        version: 0,
        created_at: now,
        authenticated_at: None,
        rotated_at: None,
        last_seen_at: now,
        expires_at: policy::expires_at(now, idle_timeout, deadline_at),
        deadline_at,
        idle_timeout,
        persistent: false,
    }
}
