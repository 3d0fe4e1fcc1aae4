//! What all pages have in common: their head, how they are rendered, and the headers that they carry.

use askama::Template;
use axum::http::{HeaderValue, header};
use axum::response::{Html, Response};

use crate::failure::Failure;

/// What the head of each page shows.
#[derive(Default)]
pub(crate) struct Head {
    /// Who is signed in.
    pub(crate) user: Option<String>,
    /// Whether that is an operator.
    pub(crate) is_operator: bool,
    /// How many things are in the cart.
    pub(crate) in_cart: u32,
    /// What the last request has to say.
    pub(crate) notice: Option<String>,
}

/// Renders a page.
pub(crate) fn render(page: &impl Template) -> Result<Html<String>, Failure> {
    Ok(Html(page.render()?))
}

/// Nothing that depends on who asks is kept by a cache or shown again by the back button, unless a handler says otherwise.
pub(crate) async fn headers(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    answer
}
