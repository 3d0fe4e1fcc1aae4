//! The middleware: puts a session within reach of every handler.

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::{Error as ActixError, HttpResponse};

use super::service::SessionService;
use crate::error::Result;
use crate::model::{DbSession, SessionModel};
use crate::repository::SessionRepository;
use crate::source::ConnectionSource;
use crate::web::CookieOptions;
use crate::web::handler::settings::Settings;

/// Gives every request below it a session, which handlers reach through [`WebSession`](super::WebSession).
///
/// A request whose handler never asks costs no statement and gets no cookie. What was changed is saved once, after the handler
/// and before the head of the answer leaves; not if the answer is a server error, nor after a panic.
///
/// Make it once, outside of the closure that `HttpServer::new` is given, and wrap each worker's application in a clone.
///
/// # Example
///
/// ```
/// use diesel_sessions::{Error, WebSession};
///
/// async fn count(session: WebSession<PlainSession>) -> Result<String, Error> {
///     session.with_mut(|s| {
///         let visits = s.get("visits")?.unwrap_or(0) + 1;
///         s.insert("visits", visits)?;
///         Ok(format!("visit number {visits}"))
///     })
/// }
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/actix/example.in"));
/// # fn main() {
/// # let (sessions, pool) = (repository(), pool());
/// let middleware = SessionMiddleware::new(sessions, pool);
/// let app = App::new().route("/", web::get().to(count)).wrap(middleware.clone());
/// # drop(app);
/// # let (status, headers) = ask(web::get().to(count), middleware);
/// assert!(status.is_success() && headers.contains_key("set-cookie"));
/// # }
/// ```
pub struct SessionMiddleware<M: SessionModel, P> {
    settings: Settings<M, P, HttpResponse>,
}

impl<M: SessionModel, P: ConnectionSource> SessionMiddleware<M, P> {
    /// A middleware with the default [`CookieOptions`].
    ///
    /// # Example
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/actix/example.in"));
    /// # fn main() {
    /// # let (sessions, pool) = (repository(), pool());
    /// let middleware = SessionMiddleware::new(sessions, pool);
    /// let (_, headers) = ask(web::get().to(|| async { "hello" }), middleware);
    /// assert!(!headers.contains_key("set-cookie"), "nobody has asked for the session");
    /// # }
    /// ```
    #[must_use]
    pub fn new(sessions: SessionRepository<M>, source: P) -> Self
    where
        M: DbSession<P::Connection>,
    {
        SessionMiddleware { settings: Settings::new(sessions, source) }
    }

    /// Another cookie.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for options that browsers refuse.
    ///
    /// # Example
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/actix/example.in"));
    /// use diesel_sessions::web::CookieOptions;
    /// # fn main() -> Result<(), diesel_sessions::Error> {
    /// # let (sessions, pool) = (repository(), pool());
    /// let middleware = SessionMiddleware::new(sessions, pool);
    /// assert!(middleware.clone().cookie(CookieOptions::new().name("__Host-shop")).is_ok());
    /// assert!(middleware.cookie(CookieOptions::new().name("__Host-shop").over_plain_http()).is_err());
    /// # Ok(()) }
    /// ```
    pub fn cookie(mut self, options: CookieOptions) -> Result<Self> {
        self.settings.set_cookie(options)?;
        Ok(self)
    }

    /// Where an [`Owner`](super::Owner) sends those who are not signed in, with 303. Without it, they get 401.
    ///
    /// # Example
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/actix/example.in"));
    /// use diesel_sessions::Owner;
    ///
    /// async fn account(Owner(id): Owner<PlainSession>) -> String {
    ///     id.to_string()
    /// }
    /// # fn main() {
    /// # let (sessions, pool) = (repository(), pool());
    /// let middleware = SessionMiddleware::new(sessions, pool).sign_in_page("/sign-in");
    /// let (status, headers) = ask(web::get().to(account), middleware);
    /// assert_eq!((status, headers.get("location").unwrap().to_str().unwrap()), (StatusCode::SEE_OTHER, "/sign-in"));
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
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/actix/example.in"));
    /// use actix_web::{HttpResponse, http::header::LOCATION};
    /// use diesel_sessions::{Error, WebSession};
    /// # fn main() {
    /// # let (sessions, pool) = (repository(), pool());
    /// # let other = sessions.clone();
    /// let to_sign_in = || HttpResponse::SeeOther().insert_header((LOCATION, "/sign-in")).finish();
    /// let middleware = SessionMiddleware::new(sessions, pool).when_lost(to_sign_in);
    /// # let handler = move |session: WebSession<PlainSession>| {
    /// #     let other = other.clone();
    /// #     async move {
    /// #         session.create().await?;
    /// #         session.run(move |conn, _| other.revoke_everyone(conn)).await?;    // meanwhile, somebody signs the user out
    /// #         session.with_mut(|s| s.insert("late", true)).map(|_| "saved")
    /// #     }
    /// # };
    /// # let (status, headers) = ask(web::get().to(handler), middleware);
    /// assert!(status == StatusCode::SEE_OTHER && !headers.contains_key("set-cookie"));
    /// # }
    /// ```
    #[must_use]
    pub fn when_lost(mut self, answer: impl Fn() -> HttpResponse + Send + Sync + 'static) -> Self {
        self.settings.lost = Some(Arc::new(answer));
        self
    }
}

impl<M: SessionModel, P: Clone> Clone for SessionMiddleware<M, P> {
    fn clone(&self) -> Self {
        SessionMiddleware { settings: self.settings.clone() }
    }
}

impl<M: SessionModel, P> std::fmt::Debug for SessionMiddleware<M, P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionMiddleware").finish_non_exhaustive()
    }
}

impl<S, B, M, P> Transform<S, ServiceRequest> for SessionMiddleware<M, P>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = ActixError>,
    S::Future: 'static,
    B: MessageBody + 'static,
    M: DbSession<P::Connection>,
    P: ConnectionSource,
    P::Connection: 'static,
{
    type Response = <Self::Transform as Service<ServiceRequest>>::Response;
    type Error = ActixError;
    type Transform = SessionService<S, M, P>;
    type InitError = ();
    type Future = Ready<std::result::Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(SessionService { inner, settings: self.settings.clone() }))
    }
}
