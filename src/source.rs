//! Where asynchronous code gets a connection from, and a thread that may block.

use std::future::Future;

use crate::error::Error;

/// A pool that runs a closure with one of its connections, off the asynchronous threads.
///
/// Implemented for [`diesel::r2d2::Pool`] on tokio's blocking threads (feature `r2d2`).
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
}

#[cfg(feature = "r2d2")]
mod r2d2 {
    use diesel::r2d2::{ConnectionManager, Pool, R2D2Connection};

    use super::{ConnectionSource, Future};
    use crate::error::{Error, ErrorKind};

    impl<C: R2D2Connection + 'static> ConnectionSource for Pool<ConnectionManager<C>> {
        type Connection = C;

        fn run<T, E, F>(&self, work: F) -> impl Future<Output = Result<T, E>> + Send
        where
            F: FnOnce(&mut Self::Connection) -> Result<T, E> + Send + 'static,
            T: Send + 'static,
            E: From<Error> + Send + 'static,
        {
            let pool = self.clone();
            async move {
                let task = tokio::task::spawn_blocking(move || {
                    let mut conn = pool.get().map_err(|error| E::from(no_connection(error)))?;
                    work(&mut conn)
                });
                match task.await {
                    Ok(result) => result,
                    Err(error) => match error.try_into_panic() {
                        Ok(panic) => std::panic::resume_unwind(panic),
                        Err(error) => {
                            Err(Error::new(ErrorKind::Unavailable, "could not run the closure").with_source(error).into())
                        }
                    },
                }
            }
        }
    }

    /// r2d2 says "timed out" and, if opening one has failed meanwhile, why.
    fn no_connection(error: diesel::r2d2::PoolError) -> Error {
        let is_timeout = error.to_string() == "timed out waiting for connection";
        let kind = if is_timeout { ErrorKind::PoolTimeout } else { ErrorKind::Unavailable };
        // The pool's text may repeat what the driver says of the server, a host name for instance; it is kept as the source.
        Error::new(kind, "could not get a connection").with_source(error)
    }
}
