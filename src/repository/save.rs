//! Saving a session's changes without losing another request's.

use super::draws::Draws;
use super::{SessionRepository, decision, digest_of};
use crate::clock::Timestamp6;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{DbSession, Guard, SessionModel, Write};
use crate::session::{OwnerChange, Session, State};

/// What a save did.
///
/// # Example
///
/// ```
/// # use diesel::prelude::*;
/// # use diesel_sessions::{Saved, SessionRepository, migrations, plain::sqlite::PlainSession};
/// # let mut conn = SqliteConnection::establish(":memory:")?;
/// # migrations::run(&mut conn)?;
/// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
/// # let mut session = sessions.new_session();
/// assert_eq!(sessions.save(&mut conn, &mut session)?, Saved::Unchanged);
/// session.insert("lines", 1)?;
/// assert_eq!(sessions.save(&mut conn, &mut session)?, Saved::Created);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// The session has its row and a token now.
    Created,
    /// The row holds the changes.
    Updated,
    /// Nothing was changed, so nothing was written, apart from a touch when one was due.
    Unchanged,
}

/// How often changes are laid over a newer row before a save gives up.
pub(super) const MAX_MERGES: usize = 100;

impl<M: SessionModel> SessionRepository<M> {
    /// Stores what was changed: inserts a new session, updates a stored one in one guarded statement.
    ///
    /// When another request was faster, this one's own changes are laid over the newer row: different keys both survive, of
    /// the same key the last save wins, or see [`OnConflict::Refuse`](crate::OnConflict::Refuse). A change of the owner rotates
    /// the token; from one owner to another, the row is deleted and a new session with empty data begins. A deadline that has
    /// passed ends the session, for a sign-in that is in flight too. A session that is unchanged sends nothing but a touch when
    /// one is due.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Gone`] when it was ended or has expired, [`ErrorKind::Rotated`] when its token was replaced by another
    /// handle, [`ErrorKind::Conflict`], [`ErrorKind::Undecodable`] when the newer row's data is no JSON object,
    /// [`ErrorKind::InvalidArgument`] for a timeout out of bounds, [`ErrorKind::Config`] when the token source repeats itself,
    /// [`ErrorKind::StaleModel`], [`ErrorKind::Limit`], and the database's own. The changes then are still pending.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{Saved, SessionRepository, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// let mut session = sessions.new_session();
    /// assert_eq!(sessions.save(&mut conn, &mut session)?, Saved::Unchanged);
    /// session.insert("lines", 1)?;
    /// assert_eq!(sessions.save(&mut conn, &mut session)?, Saved::Created);
    /// session.insert("lines", 2)?;
    /// assert_eq!(sessions.save(&mut conn, &mut session)?, Saved::Updated);
    /// assert_eq!(sessions.save(&mut conn, &mut session)?, Saved::Unchanged);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn save<C>(&self, conn: &mut C, session: &mut Session<M>) -> Result<Saved>
    where
        M: DbSession<C>,
    {
        const DEED: &str = "could not save the session";
        let row = match session.state() {
            State::Stored(row) => row,
            State::New => {
                session.check_model(DEED)?;
                if !session.was_changed() {
                    return Ok(Saved::Unchanged);
                }
                return self.insert(conn, session, DEED, None).map(|()| Saved::Created);
            }
            State::Superseded(..) => return Err(Error::new(ErrorKind::Rotated, DEED)),
            State::Ended => return Err(Error::new(ErrorKind::Gone, DEED)),
        };
        session.check_model(DEED)?;
        session.note_verb(self.in_transaction_of_caller(conn)?);
        let mut draws = self.draws();
        for _ in 0..MAX_MERGES {
            if !session.was_changed() {
                self.touch_if_due(conn, session, row, DEED)?;
                return Ok(Saved::Unchanged);
            }
            session.check_columns()?;
            let done = match session.owner_change() {
                OwnerChange::None => self.update(conn, session, row, DEED)?,
                OwnerChange::Gained | OwnerChange::Cleared => self.update_rotating(conn, session, row, &mut draws, DEED)?,
                OwnerChange::Replaced => {
                    self.replace(conn, session, row, DEED)?;
                    return Ok(Saved::Updated);
                }
            };
            if done {
                return Ok(Saved::Updated);
            }
        }
        Err(Error::new(ErrorKind::Conflict, DEED).with_detail(format!("other requests were faster {MAX_MERGES} times")))
    }

    /// One guarded update; false when another request was faster and its row is now the base of the pending changes.
    fn update<C>(&self, conn: &mut C, session: &mut Session<M>, row: M::RowId, deed: &'static str) -> Result<bool>
    where
        M: DbSession<C>,
    {
        let now = self.now();
        let data = session.text_to_store()?;
        let policy = session.policy_changed();
        let touch = decision::touch_due(session.seen(), self.inner.touch_every, now).is_some();
        let shape = decision::save_shape(policy, session.columns_changed(), touch);
        let mut stamp = *session.seen();
        session.policy_change().apply(&mut stamp)?;
        if policy || touch {
            stamp.see(now);
        }
        stamp.version = stamp.version.wrapping_add(1);
        let guard = self.guard(session, row, now);
        let write = Write::new(session.model(), &data, &stamp);
        if self.send(conn, deed, |conn| M::save(conn, &guard, &write, shape))? == 0 {
            return self.merge(conn, session, row, now, deed).map(|()| false);
        }
        session.stored(row, stamp, data);
        session.note_write(self.in_transaction_of_caller(conn)?);
        Ok(true)
    }

    /// The same for a change of owner that keeps the row: it replaces the token.
    fn update_rotating<C>(
        &self,
        conn: &mut C,
        session: &mut Session<M>,
        row: M::RowId,
        draws: &mut Draws<'_>,
        deed: &'static str,
    ) -> Result<bool>
    where
        M: DbSession<C>,
    {
        let now = self.now();
        let data = session.text_to_store()?;
        let mut stamp = *session.seen();
        session.policy_change().apply(&mut stamp)?;
        stamp.see(now);
        if session.owner_change() == OwnerChange::Cleared {
            stamp.authenticated_at = None;
        }
        let Some(token) = self.renew_row(conn, session, row, now, &mut stamp, &data, draws, deed)? else { return Ok(false) };
        session.stored(row, stamp, data);
        session.note_write(self.in_transaction_of_caller(conn)?);
        session.tell(token);
        tracing::info!(target: "diesel_sessions", row_id = %row, reason = "change of owner", "rotated");
        Ok(true)
    }

    /// Reads the row that a guarded write did not match, and lays the pending changes over it.
    pub(super) fn merge<C>(
        &self,
        conn: &mut C,
        session: &mut Session<M>,
        row: M::RowId,
        now: Timestamp6,
        deed: &'static str,
    ) -> Result<()>
    where
        M: DbSession<C>,
    {
        let (newer, _) = self.look_again(conn, session, row, now, deed)?.into_row(deed)?;
        session.rebase(newer, self.inner.on_conflict)?;
        session.note_read(self.in_transaction_of_caller(conn)?);
        Ok(())
    }

    /// Reads the row that a guarded write did not match, and says what that means.
    pub(super) fn look_again<C>(
        &self,
        conn: &mut C,
        session: &Session<M>,
        row: M::RowId,
        now: Timestamp6,
        deed: &'static str,
    ) -> Result<decision::Answer<M>>
    where
        M: DbSession<C>,
    {
        let newer = self.send(conn, deed, |conn| M::read_again(conn, row))?;
        Ok(decision::after_miss(newer, session.seen(), session.guard_version(), now))
    }

    /// What a write must find, as this handle knows it.
    pub(super) fn guard(&self, session: &Session<M>, row: M::RowId, now: Timestamp6) -> Guard<M> {
        Guard { id: row, digest: digest_of(session), version: session.guard_version(), now }
    }
}
