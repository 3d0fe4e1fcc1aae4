//! Setting a repository up.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use super::{Inner, SessionRepository, TimeoutsBy};
use crate::attributes::EncryptAttributes;
use crate::clock::{Clock, SystemClock};
use crate::crypto::Keyring;
use crate::error::{Error, ErrorKind, Result};
use crate::model::SessionModel;
use crate::policy::Timeouts;
use crate::session::OnConflict;
use crate::token::{RandomTokens, TokenSource};

/// What a [`SessionRepository`] is made from.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use diesel_sessions::{OnConflict, SessionRepository, Timeouts, plain::sqlite::PlainSession};
///
/// let sessions = SessionRepository::<PlainSession>::builder()
///     .timeouts(Timeouts::AAL2)
///     .timeouts_by(|session: &PlainSession| session.user_id.filter(|id| *id == 1).map(|_| Timeouts::AAL3))
///     .touch_every(Duration::from_secs(30))
///     .on_conflict(OnConflict::Refuse)
///     .build()?;
/// assert_eq!(sessions.new_session().idle_timeout(), Timeouts::AAL2.idle);
/// # Ok::<(), diesel_sessions::Error>(())
/// ```
#[must_use = "a builder does nothing until `build`"]
pub struct SessionRepositoryBuilder<M> {
    clock: Arc<dyn Clock>,
    tokens: Arc<dyn TokenSource>,
    timeouts: Timeouts,
    timeouts_by: Option<Box<TimeoutsBy<M>>>,
    touch_every: Option<Duration>,
    on_conflict: OnConflict,
    keyring: Option<Keyring>,
    encrypt_attributes: EncryptAttributes,
}

impl<M: SessionModel> SessionRepositoryBuilder<M> {
    pub(super) fn new() -> Self {
        SessionRepositoryBuilder {
            clock: Arc::new(SystemClock),
            tokens: Arc::new(RandomTokens),
            timeouts: Timeouts::default(),
            timeouts_by: None,
            touch_every: None,
            on_conflict: OnConflict::default(),
            keyring: None,
            encrypt_attributes: EncryptAttributes::default(),
        }
    }

    /// How long a session lives unseen: whole seconds from 1 to `i32::MAX`, or `None` for no such end.
    ///
    /// # Example
    ///
    /// ```
    /// use std::time::Duration;
    /// # use diesel_sessions::{SessionRepository, plain::sqlite::PlainSession};
    ///
    /// let half_an_hour = Duration::from_secs(30 * 60);
    /// let sessions = SessionRepository::<PlainSession>::builder().idle_timeout(half_an_hour).build()?;
    /// assert_eq!(sessions.new_session().idle_timeout(), Some(half_an_hour));
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    pub fn idle_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.timeouts.idle = timeout.into();
        self
    }

    /// How long a session lives at most, from its creation or the last sign-in: whole seconds, or `None` for no such end.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel_sessions::{SessionRepository, plain::sqlite::PlainSession};
    /// let sessions = SessionRepository::<PlainSession>::builder().absolute_timeout(None).build()?;
    /// assert_eq!(sessions.new_session().deadline_at(), None);
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    pub fn absolute_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.timeouts.absolute = timeout.into();
        self
    }

    /// Both timeouts at once, for instance a preset.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel_sessions::Timeouts;
    /// # use diesel_sessions::{SessionRepository, plain::sqlite::PlainSession};
    ///
    /// let sessions = SessionRepository::<PlainSession>::builder().timeouts(Timeouts::AAL3).build()?;
    /// assert_eq!(sessions.new_session().idle_timeout(), Timeouts::AAL3.idle);
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Timeouts that depend on the session: asked when a row is inserted and at sign-in, with owner and columns as they are
    /// about to be stored. `None` means the repository's own.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel_sessions::Timeouts;
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{SessionRepository, SignIn, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    ///
    /// let sessions = SessionRepository::<PlainSession>::builder()
    ///     .timeouts_by(|session: &PlainSession| (session.user_id == Some(1)).then_some(Timeouts::AAL3))
    ///     .build()?;
    /// let mut session = sessions.new_session();
    /// sessions.sign_in(&mut conn, &mut session, SignIn::new(1))?;
    /// assert_eq!(session.idle_timeout(), Timeouts::AAL3.idle);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn timeouts_by(mut self, by: impl Fn(&M) -> Option<Timeouts> + Send + Sync + 'static) -> Self {
        self.timeouts_by = Some(Box::new(by));
        self
    }

    /// The time between two touches of a session. By default a twentieth of its idle timeout, at most five minutes; never more
    /// than a tenth of it, because a session may end that much early. Zero touches with every save.
    ///
    /// # Example
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use std::sync::{Arc, Mutex};
    /// # use chrono::{DateTime, TimeDelta, Utc};
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{Clock, SessionRepository, migrations, plain::sqlite::PlainSession};
    /// # #[derive(Clone)]
    /// # struct Moved(Arc<Mutex<DateTime<Utc>>>);
    /// # impl Clock for Moved {
    /// #     fn now(&self) -> DateTime<Utc> { *self.0.lock().unwrap() }
    /// # }
    /// # let clock = Moved(Arc::new(Mutex::new("2026-11-21T12:00:00Z".parse()?)));
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let builder = SessionRepository::<PlainSession>::builder().clock(clock.clone());
    /// # let pass = |seconds| *clock.0.lock().unwrap() += TimeDelta::seconds(seconds);
    /// let sessions = builder.touch_every(Duration::from_secs(30)).build()?;
    /// let mut session = sessions.new_session();
    /// sessions.create(&mut conn, &mut session)?;
    /// pass(29);
    /// assert!(!sessions.touch(&mut conn, &mut session)?);
    /// pass(1);
    /// assert!(sessions.touch(&mut conn, &mut session)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn touch_every(mut self, period: Duration) -> Self {
        self.touch_every = Some(period);
        self
    }

    /// What a save does when another request changed the same key.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel_sessions::{ErrorKind, OnConflict};
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{SessionRepository, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    ///
    /// let sessions = SessionRepository::<PlainSession>::builder().on_conflict(OnConflict::Refuse).build()?;
    /// # let mut first = sessions.new_session();
    /// # sessions.create(&mut conn, &mut first)?;
    /// # let cookie = first.new_token().expect("created").reveal().to_owned();
    /// # let mut second = sessions.load(&mut conn, cookie.as_str())?.expect("live");
    /// first.insert("theme", "dark")?;
    /// second.insert("theme", "light")?;
    /// sessions.save(&mut conn, &mut first)?;
    /// assert_eq!(sessions.save(&mut conn, &mut second).unwrap_err().kind(), ErrorKind::Conflict);
    /// # second.revert();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_conflict(mut self, on_conflict: OnConflict) -> Self {
        self.on_conflict = on_conflict;
        self
    }

    /// The keys of encrypted attributes.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel_sessions::Keyring;
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{SessionRepository, WriteOptions, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let key = [7; 32];
    /// let sessions = SessionRepository::<PlainSession>::builder().keyring(Keyring::new("2026-11", key)?).build()?;
    /// # let mut session = sessions.new_session();
    /// # sessions.create(&mut conn, &mut session)?;
    /// sessions.attributes(&session).set_with(&mut conn, "otp", "123456", WriteOptions::new().encrypted())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn keyring(mut self, keyring: Keyring) -> Self {
        self.keyring = Some(keyring);
        self
    }

    /// Which attributes are encrypted where the call does not say.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel_sessions::{EncryptAttributes, Keyring};
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{SessionRepository, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let key = [7; 32];
    /// let sessions = SessionRepository::<PlainSession>::builder()
    ///     .keyring(Keyring::new("2026-11", key)?)
    ///     .encrypt_attributes(EncryptAttributes::Always)
    ///     .build()?;
    /// # let mut session = sessions.new_session();
    /// # sessions.create(&mut conn, &mut session)?;
    /// sessions.attributes(&session).set(&mut conn, "theme", "dark")?;
    /// assert!(sessions.attributes(&session).entry(&mut conn, "theme")?.expect("live").is_encrypted());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn encrypt_attributes(mut self, which: EncryptAttributes) -> Self {
        self.encrypt_attributes = which;
        self
    }

    /// Another clock than the system's.
    ///
    /// # Example
    ///
    /// ```
    /// # use chrono::{DateTime, Utc};
    /// # use diesel_sessions::{Clock, SessionRepository, plain::sqlite::PlainSession};
    /// struct Noon;
    /// impl Clock for Noon {
    ///     fn now(&self) -> DateTime<Utc> { "2026-11-21T12:00:00Z".parse().unwrap() }
    /// }
    /// let sessions = SessionRepository::<PlainSession>::builder().clock(Noon).build()?;
    /// assert_eq!(sessions.new_session().created_at(), Noon.now());
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Another source of tokens than the operating system.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{Result, SessionRepository, SessionToken, TokenSource, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # struct Longer;
    /// # impl TokenSource for Longer {
    /// #     fn token(&self) -> Result<SessionToken> { SessionToken::from_bytes(&[7; 64]) }
    /// # }
    /// let sessions = SessionRepository::<PlainSession>::builder().token_source(Longer).build()?;
    /// let mut session = sessions.new_session();
    /// sessions.create(&mut conn, &mut session)?;
    /// assert_eq!(session.new_token().expect("created").reveal().len(), 86);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn token_source(mut self, tokens: impl TokenSource) -> Self {
        self.tokens = Arc::new(tokens);
        self
    }

    /// Makes the repository.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] for a timeout of zero, of a part of a second, or over `i32::MAX` seconds;
    /// [`ErrorKind::Config`] when all attributes are to be encrypted and there is no keyring.
    ///
    /// # Example
    ///
    /// ```
    /// use std::time::Duration;
    /// use diesel_sessions::{ErrorKind, SessionRepository, plain::sqlite::PlainSession};
    ///
    /// let builder = SessionRepository::<PlainSession>::builder().idle_timeout(Duration::from_millis(1_500));
    /// assert_eq!(builder.build().unwrap_err().kind(), ErrorKind::InvalidArgument);
    /// ```
    pub fn build(self) -> Result<SessionRepository<M>> {
        let touch_every = self.touch_every.map(TimeDelta::from_std).transpose().map_err(|error| {
            Error::new(ErrorKind::InvalidArgument, "could not make the repository")
                .with_detail("the touch period is too long")
                .with_source(error)
        })?;
        if self.encrypt_attributes == EncryptAttributes::Always && self.keyring.is_none() {
            let error = Error::new(ErrorKind::Config, "could not make the repository");
            return Err(error.with_detail("attributes are to be encrypted, and there is no keyring"));
        }
        Ok(SessionRepository {
            inner: Arc::new(Inner {
                clock: self.clock,
                tokens: self.tokens,
                timeouts: self.timeouts.check()?,
                timeouts_by: self.timeouts_by,
                touch_every,
                on_conflict: self.on_conflict,
                keyring: self.keyring,
                encrypt_attributes: self.encrypt_attributes,
            }),
        })
    }
}

impl<M> std::fmt::Debug for SessionRepositoryBuilder<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionRepositoryBuilder").field("timeouts", &self.timeouts).finish_non_exhaustive()
    }
}
