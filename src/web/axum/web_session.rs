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
    pub fn with<T, E: From<Error>>(&self, look: impl FnOnce(&Session<M>) -> Result<T, E>) -> Result<T, E> {
        self.0.look(|visit| look(visit.session()))
    }

    /// Changes the session. Never waits; the change is saved after the handler.
    ///
    /// # Errors
    ///
    /// As [`with`](WebSession::with).
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
    pub async fn revoke_others(&self) -> Result<usize>
    where
        M: DbOwnedSession<C>,
    {
        self.run(|conn, session| session.revoke_others(conn)).await
    }
}

/// A session together with its repository: what a [`run`](WebSession::run) is given beside the connection.
pub struct Bound<'a, M: SessionModel> {
    sessions: &'a SessionRepository<M>,
    session: &'a mut Session<M>,
}

impl<M: SessionModel> Bound<'_, M> {
    /// The repository.
    #[must_use]
    pub fn repository(&self) -> &SessionRepository<M> {
        self.sessions
    }

    /// The attributes of this session: see [`SessionRepository::attributes`].
    #[must_use]
    pub fn attributes(&self) -> SessionAttributes<M> {
        self.sessions.attributes(self.session)
    }

    /// See [`SessionRepository::save`].
    ///
    /// # Errors
    ///
    /// As there.
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
