//! What the client is told when a session cannot be had or kept, in any framework. Plain texts, which name no detail.

use http::StatusCode;

use crate::error::ErrorKind;

/// The status of an error: 503 while the database cannot serve, 409 when another request was faster, 403 when the proof of
/// identity is too old, else 500.
pub(crate) fn status_of(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::Unavailable | ErrorKind::PoolTimeout | ErrorKind::Busy | ErrorKind::Deadlock | ErrorKind::Serialization => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        ErrorKind::Gone | ErrorKind::Rotated | ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::NotFresh => StatusCode::FORBIDDEN,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The words for a status, which say no more than it does.
pub(crate) fn words(status: StatusCode) -> &'static str {
    match status {
        StatusCode::SERVICE_UNAVAILABLE => "The service is not available at the moment. Please try again.",
        StatusCode::CONFLICT => "Your session has changed or ended meanwhile, and this was not saved. Please try again.",
        StatusCode::FORBIDDEN => "Please sign in again first.",
        StatusCode::UNAUTHORIZED => "Please sign in.",
        _ => "Something went wrong.",
    }
}
