//! Where asynchronous code gets a connection from, and a thread that may block.

use std::future::Future;

use crate::error::Error;

#[cfg(any(feature = "r2d2", feature = "deadpool-diesel", feature = "diesel-async-bb8", feature = "diesel-async-deadpool"))]
mod blocking;
mod blocking_pool;
#[cfg(any(feature = "axum", feature = "actix-web", feature = "tower-sessions-0-14", feature = "tower-sessions-0-15"))]
mod crew;
#[cfg(any(feature = "deadpool-diesel", feature = "diesel-async-deadpool"))]
mod deadpool;
#[cfg(feature = "deadpool-diesel")]
mod deadpool_diesel;
#[cfg(any(feature = "diesel-async-bb8", feature = "diesel-async-deadpool"))]
mod diesel_async;
#[cfg(feature = "r2d2")]
mod r2d2;

pub use blocking_pool::BlockingPool;
#[cfg(any(feature = "axum", feature = "actix-web", feature = "tower-sessions-0-14", feature = "tower-sessions-0-15"))]
pub(crate) use crew::Crewed;
#[cfg(any(feature = "diesel-async-bb8", feature = "diesel-async-deadpool"))]
pub use diesel_async::{BlockingConnection, LentConnection};

/// A pool that runs a closure with one of its connections, off the asynchronous threads.
///
/// Each on tokio's blocking threads:
///
/// | pool | feature | the closure's connection |
/// |---|---|---|
/// | [`diesel::r2d2::Pool`] | `r2d2` | Diesel's own, `PgConnection` for instance |
/// | `deadpool_diesel::Pool` | `deadpool-diesel` | Diesel's own |
/// | `diesel_async::pooled_connection::bb8::Pool` | `diesel-async-bb8` | `BlockingConnection` |
/// | `diesel_async::pooled_connection::deadpool::Pool` | `diesel-async-deadpool` | `BlockingConnection` |
///
/// The last two lend through diesel-async's `AsyncConnectionWrapper`. An application whose pool is another one implements the
/// trait itself.
///
/// # Example
///
/// ```
/// # #[cfg(feature = "r2d2")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use diesel::r2d2::{ConnectionManager, Pool};
/// use diesel::sqlite::SqliteConnection;
/// use diesel_sessions::{ConnectionSource, Error, SessionRepository, SqliteCustomizer, migrations, plain::sqlite::PlainSession};
///
/// let pool = Pool::builder()
///     .max_size(1)
///     .connection_customizer(Box::new(SqliteCustomizer::new()))
///     .build(ConnectionManager::<SqliteConnection>::new(":memory:"))?;
/// let sessions = SessionRepository::<PlainSession>::builder().build()?;
/// let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// let is_live = runtime.block_on(pool.run(move |conn| {
///     migrations::run(conn)?;
///     sessions.is_live(conn, "no token")
/// }))?;
/// assert!(!is_live);
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "r2d2"))]
/// # fn main() {}
/// ```
pub trait ConnectionSource: Clone + Send + Sync + 'static {
    /// What the closure gets: a connection of Diesel's, or one that behaves like it.
    type Connection;

    /// Takes a connection, runs `work` with it on a thread that may block, and gives it back. When the future is dropped, the
    /// work that has begun still runs to its end.
    ///
    /// # Errors
    ///
    /// The closure's own; [`ErrorKind::PoolTimeout`](crate::ErrorKind::PoolTimeout) when no connection came free in time,
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) when none could be opened.
    fn run<T, E, F>(&self, work: F) -> impl Future<Output = Result<T, E>> + Send
    where
        F: FnOnce(&mut Self::Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static;

    /// The pool as threads see it, if whoever waits for a connection of it occupies a thread; `None`, as by default, if it waits
    /// asynchronously. The web layers and the stores then let no more threads wait than it has connections.
    ///
    /// # Example
    ///
    /// ```
    /// # #[cfg(feature = "r2d2")]
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use diesel::r2d2::{ConnectionManager, Pool};
    /// use diesel::sqlite::SqliteConnection;
    /// use diesel_sessions::ConnectionSource;
    ///
    /// let pool = Pool::builder().max_size(4).build(ConnectionManager::<SqliteConnection>::new(":memory:"))?;
    /// assert_eq!(pool.blocking().map(|blocking| blocking.size()), Some(4));
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "r2d2"))]
    /// # fn main() {}
    /// ```
    fn blocking(&self) -> Option<BlockingPool<Self::Connection>> {
        None
    }
}
