//! What all pools share: a thread that may block, and the error when they lend nothing.

use crate::error::{Error, ErrorKind};

/// Runs the closure on a thread that may block. A panic of its own goes on in the caller.
pub(super) async fn on_blocking_thread<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => Err(Error::new(ErrorKind::Unavailable, "could not run the closure").with_source(error).into()),
        },
    }
}

/// The pool gave no connection. Its own text may repeat what a driver says of the server, a host name for instance; it is kept
/// as the source.
pub(super) fn no_connection(kind: ErrorKind, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(kind, "could not get a connection").with_source(source)
}
