//! What handlers ask for: the session, or its owner.

use std::sync::Arc;

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};

use super::answer::plain;
use super::request::RequestSession;
use super::web_session::WebSession;
use crate::error::Error;
use crate::model::{DbOwnedSession, DbSession, OwnedModel, SessionModel};

/// The owner of the request's session, an extractor: the handler runs only if somebody is signed in.
///
/// Otherwise the answer is 401, or the redirect of
/// [`SessionLayer::sign_in_page`](super::SessionLayer::sign_in_page). `Option<Owner<M>>` lets everybody in.
///
/// # Example
///
/// ```
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

/// Why there is no [`WebSession`].
#[derive(Debug)]
#[non_exhaustive]
pub enum WebSessionRejection {
    /// The route has no [`SessionLayer`](super::SessionLayer) of this model and connection: a mistake in the application.
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

impl<S, M, C> FromRequestParts<S> for WebSession<M, C>
where
    S: Sync,
    M: DbSession<C>,
    C: 'static,
{
    type Rejection = WebSessionRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, WebSessionRejection> {
        let request = parts.extensions.get::<Arc<RequestSession<M, C>>>().cloned();
        let request = request.ok_or(WebSessionRejection::MissingLayer(std::any::type_name::<M>()))?;
        let presented = request.edge.presented(&parts.headers);
        request.load(presented).await.map_err(WebSessionRejection::Failed)?;
        Ok(WebSession(request))
    }
}

impl<S, M> OptionalFromRequestParts<S> for Owner<M>
where
    S: Sync,
    M: DbOwnedSession<<M as SessionModel>::Connection>,
    <M as SessionModel>::Connection: 'static,
{
    type Rejection = WebSessionRejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, WebSessionRejection> {
        let session = <WebSession<M> as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        session.with(|session| Ok::<_, Error>(session.owner_field().cloned().map(Owner))).map_err(WebSessionRejection::Failed)
    }
}

impl<S, M> FromRequestParts<S> for Owner<M>
where
    S: Sync,
    M: DbOwnedSession<<M as SessionModel>::Connection>,
    <M as SessionModel>::Connection: 'static,
{
    type Rejection = OwnerRejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, OwnerRejection> {
        let owner = <Self as OptionalFromRequestParts<S>>::from_request_parts(parts, state).await;
        owner.map_err(OwnerRejection::Session)?.ok_or_else(|| {
            let request = parts.extensions.get::<Arc<RequestSession<M, M::Connection>>>();
            OwnerRejection::NotSignedIn(request.and_then(|request| request.sign_in_page.clone()))
        })
    }
}

impl IntoResponse for WebSessionRejection {
    fn into_response(self) -> Response {
        match self {
            WebSessionRejection::MissingLayer(model) => {
                let text = format!("No SessionLayer for the model `{model}` on this route: add `.layer(SessionLayer::new(…))`.");
                tracing::error!(target: "diesel_sessions", reason = %text, "request failed");
                (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
            }
            WebSessionRejection::Failed(error) => error.into_response(),
        }
    }
}

impl IntoResponse for OwnerRejection {
    fn into_response(self) -> Response {
        match self {
            OwnerRejection::Session(rejection) => rejection.into_response(),
            OwnerRejection::NotSignedIn(None) => plain(StatusCode::UNAUTHORIZED),
            OwnerRejection::NotSignedIn(Some(page)) => {
                let Ok(page) = HeaderValue::from_str(&page) else { return plain(StatusCode::UNAUTHORIZED) };
                (StatusCode::SEE_OTHER, [(header::LOCATION, page)]).into_response()
            }
        }
    }
}
