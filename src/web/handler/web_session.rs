//! The session of a request, as its handler has it.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::bound::Bound;
use super::request::RequestSession;
use crate::error::{Error, Result};
use crate::model::{DbOwnedSession, DbSession, SessionModel};
use crate::repository::SignIn;
use crate::session::Session;

/// The session of a request, an extractor. Needs the layer of its framework.
///
/// It is a handle and no guard: cloned as one likes, held across an await without harm. The session is loaded when the
/// extractor runs, and saved once after the handler if it was changed.
///
/// Database work runs on a thread that may block. When the request is dropped half-way, what has begun there runs to its end.
/// Put what belongs together into one transaction of one [`run`](WebSession::run): then the old or the new state is left.
///
/// It ends with its request. A task, a stream or a WebSocket that outlives the answer opens the session anew, with the
/// repository and the pool: a handle says [`ErrorKind::Config`](crate::ErrorKind::Config) by then.
///
/// # Example
///
#[cfg_attr(feature = "axum", doc = "```")]
#[cfg_attr(not(feature = "axum"), doc = "```text")]
/// use axum::response::Redirect;
/// use diesel_sessions::{Error, SignIn, WebSession};
///
/// async fn sign_in(session: WebSession<PlainSession>) -> Result<Redirect, Error> {
///     session.with_mut(|s| s.insert("greeted", true))?;
///     session.sign_in(SignIn::new(14)).await?;    // once the password was checked
///     Ok(Redirect::to("/"))
/// }
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/axum/example.in"));
/// # fn main() {
/// # let app = axum::Router::new().route("/", axum::routing::get(sign_in)).layer(SessionLayer::new(repository(), pool()));
/// # let (status, headers) = ask(app);
/// assert_eq!(status, StatusCode::SEE_OTHER);
/// assert!(headers.contains_key("set-cookie"));
/// # }
/// ```
pub struct WebSession<M: SessionModel, C = <M as SessionModel>::Connection>(pub(crate) Arc<RequestSession<M, C>>);

impl<M: SessionModel, C> Clone for WebSession<M, C> {
    fn clone(&self) -> Self {
        WebSession(Arc::clone(&self.0))
    }
}

impl<M: SessionModel, C> std::fmt::Debug for WebSession<M, C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebSession").finish_non_exhaustive()
    }
}

impl<M: SessionModel, C: 'static> WebSession<M, C> {
    /// Looks at the session. Never waits for the database.
    ///
    /// # Errors
    ///
    /// The closure's own; [`ErrorKind::Busy`](crate::ErrorKind::Busy) while a [`run`](WebSession::run) is under way, and inside
    /// another such closure.
    ///
    /// # Example
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/example.in"));
    /// # use diesel_sessions::{Error, WebSession};
    /// # fn main() { in_a_handler(|session: WebSession<PlainSession>| async move {
    /// session.with_mut(|s| s.insert("lines", 1))?;
    /// let lines: Option<u32> = session.with(|s| s.get("lines"))?;
    /// assert_eq!(lines, Some(1));
    /// # Ok::<_, Error>(()) }) }
    /// ```
    pub fn with<T, E: From<Error>>(&self, look: impl FnOnce(&Session<M>) -> Result<T, E>) -> Result<T, E> {
        self.0.look(|visit| look(visit.session()))
    }

    /// Changes the session. Never waits for the database; the change is saved after the handler. What the closure has changed stays
    /// also when it fails.
    ///
    /// # Errors
    ///
    /// As [`with`](WebSession::with).
    ///
    /// # Example
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/example.in"));
    /// # use diesel_sessions::{Error, WebSession};
    /// # fn main() { in_a_handler(|session: WebSession<PlainSession>| async move {
    /// session.with_mut(|s| s.insert("user_agent", "a browser"))?;
    /// session.with(|s| Ok::<_, Error>(assert!(s.was_changed() && s.user_agent.is_some())))?;
    /// # Ok::<_, Error>(()) }) }
    /// ```
    pub fn with_mut<T, E: From<Error>>(&self, change: impl FnOnce(&mut Session<M>) -> Result<T, E>) -> Result<T, E> {
        self.0.look(|visit| change(visit.session_mut()))
    }

    /// Puts a new session in the place of this one: its pending changes are dropped, and what became of its row stays. The new one
    /// gets its row with the first change.
    ///
    /// Needed after [`end`](WebSession::end), for a session that has ended keeps nothing; also for whoever must not go on with what
    /// the client presented.
    ///
    /// # Errors
    ///
    /// As [`with`](WebSession::with).
    ///
    /// # Example
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/example.in"));
    /// # use diesel_sessions::{Error, WebSession};
    /// # fn main() { in_a_handler(|session: WebSession<PlainSession>| async move {
    /// session.create().await?;
    /// session.end().await?;
    /// session.start_anew()?;
    /// session.with_mut(|s| s.insert("notice", "You are signed out."))?;
    /// # Ok::<_, Error>(()) }) }
    /// ```
    pub fn start_anew(&self) -> Result<()> {
        self.0.look(|visit| {
            self.0.edge.start_anew(visit);
            Ok(())
        })
    }

    /// Runs a closure with a connection and the session, on a thread that may block. When the closure fails or panics, the
    /// session is put back as it was: the token of a sign-in that was rolled back is never sent. So let a closure that signs in
    /// outside of a transaction not fail afterwards: the row has its new token, and the client would not be told.
    ///
    /// A closure that has begun is waited for before the answer leaves, also if the handler has given it up.
    ///
    /// # Errors
    ///
    /// The closure's own; [`ErrorKind::Busy`](crate::ErrorKind::Busy) while another `run` of this request is under way,
    /// [`ErrorKind::PoolTimeout`](crate::ErrorKind::PoolTimeout) and
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) when there is no connection.
    ///
    /// # Example
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/example.in"));
    /// # use diesel_sessions::{Error, WebSession};
    /// # fn main() { in_a_handler(|session: WebSession<PlainSession>| async move {
    /// use diesel::Connection;
    /// let row_id = session
    ///     .run(|conn, s| {
    ///         conn.transaction(|conn| {
    ///             s.insert("lines", 1)?;
    ///             s.save(conn)?;
    ///             s.attributes().set(conn, "theme", &"dark")?;
    ///             Ok::<_, Box<dyn std::error::Error + Send + Sync>>(s.row_id())
    ///         })
    ///     })
    ///     .await;
    /// assert!(row_id.is_ok_and(|row_id| row_id.is_some()));
    /// # Ok::<_, Error>(()) }) }
    /// ```
    pub async fn run<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut C, &mut Bound<'_, M>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.0
            .hand_over(move |conn, edge, visit| {
                work(conn, &mut Bound { sessions: edge.sessions(), session: visit.session_mut() })
            })
            .await
    }

    /// Signs a user in: see [`SessionRepository::sign_in`](crate::SessionRepository::sign_in).
    ///
    /// # Errors
    ///
    /// As there, and as [`run`](WebSession::run).
    ///
    /// # Example
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/example.in"));
    /// # use diesel_sessions::{Error, SignIn, WebSession};
    /// # fn main() { in_a_handler(|session: WebSession<PlainSession>| async move {
    /// session.sign_in(SignIn::new(14)).await?;
    /// assert_eq!(session.with(|s| Ok::<_, Error>(s.user_id))?, Some(14));
    /// # Ok::<_, Error>(()) }) }
    /// ```
    pub async fn sign_in(&self, sign_in: SignIn<M::Owner>) -> Result<()>
    where
        M: DbOwnedSession<C>,
    {
        self.run(move |conn, session| session.sign_in(conn, sign_in)).await
    }

    /// Gives the session a new token: see [`SessionRepository::rotate`](crate::SessionRepository::rotate).
    ///
    /// # Errors
    ///
    /// As there, and as [`run`](WebSession::run).
    ///
    /// # Example
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/example.in"));
    /// # use diesel_sessions::{Error, WebSession};
    /// # fn main() { in_a_handler(|session: WebSession<PlainSession>| async move {
    /// session.create().await?;
    /// session.rotate().await?;
    /// assert!(session.with(|s| Ok::<_, Error>(s.new_token().is_some()))?);
    /// # Ok::<_, Error>(()) }) }
    /// ```
    pub async fn rotate(&self) -> Result<()>
    where
        M: DbSession<C>,
    {
        self.run(|conn, session| session.rotate(conn)).await
    }

    /// Starts its idle time anew: see [`SessionRepository::extend`](crate::SessionRepository::extend).
    ///
    /// # Errors
    ///
    /// As there, and as [`run`](WebSession::run).
    ///
    /// # Example
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/example.in"));
    /// # use diesel_sessions::{Error, WebSession};
    /// # fn main() { in_a_handler(|session: WebSession<PlainSession>| async move {
    /// session.create().await?;
    /// let end = session.extend().await?;
    /// assert_eq!(session.with(|s| Ok::<_, Error>(s.expires_at()))?, Some(end));
    /// # Ok::<_, Error>(()) }) }
    /// ```
    pub async fn extend(&self) -> Result<DateTime<Utc>>
    where
        M: DbSession<C>,
    {
        self.run(|conn, session| session.extend(conn)).await
    }

    /// Ends the session, and removes the cookie: see [`SessionRepository::end`](crate::SessionRepository::end).
    ///
    /// # Errors
    ///
    /// As there, and as [`run`](WebSession::run).
    ///
    /// # Example
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/example.in"));
    /// # use diesel_sessions::{Error, WebSession};
    /// # fn main() { in_a_handler(|session: WebSession<PlainSession>| async move {
    /// session.create().await?;
    /// session.end().await?;
    /// assert!(session.with(|s| Ok::<_, Error>(s.is_ended()))?);
    /// # Ok::<_, Error>(()) }) }
    /// ```
    #[doc(alias = "logout")]
    pub async fn end(&self) -> Result<()>
    where
        M: DbSession<C>,
    {
        self.run(|conn, session| session.end(conn)).await
    }

    /// Gives the session its row now: see [`SessionRepository::create`](crate::SessionRepository::create).
    ///
    /// # Errors
    ///
    /// As there, and as [`run`](WebSession::run).
    ///
    /// # Example
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/example.in"));
    /// # use diesel_sessions::{Error, WebSession};
    /// # fn main() { in_a_handler(|session: WebSession<PlainSession>| async move {
    /// session.create().await?;
    /// assert!(session.with(|s| Ok::<_, Error>(s.row_id().is_some()))?);
    /// # Ok::<_, Error>(()) }) }
    /// ```
    pub async fn create(&self) -> Result<()>
    where
        M: DbSession<C>,
    {
        self.run(|conn, session| session.create(conn)).await
    }

    /// Revokes its owner's other sessions and rotates this one: see [`SessionRepository::revoke_others`](crate::SessionRepository::revoke_others).
    ///
    /// # Errors
    ///
    /// As there, and as [`run`](WebSession::run).
    ///
    /// # Example
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/example.in"));
    /// # use diesel_sessions::{Error, SignIn, WebSession};
    /// # fn main() { in_a_handler(|session: WebSession<PlainSession>| async move {
    /// session.sign_in(SignIn::new(14)).await?;
    /// assert_eq!(session.revoke_others().await?, 0, "there are none");
    /// # Ok::<_, Error>(()) }) }
    /// ```
    pub async fn revoke_others(&self) -> Result<usize>
    where
        M: DbOwnedSession<C>,
    {
        self.run(|conn, session| session.revoke_others(conn)).await
    }
}
