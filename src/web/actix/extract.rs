//! What actix-web's handlers ask for: the session, or its owner.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use super::headers;
use crate::model::{DbSession, OwnedModel, SessionModel};
use crate::web::handler::request::RequestSession;
use crate::web::handler::whose::Whose;
use crate::web::{Owner, OwnerRejection, WebSession, WebSessionRejection};

/// The owner of the request's session, if somebody is signed in: an extractor that lets everybody in.
///
/// actix-web takes an `Option<Owner<M>>` to be `None` whatever has failed, so that its handler runs, and answers as if nobody were
/// signed in, while the database is down. The handler of a `MaybeOwner` does not run then: the client gets 503.
/// (Should a handler ask for the `Option` all the same, the middleware puts the 503 in the place of its answer.)
///
/// # Example
///
/// ```
/// use diesel_sessions::MaybeOwner;
///
/// async fn home(MaybeOwner(id): MaybeOwner<PlainSession>) -> String {
///     id.map_or_else(|| "hello".to_owned(), |id| format!("hello, user number {id}"))
/// }
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/actix/example.in"));
/// # fn main() {
/// # let (status, _) = ask(web::get().to(home), SessionMiddleware::new(repository(), pool()));
/// assert_eq!(status, StatusCode::OK);
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaybeOwner<M: OwnedModel>(pub Option<M::Owner>);

type Extracted<T, E> = Pin<Box<dyn Future<Output = Result<T, E>>>>;

impl<M, C> FromRequest for WebSession<M, C>
where
    M: DbSession<C>,
    C: 'static,
{
    type Error = WebSessionRejection;
    type Future = Extracted<Self, WebSessionRejection>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        // Nothing of the request is held across the await: a middleware may be about to change it.
        let found = request.extensions().get::<Arc<RequestSession<M, C>>>().cloned();
        let presented = found.as_ref().map(|session| session.presented(&headers::of_request(request.headers())));
        Box::pin(async move {
            let (Some(session), Some(presented)) = (found, presented) else {
                return Err(WebSessionRejection::MissingLayer(std::any::type_name::<M>()));
            };
            session.load(presented).await.map_err(WebSessionRejection::Failed)?;
            Ok(WebSession(session))
        })
    }
}

/// What the middleware has put into the request, for an owner.
fn whose<M: SessionModel>(request: &HttpRequest) -> Option<Arc<dyn Whose<M>>> {
    request.extensions().get::<Arc<dyn Whose<M>>>().cloned()
}

impl<M: OwnedModel> FromRequest for MaybeOwner<M> {
    type Error = WebSessionRejection;
    type Future = Extracted<Self, WebSessionRejection>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let owner = whose::<M>(request).map(|whose| whose.owner(&headers::of_request(request.headers())));
        Box::pin(async move {
            let owner = owner.ok_or(WebSessionRejection::MissingLayer(std::any::type_name::<M>()))?;
            owner.await.map(MaybeOwner).map_err(WebSessionRejection::Failed)
        })
    }
}

impl<M: OwnedModel> FromRequest for Owner<M> {
    type Error = OwnerRejection;
    type Future = Extracted<Self, OwnerRejection>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let owner = MaybeOwner::<M>::from_request(request, payload);
        let page = whose::<M>(request).and_then(|whose| whose.sign_in_page());
        Box::pin(async move {
            let MaybeOwner(owner) = owner.await.map_err(OwnerRejection::Session)?;
            owner.map(Owner).ok_or(OwnerRejection::NotSignedIn(page))
        })
    }
}
