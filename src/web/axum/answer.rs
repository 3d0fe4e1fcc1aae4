//! What the client is told, as axum's answers.

use axum_core::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use crate::error::Error;
use crate::web::handler::answer::{status_of, words};

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

/// An answer that says no more than its status.
pub(super) fn plain(status: StatusCode) -> Response {
    let mut answer = (status, words(status)).into_response();
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
