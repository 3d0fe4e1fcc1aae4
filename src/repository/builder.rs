//! Setting a repository up.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use super::{Inner, SessionRepository, TimeoutsBy};
use crate::clock::{Clock, SystemClock};
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
        }
    }

    /// How long a session lives unseen: whole seconds from 1 to `i32::MAX`, or `None` for no such end.
    pub fn idle_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.timeouts.idle = timeout.into();
        self
    }

    /// How long a session lives at most, from its creation or the last sign-in: whole seconds, or `None` for no such end.
    pub fn absolute_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.timeouts.absolute = timeout.into();
        self
    }

    /// Both timeouts at once, for instance a preset.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Timeouts that depend on the session: asked when a row is inserted and at sign-in, with owner and columns as they are
    /// about to be stored. `None` means the repository's own.
    pub fn timeouts_by(mut self, by: impl Fn(&M) -> Option<Timeouts> + Send + Sync + 'static) -> Self {
        self.timeouts_by = Some(Box::new(by));
        self
    }

    /// The time between two touches of a session. By default a twentieth of its idle timeout, at most five minutes; never more
    /// than a tenth of it, because a session may end that much early. Zero touches with every save.
    pub fn touch_every(mut self, period: Duration) -> Self {
        self.touch_every = Some(period);
        self
    }

    /// What a save does when another request changed the same key.
    pub fn on_conflict(mut self, on_conflict: OnConflict) -> Self {
        self.on_conflict = on_conflict;
        self
    }

    /// Another clock than the system's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Another source of tokens than the operating system.
    pub fn token_source(mut self, tokens: impl TokenSource) -> Self {
        self.tokens = Arc::new(tokens);
        self
    }

    /// Makes the repository.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] for a timeout of zero, of a part of a second, or over `i32::MAX` seconds.
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
        Ok(SessionRepository {
            inner: Arc::new(Inner {
                clock: self.clock,
                tokens: self.tokens,
                timeouts: self.timeouts.check()?,
                timeouts_by: self.timeouts_by,
                touch_every,
                on_conflict: self.on_conflict,
            }),
        })
    }
}

impl<M> std::fmt::Debug for SessionRepositoryBuilder<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionRepositoryBuilder").field("timeouts", &self.timeouts).finish_non_exhaustive()
    }
}
