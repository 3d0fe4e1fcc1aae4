//! What the client is told when a session cannot be had or kept. Plain texts, which name no detail.

use axum_core::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use crate::error::{Error, ErrorKind};

/// The status of an error: 503 while the database cannot serve, 409 when another request was faster, 403 when the proof of identity
/// is too old, else 500. The error goes to `tracing`, the client gets a text that names no detail.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = status_of(self.kind());
        if status.is_server_error() {
            tracing::error!(target: "diesel_sessions", error = &self as &dyn std::error::Error, "request failed");
        }
        plain(status)
    }
}

/// What an error is told as.
pub(super) fn status_of(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::Unavailable | ErrorKind::PoolTimeout | ErrorKind::Busy | ErrorKind::Deadlock | ErrorKind::Serialization => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        ErrorKind::Gone | ErrorKind::Rotated | ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::NotFresh => StatusCode::FORBIDDEN,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// An answer that says no more than its status.
pub(super) fn plain(status: StatusCode) -> Response {
    let text = match status {
        StatusCode::SERVICE_UNAVAILABLE => "The service is not available at the moment. Please try again.",
        StatusCode::CONFLICT => "Your session has changed or ended meanwhile, and this was not saved. Please try again.",
        StatusCode::FORBIDDEN => "Please sign in again first.",
        StatusCode::UNAUTHORIZED => "Please sign in.",
        _ => "Something went wrong.",
    };
    let mut answer = (status, text).into_response();
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
