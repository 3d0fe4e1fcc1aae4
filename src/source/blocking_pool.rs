//! What a pool says of itself that makes a thread wait.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;

/// A pool whose connections are waited for on a thread, as the web layers and the stores ask it.
///
/// A thread for each request that waits is what such a pool costs otherwise: the threads fight for the pool's lock and for the
/// cores. With this the requests wait in a queue, and no more threads than the pool has connections take one after the other.
/// [`ConnectionSource::blocking`](crate::ConnectionSource::blocking) gives it; an application has use for it when it implements
/// that trait for a pool of its own.
///
/// # Example
///
/// ```
/// use std::sync::{Arc, Mutex, TryLockError};
/// use std::time::Duration;
///
/// use diesel_sessions::{BlockingPool, Error, ErrorKind};
///
/// // A pool of one connection, here a number.
/// let only = Arc::new(Mutex::new(7));
/// let pool = BlockingPool::new(1, Duration::from_secs(5), move |_patience, work| {
///     let mut conn = only.lock().expect("nobody panics");
///     work(&mut conn);
///     Ok(())
/// });
/// assert_eq!(pool.size(), 1);
/// let mut seen = 0;
/// pool.lend(Duration::from_secs(1), &mut |conn: &mut i32| seen = *conn)?;
/// assert_eq!(seen, 7);
/// # Ok::<_, Error>(())
/// ```
pub struct BlockingPool<C> {
    size: usize,
    patience: Duration,
    lend: Arc<Lend<C>>,
}

/// Waits so long for a connection and calls the closure with it.
type Lend<C> = dyn Fn(Duration, &mut dyn FnMut(&mut C)) -> Result<(), Error> + Send + Sync;

impl<C> BlockingPool<C> {
    /// `size`: connections that it lends at the same time, at least one. `patience`: how long somebody waits for one of them.
    /// `lend` waits at most as long as it is told, calls the closure once with a connection, and takes that back; also when the
    /// closure panics.
    ///
    /// # Example
    ///
    /// ```
    /// use std::time::Duration;
    /// use diesel_sessions::{BlockingPool, Error, ErrorKind};
    ///
    /// let shut = |_patience, _work: &mut dyn FnMut(&mut ())| {
    ///     Err(Error::from(diesel::result::Error::BrokenTransactionManager))
    /// };
    /// let pool = BlockingPool::new(4, Duration::from_secs(2), shut);
    /// assert_eq!(pool.patience(), Duration::from_secs(2));
    /// assert!(pool.lend(Duration::ZERO, &mut |_conn| unreachable!()).is_err());
    /// ```
    pub fn new<F>(size: usize, patience: Duration, lend: F) -> Self
    where
        F: Fn(Duration, &mut dyn FnMut(&mut C)) -> Result<(), Error> + Send + Sync + 'static,
    {
        BlockingPool { size: size.max(1), patience, lend: Arc::new(lend) }
    }

    /// Connections that it lends at the same time.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// How long somebody waits for a connection.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.patience
    }

    /// Calls `work` with a connection, on this thread, which waits at most so long for one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::PoolTimeout`](crate::ErrorKind::PoolTimeout) when no connection came free in time,
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) when none could be opened. `work` was not called then.
    pub fn lend(&self, patience: Duration, work: &mut dyn FnMut(&mut C)) -> Result<(), Error> {
        (self.lend)(patience, work)
    }
}

impl<C> Clone for BlockingPool<C> {
    fn clone(&self) -> Self {
        BlockingPool { size: self.size, patience: self.patience, lend: Arc::clone(&self.lend) }
    }
}

impl<C> fmt::Debug for BlockingPool<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockingPool").field("size", &self.size).field("patience", &self.patience).finish_non_exhaustive()
    }
}
