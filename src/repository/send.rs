//! Carrying statements to the connection: translating errors, and trying again where nothing can be half-done.

use diesel::QueryResult;

use super::SessionRepository;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{DbSession, Engine, SessionModel};

/// How often a statement or a transaction of the library's own is tried when the database resolves a deadlock with it.
const MAX_TRIES: usize = 10;

impl<M: SessionModel> SessionRepository<M> {
    /// Sends one statement. Outside of a transaction it is tried again after a deadlock or a serialisation failure.
    pub(crate) fn send<C, T>(
        &self,
        conn: &mut C,
        deed: &'static str,
        mut statement: impl FnMut(&mut C) -> QueryResult<T>,
    ) -> Result<T>
    where
        M: DbSession<C>,
    {
        let open = self.in_transaction_of_caller(conn)?;
        let mut tries = 1;
        loop {
            let error = match statement(conn) {
                Ok(answer) => return Ok(answer),
                Err(error) => Error::from_database(deed, error),
            };
            if open || tries == MAX_TRIES || !is_transient(&error) {
                mark::<M, C>(conn, open, &error);
                return Err(error);
            }
            tries += 1;
        }
    }

    /// Runs several statements in one transaction, or in a savepoint of the caller's. The closure changes nothing but the
    /// database: it may run again.
    pub(crate) fn send_together<C, T>(
        &self,
        conn: &mut C,
        deed: &'static str,
        mut statements: impl FnMut(&mut C) -> Result<T>,
    ) -> Result<T>
    where
        M: DbSession<C>,
    {
        let open = self.in_transaction_of_caller(conn)?;
        let mut tries = 1;
        loop {
            let result = M::transaction(conn, |conn| {
                // Before Diesel rolls back: after a deadlock on MySQL the savepoint is gone, and a closed connection has nothing left.
                statements(conn).inspect_err(|error| mark::<M, C>(conn, open, error))
            })
            .map_err(|error| error.with_deed_of_its_own(deed));
            match result {
                Err(error) if !open && tries < MAX_TRIES && is_transient(&error) => tries += 1,
                Err(error) => {
                    mark::<M, C>(conn, open, &error);
                    tracing::debug!(target: "diesel_sessions", reason = deed, "transaction rolled back");
                    return Err(error);
                }
                done => return done,
            }
        }
    }

    /// Whether the caller has a transaction open.
    pub(super) fn in_transaction_of_caller<C>(&self, conn: &mut C) -> Result<bool>
    where
        M: DbSession<C>,
    {
        M::transaction_depth(conn)
            .map(|depth| depth > 0)
            .map_err(|error| Error::from_database("could not use the connection", error))
    }
}

fn is_transient(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Deadlock | ErrorKind::Serialization)
}

/// Marks a connection that must not be used further: a closed one, and one whose whole transaction MySQL has rolled back
/// while Diesel thinks that it is open: after a deadlock, and on MariaDB when a row has changed since its snapshot.
fn mark<M: DbSession<C>, C>(conn: &mut C, open: bool, error: &Error) {
    let transaction_is_gone = open && M::ENGINE == Engine::Mysql && is_transient(error);
    if transaction_is_gone || error.kind() == ErrorKind::Unavailable {
        M::set_in_error(conn);
    }
}
