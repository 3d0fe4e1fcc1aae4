//! What the store does with a connection beyond [`Kept`]: here a save may give the client another token.

use chrono::{DateTime, Utc};

use super::ends::{ends_by, is_worth_writing};
use crate::adapters::kept::{Created, Kept};
use crate::adapters::memory::Memory;
use crate::adapters::record::{Base, Changes, Content, content_of, number};
use crate::error::{Error, ErrorKind, Result};
use crate::model::DbSession;
use crate::session::{OwnerChange, Session};
use crate::token::SessionToken;

/// How often a save begins anew when the row changes between its look and its write, where conflicts are refused.
const MAX_LOOKS: usize = 10;

/// The live session of a token, touched when that is due. None when it is unknown, ended or expired.
///
/// A token that a rotation has just replaced gives an empty record: a middleware that found none would begin a session in the place
/// of the newer one, and sign the user out. What is changed on it is not saved.
pub(super) fn load<M, C>(kept: &Kept<M>, conn: &mut C, token: &SessionToken) -> Result<Option<Content>>
where
    M: DbSession<C>,
{
    let mut session = kept.sessions.open(conn, token.reveal())?;
    if session.is_superseded() {
        return Ok(Some(Content::new()));
    }
    if session.is_new() {
        return Ok(None);
    }
    match kept.sessions.touch(conn, &mut session) {
        Err(error) if error.kind() == ErrorKind::Gone => return Ok(None),
        Err(error) if error.kind() == ErrorKind::Rotated => return Ok(Some(Content::new())),
        Err(error) => tracing::debug!(target: "diesel_sessions", reason = %error, "touch failed"),
        Ok(_) => {}
    }
    content_of(&session).map(Some)
}

/// Gives a record a row of its own; its token. If a row was deleted for it, the token of that one is superseded, as by a rotation.
pub(super) fn create<M, C>(
    kept: &Kept<M>,
    conn: &mut C,
    content: &Content,
    ends_by: DateTime<Utc>,
    memory: &Memory,
) -> Result<SessionToken>
where
    M: DbSession<C>,
{
    let created = kept.create(conn, content, ends_by, &*kept.sessions.tokens(), None, memory)?;
    let token = superseding(kept, conn, &created)?;
    // From here on, a sign-out with the former token meets this row.
    kept.settle(conn, content, &created, &token, memory)?;
    Ok(token)
}

fn superseding<M, C>(kept: &Kept<M>, conn: &mut C, created: &Created) -> Result<SessionToken>
where
    M: DbSession<C>,
{
    let token = created.token.clone();
    let Some(former) = created.former else { return Ok(token) };
    let rotated = kept.sessions.load(conn, token.reveal()).and_then(|session| {
        let mut session = session.ok_or_else(gone)?;
        kept.sessions.rotate_from(conn, &mut session, former.digest)?;
        session.new_token().cloned().ok_or_else(gone)
    });
    // Without it, the row still has the token that it was created under.
    rotated.or_else(|error| {
        tracing::warn!(target: "diesel_sessions", reason = %error, "no grace for the former token");
        Ok(token)
    })
}

/// What one look at the row came to.
enum Look {
    /// Stored; and the token that the client has from now on, if it is another.
    Stored(Option<SessionToken>),
    /// Another owner signs in over a session: it is to be ended, and another begun.
    Replaced,
    /// The row changed since.
    Again,
}

/// Stores what a request changed of a record; the new token, if it has one. It updates a live row or says [`ErrorKind::Gone`]: what
/// was ended stays ended.
///
/// Another owner gets another token. One who comes to an anonymous session signs in to it: it keeps its row, its data and its
/// attributes. One who comes to another's session gets a new one, with this request's own changes alone. A session whose owner was
/// taken away goes on as an anonymous one.
pub(super) fn update<M, C>(
    kept: &Kept<M>,
    conn: &mut C,
    token: &SessionToken,
    content: &Content,
    ends_by: DateTime<Utc>,
    memory: &Memory,
) -> Result<Option<SessionToken>>
where
    M: DbSession<C>,
{
    let base = Base::of(content);
    let changes = base.as_ref().map_or_else(|| Changes::whole(content), |base| Changes::between(content, base, None));
    for _ in 0..MAX_LOOKS {
        let mut session = kept.sessions.load(conn, token.reveal())?.ok_or_else(gone)?;
        if base.as_ref().is_some_and(|base| session.row_id().map(number) != Some(base.row)) {
            return Err(gone());
        }
        let look = save_over(kept, conn, &mut session, &changes, ends_by);
        if !matches!(look, Ok(Look::Stored(_))) {
            session.revert();
        }
        match look? {
            Look::Stored(token) => return Ok(token),
            Look::Replaced => {
                // The new one first: if that fails, the old one is whole.
                let newer = create(kept, conn, content, ends_by, memory)?;
                kept.end(conn, token, memory)?;
                return Ok(Some(newer));
            }
            Look::Again => {}
        }
    }
    Err(Error::new(ErrorKind::Conflict, DEED))
}

fn save_over<M, C>(
    kept: &Kept<M>,
    conn: &mut C,
    session: &mut Session<M>,
    changes: &Changes<'_>,
    ends_by: DateTime<Utc>,
) -> Result<Look>
where
    M: DbSession<C>,
{
    let sessions = &kept.sessions;
    changes.lay_over(session, kept.owner.as_ref(), sessions.on_conflict())?;
    match session.owner_change() {
        OwnerChange::None | OwnerChange::Cleared => {}
        // Its times begin anew, so that the end is counted from here.
        OwnerChange::Gained => sessions.authenticate(conn, session)?,
        OwnerChange::Replaced => return Ok(Look::Replaced),
    }
    let new_token = session.new_token().cloned();
    sessions.end_by(session, ends_by)?;
    match sessions.save(conn, session) {
        Ok(_) => Ok(Look::Stored(session.new_token().cloned())),
        Err(error) if error.kind() == ErrorKind::Conflict && new_token.is_none() => Ok(Look::Again),
        // The sign-in stands, with the end that the policy gives it.
        Err(error) if new_token.is_some() => {
            tracing::warn!(target: "diesel_sessions", reason = %error, "end not saved");
            session.revert();
            Ok(Look::Stored(new_token))
        }
        Err(error) => Err(error),
    }
}

/// Lets a session live for so many seconds from now, and no longer than the policy does.
pub(super) fn prolong<M, C>(kept: &Kept<M>, conn: &mut C, token: &SessionToken, seconds: i64) -> Result<()>
where
    M: DbSession<C>,
{
    let mut session = kept.sessions.load(conn, token.reveal())?.ok_or_else(gone)?;
    let wanted = ends_by(kept.sessions.now().to_utc(), seconds);
    if is_worth_writing(session.deadline_at(), wanted, seconds) {
        kept.sessions.end_by(&mut session, wanted)?;
    }
    let saved = kept.sessions.save(conn, &mut session);
    if saved.is_err() {
        session.revert();
    }
    saved.map(drop)
}

const DEED: &str = "could not save the session";

fn gone() -> Error {
    Error::new(ErrorKind::Gone, DEED)
}
