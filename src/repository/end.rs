//! Ending sessions: by their own handle, by an operator, or all others of the same owner.

use super::renew::{replace_token, stored_row};
use super::{SessionRepository, decision};
use crate::clock::Timestamp6;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{DbOwnedSession, DbSession, SessionModel, Write};
use crate::session::{Session, State};
use crate::token::TokenDigest;

impl<M: SessionModel> SessionRepository<M> {
    /// Ends a session now: its row is deleted, also when another request has rotated it meanwhile. Ending one that is gone, or
    /// has no row, is no error. Every later write through this handle says [`ErrorKind::Gone`].
    ///
    /// On a session that [`is_superseded`](Session::is_superseded) it ends the one that this once was, so that a sign-out is
    /// never lost.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::StaleModel`], [`ErrorKind::ForeignKey`] when a row of the application's own holds the session, and the
    /// database's own. The session then is not ended.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{ErrorKind, SessionRepository, SignIn, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// let mut session = sessions.new_session();
    /// sessions.sign_in(&mut conn, &mut session, SignIn::new(14))?;
    /// sessions.end(&mut conn, &mut session)?;
    /// assert_eq!(sessions.of(&14).count(&mut conn)?, 0);
    /// assert_eq!(sessions.save(&mut conn, &mut session).unwrap_err().kind(), ErrorKind::Gone);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "invalidate")]
    #[doc(alias = "expire_session")]
    #[doc(alias = "logout")]
    pub fn end<C>(&self, conn: &mut C, session: &mut Session<M>) -> Result<()>
    where
        M: DbSession<C>,
    {
        const DEED: &str = "could not end the session";
        let row = match session.state() {
            State::Stored(row) => {
                session.check_model(DEED)?;
                Some((row, session.seen().created_at))
            }
            State::Superseded(row, created_at) => Some((row, created_at)),
            State::New | State::Ended => None,
        };
        if let Some((row, created_at)) = row {
            let known = session.guard_of_end();
            if self.send_deletion(conn, DEED, |conn| Self::end_row(conn, row, known, created_at))? > 0 {
                tracing::info!(target: "diesel_sessions", row_id = %row, reason = "asked for", "ended");
            }
        }
        session.ended();
        Ok(())
    }

    /// Deletes the row that a handle stands for: by its id alone, or where SQLite may have given the id again, by id and
    /// `known` digest; a row that was rotated more than once since is known by its time of creation.
    pub(super) fn end_row<C>(
        conn: &mut C,
        row: M::RowId,
        known: Option<TokenDigest>,
        created_at: Timestamp6,
    ) -> diesel::QueryResult<usize>
    where
        M: DbSession<C>,
    {
        if let Some(digest) = known {
            let rows = M::end_known(conn, row, digest)?;
            let found = if rows == 0 { M::read_again(conn, row)? } else { None };
            if !found.is_some_and(|found| decision::is_rotated_since(&found.core_field().stamp, created_at)) {
                return Ok(rows);
            }
        }
        M::end(conn, row)
    }

    /// Revokes a session by its row, whoever owns it; says whether there was one. For operators: a user's own list revokes
    /// through [`of`](SessionRepository::of), which names the owner too.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ForeignKey`] and the database's own.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{SessionRepository, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// let mut session = sessions.new_session();
    /// sessions.create(&mut conn, &mut session)?;
    /// let row_id = session.row_id().expect("created");
    /// assert!(sessions.revoke_row(&mut conn, row_id)?);
    /// assert!(!sessions.revoke_row(&mut conn, row_id)?, "it is gone");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn revoke_row<C>(&self, conn: &mut C, row_id: M::RowId) -> Result<bool>
    where
        M: DbSession<C>,
    {
        let rows = self.send_deletion(conn, "could not revoke the session", |conn| M::end(conn, row_id))?;
        if rows > 0 {
            tracing::info!(target: "diesel_sessions", row_id = %row_id, reason = "by an operator", "revoked");
        }
        Ok(rows > 0)
    }

    /// Revokes every session of everybody; gives how many rows were deleted.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ForeignKey`] and the database's own.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{SessionRepository, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// for _ in 0..3 {
    ///     sessions.create(&mut conn, &mut sessions.new_session())?;
    /// }
    /// assert_eq!(sessions.revoke_everyone(&mut conn)?, 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn revoke_everyone<C>(&self, conn: &mut C) -> Result<usize>
    where
        M: DbSession<C>,
    {
        let rows = self.send_deletion(conn, "could not revoke the sessions", M::end_everyone)?;
        tracing::info!(target: "diesel_sessions", rows, reason = "everyone's, by an operator", "revoked");
        Ok(rows)
    }

    /// Revokes every other session of this one's owner and rotates this one, in one transaction; gives how many rows were
    /// deleted. OWASP ASVS 5.0 (7.4.3) asks for it after a change of password.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] when the session has no owner; [`ErrorKind::Gone`], [`ErrorKind::Rotated`],
    /// [`ErrorKind::NotCreated`], [`ErrorKind::StaleModel`], [`ErrorKind::ForeignKey`], [`ErrorKind::Config`] when the token source
    /// repeats itself, and the database's own. Nothing is revoked then.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{SessionRepository, SignIn, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let (mut phone, mut laptop) = (sessions.new_session(), sessions.new_session());
    /// sessions.sign_in(&mut conn, &mut phone, SignIn::new(14))?;
    /// sessions.sign_in(&mut conn, &mut laptop, SignIn::new(14))?;
    /// assert_eq!(sessions.revoke_others(&mut conn, &mut laptop)?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn revoke_others<C>(&self, conn: &mut C, session: &mut Session<M>) -> Result<usize>
    where
        M: DbOwnedSession<C>,
    {
        const DEED: &str = "could not revoke the other sessions";
        let row = stored_row(session, DEED)?;
        let Some(owner) = session.stored_owner().cloned() else {
            return Err(Error::new(ErrorKind::NotFound, DEED).with_detail("the session has no owner"));
        };
        let now = self.now();
        let guard = self.guard(session, row, now);
        let database = |error| Error::from_database(DEED, error);
        let mut stamp = *session.seen();
        let mut draws = self.draws();
        loop {
            let token = draws.token(session.seen().digest)?;
            replace_token(&mut stamp, session.seen(), &token, now);
            let write = Write::new(session.model(), &session.model().core_field().data, &stamp);
            let revoked = self.send_together(conn, DEED, |conn| {
                // The rotation comes first: it is a write, and nothing is revoked by a session that is gone itself.
                match M::rotate(conn, &guard, &write).map_err(database) {
                    Ok(1) => return M::revoke_except(conn, &owner, row).map(Some).map_err(database),
                    Ok(_) => {}
                    Err(error) if error.is_unique_violation() && M::is_taken(conn, token.digest()).map_err(database)? => {}
                    Err(error) => return Err(error),
                }
                let newer = M::read_again(conn, row).map_err(database)?;
                decision::after_miss(newer, session.seen(), guard.version, now).into_row(DEED).map(|_| None)
            });
            if let Some(rows) = revoked.map_err(|error| self.name_constraint(conn, error))? {
                session.stamped(stamp);
                session.tell(token);
                tracing::info!(target: "diesel_sessions", row_id = %row, reason = "with the revocation of all others", "rotated");
                tracing::info!(target: "diesel_sessions", row_id = %row, rows, reason = "all others of its owner", "revoked");
                return Ok(rows);
            }
            draws.taken();
        }
    }

    /// Sends a DELETE; an application's foreign key that blocks it is named.
    pub(super) fn send_deletion<C>(
        &self,
        conn: &mut C,
        deed: &'static str,
        statement: impl FnMut(&mut C) -> diesel::QueryResult<usize>,
    ) -> Result<usize>
    where
        M: DbSession<C>,
    {
        self.send(conn, deed, statement).map_err(|error| self.name_constraint(conn, error))
    }

    /// SQLite does not say which foreign key objected: its catalogue tells which can.
    pub(super) fn name_constraint<C>(&self, conn: &mut C, error: Error) -> Error
    where
        M: DbSession<C>,
    {
        if error.kind() != ErrorKind::ForeignKey || error.constraint_name().is_some() {
            return error;
        }
        let name = M::blocking_references(conn).ok().flatten();
        error.with_constraint(name)
    }
}
