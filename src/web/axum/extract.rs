//! What axum's handlers ask for: the session, or its owner.

use std::sync::Arc;

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};

use super::answer::plain;
use crate::model::{DbSession, OwnedModel, SessionModel};
use crate::web::handler::request::RequestSession;
use crate::web::handler::whose::Whose;
use crate::web::{Owner, OwnerRejection, WebSession, WebSessionRejection};

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
        let presented = request.presented(&parts.headers);
        request.load(presented).await.map_err(WebSessionRejection::Failed)?;
        Ok(WebSession(request))
    }
}

/// What the layer has put into the request, for an owner.
fn whose<M: SessionModel>(parts: &Parts) -> Result<Arc<dyn Whose<M>>, WebSessionRejection> {
    let request = parts.extensions.get::<Arc<dyn Whose<M>>>().cloned();
    request.ok_or(WebSessionRejection::MissingLayer(std::any::type_name::<M>()))
}

impl<S, M> OptionalFromRequestParts<S> for Owner<M>
where
    S: Sync,
    M: OwnedModel,
{
    type Rejection = WebSessionRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, WebSessionRejection> {
        let owner = whose::<M>(parts)?.owner(&parts.headers).await;
        owner.map(|owner| owner.map(Owner)).map_err(WebSessionRejection::Failed)
    }
}

impl<S, M> FromRequestParts<S> for Owner<M>
where
    S: Sync,
    M: OwnedModel,
{
    type Rejection = OwnerRejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, OwnerRejection> {
        let owner = <Self as OptionalFromRequestParts<S>>::from_request_parts(parts, state).await;
        owner
            .map_err(OwnerRejection::Session)?
            .ok_or_else(|| OwnerRejection::NotSignedIn(whose::<M>(parts).ok().and_then(|request| request.sign_in_page())))
    }
}

impl IntoResponse for WebSessionRejection {
    fn into_response(self) -> Response {
        match self {
            WebSessionRejection::MissingLayer(model) => {
                let text = format!(
                    "No SessionLayer for the model `{model}` on this route: add `.layer(SessionLayer::new(…))`. If there is one, its \
                     pool lends another connection than the handler asks for: `WebSession<M, C>` names it."
                );
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
