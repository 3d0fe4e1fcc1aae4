//! Keeping a session alive and giving it a new token: touch, extend, rotate.

use chrono::{DateTime, Utc};

use super::draws::Draws;
use super::{SessionRepository, decision};
use crate::clock::Timestamp6;
use crate::data::JsonText;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{DbSession, SessionModel, Stamp, Write};
use crate::session::{Session, State};
use crate::token::{SessionToken, TokenDigest};

/// How often a touch is tried while other requests change the row.
const MAX_TRIES: usize = 100;

impl<M: SessionModel> SessionRepository<M> {
    /// Notes that the session was seen, if a touch is due; says whether it was written. `save` does this by itself.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Gone`], [`ErrorKind::Rotated`], [`ErrorKind::NotCreated`], [`ErrorKind::StaleModel`], and the database's own.
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
    /// assert!(!sessions.touch(&mut conn, &mut session)?, "it has just been seen");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn touch<C>(&self, conn: &mut C, session: &mut Session<M>) -> Result<bool>
    where
        M: DbSession<C>,
    {
        const DEED: &str = "could not touch the session";
        let row = stored_row(session, DEED)?;
        session.note_verb(self.in_transaction_of_caller(conn)?);
        self.touch_if_due(conn, session, row, DEED)
    }

    /// Starts the session's idle time anew, whatever the throttle, and gives the new end; never past the deadline.
    ///
    /// Changes that are not saved yet stay pending.
    ///
    /// # Errors
    ///
    /// As [`touch`](SessionRepository::touch), and [`ErrorKind::Conflict`] when other requests were faster 100 times.
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
    /// let end = sessions.extend(&mut conn, &mut session)?;
    /// assert_eq!(session.expires_at(), Some(end));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn extend<C>(&self, conn: &mut C, session: &mut Session<M>) -> Result<DateTime<Utc>>
    where
        M: DbSession<C>,
    {
        const DEED: &str = "could not extend the session";
        let row = stored_row(session, DEED)?;
        session.note_verb(self.in_transaction_of_caller(conn)?);
        let mut base = (*session.seen(), session.guard_version());
        for _ in 0..MAX_TRIES {
            let now = self.now();
            let mut stamp = base.0;
            stamp.see(now);
            let mut guard = self.guard(session, row, now);
            guard.version = base.1;
            if self.write_touch(conn, session, &guard, &stamp, stamp.last_seen_at, DEED)? {
                self.take_over_touch(session, &stamp);
                return Ok(stamp.expires_at.to_utc());
            }
            let (newer, _) = self.look_again(conn, session, row, now, DEED)?.into_row(DEED)?;
            let newer = newer.core_field().stamp;
            base = (newer, newer.version);
        }
        Err(Error::new(ErrorKind::Conflict, DEED))
    }

    /// Gives a live session a new token. The old one opens nothing from then on.
    ///
    /// Changes that are not saved yet stay pending.
    ///
    /// # Errors
    ///
    /// As [`touch`](SessionRepository::touch), and [`ErrorKind::Config`] when the token source repeats itself; the session then
    /// keeps its token.
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
    /// let old = session.new_token().expect("created").reveal().to_owned();
    /// sessions.rotate(&mut conn, &mut session)?;
    /// assert!(!sessions.is_live(&mut conn, old.as_str())?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rotate<C>(&self, conn: &mut C, session: &mut Session<M>) -> Result<()>
    where
        M: DbSession<C>,
    {
        self.rotate_from(conn, session, session.seen().digest)?;
        if let Some(row) = session.row_id() {
            tracing::info!(target: "diesel_sessions", row_id = %row, reason = "asked for", "rotated");
        }
        Ok(())
    }

    /// Gives the session a new token, in the place of the one with the digest `previous`: its own, or that of a row that was
    /// deleted for it. Whoever still has that one is superseded from now on.
    pub(crate) fn rotate_from<C>(&self, conn: &mut C, session: &mut Session<M>, previous: TokenDigest) -> Result<()>
    where
        M: DbSession<C>,
    {
        const DEED: &str = "could not rotate the session";
        let row = stored_row(session, DEED)?;
        let now = self.now();
        let guard = self.guard(session, row, now);
        let mut stamp = *session.seen();
        let mut draws = self.draws();
        let token = loop {
            let token = draws.token(session.seen().digest)?;
            replace_token(&mut stamp, session.seen(), &token, now);
            stamp.previous = Some(previous);
            let write = Write::new(session.model(), &session.model().core_field().data, &stamp);
            if self.rotate_row(conn, &token, DEED, |conn| M::rotate(conn, &guard, &write))? {
                break token;
            }
            self.look_again(conn, session, row, now, DEED)?.into_row(DEED)?;
            draws.taken();
        };
        session.stamped(stamp);
        session.tell(token);
        Ok(())
    }

    /// Sends a statement that replaces the token; false when it met no row, or MySQL says that the token is taken.
    pub(super) fn rotate_row<C>(
        &self,
        conn: &mut C,
        token: &SessionToken,
        deed: &'static str,
        statement: impl FnMut(&mut C) -> diesel::QueryResult<usize>,
    ) -> Result<bool>
    where
        M: DbSession<C>,
    {
        match self.send(conn, deed, statement) {
            Ok(rows) => Ok(rows == 1),
            Err(error) if self.is_collision(conn, &error, token)? => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether an error of MySQL's says that the new token is taken. On the other engines the statement itself looks.
    fn is_collision<C>(&self, conn: &mut C, error: &Error, token: &SessionToken) -> Result<bool>
    where
        M: DbSession<C>,
    {
        if M::ENGINE != crate::model::Engine::Mysql || !error.is_unique_violation() {
            return Ok(false);
        }
        self.send(conn, "could not look a token up", |conn| M::is_taken(conn, token.digest()))
    }

    /// Replaces the token and writes everything, guarded by the version too. `None`: another request was faster, and the
    /// pending changes now lie over its row. The next try gets the same token.
    #[expect(clippy::too_many_arguments, reason = "each is a thing of its own, and both callers have them all at hand")]
    pub(super) fn renew_row<C>(
        &self,
        conn: &mut C,
        session: &mut Session<M>,
        row: M::RowId,
        now: Timestamp6,
        stamp: &mut Stamp,
        data: &JsonText,
        draws: &mut Draws<'_>,
        deed: &'static str,
    ) -> Result<Option<SessionToken>>
    where
        M: DbSession<C>,
    {
        let guard = self.guard(session, row, now);
        loop {
            let token = draws.token(session.seen().digest)?;
            replace_token(stamp, session.seen(), &token, now);
            let write = Write::new(session.model(), data, stamp);
            if self.rotate_row(conn, &token, deed, |conn| M::renew(conn, &guard, &write))? {
                return Ok(Some(token));
            }
            let (newer, changed) = self.look_again(conn, session, row, now, deed)?.into_row(deed)?;
            if changed || newer.core_field().stamp != *session.seen() {
                session.rebase(newer, self.inner.on_conflict)?;
                session.note_read(self.in_transaction_of_caller(conn)?);
                return Ok(None);
            }
            draws.taken();
        }
    }

    /// Whether a save of this session would touch it, though nothing else is to be written.
    #[cfg(feature = "http")]
    pub(crate) fn is_touch_due(&self, session: &Session<M>) -> bool {
        let stored = matches!(session.state(), State::Stored(_));
        stored && decision::touch_due(session.seen(), self.inner.touch_every, self.now()).is_some()
    }

    /// Sends a touch when one is due, and says whether it was written. When it met no row, somebody was faster, or the session
    /// is gone.
    pub(super) fn touch_if_due<C>(
        &self,
        conn: &mut C,
        session: &mut Session<M>,
        row: M::RowId,
        deed: &'static str,
    ) -> Result<bool>
    where
        M: DbSession<C>,
    {
        let mut base = (*session.seen(), session.guard_version());
        for _ in 0..MAX_TRIES {
            let now = self.now();
            let Some(idle_since) = decision::touch_due(&base.0, self.inner.touch_every, now) else {
                self.take_over_touch(session, &base.0);
                return Ok(false);
            };
            let mut stamp = base.0;
            stamp.see(now);
            let mut guard = self.guard(session, row, now);
            guard.version = base.1;
            if self.write_touch(conn, session, &guard, &stamp, idle_since, deed)? {
                self.take_over_touch(session, &stamp);
                return Ok(true);
            }
            let (newer, _) = self.look_again(conn, session, row, now, deed)?.into_row(deed)?;
            let newer = newer.core_field().stamp;
            base = (newer, newer.version);
        }
        Ok(false)
    }

    fn write_touch<C>(
        &self,
        conn: &mut C,
        session: &Session<M>,
        guard: &crate::model::Guard<M>,
        stamp: &Stamp,
        idle_since: Timestamp6,
        deed: &'static str,
    ) -> Result<bool>
    where
        M: DbSession<C>,
    {
        let write = Write::new(session.model(), &session.model().core_field().data, stamp);
        self.send(conn, deed, |conn| M::touch(conn, guard, &write, idle_since)).map(|rows| rows == 1)
    }

    /// Takes over when the row was last seen, and nothing else: the next save must still find that it is behind.
    fn take_over_touch(&self, session: &mut Session<M>, stamp: &Stamp) {
        let mut seen = *session.seen();
        seen.last_seen_at = stamp.last_seen_at;
        seen.expires_at = stamp.expires_at;
        session.stamped(seen);
    }
}

/// The row of a session that a verb is to continue.
pub(super) fn stored_row<M: SessionModel>(session: &Session<M>, deed: &'static str) -> Result<M::RowId> {
    session.check_model(deed)?;
    match session.state() {
        State::Stored(row) => Ok(row),
        State::New => Err(Error::new(ErrorKind::NotCreated, deed)),
        State::Superseded(..) => Err(Error::new(ErrorKind::Rotated, deed)),
        State::Ended => Err(Error::new(ErrorKind::Gone, deed)),
    }
}

/// Puts a new token into the core columns.
pub(super) fn replace_token(stamp: &mut Stamp, seen: &Stamp, token: &SessionToken, now: Timestamp6) {
    stamp.digest = token.digest();
    stamp.previous = Some(seen.digest);
    stamp.rotated_at = Some(now);
    stamp.version = seen.version.wrapping_add(1);
}
