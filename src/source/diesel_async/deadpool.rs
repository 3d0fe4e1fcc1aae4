//! The pool of diesel-async and deadpool.

use ::deadpool::managed::{Manager, Pool};
use diesel_async::AsyncConnection;
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, PoolError};

use super::{BlockingConnection, run_with};
use crate::error::Error;
use crate::source::ConnectionSource;
use crate::source::deadpool::refused;

impl<C> ConnectionSource for Pool<AsyncDieselConnectionManager<C>>
where
    C: AsyncConnection + 'static,
    AsyncDieselConnectionManager<C>: Manager<Type = C, Error = PoolError>,
{
    type Connection = BlockingConnection<C>;

    async fn run<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Self::Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        run_with(self.get().await.map_err(refused)?, work).await
    }
}
