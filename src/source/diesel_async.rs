//! The pools of diesel-async: a closure gets their connections in a form that blocks.

use std::fmt;
use std::ops::{Deref, DerefMut};

use diesel_async::AsyncConnection;
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;

use super::blocking::on_blocking_thread;
use crate::__private::set_in_error;
use crate::error::Error;

#[cfg(feature = "diesel-async-bb8")]
mod bb8;
#[cfg(feature = "diesel-async-deadpool")]
mod deadpool;

/// A connection of diesel-async's that blocks, as a pool lends it to the closure of
/// [`ConnectionSource::run`](super::ConnectionSource::run): Diesel's own verbs work with it, and all of this library's.
///
/// It is one type whichever pool has lent the connection, and the second parameter of a handler's session:
/// `WebSession<AppSession, BlockingConnection<AsyncPgConnection>>`. It waits for the runtime on which it was made, so it is used
/// on threads that may block; on an asynchronous one it panics.
///
/// # Example
///
#[cfg_attr(all(feature = "diesel-async-bb8", feature = "sqlite"), doc = "```")]
#[cfg_attr(not(all(feature = "diesel-async-bb8", feature = "sqlite")), doc = "```ignore")]
/// use diesel_async::pooled_connection::{AsyncDieselConnectionManager, bb8::Pool};
/// use diesel_async::sync_connection_wrapper::SyncConnectionWrapper;
/// use diesel_sessions::plain::sqlite::PlainSession;
/// use diesel_sessions::{BlockingConnection, ConnectionSource, Error, SessionRepository, migrations};
///
/// type AsyncSqlite = SyncConnectionWrapper<diesel::SqliteConnection>;    // or AsyncPgConnection
///
/// fn count(conn: &mut BlockingConnection<AsyncSqlite>) -> diesel::QueryResult<i64> {
///     use diesel::prelude::*;
///     diesel_sessions::plain::sqlite::schema::sessions::table.count().get_result(conn)
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let sessions = SessionRepository::<PlainSession>::builder().build()?;
/// let pool = Pool::builder().max_size(1).build(AsyncDieselConnectionManager::<AsyncSqlite>::new(":memory:")).await?;
/// let rows = pool.run(move |conn| {
///     migrations::run(conn)?;
///     sessions.create(conn, &mut sessions.new_session())?;
///     Ok::<_, Error>(count(conn)?)
/// });
/// assert_eq!(rows.await?, 1);
/// # Ok(())
/// # }
/// ```
pub type BlockingConnection<C> = AsyncConnectionWrapper<LentConnection<C>>;

/// A connection that goes back to its pool when it is dropped, whichever pool that is.
///
/// The pools of this library make them by themselves. A [`ConnectionSource`](super::ConnectionSource) of an application's own
/// writes `BlockingConnection::from(LentConnection::new(lent))`, on the thread that may block.
pub struct LentConnection<C>(Box<dyn DerefMut<Target = C> + Send>);

impl<C> LentConnection<C> {
    /// Takes what a pool has lent.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel_sessions::LentConnection;
    ///
    /// let lent = LentConnection::new(Box::new(7));    // in place of a pool's guard
    /// assert_eq!(*lent, 7);
    /// ```
    #[must_use]
    pub fn new(lent: impl DerefMut<Target = C> + Send + 'static) -> Self {
        LentConnection(Box::new(lent))
    }
}

impl<C> Deref for LentConnection<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.0
    }
}

impl<C> DerefMut for LentConnection<C> {
    fn deref_mut(&mut self) -> &mut C {
        &mut self.0
    }
}

impl<C> fmt::Debug for LentConnection<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LentConnection").finish_non_exhaustive()
    }
}

/// Runs the closure with what a pool has lent, and gives it back.
async fn run_with<C, T, E>(
    lent: impl DerefMut<Target = C> + Send + 'static,
    work: impl FnOnce(&mut BlockingConnection<C>) -> Result<T, E> + Send + 'static,
) -> Result<T, E>
where
    C: AsyncConnection + 'static,
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    on_blocking_thread(move || {
        // Made here, where the runtime of the caller is the current one and may be waited for.
        let mut conn = Returned(BlockingConnection::from(LentConnection::new(lent)));
        work(&mut conn.0)
    })
    .await
}

/// Goes back to its pool; after a panic as one that the pool must not lend again.
struct Returned<C: AsyncConnection>(BlockingConnection<C>);

impl<C: AsyncConnection> Drop for Returned<C> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            set_in_error(&mut self.0);
        }
    }
}
