//! The pool that Diesel brings itself.

use std::future::Future;

use diesel::r2d2::{ConnectionManager, Pool, PoolError, R2D2Connection};

use super::blocking::{no_connection, on_blocking_thread};
use super::{BlockingPool, ConnectionSource};
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
        on_blocking_thread(move || {
            let mut conn = pool.get().map_err(|error| no_connection(kind(&error), error))?;
            work(&mut conn)
        })
    }

    fn blocking(&self) -> Option<BlockingPool<C>> {
        let pool = self.clone();
        let size = usize::try_from(self.max_size()).unwrap_or(usize::MAX);
        Some(BlockingPool::new(size, self.connection_timeout(), move |patience, work| {
            let mut conn = pool.get_timeout(patience).map_err(|error| no_connection(kind(&error), error))?;
            work(&mut *conn);
            Ok(())
        }))
    }
}

/// r2d2 says "timed out" and, if opening one has failed meanwhile, why.
fn kind(error: &PoolError) -> ErrorKind {
    let is_timeout = error.to_string() == "timed out waiting for connection";
    if is_timeout { ErrorKind::PoolTimeout } else { ErrorKind::Unavailable }
}
