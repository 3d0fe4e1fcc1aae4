//! For tests of applications: a clock moved by hand, tokens known in advance, sessions that are signed in.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{DbOwnedSession, SessionModel};
use crate::repository::{SessionRepository, SignIn};
use crate::session::Session;
use crate::token::{SessionToken, TokenSource};

/// A clock that stands still until it is moved. Its clones share one time.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use diesel_sessions::{Clock, ManualClock};
///
/// let clock = ManualClock::new("2026-11-21T12:00:00Z".parse().unwrap());
/// let shared = clock.clone();
/// shared.advance(Duration::from_secs(90));
/// assert_eq!(clock.now().to_rfc3339(), "2026-11-21T12:01:30+00:00");
/// ```
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<Mutex<DateTime<Utc>>>);

impl ManualClock {
    /// A clock that stands at `at`.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel_sessions::{Clock, ManualClock};
    ///
    /// let noon = "2026-11-21T12:00:00Z".parse().unwrap();
    /// assert_eq!(ManualClock::new(noon).now(), noon);
    /// ```
    #[must_use]
    pub fn new(at: DateTime<Utc>) -> Self {
        ManualClock(Arc::new(Mutex::new(at)))
    }

    /// Moves the clock on by `duration`; past the end of the calendar it stays where it is.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel_sessions::{Clock, ManualClock};
    ///
    /// let noon = "2026-11-21T12:00:00Z".parse().unwrap();
    /// let clock = ManualClock::new(noon);
    /// clock.advance(std::time::Duration::from_secs(1));
    /// assert_eq!(clock.now().to_rfc3339(), "2026-11-21T12:00:01+00:00");
    /// ```
    pub fn advance(&self, duration: Duration) {
        let mut time = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let moved = TimeDelta::from_std(duration).ok().and_then(|delta| time.checked_add_signed(delta));
        *time = moved.unwrap_or(*time);
    }

    /// Sets the clock, also back.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel_sessions::{Clock, ManualClock};
    ///
    /// let noon = "2026-11-21T12:00:00Z".parse().unwrap();
    /// let clock = ManualClock::new(noon);
    /// clock.set("2026-11-20T12:00:00Z".parse().unwrap());
    /// assert!(clock.now() < noon);
    /// ```
    pub fn set(&self, at: DateTime<Utc>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A source whose tokens a test knows in advance. Never use it outside of one: anybody can guess them.
///
/// # Example
///
/// ```
/// use diesel_sessions::{KnownTokens, TokenSource};
///
/// let given = KnownTokens::new(["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"])?;
/// assert_eq!(given.token()?.reveal(), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
/// assert!(given.token().is_err(), "there are no more");
///
/// let counted = KnownTokens::counting();
/// assert_eq!(counted.token()?.digest(), KnownTokens::numbered(1).digest());
/// # Ok::<(), diesel_sessions::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct KnownTokens(Arc<Known>);

#[derive(Debug)]
enum Known {
    Given(Mutex<std::collections::VecDeque<SessionToken>>),
    Counting(AtomicU64),
}

impl KnownTokens {
    /// Gives these tokens, one after the other.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] for a text that is no token: base64url of 16 to 64 bytes.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel_sessions::{ErrorKind, KnownTokens, TokenSource};
    ///
    /// let known = KnownTokens::new([KnownTokens::numbered(7).reveal()])?;
    /// assert_eq!(known.token()?.digest(), KnownTokens::numbered(7).digest());
    /// assert_eq!(KnownTokens::new(["no token"]).unwrap_err().kind(), ErrorKind::InvalidArgument);
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    pub fn new<T: AsRef<str>>(tokens: impl IntoIterator<Item = T>) -> Result<Self> {
        let tokens = tokens.into_iter().map(|text| {
            SessionToken::parse(text.as_ref()).ok_or_else(|| {
                Error::new(ErrorKind::InvalidArgument, "could not make known tokens").with_detail("malformed token")
            })
        });
        Ok(KnownTokens(Arc::new(Known::Given(Mutex::new(tokens.collect::<Result<_>>()?)))))
    }

    /// Gives [`numbered`](KnownTokens::numbered) tokens from 1 on.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel_sessions::{KnownTokens, TokenSource};
    ///
    /// let known = KnownTokens::counting();
    /// assert_eq!(known.token()?.digest(), KnownTokens::numbered(1).digest());
    /// assert_eq!(known.token()?.digest(), KnownTokens::numbered(2).digest());
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    #[must_use]
    pub fn counting() -> Self {
        KnownTokens(Arc::new(Known::Counting(AtomicU64::new(1))))
    }

    /// The token of a number: its 32 bytes end with it.
    ///
    /// # Panics
    ///
    /// Never: 32 bytes are always a token.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel_sessions::KnownTokens;
    ///
    /// assert_eq!(KnownTokens::numbered(0).reveal(), "A".repeat(43));
    /// assert_ne!(KnownTokens::numbered(1).digest(), KnownTokens::numbered(2).digest());
    /// ```
    #[must_use]
    pub fn numbered(number: u64) -> SessionToken {
        let mut bytes = [0; 32];
        bytes[24..].copy_from_slice(&number.to_be_bytes());
        SessionToken::from_bytes(&bytes).unwrap_or_else(|error| unreachable!("{error}"))
    }
}

impl TokenSource for KnownTokens {
    fn token(&self) -> Result<SessionToken> {
        match &*self.0 {
            Known::Counting(next) => Ok(Self::numbered(next.fetch_add(1, Ordering::Relaxed))),
            Known::Given(tokens) => tokens
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop_front()
                .ok_or_else(|| Error::new(ErrorKind::Config, "could not draw a token").with_detail("no known token is left")),
        }
    }
}

/// A new session that is signed in as `owner`, stored: its [`new_token`](Session::new_token) is the cookie's value.
///
/// # Errors
///
/// As [`SessionRepository::sign_in`].
///
/// # Example
///
/// ```
/// # use diesel::prelude::*;
/// use diesel_sessions::{SessionRepository, migrations, plain::sqlite::PlainSession, sign_in_as};
/// # let mut conn = SqliteConnection::establish(":memory:")?;
/// # migrations::run(&mut conn)?;
/// let sessions = SessionRepository::<PlainSession>::builder().build()?;
/// let session = sign_in_as(&sessions, &mut conn, 14)?;
/// let cookie = session.new_token().expect("it has just been created").reveal();
/// assert!(sessions.is_live(&mut conn, cookie)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn sign_in_as<M, C>(sessions: &SessionRepository<M>, conn: &mut C, owner: M::Owner) -> Result<Session<M>>
where
    M: DbOwnedSession<C>,
{
    let mut session = sessions.new_session();
    sessions.sign_in(conn, &mut session, SignIn::new(owner))?;
    Ok(session)
}

/// A session that looks stored and signed in, without a database: for handlers that only read and change it.
///
/// # Errors
///
/// None today; a model whose default data is no JSON object would be one.
///
/// # Example
///
/// ```
/// use diesel_sessions::{SessionRepository, detached, plain::sqlite::PlainSession};
///
/// let sessions = SessionRepository::<PlainSession>::builder().build()?;
/// let session = detached(&sessions, 3, Some(14))?;
/// assert_eq!((session.row_id(), session.user_id), (Some(3), Some(14)));
/// assert!(!session.is_new() && !session.was_changed());
/// # Ok::<(), diesel_sessions::Error>(())
/// ```
pub fn detached<M: SessionModel>(
    sessions: &SessionRepository<M>,
    row_id: M::RowId,
    owner: Option<M::Owner>,
) -> Result<Session<M>> {
    let mut model = sessions.new_session().to_model();
    model.set_id_field(row_id);
    model.core_field_mut().stamp.authenticated_at = owner.as_ref().map(|_| model.core_field().stamp.created_at);
    model.set_owner_field(owner);
    sessions.from_row(model)
}
