//! What deadpool says when it gives no connection, whatever it pools.

use ::deadpool::managed::{PoolError, TimeoutType};

use super::blocking::no_connection;
use crate::error::{Error, ErrorKind};

/// Translates it; the pool's own error is the source.
pub(super) fn refused<E: std::error::Error + Send + Sync + 'static>(error: PoolError<E>) -> Error {
    no_connection(kind(&error), error)
}

/// Only waiting for another's connection is a time-out of the pool: opening or checking one that takes too long means that the
/// database does not answer.
fn kind<E>(error: &PoolError<E>) -> ErrorKind {
    match error {
        PoolError::Timeout(TimeoutType::Wait) => ErrorKind::PoolTimeout,
        PoolError::NoRuntimeSpecified => ErrorKind::Config,
        PoolError::Timeout(TimeoutType::Create | TimeoutType::Recycle)
        | PoolError::Backend(_)
        | PoolError::Closed
        | PoolError::PostCreateHook(_) => ErrorKind::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // SECURITY 30
    #[test]
    fn a_refusal_says_whether_waiting_helps() {
        for (error, expected) in [
            (PoolError::Timeout(TimeoutType::Wait), ErrorKind::PoolTimeout),
            (PoolError::Timeout(TimeoutType::Create), ErrorKind::Unavailable),
            (PoolError::Timeout(TimeoutType::Recycle), ErrorKind::Unavailable),
            (PoolError::Backend(std::fmt::Error), ErrorKind::Unavailable),
            (PoolError::Closed, ErrorKind::Unavailable),
            (PoolError::NoRuntimeSpecified, ErrorKind::Config),
        ] {
            let text = error.to_string();
            let refused = refused(error);
            assert_eq!(refused.kind(), expected, "{text}");
            assert_eq!(std::error::Error::source(&refused).map(ToString::to_string), Some(text));
        }
    }
}
