//! Purging now and then, for as long as the application runs.

use std::future::{Future, pending};
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::time::Duration;

use super::SessionRepository;
use super::pace::Pace;
use super::purge::{Purged, Round, check_batch};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{DbSession, SessionModel};
use crate::source::ConnectionSource;

/// How many rows a batch of [`PurgeTask`] removes, unless it is told otherwise.
const BATCH: u32 = 1_000;

/// What an interval may be: as long as a timeout.
const INTERVALS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(i32::MAX as u64);

/// How far a pause may be from the interval: a tenth of it, either way.
const JITTER: u32 = 10;

impl<M: SessionModel> SessionRepository<M> {
    /// A task that removes what has expired, again and again, about `interval` apart. It does nothing until it is spawned.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] for an interval shorter than a second, or longer than `i32::MAX` seconds.
    ///
    /// # Example
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use diesel_sessions::{ErrorKind, SessionRepository, plain::sqlite::PlainSession};
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// let purge = sessions.purge_every(Duration::from_secs(300))?;
    /// let too_often = sessions.purge_every(Duration::ZERO);
    /// assert_eq!(too_often.unwrap_err().kind(), ErrorKind::InvalidArgument);
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    pub fn purge_every(&self, interval: Duration) -> Result<PurgeTask<M>> {
        if !INTERVALS.contains(&interval) {
            return Err(Error::new(ErrorKind::InvalidArgument, "could not make a purge task")
                .with_detail("an interval is at least a second and at most i32::MAX seconds"));
        }
        Ok(PurgeTask { sessions: self.clone(), interval, batch: BATCH })
    }
}

/// Removes what has expired, again and again: made by [`SessionRepository::purge_every`], spawned by the application.
///
/// * The first round comes within one interval, at random; the others follow an interval apart, a tenth more or less. So
///   processes that start together do not purge together.
/// * A round removes all that has expired, in batches, each a transaction of its own. After a full one it waits a third as long as that
///   took, a second at most, and holds no connection meanwhile.
/// * A round that fails or panics is told to `tracing` as an error, and the next one comes when it would have come.
/// * Of several processes one works at a time on PostgreSQL: a batch holds an advisory lock that ends with its transaction, and
///   a round that finds it held leaves the work to the other. SQLite has one writer anyway. MySQL and MariaDB have no such lock:
///   there, the same batch may be sent twice and removed once.
///
/// # Example
///
/// ```
/// # use std::time::Duration;
/// # use diesel_sessions::{Purged, SessionRepository, migrations, plain::sqlite::PlainSession};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let file = dir.path().join("app.sqlite3").display().to_string();
/// # let pool = diesel::r2d2::Pool::builder()
/// #     .connection_customizer(Box::new(diesel_sessions::SqliteCustomizer::new()))
/// #     .build(diesel::r2d2::ConnectionManager::<diesel::sqlite::SqliteConnection>::new(file))?;
/// # migrations::run(&mut *pool.get()?)?;
/// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async move {
/// let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
/// let purge = sessions.purge_every(Duration::from_secs(300))?;
/// let purge = tokio::spawn(purge.run_until(pool, async { stopped.await.unwrap_or_default() }));
///
/// // … axum::serve(listener, app).with_graceful_shutdown(…).await?;
///
/// stop.send(()).expect("it is waiting");
/// assert_eq!(purge.await?, Purged::default());
/// # Ok(())
/// # })
/// # }
/// ```
#[must_use = "a purge task does nothing until it is run"]
pub struct PurgeTask<M: SessionModel> {
    sessions: SessionRepository<M>,
    interval: Duration,
    batch: u32,
}

impl<M: SessionModel> PurgeTask<M> {
    /// Removes `limit` rows in a batch, instead of 1,000.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] for a limit of zero.
    ///
    /// # Example
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use diesel_sessions::{SessionRepository, plain::sqlite::PlainSession};
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// let purge = sessions.purge_every(Duration::from_secs(300))?.batches_of(100)?;
    /// assert!(purge.batches_of(0).is_err());
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    pub fn batches_of(self, limit: u32) -> Result<Self> {
        check_batch(limit)?;
        Ok(PurgeTask { batch: limit, ..self })
    }

    /// Runs until `shutdown` is ready, and tells what it has removed. A batch that is under way then is waited for: that takes no
    /// longer than the pool's time-out and the batch itself.
    ///
    /// Needs tokio's timer: `enable_time` or `enable_all` on the runtime, which `#[tokio::main]` does.
    ///
    /// # Example
    ///
    /// See [`PurgeTask`].
    pub async fn run_until<P>(self, source: P, shutdown: impl Future<Output = ()>) -> Purged
    where
        M: DbSession<P::Connection>,
        P: ConnectionSource,
    {
        let mut shutdown = pin!(shutdown);
        let (mut total, mut round) = (Purged::default(), Round::default());
        let mut pause = first_pause(self.interval, chance());
        loop {
            // Ready, not elapsed: `shutdown` was. Of the two, it is asked first.
            if tokio::time::timeout(pause, shutdown.as_mut()).await.is_ok() {
                return total;
            }
            (round, pause) = match self.batch(&source, round).await {
                Some((batch, round, pace)) => {
                    total.add(batch);
                    if batch.is_full(self.batch) { (round, pace) } else { self.next_round() }
                }
                None => self.next_round(),
            };
        }
    }

    /// Runs for as long as the runtime does, or until it is aborted.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use diesel_sessions::{ConnectionSource, Result, SessionRepository, plain::sqlite::PlainSession};
    /// # fn spawn<P: ConnectionSource<Connection = diesel::sqlite::SqliteConnection>>(sessions: SessionRepository<PlainSession>, pool: P) -> Result<()> {
    /// let purge = tokio::spawn(sessions.purge_every(Duration::from_secs(300))?.run(pool));
    /// // …
    /// purge.abort();
    /// # Ok(())
    /// # }
    /// ```
    pub async fn run<P>(self, source: P)
    where
        M: DbSession<P::Connection>,
        P: ConnectionSource,
    {
        self.run_until(source, pending()).await;
    }

    /// A round that has not begun, and the time until then.
    fn next_round(&self) -> (Round, Duration) {
        (Round::default(), next_pause(self.interval, chance()))
    }

    /// One batch of a round, where the round goes on, and the pause that it leaves to others; `None` when it failed, or another
    /// process is at it.
    async fn batch<P>(&self, source: &P, mut round: Round) -> Option<(Purged, Round, Duration)>
    where
        M: DbSession<P::Connection>,
        P: ConnectionSource,
    {
        let (sessions, limit) = (self.sessions.clone(), self.batch);
        let purged: Result<_> = source
            .run(move |conn| {
                let pace = Pace::begin();
                // A panic, of the application's clock for instance, must not end the task for good.
                let purged = catch_unwind(AssertUnwindSafe(|| sessions.purge_in_turn(&mut *conn, limit, &mut round)));
                let purged = purged.unwrap_or_else(|_| {
                    M::set_in_error(conn);
                    Err(Error::new(ErrorKind::Database, "could not purge expired sessions").with_detail("it panicked"))
                });
                purged.map(|purged| purged.map(|purged| (purged, round, pace.pause())))
            })
            .await;
        match purged {
            Ok(Some(purged)) => return Some(purged),
            Ok(None) => tracing::debug!(target: "diesel_sessions", reason = "another process is at it", "purge left alone"),
            Err(error) => {
                tracing::error!(target: "diesel_sessions", error = &error as &dyn std::error::Error, "purge failed");
            }
        }
        None
    }
}

impl<M: SessionModel> Clone for PurgeTask<M> {
    fn clone(&self) -> Self {
        PurgeTask { sessions: self.sessions.clone(), ..*self }
    }
}

impl<M: SessionModel> std::fmt::Debug for PurgeTask<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PurgeTask").field("interval", &self.interval).field("batch", &self.batch).finish_non_exhaustive()
    }
}

/// A number from the operating system's generator; in the middle, if that has none.
fn chance() -> u32 {
    getrandom::u32().unwrap_or(u32::MAX / 2)
}

/// A part of an interval: all of it for the highest number.
fn first_pause(interval: Duration, chance: u32) -> Duration {
    interval.mul_f64(f64::from(chance) / f64::from(u32::MAX))
}

/// An interval, a tenth shorter for zero, a tenth longer for the highest number.
fn next_pause(interval: Duration, chance: u32) -> Duration {
    let tenth = interval / JITTER;
    interval - tenth + first_pause(tenth.saturating_mul(2), chance)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn the_first_round_comes_within_an_interval() {
        assert_eq!(first_pause(HOUR, 0), Duration::ZERO);
        assert_eq!(first_pause(HOUR, u32::MAX), HOUR);
        assert!((HOUR * 49 / 100..HOUR * 51 / 100).contains(&first_pause(HOUR, u32::MAX / 2)));
    }

    #[test]
    fn the_other_rounds_come_an_interval_apart_a_tenth_more_or_less() {
        assert_eq!(next_pause(HOUR, 0), HOUR * 9 / 10);
        assert_eq!(next_pause(HOUR, u32::MAX), HOUR * 11 / 10);
    }
}
