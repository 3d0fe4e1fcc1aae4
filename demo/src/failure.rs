//! What can go wrong in a handler, and the page that says so.

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use crate::page::Head;

/// Why a handler has no page to show.
pub(crate) enum Failure {
    /// The database, or the session.
    Session(diesel_sessions::Error),
    /// The page could not be rendered.
    Template(askama::Error),
    /// Something else that is the shop's fault.
    Broken(&'static str),
    /// There is nothing here.
    NotFound,
    /// It is not for this user.
    Forbidden,
}

impl From<diesel_sessions::Error> for Failure {
    fn from(error: diesel_sessions::Error) -> Self {
        Failure::Session(error)
    }
}

impl From<diesel::result::Error> for Failure {
    fn from(error: diesel::result::Error) -> Self {
        // The library says what kind of trouble the database has: which status that is, is decided once.
        Failure::Session(error.into())
    }
}

impl From<askama::Error> for Failure {
    fn from(error: askama::Error) -> Self {
        Failure::Template(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = match self {
            // 503 while the database cannot serve, 409 when the session has changed meanwhile, …; it logs too.
            Failure::Session(error) => return error.into_response(),
            Failure::Template(error) => {
                tracing::error!(%error, "page not rendered");
                StatusCode::INTERNAL_SERVER_ERROR
            }
            Failure::Broken(what) => {
                tracing::error!(what, "request failed");
                StatusCode::INTERNAL_SERVER_ERROR
            }
            Failure::NotFound => StatusCode::NOT_FOUND,
            Failure::Forbidden => StatusCode::FORBIDDEN,
        };
        status.into_response()
    }
}

#[derive(Template)]
#[template(path = "failure.html")]
struct Page {
    head: Head,
    title: &'static str,
    text: &'static str,
}

/// Whatever is under no route.
pub(crate) async fn no_such_page() -> Failure {
    Failure::NotFound
}

/// Gives every error that is not a page yet the look of the shop, whoever gave it: a handler, an extractor or the session's layer. Status
/// and headers stay, cookies among them.
pub(crate) async fn as_page(answer: Response) -> Response {
    let status = answer.status();
    let is_page = answer.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if is_page || !(status.is_client_error() || status.is_server_error()) {
        return answer;
    }
    // After a server error nobody knows for certain what was done: the connection may have broken after the commit.
    let (title, text) = match status {
        StatusCode::FORBIDDEN => ("Not for you", "This page is for others, or the request came from another site."),
        StatusCode::NOT_FOUND => ("Nothing here", "There is no such page in this shop."),
        StatusCode::CONFLICT => ("Please try again", "You were signed in or out meanwhile, and this was not saved."),
        StatusCode::SERVICE_UNAVAILABLE => (
            "Back in a moment",
            "The shop cannot serve you at the moment. Please look whether it did what you asked, before you ask again.",
        ),
        status if status.is_client_error() => ("That did not work", "The shop does not understand this request."),
        _ => {
            ("Our mistake", "Something went wrong in the shop. Please look whether it did what you asked, before you ask again.")
        }
    };
    let Ok(page) = (Page { head: Head::default(), title, text }).render() else { return answer };
    let (mut parts, _) = answer.into_parts();
    parts.headers.remove(header::CONTENT_TYPE);
    parts.headers.remove(header::CONTENT_LENGTH);
    let mut page = Html(page).into_response();
    parts.headers.extend(page.headers().clone());
    *page.status_mut() = status;
    *page.headers_mut() = parts.headers;
    page
}
