//! The pool of diesel-async and bb8.

use ::bb8::{ManageConnection, Pool, RunError};
use diesel_async::AsyncConnection;
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, PoolError};

use super::{BlockingConnection, run_with};
use crate::error::{Error, ErrorKind};
use crate::source::ConnectionSource;
use crate::source::blocking::no_connection;

impl<C> ConnectionSource for Pool<AsyncDieselConnectionManager<C>>
where
    C: AsyncConnection + 'static,
    AsyncDieselConnectionManager<C>: ManageConnection<Connection = C, Error = PoolError>,
{
    type Connection = BlockingConnection<C>;

    async fn run<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Self::Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let lent = self.get_owned().await;
        let lent = lent.map_err(|error| no_connection(kind(&error, self.state().connections), error))?;
        run_with(lent, work).await
    }
}

/// bb8 keeps trying to open a connection until the time is up, and says nothing else then: if it has none at all, none
/// could be opened.
fn kind<E>(error: &RunError<E>, open: u32) -> ErrorKind {
    match error {
        RunError::TimedOut if open > 0 => ErrorKind::PoolTimeout,
        RunError::TimedOut | RunError::User(_) => ErrorKind::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // SECURITY 30
    #[test]
    fn a_pool_without_a_single_connection_could_not_open_one() {
        assert_eq!(kind(&RunError::<()>::TimedOut, 1), ErrorKind::PoolTimeout);
        assert_eq!(kind(&RunError::<()>::TimedOut, 0), ErrorKind::Unavailable);
        assert_eq!(kind(&RunError::User(()), 1), ErrorKind::Unavailable);
    }
}
