//! The owner of the request's session, and why an extractor gives none, or no session.

use std::sync::Arc;

use crate::error::Error;
use crate::model::OwnedModel;

/// The owner of the request's session, an extractor: the handler runs only if somebody is signed in.
///
/// Otherwise the answer is 401, or the redirect of the layer's `sign_in_page`. Where everybody is let in, ask axum for
/// `Option<Owner<M>>`, and actix-web for its `MaybeOwner<M>`.
///
/// # Example
///
#[cfg_attr(feature = "axum", doc = "```")]
#[cfg_attr(not(feature = "axum"), doc = "```text")]
/// use diesel_sessions::Owner;
///
/// async fn account(Owner(id): Owner<PlainSession>) -> String {
///     format!("user number {id}")
/// }
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/axum/example.in"));
/// # fn main() {
/// # let app = axum::Router::new().route("/", axum::routing::get(account)).layer(SessionLayer::new(repository(), pool()));
/// assert_eq!(ask(app).0, StatusCode::UNAUTHORIZED, "nobody is signed in");
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner<M: OwnedModel>(pub M::Owner);

/// Why there is no [`WebSession`](super::WebSession).
#[derive(Debug)]
#[non_exhaustive]
pub enum WebSessionRejection {
    /// The route has no layer of this model and connection: a mistake in the application.
    MissingLayer(&'static str),
    /// The session could not be loaded.
    Failed(Error),
}

/// Why there is no [`Owner`].
#[derive(Debug)]
#[non_exhaustive]
pub enum OwnerRejection {
    /// There is no session.
    Session(WebSessionRejection),
    /// Nobody is signed in; the page to sign in at, if there is one.
    NotSignedIn(Option<Arc<str>>),
}

impl std::fmt::Display for WebSessionRejection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            WebSessionRejection::MissingLayer(model) => write!(f, "no layer for the model `{model}` on this route"),
            WebSessionRejection::Failed(_) => f.write_str("could not load the session"),
        }
    }
}

impl std::error::Error for WebSessionRejection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            WebSessionRejection::MissingLayer(_) => None,
            WebSessionRejection::Failed(error) => Some(error),
        }
    }
}

impl std::fmt::Display for OwnerRejection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            OwnerRejection::Session(rejection) => rejection.fmt(f),
            OwnerRejection::NotSignedIn(_) => f.write_str("nobody is signed in"),
        }
    }
}

impl std::error::Error for OwnerRejection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            OwnerRejection::Session(rejection) => rejection.source(),
            OwnerRejection::NotSignedIn(_) => None,
        }
    }
}
