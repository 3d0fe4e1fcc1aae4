//! What a store does with a connection: the verbs of the repository, over records instead of sessions.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};

use super::memory::{Deleted, Memory};
use super::owner_path::OwnerPath;
use super::record::{Base, Changes, Content, Own, content_of, number};
use crate::clock::Timestamp6;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{DbSession, SessionModel};
use crate::repository::{Origin, SessionRepository};
use crate::session::{OnConflict, OwnerChange, Session};
use crate::token::{SessionToken, TokenSource};

mod created;

#[cfg(feature = "actix-session-0-11")]
pub(crate) use created::Created;
pub(crate) use created::FormerOwner;

/// A repository behind a store, and where its records hold the owner.
pub(crate) struct Kept<M: SessionModel> {
    pub(crate) sessions: SessionRepository<M>,
    pub(crate) owner: Option<OwnerPath>,
}

/// A live session, as a record.
pub(crate) struct Loaded {
    /// Keys and values, the reserved ones among them.
    pub(crate) content: Content,
    /// When it ends unless it is seen again; the year 9999 is never.
    pub(crate) ends_at: DateTime<Utc>,
}

/// What the save of a record came to.
pub(crate) enum Outcome {
    /// The row holds the changes; the next save of the same record is to be told of them.
    Stored(Own),
    /// The record cleared the owner, so the session was ended.
    Ended,
}

/// What one look at the row came to.
enum Look {
    Stored,
    Ended,
    Again,
}

/// How often a save begins anew when the row changes between its look and its write, where conflicts are refused.
const MAX_LOOKS: usize = 10;

impl<M: SessionModel> Clone for Kept<M> {
    fn clone(&self) -> Self {
        Kept { sessions: self.sessions.clone(), owner: self.owner.clone() }
    }
}

impl<M: SessionModel> Kept<M> {
    /// The live session of a token, touched when that is due. None when it is unknown, ended or expired.
    pub(crate) fn load<C>(&self, conn: &mut C, token: &SessionToken) -> Result<Option<Loaded>>
    where
        M: DbSession<C>,
    {
        let Some(mut session) = self.sessions.load(conn, token.reveal())? else { return Ok(None) };
        match self.sessions.touch(conn, &mut session) {
            Err(error) if matches!(error.kind(), ErrorKind::Gone | ErrorKind::Rotated) => return Ok(None),
            Err(error) => tracing::debug!(target: "diesel_sessions", reason = %error, "touch failed"),
            Ok(_) => {}
        }
        loaded(&session).map(Some)
    }

    /// Stores what a request changed of a record. It updates a live row or says [`ErrorKind::Gone`]; it never creates one. A
    /// record that was emptied, or whose owner was cleared, wants no session, so that it says nothing when that is gone.
    ///
    /// A change of owner is refused, because a store cannot give the client another token here: [`ErrorKind::Config`]. Clearing
    /// the owner ends the session, so that the token of a signed-in session opens nothing after the sign-out.
    pub(crate) fn save<C>(
        &self,
        conn: &mut C,
        token: &SessionToken,
        content: &Content,
        ends_by: DateTime<Utc>,
        own: Option<&Own>,
    ) -> Result<Outcome>
    where
        M: DbSession<C>,
    {
        let base = Base::of(content);
        let changes = match &base {
            Some(base) => Changes::between(content, base, own),
            None => Changes::whole(content),
        };
        for _ in 0..MAX_LOOKS {
            let Some(mut session) = self.sessions.load(conn, token.reveal())? else {
                let wants_none = changes.leave_nothing() || changes.clear_the_owner::<M>(self.owner.as_ref());
                return if wants_none { Ok(Outcome::Ended) } else { Err(gone()) };
            };
            let look = self.save_over(conn, &mut session, &changes, base.as_ref(), ends_by);
            if !matches!(look, Ok(Look::Stored)) {
                session.revert();
            }
            match look? {
                Look::Stored => {
                    let mut own = own.cloned().unwrap_or_default();
                    own.add(&changes, &session)?;
                    return Ok(Outcome::Stored(own));
                }
                Look::Ended => return Ok(Outcome::Ended),
                Look::Again => {}
            }
        }
        Err(Error::new(ErrorKind::Conflict, "could not save the session"))
    }

    /// One look at the row, and what a save over it comes to.
    fn save_over<C>(
        &self,
        conn: &mut C,
        session: &mut Session<M>,
        changes: &Changes<'_>,
        base: Option<&Base>,
        ends_by: DateTime<Utc>,
    ) -> Result<Look>
    where
        M: DbSession<C>,
    {
        if base.is_some_and(|base| session.row_id().map(number) != Some(base.row)) {
            return Err(gone());
        }
        changes.lay_over(session, self.owner.as_ref(), self.sessions.on_conflict())?;
        match session.owner_change() {
            OwnerChange::None => {}
            OwnerChange::Gained | OwnerChange::Replaced => {
                let detail = "its owner changed under the same id: give it a new one before an owner is set";
                return Err(Error::new(ErrorKind::Config, "could not save the session").with_detail(detail));
            }
            OwnerChange::Cleared => {
                session.revert();
                return self.sessions.end(conn, session).map(|()| Look::Ended);
            }
        }
        self.sessions.end_by(session, ends_by)?;
        match self.sessions.save(conn, session) {
            // The row changed since this look. The next one tells whether it was under the same key, or only the end that moves
            // with every request.
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(Look::Again),
            saved => saved.map(|_| Look::Stored),
        }
    }

    /// Moves another store's record here under its own token. False when the token is taken.
    ///
    /// Its owner proved who it is at a time that nobody knows, so the session is not fresh.
    pub(crate) fn take_over<C>(
        &self,
        conn: &mut C,
        token: &SessionToken,
        content: &Content,
        ends_by: DateTime<Utc>,
    ) -> Result<bool>
    where
        M: DbSession<C>,
    {
        let mut session = self.sessions.new_session();
        let created = Changes::whole(content).lay_over(&mut session, self.owner.as_ref(), OnConflict::Merge).and_then(|()| {
            let tokens = OneToken(Mutex::new(Some(token.clone())));
            self.sessions.create_under(conn, &mut session, &tokens, Origin::New, ends_by)
        });
        if created.is_err() {
            session.revert();
        }
        match created {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            created => created.map(|()| true),
        }
    }

    /// Ends the session of a token, and notes what it was for a record that goes on from it.
    pub(crate) fn end<C>(&self, conn: &mut C, token: &SessionToken, memory: &Memory) -> Result<()>
    where
        M: DbSession<C>,
    {
        let ended = self.sessions.end_under(conn, token)?;
        let deleted = ended.map(|(stamp, session)| {
            let content = session.and_then(|session| content_of(&session).ok()).map(Arc::new);
            Deleted { stamp, content }
        });
        memory.note_ended(token.digest().as_uuid(), deleted);
        Ok(())
    }
}

/// A source of one token: when that is taken, there is no other.
struct OneToken(Mutex<Option<SessionToken>>);

impl TokenSource for OneToken {
    fn token(&self) -> Result<SessionToken> {
        let token = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        token.ok_or_else(|| Error::new(ErrorKind::AlreadyExists, "could not take the session over"))
    }
}

fn loaded<M: SessionModel>(session: &Session<M>) -> Result<Loaded> {
    let ends_at = session.expires_at().unwrap_or(Timestamp6::NEVER.to_utc());
    Ok(Loaded { content: content_of(session)?, ends_at })
}

fn gone() -> Error {
    Error::new(ErrorKind::Gone, "could not save the session")
}
