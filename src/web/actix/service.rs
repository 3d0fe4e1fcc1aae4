//! What the middleware does with each request: a session on its way in, the save and the cookie on its way out.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::{Error as ActixError, HttpMessage, HttpResponse};
use http::{HeaderMap, StatusCode};

use super::answer::plain;
use super::headers::{add_to, to_status};
use crate::error::{Error, ErrorKind};
use crate::model::{DbSession, SessionModel};
use crate::source::ConnectionSource;
use crate::web::handler::answer::status_of;
use crate::web::handler::request::{Closed, RequestSession};
use crate::web::handler::settings::{OwnAnswer, Settings};
use crate::web::handler::whose::Whose;

/// What a [`SessionMiddleware`](super::SessionMiddleware) makes of a service.
pub struct SessionService<S, M: SessionModel, P> {
    pub(super) inner: S,
    pub(super) settings: Settings<M, P, HttpResponse>,
}

impl<S, M: SessionModel, P> std::fmt::Debug for SessionService<S, M, P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionService").finish_non_exhaustive()
    }
}

impl<S, B, M, P> Service<ServiceRequest> for SessionService<S, M, P>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = ActixError>,
    S::Future: 'static,
    B: MessageBody + 'static,
    M: DbSession<P::Connection>,
    P: ConnectionSource,
    P::Connection: 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = ActixError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ActixError>>>>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), ActixError>> {
        self.inner.poll_ready(context)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let Settings { edge, source, sign_in_page, lost } = self.settings.clone();
        let session = Arc::new(RequestSession::new(edge, source, sign_in_page));
        let whose: Arc<dyn Whose<M>> = session.clone();
        request.extensions_mut().insert(Arc::clone(&session));
        request.extensions_mut().insert(whose);
        let answering = self.inner.call(request);
        Box::pin(async move {
            match answering.await {
                Ok(answer) => Ok(finish(&session, answer, lost).await),
                Err(error) => Err(finish_error(&session, error, lost).await),
            }
        })
    }
}

/// Finishes an answer; a handler's error has become one.
async fn finish<M, C, B>(
    session: &Arc<RequestSession<M, C>>,
    answer: ServiceResponse<B>,
    lost: Option<OwnAnswer<HttpResponse>>,
) -> ServiceResponse<EitherBody<B>>
where
    M: DbSession<C>,
    C: 'static,
    B: MessageBody + 'static,
{
    let Ending { instead, headers } = end(session, to_status(answer.status()), lost).await;
    let mut answer = match instead {
        Some(instead) => answer.into_response(instead).map_into_right_body(),
        None => answer.map_into_left_body(),
    };
    add_to(answer.headers_mut(), &headers);
    answer
}

/// Finishes the error of a middleware further in: it stays an error, whose answer is made here.
async fn finish_error<M, C>(
    session: &Arc<RequestSession<M, C>>,
    error: ActixError,
    lost: Option<OwnAnswer<HttpResponse>>,
) -> ActixError
where
    M: DbSession<C>,
    C: 'static,
{
    if !session.was_asked() {
        return error;
    }
    let answer = error.error_response();
    let Ending { instead, headers } = end(session, to_status(answer.status()), lost).await;
    let mut answer = instead.unwrap_or(answer);
    add_to(answer.headers_mut(), &headers);
    InternalError::from_response(error, answer).into()
}

/// What becomes of an answer.
struct Ending {
    /// Another in its place.
    instead: Option<HttpResponse>,
    /// The headers that the session asks for.
    headers: HeaderMap,
}

/// Saves what the handler changed.
async fn end<M, C>(session: &Arc<RequestSession<M, C>>, status: StatusCode, lost: Option<OwnAnswer<HttpResponse>>) -> Ending
where
    M: DbSession<C>,
    C: 'static,
{
    let mut headers = HeaderMap::new();
    let instead = match session.close(status).await {
        Closed::Unasked => None,
        Closed::Failed(kind) => passes_for_anonymous(status).then(|| {
            tracing::error!(target: "diesel_sessions", reason = ?kind, "answered without the session");
            plain(status_of(kind))
        }),
        Closed::Met { visit, saved } => {
            session.edge.answer(&visit, &saved, &mut headers);
            saved.err().map(|error| match (error.kind(), lost) {
                (ErrorKind::Gone | ErrorKind::Rotated, Some(lost)) => lost(),
                _ => not_saved(&error),
            })
        }
    };
    Ending { instead, headers }
}

/// Whether a handler that asked in vain may have answered as if nobody were there: actix-web hands it `None` for every error when
/// it asks for an `Option`. Such an answer never leaves.
fn passes_for_anonymous(status: StatusCode) -> bool {
    !status.is_server_error()
}

fn not_saved(error: &Error) -> HttpResponse {
    let status = status_of(error.kind());
    if status.is_server_error() {
        tracing::error!(target: "diesel_sessions", error = error as &dyn std::error::Error, "session not saved");
    }
    plain(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    // S103
    #[test]
    fn an_answer_without_its_session_leaves_as_a_server_error_alone() {
        for code in [101, 200, 204, 303, 401, 404] {
            assert!(passes_for_anonymous(StatusCode::from_u16(code).unwrap()), "{code}");
        }
        assert!(
            !passes_for_anonymous(StatusCode::INTERNAL_SERVER_ERROR) && !passes_for_anonymous(StatusCode::SERVICE_UNAVAILABLE)
        );
    }
}
