//! The sessions of one owner: "where you are signed in".

use super::SessionRepository;
use crate::error::{Error, Result};
use crate::model::{DbOwnedSession, OwnedModel, SessionModel};

/// The sessions of one owner, from [`SessionRepository::of`].
///
/// # Example
///
/// ```
/// # use diesel::prelude::*;
/// # use diesel_sessions::{SessionRepository, SignIn, migrations, plain::sqlite::PlainSession};
/// # let mut conn = SqliteConnection::establish(":memory:")?;
/// # migrations::run(&mut conn)?;
/// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
/// # let mut session = sessions.new_session();
/// sessions.sign_in(&mut conn, &mut session, SignIn::new(14))?;
/// assert_eq!(sessions.of(&14).count(&mut conn)?, 1);
/// assert_eq!(sessions.of(&14).revoke_all(&mut conn)?, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct OwnerSessions<M: SessionModel> {
    repository: SessionRepository<M>,
    owner: M::Owner,
}

impl<M: SessionModel> SessionRepository<M> {
    /// The sessions of an owner. The owner is cloned.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{SessionRepository, SignIn, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// # sessions.sign_in(&mut conn, &mut session, SignIn::new(14))?;
    /// let mine = sessions.of(&14);
    /// for device in mine.list(&mut conn)? {
    ///     assert_eq!(device.user_id, Some(14));
    ///     assert!(mine.revoke(&mut conn, device.id)?);
    /// }
    /// assert_eq!(mine.count(&mut conn)?, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of(&self, owner: &M::Owner) -> OwnerSessions<M>
    where
        M: OwnedModel,
    {
        OwnerSessions { repository: self.clone(), owner: owner.clone() }
    }
}

impl<M: SessionModel> OwnerSessions<M> {
    /// The live ones, newest first. One whose data cannot be read is among them.
    ///
    /// # Errors
    ///
    /// The database's own.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{SignIn, SessionRepository, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// let (mut phone, mut laptop) = (sessions.new_session(), sessions.new_session());
    /// sessions.sign_in(&mut conn, &mut phone, SignIn::new(14))?;
    /// sessions.sign_in(&mut conn, &mut laptop, SignIn::new(14))?;
    /// let ids: Vec<i32> = sessions.of(&14).list(&mut conn)?.iter().map(|session| session.id).collect();
    /// assert_eq!(ids.first().copied(), laptop.row_id(), "the newest comes first");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn list<C>(&self, conn: &mut C) -> Result<Vec<M>>
    where
        M: DbOwnedSession<C>,
    {
        let now = self.repository.now();
        self.repository.send(conn, "could not list the sessions", |conn| M::list(conn, &self.owner, now))
    }

    /// How many are live.
    ///
    /// # Errors
    ///
    /// The database's own.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{SignIn, SessionRepository, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// let mut session = sessions.new_session();
    /// sessions.sign_in(&mut conn, &mut session, SignIn::new(14))?;
    /// assert_eq!(sessions.of(&14).count(&mut conn)?, 1);
    /// assert_eq!(sessions.of(&15).count(&mut conn)?, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn count<C>(&self, conn: &mut C) -> Result<usize>
    where
        M: DbOwnedSession<C>,
    {
        const DEED: &str = "could not count the sessions";
        let now = self.repository.now();
        let count = self.repository.send(conn, DEED, |conn| M::count(conn, &self.owner, now))?;
        usize::try_from(count).map_err(|error| Error::new(crate::ErrorKind::Database, DEED).with_source(error))
    }

    /// Revokes one by its row; says whether it was the owner's. Another owner's session stays.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ForeignKey`](crate::ErrorKind::ForeignKey) and the database's own.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{SignIn, SessionRepository, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// let mut session = sessions.new_session();
    /// sessions.sign_in(&mut conn, &mut session, SignIn::new(14))?;
    /// let row_id = session.row_id().expect("signed in");
    /// assert!(!sessions.of(&15).revoke(&mut conn, row_id)?, "it is another user's");
    /// assert!(sessions.of(&14).revoke(&mut conn, row_id)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn revoke<C>(&self, conn: &mut C, row_id: M::RowId) -> Result<bool>
    where
        M: DbOwnedSession<C>,
    {
        let deed = "could not revoke the session";
        let rows = self.repository.send_deletion(conn, deed, |conn| M::revoke(conn, &self.owner, row_id))?;
        if rows > 0 {
            tracing::info!(target: "diesel_sessions", row_id = %row_id, reason = "by its owner", "revoked");
        }
        Ok(rows > 0)
    }

    /// Revokes all of them, expired ones too; gives how many rows were deleted.
    ///
    /// # Errors
    ///
    /// As [`revoke`](OwnerSessions::revoke).
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{SignIn, SessionRepository, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// let mut session = sessions.new_session();
    /// sessions.sign_in(&mut conn, &mut session, SignIn::new(14))?;
    /// assert_eq!(sessions.of(&14).revoke_all(&mut conn)?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn revoke_all<C>(&self, conn: &mut C) -> Result<usize>
    where
        M: DbOwnedSession<C>,
    {
        let deed = "could not revoke the sessions";
        let rows = self.repository.send_deletion(conn, deed, |conn| M::revoke_all(conn, &self.owner))?;
        tracing::info!(target: "diesel_sessions", rows, reason = "all of one owner", "revoked");
        Ok(rows)
    }

    /// Revokes all of them but one, which keeps its token: see [`SessionRepository::revoke_others`] for the one in hand.
    ///
    /// # Errors
    ///
    /// As [`revoke`](OwnerSessions::revoke).
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{SignIn, SessionRepository, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// let (mut phone, mut laptop) = (sessions.new_session(), sessions.new_session());
    /// sessions.sign_in(&mut conn, &mut phone, SignIn::new(14))?;
    /// sessions.sign_in(&mut conn, &mut laptop, SignIn::new(14))?;
    /// let kept = laptop.row_id().expect("signed in");
    /// assert_eq!(sessions.of(&14).revoke_except(&mut conn, kept)?, 1);
    /// assert_eq!(sessions.of(&14).list(&mut conn)?[0].id, kept);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn revoke_except<C>(&self, conn: &mut C, row_id: M::RowId) -> Result<usize>
    where
        M: DbOwnedSession<C>,
    {
        let deed = "could not revoke the sessions";
        let rows = self.repository.send_deletion(conn, deed, |conn| M::revoke_except(conn, &self.owner, row_id))?;
        tracing::info!(target: "diesel_sessions", row_id = %row_id, rows, reason = "all others of its owner", "revoked");
        Ok(rows)
    }
}

impl<M: SessionModel> std::fmt::Debug for OwnerSessions<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OwnerSessions").finish_non_exhaustive()
    }
}
