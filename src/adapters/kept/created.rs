//! How a record gets a row of its own: what it begins with, and which row it goes on from.

use chrono::{DateTime, Utc};

use super::{Kept, Loaded, gone, loaded};
use crate::adapters::memory::{Deleted, Memory};
use crate::adapters::record::{Base, Changes, Content, Own};
use crate::error::Result;
use crate::model::{DbSession, SessionModel, Stamp};
use crate::repository::Origin;
use crate::session::{OnConflict, OwnerChange, Session};
use crate::token::{SessionToken, TokenSource};

/// A record that has got its row.
pub(crate) struct Created {
    pub(crate) token: SessionToken,
    pub(crate) loaded: Loaded,
    /// The row that was deleted for it.
    pub(crate) former: Option<Stamp>,
    /// It goes on from that row, and must not if somebody has signed out.
    is_bound: bool,
}

impl<M: SessionModel> Kept<M> {
    /// Gives a record a row of its own, under the first of `tokens` that is free; the token, and the record as it is now.
    ///
    /// A record that was loaded before goes on from a row of which `memory` says that it was deleted for this very record. Without
    /// that, the row was ended by somebody else, and what goes on from it would bring it back: `Gone`, unless the row
    /// is still live, or an owner signs in. Over another owner's session, the new one begins with this request's own changes alone.
    ///
    /// [`settle`](Kept::settle) is to follow.
    pub(crate) fn create<C>(
        &self,
        conn: &mut C,
        content: &Content,
        ends_by: DateTime<Utc>,
        tokens: &dyn TokenSource,
        own: Option<&Own>,
        memory: &Memory,
    ) -> Result<Created>
    where
        M: DbSession<C>,
    {
        let mut session = self.sessions.new_session();
        let base = Base::of(content);
        let deleted = base.as_ref().and_then(|base| memory.ended(base.digest));
        let filled = self.fill(conn, &mut session, content, (base.as_ref(), own), deleted.as_ref());
        let created = filled.and_then(|origin| {
            self.sessions.create_under(conn, &mut session, tokens, origin, ends_by)?;
            let token = session.new_token().cloned().ok_or_else(gone)?;
            let former = deleted.map(|deleted| deleted.stamp);
            let is_bound = former.is_some() && matches!(origin, Origin::Former(_));
            Ok(Created { token, loaded: loaded(&session)?, former, is_bound })
        });
        if created.is_err() {
            session.revert();
        }
        created
    }

    /// Takes the note of the row that a created record goes on from, so that no other does. Where somebody has signed out since
    /// the note was read, what was created is ended: `Gone`. `token` is its token by now.
    pub(crate) fn settle<C>(
        &self,
        conn: &mut C,
        content: &Content,
        created: &Created,
        token: &SessionToken,
        memory: &Memory,
    ) -> Result<()>
    where
        M: DbSession<C>,
    {
        let Some(base) = Base::of(content) else { return Ok(()) };
        if !memory.take_ended(base.digest) && created.is_bound {
            self.sessions.end_under(conn, token)?;
            return Err(gone());
        }
        if created.former.is_some() {
            memory.note_left(base.digest, self.sessions.now());
        }
        Ok(())
    }

    /// Fills a new session from a record, and says where it comes from.
    fn fill<C>(
        &self,
        conn: &mut C,
        session: &mut Session<M>,
        content: &Content,
        (base, own): (Option<&Base>, Option<&Own>),
        deleted: Option<&Deleted>,
    ) -> Result<Origin>
    where
        M: DbSession<C>,
    {
        let owner = self.owner.as_ref();
        let last = deleted.and_then(|deleted| deleted.content.as_deref());
        match (base, last) {
            // Others may have saved since this record was read.
            (Some(base), Some(last)) if base.has_owner_of::<M>(last) => {
                Changes::whole(last).lay_over(session, None, OnConflict::Merge)?;
                Changes::between(content, base, own).lay_over(session, owner, OnConflict::Merge)?;
            }
            _ => Changes::whole_since(content, base).lay_over(session, owner, OnConflict::Merge)?,
        }
        let step = step(session.owner_change() != OwnerChange::None, base.map(|base| base.had_owner::<M>(session)));
        match (step, base) {
            (Step::GoOn, Some(base)) => {
                let stamp = match deleted {
                    Some(deleted) => Some(deleted.stamp),
                    None => self.sessions.find_live(conn, base.digest.into())?,
                };
                stamp.map(Origin::Former).ok_or_else(gone)
            }
            (Step::SignInAnew, Some(base)) => {
                session.revert();
                Changes::between(content, base, own).lay_over(session, owner, OnConflict::Merge)?;
                Ok(Origin::SignedIn)
            }
            (Step::SignIn | Step::SignInAnew, _) => Ok(Origin::SignedIn),
            (Step::Begin | Step::GoOn, _) => Ok(Origin::New),
        }
    }
}

/// What a record that is to get its row does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// It was never loaded, and has no owner.
    Begin,
    /// An owner signs in.
    SignIn,
    /// An owner signs in over another's session.
    SignInAnew,
    /// It goes on from the row that it was loaded from.
    GoOn,
}

/// What the owner had to do with the row that a record was loaded from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FormerOwner {
    /// There was none.
    None,
    /// The one that the record has now.
    Same,
    /// One that it has no longer.
    Other,
}

fn step(has_owner: bool, former: Option<FormerOwner>) -> Step {
    match (has_owner, former) {
        (false, None) => Step::Begin,
        (true, None | Some(FormerOwner::None)) => Step::SignIn,
        (true, Some(FormerOwner::Other)) => Step::SignInAnew,
        (true, Some(FormerOwner::Same)) | (false, Some(_)) => Step::GoOn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // SECURITY 9, 13
    #[test]
    fn only_an_owner_who_signs_in_needs_no_former_row() {
        assert_eq!(step(false, None), Step::Begin);
        assert_eq!(step(true, None), Step::SignIn);
        assert_eq!(step(true, Some(FormerOwner::None)), Step::SignIn);
        assert_eq!(step(true, Some(FormerOwner::Other)), Step::SignInAnew);
        assert_eq!(step(true, Some(FormerOwner::Same)), Step::GoOn);
        for former in [FormerOwner::None, FormerOwner::Same, FormerOwner::Other] {
            assert_eq!(step(false, Some(former)), Step::GoOn);
        }
    }
}
