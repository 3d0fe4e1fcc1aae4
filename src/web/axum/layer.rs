//! The layer: puts a session within reach of every handler, and saves what they changed.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum_core::response::{IntoResponse, Response};
use http::Request;
use tower_layer::Layer;
use tower_service::Service;

use super::answer::plain;
use crate::error::{ErrorKind, Result};
use crate::model::{DbSession, SessionModel};
use crate::repository::SessionRepository;
use crate::source::ConnectionSource;
use crate::web::CookieOptions;
use crate::web::handler::answer::status_of;
use crate::web::handler::request::{Closed, RequestSession};
use crate::web::handler::settings::{OwnAnswer, Settings};
use crate::web::handler::whose::Whose;

/// Gives every request below it a session, which handlers reach through [`WebSession`](super::WebSession).
///
/// A request whose handler never asks costs no statement and gets no cookie. What was changed is saved once, after the handler
/// and before the head of the answer leaves; not if the answer is a server error, nor after a panic.
///
/// # Example
///
/// ```
/// use axum::{Router, routing::get};
/// use diesel_sessions::{Error, WebSession};
///
/// async fn count(session: WebSession<PlainSession>) -> Result<String, Error> {
///     session.with_mut(|s| {
///         let visits = s.get("visits")?.unwrap_or(0) + 1;
///         s.insert("visits", visits)?;
///         Ok(format!("visit number {visits}"))
///     })
/// }
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/axum/example.in"));
/// # fn main() {
/// # let (sessions, pool) = (repository(), pool());
/// let app = Router::new().route("/", get(count)).layer(SessionLayer::new(sessions, pool));
/// # let (status, headers) = ask(app);
/// assert!(status.is_success() && headers.contains_key("set-cookie"));
/// # }
/// ```
pub struct SessionLayer<M: SessionModel, P> {
    settings: Settings<M, P, Response>,
}

impl<M: SessionModel, P: ConnectionSource> SessionLayer<M, P> {
    /// A layer with the default [`CookieOptions`].
    ///
    /// # Example
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/axum/example.in"));
    /// # fn main() {
    /// # let (sessions, pool) = (repository(), pool());
    /// let layer = SessionLayer::new(sessions, pool);
    /// let app = axum::Router::new().route("/", axum::routing::get(|| async { "hello" })).layer(layer);
    /// assert!(!ask(app).1.contains_key("set-cookie"), "nobody has asked for the session");
    /// # }
    /// ```
    #[must_use]
    pub fn new(sessions: SessionRepository<M>, source: P) -> Self
    where
        M: DbSession<P::Connection>,
    {
        SessionLayer { settings: Settings::new(sessions, source) }
    }

    /// Another cookie.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] for options that browsers refuse.
    ///
    /// # Example
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/axum/example.in"));
    /// use diesel_sessions::web::CookieOptions;
    /// # fn main() -> Result<(), diesel_sessions::Error> {
    /// # let (sessions, pool) = (repository(), pool());
    /// let layer = SessionLayer::new(sessions, pool);
    /// assert!(layer.clone().cookie(CookieOptions::new().name("__Host-shop")).is_ok());
    /// assert!(layer.cookie(CookieOptions::new().name("__Host-shop").over_plain_http()).is_err());
    /// # Ok(()) }
    /// ```
    pub fn cookie(mut self, options: CookieOptions) -> Result<Self> {
        self.settings.set_cookie(options)?;
        Ok(self)
    }

    /// Where an [`Owner`](super::Owner) sends those who are not signed in, with 303: a path or an address, percent-encoded. Without
    /// it, and where it can be no header, they get 401. For an answer that depends on the request, let the handler ask for
    /// `Result<Owner<M>, OwnerRejection>`.
    ///
    /// # Example
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/axum/example.in"));
    /// use diesel_sessions::Owner;
    /// # fn main() {
    /// # let (sessions, pool) = (repository(), pool());
    /// let layer = SessionLayer::new(sessions, pool).sign_in_page("/sign-in");
    /// let account = |Owner(id): Owner<PlainSession>| async move { id.to_string() };
    /// let app = axum::Router::new().route("/", axum::routing::get(account)).layer(layer);
    /// let (status, headers) = ask(app);
    /// assert_eq!((status, headers["location"].to_str().unwrap()), (StatusCode::SEE_OTHER, "/sign-in"));
    /// # }
    /// ```
    #[must_use]
    pub fn sign_in_page(mut self, path: impl Into<Arc<str>>) -> Self {
        self.settings.sign_in_page = Some(path.into());
        self
    }

    /// The answer in place of the handler's when its change could not be saved, as the session has ended or was rotated
    /// meanwhile. Without it, a plain 409.
    ///
    /// # Example
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/axum/example.in"));
    /// use axum::response::{IntoResponse, Redirect};
    /// use diesel_sessions::{Error, WebSession};
    /// # fn main() {
    /// # let (sessions, pool) = (repository(), pool());
    /// # let other = sessions.clone();
    /// let layer = SessionLayer::new(sessions, pool).when_lost(|| Redirect::to("/sign-in").into_response());
    /// # let handler = |session: WebSession<PlainSession>| async move {
    /// #     session.create().await?;
    /// #     session.run(move |conn, _| other.revoke_everyone(conn)).await?;    // meanwhile, somebody signs the user out
    /// #     session.with_mut(|s| s.insert("late", true)).map(drop)
    /// # };
    /// # let app = axum::Router::new().route("/", axum::routing::get(handler)).layer(layer);
    /// let (status, headers) = ask(app);
    /// assert!(status == StatusCode::SEE_OTHER && !headers.contains_key("set-cookie"));
    /// # }
    /// ```
    #[must_use]
    pub fn when_lost(mut self, answer: impl Fn() -> Response + Send + Sync + 'static) -> Self {
        self.settings.lost = Some(Arc::new(answer));
        self
    }
}

impl<M: SessionModel, P: Clone> Clone for SessionLayer<M, P> {
    fn clone(&self) -> Self {
        SessionLayer { settings: self.settings.clone() }
    }
}

impl<M: SessionModel, P> std::fmt::Debug for SessionLayer<M, P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionLayer").finish_non_exhaustive()
    }
}

impl<S, M: SessionModel, P: Clone> Layer<S> for SessionLayer<M, P> {
    type Service = SessionService<S, M, P>;

    fn layer(&self, inner: S) -> Self::Service {
        SessionService { inner, settings: self.settings.clone() }
    }
}

/// What a [`SessionLayer`] makes of a service.
pub struct SessionService<S, M: SessionModel, P> {
    inner: S,
    settings: Settings<M, P, Response>,
}

impl<S: Clone, M: SessionModel, P: Clone> Clone for SessionService<S, M, P> {
    fn clone(&self) -> Self {
        SessionService { inner: self.inner.clone(), settings: self.settings.clone() }
    }
}

impl<S, M: SessionModel, P> std::fmt::Debug for SessionService<S, M, P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionService").finish_non_exhaustive()
    }
}

impl<S, M, P, Body> Service<Request<Body>> for SessionService<S, M, P>
where
    S: Service<Request<Body>> + Clone + Send + 'static,
    S::Response: IntoResponse,
    S::Future: Send,
    M: DbSession<P::Connection>,
    P: ConnectionSource,
    P::Connection: 'static,
    Body: Send + 'static,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<std::result::Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let Settings { edge, source, sign_in_page, lost } = self.settings.clone();
        let session = Arc::new(RequestSession::new(edge, source, sign_in_page));
        let whose: Arc<dyn Whose<M>> = session.clone();
        request.extensions_mut().insert(whose);
        request.extensions_mut().insert(Arc::clone(&session));
        // The one that was polled ready goes; its clone takes its place.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        Box::pin(async move {
            let answer = inner.call(request).await?.into_response();
            Ok(finish(&session, answer, lost).await)
        })
    }
}

/// Saves what the handler changed, and gives the answer its headers.
async fn finish<M, C>(session: &Arc<RequestSession<M, C>>, mut answer: Response, lost: Option<OwnAnswer<Response>>) -> Response
where
    M: DbSession<C>,
    C: 'static,
{
    let (visit, saved) = match session.close(answer.status()).await {
        Closed::Unasked | Closed::Failed(_) => return answer,
        Closed::Met { visit, saved } => (visit, saved),
    };
    if let Err(error) = &saved {
        answer = match (error.kind(), lost) {
            (ErrorKind::Gone | ErrorKind::Rotated, Some(lost)) => lost(),
            _ => not_saved(error),
        };
    }
    session.edge.answer(&visit, &saved, answer.headers_mut());
    answer
}

fn not_saved(error: &crate::Error) -> Response {
    let status = status_of(error.kind());
    if status.is_server_error() {
        tracing::error!(target: "diesel_sessions", error = error as &dyn std::error::Error, "session not saved");
    }
    plain(status)
}
