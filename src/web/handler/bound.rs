//! A session together with its repository, beside a connection.

use std::ops::{Deref, DerefMut};

use chrono::{DateTime, Utc};

use crate::attributes::SessionAttributes;
use crate::error::Result;
use crate::model::{DbOwnedSession, DbSession, SessionModel};
use crate::repository::{Saved, SessionRepository, SignIn};
use crate::session::Session;

/// A session together with its repository: what a [`run`](super::WebSession::run) is given beside the connection. It dereferences to
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
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/example.in"));
/// # fn main() { in_a_handler(|session: WebSession<PlainSession>| async move {
/// session.run(put_into_cart).await?;
/// # session.with(|s| Ok::<_, Error>(assert!(s.contains_key("cart") && !s.was_changed()))) }) }
/// ```
pub struct Bound<'a, M: SessionModel> {
    pub(crate) sessions: &'a SessionRepository<M>,
    pub(crate) session: &'a mut Session<M>,
}

impl<M: SessionModel> Bound<'_, M> {
    /// The repository.
    ///
    /// # Example
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/example.in"));
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
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/example.in"));
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
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/example.in"));
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
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/example.in"));
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
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/example.in"));
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
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/example.in"));
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
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/example.in"));
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
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/example.in"));
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
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/example.in"));
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
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/example.in"));
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
