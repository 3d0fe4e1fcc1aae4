//! The session of a request, as its handler has it.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::request::RequestSession;
use crate::attributes::SessionAttributes;
use crate::error::{Error, Result};
use crate::model::{DbOwnedSession, DbSession, SessionModel};
use crate::repository::{Saved, SessionRepository, SignIn};
use crate::session::Session;

/// The session of a request, an extractor. Needs a [`SessionLayer`](super::SessionLayer).
///
/// It is a handle and no guard: cloned as one likes, held across an await without harm. The session is loaded when the
/// extractor runs, and saved once after the handler if it was changed.
///
/// Database work runs on a thread that may block. When the request is dropped half-way, what has begun there runs to its end.
/// Put what belongs together into one transaction of one [`run`](WebSession::run): then the old or the new state is left.
///
/// # Example
///
/// ```
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
pub struct WebSession<M: SessionModel, C = <M as SessionModel>::Connection>(pub(super) Arc<RequestSession<M, C>>);

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
    /// Looks at the session. Never waits.
    ///
    /// # Errors
    ///
    /// The closure's own; [`ErrorKind::Busy`](crate::ErrorKind::Busy) while a [`run`](WebSession::run) is under way.
    ///
    /// # Example
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/axum/example.in"));
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

    /// Changes the session. Never waits; the change is saved after the handler.
    ///
    /// # Errors
    ///
    /// As [`with`](WebSession::with).
    ///
    /// # Example
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/axum/example.in"));
    /// # use diesel_sessions::{Error, WebSession};
    /// # fn main() { in_a_handler(|session: WebSession<PlainSession>| async move {
    /// session.with_mut(|s| s.insert("user_agent", "a browser"))?;
    /// session.with(|s| Ok::<_, Error>(assert!(s.was_changed() && s.user_agent.is_some())))?;
    /// # Ok::<_, Error>(()) }) }
    /// ```
    pub fn with_mut<T, E: From<Error>>(&self, change: impl FnOnce(&mut Session<M>) -> Result<T, E>) -> Result<T, E> {
        self.0.look(|visit| change(visit.session_mut()))
    }

    /// Runs a closure with a connection and the session, on a thread that may block. When the closure fails or panics, the
    /// session is put back as it was: the token of a sign-in that was rolled back is never sent.
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
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/axum/example.in"));
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

    /// Signs a user in: see [`SessionRepository::sign_in`].
    ///
    /// # Errors
    ///
    /// As there, and as [`run`](WebSession::run).
    ///
    /// # Example
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/axum/example.in"));
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

    /// Gives the session a new token: see [`SessionRepository::rotate`].
    ///
    /// # Errors
    ///
    /// As there, and as [`run`](WebSession::run).
    ///
    /// # Example
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/axum/example.in"));
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

    /// Starts its idle time anew: see [`SessionRepository::extend`].
    ///
    /// # Errors
    ///
    /// As there, and as [`run`](WebSession::run).
    ///
    /// # Example
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/axum/example.in"));
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

    /// Ends the session, and removes the cookie: see [`SessionRepository::end`].
    ///
    /// # Errors
    ///
    /// As there, and as [`run`](WebSession::run).
    ///
    /// # Example
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/axum/example.in"));
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

    /// Gives the session its row now: see [`SessionRepository::create`].
    ///
    /// # Errors
    ///
    /// As there, and as [`run`](WebSession::run).
    ///
    /// # Example
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/axum/example.in"));
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

    /// Revokes its owner's other sessions and rotates this one: see [`SessionRepository::revoke_others`].
    ///
    /// # Errors
    ///
    /// As there, and as [`run`](WebSession::run).
    ///
    /// # Example
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/axum/example.in"));
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

/// A session together with its repository: what a [`run`](WebSession::run) is given beside the connection. It dereferences to
/// the [`Session`].
///
/// # Example
///
/// ```
/// use diesel_sessions::{Bound, Error, WebSession};
///
/// fn put_into_cart(conn: &mut SqliteConnection, session: &mut Bound<'_, PlainSession>) -> Result<(), Error> {
///     session.insert("cart", ["spam"])?;
///     session.save(conn).map(drop)
/// }
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/axum/example.in"));
/// # fn main() { in_a_handler(|session: WebSession<PlainSession>| async move {
/// session.run(put_into_cart).await?;
/// # session.with(|s| Ok::<_, Error>(assert!(s.contains_key("cart") && !s.was_changed()))) }) }
/// ```
pub struct Bound<'a, M: SessionModel> {
    sessions: &'a SessionRepository<M>,
    session: &'a mut Session<M>,
}

impl<M: SessionModel> Bound<'_, M> {
    /// The repository.
    ///
    /// # Example
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/axum/example.in"));
    /// # use diesel_sessions::{Error, WebSession};
    /// # fn main() { in_a_handler(|session: WebSession<PlainSession>| async move {
    /// session.run(|conn, s| {
    ///     assert!(s.repository().new_session().is_new());
    ///     Ok::<_, Error>(())
    /// }).await?;
    /// # Ok::<_, Error>(()) }) }
    /// ```
    #[must_use]
    pub fn repository(&self) -> &SessionRepository<M> {
        self.sessions
    }

    /// The attributes of this session: see [`SessionRepository::attributes`].
    ///
    /// # Example
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/axum/example.in"));
    /// # use diesel_sessions::{Error, WebSession};
    /// # fn main() { in_a_handler(|session: WebSession<PlainSession>| async move {
    /// session.run(|conn, s| {
    ///     s.create(conn)?;
    ///     s.attributes().set(conn, "theme", &"dark")?;
    ///     assert!(s.attributes().exists(conn, "theme")?);
    ///     Ok::<_, Error>(())
    /// }).await?;
    /// # Ok::<_, Error>(()) }) }
    /// ```
    #[must_use]
    pub fn attributes(&self) -> SessionAttributes<M> {
        self.sessions.attributes(self.session)
    }

    /// See [`SessionRepository::save`].
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Example
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/axum/example.in"));
    /// # use diesel_sessions::{Error, Saved, WebSession};
    /// # fn main() { in_a_handler(|session: WebSession<PlainSession>| async move {
    /// session.run(|conn, s| {
    ///     s.insert("lines", 1)?;
    ///     assert_eq!(s.save(conn)?, Saved::Created);
    ///     Ok::<_, Error>(())
    /// }).await?;
    /// # Ok::<_, Error>(()) }) }
    /// ```
    pub fn save<C>(&mut self, conn: &mut C) -> Result<Saved>
    where
        M: DbSession<C>,
    {
        self.sessions.save(conn, self.session)
    }

    /// See [`SessionRepository::create`].
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Example
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/axum/example.in"));
    /// # use diesel_sessions::{Error, WebSession};
    /// # fn main() { in_a_handler(|session: WebSession<PlainSession>| async move {
    /// session.run(|conn, s| {
    ///     s.create(conn)?;
    ///     assert!(s.row_id().is_some());
    ///     Ok::<_, Error>(())
    /// }).await?;
    /// # Ok::<_, Error>(()) }) }
    /// ```
    pub fn create<C>(&mut self, conn: &mut C) -> Result<()>
    where
        M: DbSession<C>,
    {
        self.sessions.create(conn, self.session)
    }

    /// See [`SessionRepository::sign_in`].
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Example
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/axum/example.in"));
    /// # use diesel_sessions::{Error, SignIn, WebSession};
    /// # fn main() { in_a_handler(|session: WebSession<PlainSession>| async move {
    /// session.run(|conn, s| {
    ///     s.sign_in(conn, SignIn::new(14))?;
    ///     assert_eq!(s.user_id, Some(14));
    ///     Ok::<_, Error>(())
    /// }).await?;
    /// # Ok::<_, Error>(()) }) }
    /// ```
    pub fn sign_in<C>(&mut self, conn: &mut C, sign_in: SignIn<M::Owner>) -> Result<()>
    where
        M: DbOwnedSession<C>,
    {
        self.sessions.sign_in(conn, self.session, sign_in)
    }

    /// See [`SessionRepository::authenticate`].
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Example
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/axum/example.in"));
    /// # use diesel_sessions::{Error, WebSession};
    /// # fn main() { in_a_handler(|session: WebSession<PlainSession>| async move {
    /// session.run(|conn, s| {
    ///     s.authenticate(conn)?;
    ///     assert!(s.authenticated_at().is_some());
    ///     Ok::<_, Error>(())
    /// }).await?;
    /// # Ok::<_, Error>(()) }) }
    /// ```
    pub fn authenticate<C>(&mut self, conn: &mut C) -> Result<()>
    where
        M: DbSession<C>,
    {
        self.sessions.authenticate(conn, self.session)
    }

    /// See [`SessionRepository::rotate`].
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Example
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/axum/example.in"));
    /// # use diesel_sessions::{Error, WebSession};
    /// # fn main() { in_a_handler(|session: WebSession<PlainSession>| async move {
    /// session.run(|conn, s| {
    ///     s.create(conn)?;
    ///     s.rotate(conn)?;
    ///     assert!(s.new_token().is_some());
    ///     Ok::<_, Error>(())
    /// }).await?;
    /// # Ok::<_, Error>(()) }) }
    /// ```
    pub fn rotate<C>(&mut self, conn: &mut C) -> Result<()>
    where
        M: DbSession<C>,
    {
        self.sessions.rotate(conn, self.session)
    }

    /// See [`SessionRepository::extend`].
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Example
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/axum/example.in"));
    /// # use diesel_sessions::{Error, WebSession};
    /// # fn main() { in_a_handler(|session: WebSession<PlainSession>| async move {
    /// session.run(|conn, s| {
    ///     s.create(conn)?;
    ///     assert_eq!(Some(s.extend(conn)?), s.expires_at());
    ///     Ok::<_, Error>(())
    /// }).await?;
    /// # Ok::<_, Error>(()) }) }
    /// ```
    pub fn extend<C>(&mut self, conn: &mut C) -> Result<DateTime<Utc>>
    where
        M: DbSession<C>,
    {
        self.sessions.extend(conn, self.session)
    }

    /// See [`SessionRepository::end`].
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Example
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/axum/example.in"));
    /// # use diesel_sessions::{Error, WebSession};
    /// # fn main() { in_a_handler(|session: WebSession<PlainSession>| async move {
    /// session.run(|conn, s| {
    ///     s.create(conn)?;
    ///     s.end(conn)?;
    ///     assert!(s.is_ended());
    ///     Ok::<_, Error>(())
    /// }).await?;
    /// # Ok::<_, Error>(()) }) }
    /// ```
    pub fn end<C>(&mut self, conn: &mut C) -> Result<()>
    where
        M: DbSession<C>,
    {
        self.sessions.end(conn, self.session)
    }

    /// See [`SessionRepository::revoke_others`].
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Example
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/axum/example.in"));
    /// # use diesel_sessions::{Error, SignIn, WebSession};
    /// # fn main() { in_a_handler(|session: WebSession<PlainSession>| async move {
    /// session.run(|conn, s| {
    ///     s.sign_in(conn, SignIn::new(14))?;
    ///     assert_eq!(s.revoke_others(conn)?, 0, "there are none");
    ///     Ok::<_, Error>(())
    /// }).await?;
    /// # Ok::<_, Error>(()) }) }
    /// ```
    pub fn revoke_others<C>(&mut self, conn: &mut C) -> Result<usize>
    where
        M: DbOwnedSession<C>,
    {
        self.sessions.revoke_others(conn, self.session)
    }
}

impl<M: SessionModel> Deref for Bound<'_, M> {
    type Target = Session<M>;

    fn deref(&self) -> &Session<M> {
        self.session
    }
}

impl<M: SessionModel> DerefMut for Bound<'_, M> {
    fn deref_mut(&mut self) -> &mut Session<M> {
        self.session
    }
}

impl<M: SessionModel> std::fmt::Debug for Bound<'_, M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bound").field("session", &self.session).finish_non_exhaustive()
    }
}
