//! What the client is told, as actix-web's answers.

use actix_web::http::StatusCode as ActixStatus;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use actix_web::{HttpResponse, ResponseError};
use http::StatusCode;

use super::headers::{of_status, to_status};
use crate::error::Error;
use crate::web::handler::answer::{status_of, words};
use crate::web::{OwnerRejection, WebSessionRejection};

/// The status of an error: 503 while the database cannot serve, 409 when another request was faster, 403 when the proof of identity
/// is too old, else 500. The error goes to `tracing`, the client gets a text that names no detail.
impl ResponseError for Error {
    fn status_code(&self) -> ActixStatus {
        of_status(status_of(self.kind()))
    }

    fn error_response(&self) -> HttpResponse {
        if self.status_code().is_server_error() {
            tracing::error!(target: "diesel_sessions", error = self as &dyn std::error::Error, "request failed");
        }
        plain(status_of(self.kind()))
    }
}

impl ResponseError for WebSessionRejection {
    fn status_code(&self) -> ActixStatus {
        match self {
            WebSessionRejection::MissingLayer(_) => ActixStatus::INTERNAL_SERVER_ERROR,
            WebSessionRejection::Failed(error) => error.status_code(),
        }
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            WebSessionRejection::MissingLayer(model) => {
                let text = format!(
                    "No SessionMiddleware for the model `{model}` on this route: add `.wrap(SessionMiddleware::new(…))`."
                );
                tracing::error!(target: "diesel_sessions", reason = %text, "request failed");
                HttpResponse::build(self.status_code()).insert_header((CONTENT_TYPE, TEXT)).body(text)
            }
            WebSessionRejection::Failed(error) => error.error_response(),
        }
    }
}

impl ResponseError for OwnerRejection {
    fn status_code(&self) -> ActixStatus {
        match self {
            OwnerRejection::Session(rejection) => rejection.status_code(),
            OwnerRejection::NotSignedIn(None) => ActixStatus::UNAUTHORIZED,
            OwnerRejection::NotSignedIn(Some(_)) => ActixStatus::SEE_OTHER,
        }
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            OwnerRejection::Session(rejection) => rejection.error_response(),
            OwnerRejection::NotSignedIn(None) => plain(to_status(self.status_code())),
            OwnerRejection::NotSignedIn(Some(page)) => {
                HttpResponse::build(self.status_code()).insert_header((LOCATION, page.as_ref())).finish()
            }
        }
    }
}

const TEXT: &str = "text/plain; charset=utf-8";

/// An answer that says no more than its status.
pub(super) fn plain(status: StatusCode) -> HttpResponse {
    HttpResponse::build(of_status(status))
        .insert_header((CONTENT_TYPE, TEXT))
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(words(status))
}
