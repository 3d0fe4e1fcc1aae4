//! The repository: where sessions are looked up and created. The other verbs stand in the files beside it.

use std::sync::Arc;

use chrono::TimeDelta;

use self::draws::Draws;
use crate::attributes::EncryptAttributes;
use crate::clock::{Clock, Timestamp6};
use crate::crypto::Keyring;
use crate::data::JsonText;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{DbSession, SessionCore, SessionModel, Stamp, Write};
use crate::policy::{self, Timeouts};
use crate::session::{OnConflict, PolicyChange, Session, State, new_stamp};
use crate::token::{TokenDigest, TokenSource};

#[cfg(any(feature = "tower-sessions-0-14", feature = "tower-sessions-0-15", feature = "actix-session-0-11"))]
mod adopt;
mod builder;
mod check;
mod decision;
mod draws;
mod end;
mod instead;
mod owned;
pub(crate) mod pace;
pub(crate) mod purge;
#[cfg(feature = "tokio")]
mod purge_task;
mod renew;
mod save;
mod send;
mod sign_in;

#[cfg(any(feature = "tower-sessions-0-14", feature = "tower-sessions-0-15", feature = "actix-session-0-11"))]
pub(crate) use adopt::Origin;
#[cfg(any(feature = "tower-sessions-0-14", feature = "tower-sessions-0-15"))]
pub(crate) use adopt::stamp_of_moved;
pub use builder::SessionRepositoryBuilder;
pub use owned::OwnerSessions;
pub use purge::Purged;
#[cfg(feature = "tokio")]
pub use purge_task::PurgeTask;
pub use save::Saved;
pub use sign_in::SignIn;

/// Creates, loads, changes, rotates, revokes and purges the sessions of the model `M`.
///
/// It holds a policy and no connection: every verb takes the caller's, so session changes commit or roll back with the
/// application's own work. Cloning is cheap; one repository serves all threads.
///
/// In a transaction of the caller's no verb retries a database error, because after some errors the whole transaction is gone.
/// Outside of one, deadlocks and serialisation failures are tried again, a few times.
///
/// # Example
///
/// ```
/// use diesel::prelude::*;
/// use diesel_sessions::{Saved, SessionRepository, SignIn, migrations, plain::sqlite::PlainSession};
///
/// let mut conn = SqliteConnection::establish(":memory:")?;
/// migrations::run(&mut conn)?;
/// let sessions = SessionRepository::<PlainSession>::builder().build()?;
///
/// let mut session = sessions.open(&mut conn, None)?;
/// session.insert("cart", ["spam"])?;
/// assert_eq!(sessions.save(&mut conn, &mut session)?, Saved::Created);
/// sessions.sign_in(&mut conn, &mut session, SignIn::new(14))?;
///
/// let cookie = session.new_token().expect("signing in rotates").reveal().to_owned();
/// let found = sessions.load(&mut conn, cookie.as_str())?.expect("it is live");
/// assert_eq!(found.user_id, Some(14));
/// assert_eq!(sessions.of(&14).count(&mut conn)?, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SessionRepository<M: SessionModel> {
    inner: Arc<Inner<M>>,
}

type TimeoutsBy<M> = dyn Fn(&M) -> Option<Timeouts> + Send + Sync;

struct Inner<M> {
    clock: Arc<dyn Clock>,
    tokens: Arc<dyn TokenSource>,
    timeouts: Timeouts,
    timeouts_by: Option<Box<TimeoutsBy<M>>>,
    touch_every: Option<TimeDelta>,
    on_conflict: OnConflict,
    keyring: Option<Keyring>,
    encrypt_attributes: EncryptAttributes,
}

/// How long the token that a rotation replaced is met with an anonymous session instead of none, in seconds.
const GRACE: TimeDelta = TimeDelta::seconds(60);

/// How often a new token is drawn when one is taken.
const MAX_DRAWS: usize = 5;

/// What looking a token up found.
#[expect(clippy::large_enum_variant, reason = "it is taken apart at once; a box would be an allocation for each load")]
enum Found<M: SessionModel> {
    Live(Session<M>),
    /// The row, the digest that its last rotation replaced, and when it was created.
    Superseded(M::RowId, TokenDigest, Timestamp6),
    Nothing,
}

impl<M: SessionModel> Clone for SessionRepository<M> {
    fn clone(&self) -> Self {
        SessionRepository { inner: Arc::clone(&self.inner) }
    }
}

impl<M: SessionModel> std::fmt::Debug for SessionRepository<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionRepository").field("timeouts", &self.inner.timeouts).finish_non_exhaustive()
    }
}

impl<M: SessionModel> SessionRepository<M> {
    /// Begins a repository: [`Timeouts::AAL2`], the system's clock, random tokens.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel_sessions::{SessionRepository, Timeouts, plain::sqlite::PlainSession};
    ///
    /// let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// assert_eq!(sessions.new_session().idle_timeout(), Timeouts::AAL2.idle);
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    pub fn builder() -> SessionRepositoryBuilder<M> {
        SessionRepositoryBuilder::new()
    }

    /// The live session of a token; else a new session, without a row and without a token.
    ///
    /// What the client presents is never adopted: it opens what it opens, or nothing. A token that a rotation replaced less than
    /// 60 seconds ago gives a session that [`is_superseded`](Session::is_superseded).
    ///
    /// # Errors
    ///
    /// The database's ([`ErrorKind::Unavailable`], [`Busy`](ErrorKind::Busy), …), and [`ErrorKind::Undecodable`] when the row
    /// cannot be read. Never for a token that is unknown, malformed or absent.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{SessionRepository, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// let session = sessions.open(&mut conn, "made up by the client")?;
    /// assert!(session.is_new() && session.new_token().is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open<'a, C>(&self, conn: &mut C, token: impl Into<Option<&'a str>>) -> Result<Session<M>>
    where
        M: DbSession<C>,
    {
        match self.look_up(conn, token.into())? {
            Found::Live(session) => Ok(session),
            Found::Superseded(row, digest, created_at) => {
                let stamp = Stamp { digest, ..self.stamp_of_new() };
                let mut session = Session::<M>::superseded(stamp, row, created_at, Arc::clone(&self.inner.clock));
                session.note_read(self.in_transaction_of_caller(conn)?);
                Ok(session)
            }
            Found::Nothing => Ok(self.new_session()),
        }
    }

    /// The live session of a token, or none. It creates nothing.
    ///
    /// # Errors
    ///
    /// As [`open`](SessionRepository::open).
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{SessionRepository, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// assert!(sessions.load(&mut conn, None)?.is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn load<'a, C>(&self, conn: &mut C, token: impl Into<Option<&'a str>>) -> Result<Option<Session<M>>>
    where
        M: DbSession<C>,
    {
        match self.look_up(conn, token.into())? {
            Found::Live(session) => Ok(Some(session)),
            Found::Superseded(..) | Found::Nothing => Ok(None),
        }
    }

    /// Whether a token opens a live session. It renews nothing.
    ///
    /// # Errors
    ///
    /// As [`open`](SessionRepository::open).
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
    /// sessions.create(&mut conn, &mut session)?;
    /// let token = session.new_token().expect("created").reveal().to_owned();
    /// assert!(sessions.is_live(&mut conn, token.as_str())?);
    /// assert!(!sessions.is_live(&mut conn, "another")?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_live<'a, C>(&self, conn: &mut C, token: impl Into<Option<&'a str>>) -> Result<bool>
    where
        M: DbSession<C>,
    {
        let Some(digest) = token.into().and_then(TokenDigest::of_text) else { return Ok(false) };
        let now = self.now();
        self.send(conn, "could not look the session up", |conn| M::is_live(conn, digest, now))
    }

    /// A new session, whatever the client presented.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel_sessions::{SessionRepository, plain::sqlite::PlainSession};
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// let fresh = sessions.new_session();
    /// assert!(fresh.is_new() && fresh.is_empty() && fresh.row_id().is_none());
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    #[must_use]
    pub fn new_session(&self) -> Session<M> {
        Session::new(self.stamp_of_new(), Arc::clone(&self.inner.clock))
    }

    /// A session of a row that the application's own query has found.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Gone`] when it has expired, [`ErrorKind::Undecodable`] when its data is no JSON object.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{Saved, SessionRepository, migrations, plain::sqlite::{PlainSession, schema::sessions}};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let repository = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = repository.new_session();
    /// # session.remote_addr = Some("192.0.2.1".to_owned());
    /// # repository.save(&mut conn, &mut session)?;
    /// let model = sessions::table
    ///     .filter(sessions::remote_addr.eq("192.0.2.1"))
    ///     .select(PlainSession::as_select())
    ///     .first(&mut conn)?;
    /// let mut session = repository.from_row(model)?;
    /// session.insert("seen", true)?;
    /// assert_eq!(repository.save(&mut conn, &mut session)?, Saved::Updated);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_row(&self, model: M) -> Result<Session<M>> {
        if !model.core_field().stamp.is_live(self.now()) {
            return Err(Error::new(ErrorKind::Gone, "could not open the session"));
        }
        let mut session = Session::of_row(model, Arc::clone(&self.inner.clock))?;
        session.note_found_elsewhere();
        Ok(session)
    }

    /// Gives a session its row and its token now, also when it is empty.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`] when it has a row, [`ErrorKind::Gone`] when it was ended, [`ErrorKind::Rotated`] when it is
    /// superseded; [`ErrorKind::StaleModel`], [`ErrorKind::Limit`], [`ErrorKind::InvalidArgument`] for a timeout out of bounds,
    /// [`ErrorKind::Config`] when the token source repeats itself; else the database's. Nothing is inserted then.
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
    /// sessions.create(&mut conn, &mut session)?;
    /// assert!(session.row_id().is_some() && session.new_token().is_some() && session.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create<C>(&self, conn: &mut C, session: &mut Session<M>) -> Result<()>
    where
        M: DbSession<C>,
    {
        const DEED: &str = "could not create the session";
        match session.state() {
            State::New => self.insert(conn, session, DEED, None),
            State::Stored(_) => Err(Error::new(ErrorKind::AlreadyExists, DEED).with_detail("the session has its row")),
            State::Superseded(..) => Err(Error::new(ErrorKind::Rotated, DEED)),
            State::Ended => Err(Error::new(ErrorKind::Gone, DEED)),
        }
    }

    fn look_up<C>(&self, conn: &mut C, text: Option<&str>) -> Result<Found<M>>
    where
        M: DbSession<C>,
    {
        const DEED: &str = "could not load the session";
        let Some(text) = text else { return Ok(Found::Nothing) };
        let Some(digest) = TokenDigest::of_text(text) else {
            tracing::debug!(target: "diesel_sessions", reason = "malformed token", "refused");
            return Ok(Found::Nothing);
        };
        let now = self.now();
        if let Some(model) = self.send(conn, DEED, |conn| M::find(conn, digest, now))? {
            let mut session = Session::of_row(model, Arc::clone(&self.inner.clock))?;
            session.note_read(self.in_transaction_of_caller(conn)?);
            return Ok(Found::Live(session));
        }
        match self.send(conn, DEED, |conn| M::find_replaced(conn, digest, now))? {
            Some((row, rotated_at, created_at)) if decision::in_grace(rotated_at, now) => {
                Ok(Found::Superseded(row, digest, created_at))
            }
            Some((row, ..)) => {
                tracing::warn!(target: "diesel_sessions", row_id = %row, reason = "replaced by a rotation", "old token seen again");
                Ok(Found::Nothing)
            }
            None => {
                tracing::debug!(target: "diesel_sessions", reason = "unknown or expired token", "refused");
                Ok(Found::Nothing)
            }
        }
    }

    /// Inserts the row of a session that has none, under a token of the repository's own source.
    fn insert<C>(&self, conn: &mut C, session: &mut Session<M>, deed: &'static str, stamp: Option<Stamp>) -> Result<()>
    where
        M: DbSession<C>,
    {
        self.insert_drawing(conn, session, deed, stamp, self.draws())
    }

    /// Inserts the row of a session that has none. The one place that does, with `insert_row` below it.
    fn insert_drawing<C>(
        &self,
        conn: &mut C,
        session: &mut Session<M>,
        deed: &'static str,
        stamp: Option<Stamp>,
        mut draws: Draws<'_>,
    ) -> Result<()>
    where
        M: DbSession<C>,
    {
        session.check_model(deed)?;
        session.check_columns()?;
        let data = session.text_to_store()?;
        let mut stamp = match stamp {
            Some(stamp) => stamp,
            None => self.stamp_to_insert(session.model(), session.seen().created_at, session.policy_change())?,
        };
        let (token, row) = loop {
            let token = draws.token(session.seen().digest)?;
            stamp.digest = token.digest();
            let write = Write::new(session.model(), &data, &stamp);
            match self.send(conn, deed, |conn| Self::insert_row(conn, &write))? {
                Some(row) => break (token, row),
                None => draws.taken(),
            }
        };
        tracing::info!(target: "diesel_sessions", row_id = %row, reason = deed.trim_start_matches("could not "), "created");
        session.stored(row, stamp, data);
        session.note_insert(self.in_transaction_of_caller(conn)?);
        session.tell(token);
        Ok(())
    }

    /// Sends the insert; `None` says that the token is taken.
    fn insert_row<C>(conn: &mut C, write: &Write<'_, M>) -> diesel::QueryResult<Option<M::RowId>>
    where
        M: DbSession<C>,
    {
        use diesel::result::{DatabaseErrorKind, Error as DieselError};
        match M::insert(conn, write) {
            // MySQL has no ON CONFLICT DO NOTHING that can be told from an insert; its error leaves the transaction whole.
            Err(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _))
                if M::ENGINE == crate::model::Engine::Mysql && M::is_taken(conn, write.digest)? =>
            {
                Ok(None)
            }
            result => result,
        }
    }

    /// The tokens of one call.
    fn draws(&self) -> Draws<'_> {
        Draws::new(&*self.inner.tokens)
    }

    /// The core columns of a session that is inserted now.
    fn stamp_to_insert(&self, model: &M, created_at: Timestamp6, policy: PolicyChange) -> Result<Stamp> {
        let mut stamp = new_stamp(self.now(), self.timeouts_of(model)?);
        stamp.created_at = created_at;
        policy.apply(&mut stamp)?;
        stamp.expires_at = policy::expires_at(stamp.last_seen_at, stamp.idle_timeout, stamp.deadline_at);
        Ok(stamp)
    }

    /// A model with every column at its default.
    fn fresh_model(&self) -> M {
        M::fresh(SessionCore::new(self.stamp_of_new(), JsonText::empty()))
    }

    fn stamp_of_new(&self) -> Stamp {
        new_stamp(self.now(), self.inner.timeouts)
    }

    fn timeouts_of(&self, model: &M) -> Result<Timeouts> {
        let own = self.inner.timeouts_by.as_ref().and_then(|by| by(model));
        own.unwrap_or(self.inner.timeouts).check()
    }

    pub(crate) fn keyring(&self) -> Option<&Keyring> {
        self.inner.keyring.as_ref()
    }

    pub(crate) fn encrypt_attributes(&self) -> EncryptAttributes {
        self.inner.encrypt_attributes
    }

    pub(crate) fn now(&self) -> Timestamp6 {
        self.inner.clock.now().into()
    }
}

/// The digest that a handle's row must still have.
fn digest_of<M: SessionModel>(session: &Session<M>) -> TokenDigest {
    session.seen().digest
}
