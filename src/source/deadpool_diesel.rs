//! The pools of deadpool-diesel, which lend Diesel's own connections.

use ::deadpool::managed::Pool;
use deadpool_diesel::Manager;
use diesel::Connection;

use super::blocking::{no_connection, on_blocking_thread};
use super::{ConnectionSource, deadpool};
use crate::error::{Error, ErrorKind};

/// What [`SqliteCustomizer`](crate::SqliteCustomizer) sets on SQLite's connections is set by a hook here.
///
/// # Example
///
#[cfg_attr(all(feature = "sqlite", feature = "r2d2"), doc = "```")]
#[cfg_attr(not(all(feature = "sqlite", feature = "r2d2")), doc = "```ignore")]
/// use deadpool_diesel::sqlite::{Hook, HookError, Manager, Pool, Runtime};
/// use diesel::r2d2::CustomizeConnection;
/// use diesel_sessions::{ConnectionSource, Error, SqliteCustomizer, migrations};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let settings = Hook::async_fn(|object, _| {
///     Box::pin(async move {
///         let set = object.interact(|conn| SqliteCustomizer::new().on_acquire(conn)).await;
///         set.map_err(|error| HookError::message(error.to_string()))?.map_err(|error| HookError::message(error.to_string()))
///     })
/// });
/// # let sessions = diesel_sessions::SessionRepository::<diesel_sessions::plain::sqlite::PlainSession>::builder().build()?;
/// # let dir = tempfile::tempdir()?;
/// # let file = dir.path().join("sessions.sqlite3").display().to_string();
/// let pool = Pool::builder(Manager::new(file, Runtime::Tokio1)).post_create(settings).build()?;
/// pool.run(move |conn| {
///     migrations::run(conn)?;
///     sessions.check(conn)
/// })
/// .await?;
/// # Ok(())
/// # }
/// ```
impl<C> ConnectionSource for Pool<Manager<C>>
where
    C: Connection + 'static,
    Manager<C>: ::deadpool::managed::Manager<Type = deadpool_diesel::Connection<C>, Error = deadpool_diesel::Error>,
{
    type Connection = C;

    async fn run<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Self::Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let object = self.get().await.map_err(deadpool::refused)?;
        on_blocking_thread(move || {
            // Its lock is held by nobody else, and poisoned by a panic of the closure: the pool then takes it for broken.
            let mut conn = object.lock().map_err(|_| no_connection(ErrorKind::Unavailable, "a closure panicked with it"))?;
            work(&mut conn)
        })
        .await
    }
}
