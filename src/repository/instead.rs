//! A new session in the place of one: of one that is gone or rotated, and of another owner's.

use super::SessionRepository;
use super::sign_in::Proof;
use crate::data::JsonText;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{DbSession, SessionModel, Stamp, Write};
use crate::policy::Timeouts;
use crate::session::{Session, new_stamp};
use crate::token::SessionToken;

/// How often a row that was not there, and then is, is looked for.
const MAX_LOOKS: usize = 10;

impl<M: SessionModel> SessionRepository<M> {
    /// Begins a new session in place of one that is gone or rotated; false when the token is taken.
    pub(super) fn start_anew<C>(
        &self,
        conn: &mut C,
        session: &mut Session<M>,
        proof: &Proof<M::Owner>,
        token: SessionToken,
        deed: &'static str,
    ) -> Result<bool>
    where
        M: DbSession<C>,
    {
        let now = self.now();
        let mut model = self.fresh_model();
        let data = session.content_for_new(&mut model);
        model.set_owner_field(proof.owner.clone());
        let mut stamp = self.proved(new_stamp(now, Timeouts::NEVER), &model, proof, session.policy_change(), now)?;
        stamp.digest = token.digest();
        let data = data.to_text()?;
        let write = Write::new(&model, &data, &stamp);
        let Some(row) = self.send(conn, deed, |conn| Self::insert_row(conn, &write))? else { return Ok(false) };
        tracing::info!(target: "diesel_sessions", row_id = %row, reason = "the former session is gone or rotated", "created");
        session.become_new(model, row, stamp, data, token)?;
        session.note_insert(self.in_transaction_of_caller(conn)?);
        Ok(true)
    }

    /// Deletes another owner's row and begins a new session with empty data, in one transaction.
    pub(super) fn replace_row<C>(
        &self,
        conn: &mut C,
        session: &mut Session<M>,
        row: M::RowId,
        proof: &Proof<M::Owner>,
        deed: &'static str,
    ) -> Result<()>
    where
        M: DbSession<C>,
    {
        let model = self.model_for_another(session, proof.owner.clone());
        let now = self.now();
        let stamp = self.proved(new_stamp(now, Timeouts::NEVER), &model, proof, session.policy_change(), now)?;
        let (known, created_at) = (session.guard_of_end(), session.seen().created_at);
        self.begin_instead(conn, session, model, row, stamp, deed, |conn| {
            Self::end_row(conn, row, known, created_at).map(|_| true)
        })
    }

    /// The same for a save that changes the owner; the row must be the one that this handle saw.
    pub(super) fn replace<C>(&self, conn: &mut C, session: &mut Session<M>, row: M::RowId, deed: &'static str) -> Result<()>
    where
        M: DbSession<C>,
    {
        let model = self.model_for_another(session, session.model().owner_field().cloned());
        let stamp = self.stamp_to_insert(&model, self.now(), session.policy_change())?;
        let guard = self.guard(session, row, self.now());
        self.begin_instead(conn, session, model, row, stamp, deed, |conn| M::end_guarded(conn, &guard).map(|rows| rows == 1))
    }

    /// Ends a row and inserts another in one transaction. `end` says whether the row was there, if it has to be.
    #[expect(clippy::too_many_arguments, reason = "each is a thing of its own, and both callers have them all at hand")]
    fn begin_instead<C>(
        &self,
        conn: &mut C,
        session: &mut Session<M>,
        model: M,
        row: M::RowId,
        mut stamp: Stamp,
        deed: &'static str,
        mut end: impl FnMut(&mut C) -> diesel::QueryResult<bool>,
    ) -> Result<()>
    where
        M: DbSession<C>,
    {
        let data = JsonText::empty();
        let (mut draws, mut blocked, mut looks) = (self.draws(), false, 0);
        let (database, own) = (|error| Error::from_database(deed, error), session.seen().digest);
        let (new_row, token) = loop {
            let inserted = self.send_together(conn, deed, |conn| {
                let ended = end(conn);
                blocked = ended.is_err();
                if !ended.map_err(database)? {
                    return Ok(None);
                }
                loop {
                    let token = draws.token(own)?;
                    stamp.digest = token.digest();
                    let write = Write::new(&model, &data, &stamp);
                    match Self::insert_row(conn, &write).map_err(database)? {
                        Some(new_row) => return Ok(Some((new_row, token))),
                        None => draws.taken(),
                    }
                }
            });
            match inserted {
                Ok(Some(inserted)) => break inserted,
                Ok(None) => {
                    // It was not there when it was to be deleted; if it is now, another request has just lengthened its life.
                    self.look_again(conn, session, row, self.now(), deed)?.into_row(deed)?;
                    looks += 1;
                    if looks == MAX_LOOKS {
                        return Err(Error::new(ErrorKind::Conflict, deed));
                    }
                    continue;
                }
                Err(error) if blocked => return Err(self.name_constraint(conn, error)),
                Err(error) => return Err(error),
            }
        };
        tracing::info!(target: "diesel_sessions", row_id = %row, reason = "another owner takes its place", "ended");
        tracing::info!(target: "diesel_sessions", row_id = %new_row, reason = "another owner", "created");
        session.become_new(model, new_row, stamp, data, token)?;
        session.note_insert(self.in_transaction_of_caller(conn)?);
        Ok(())
    }

    /// A new model for another owner, with the typed columns that were changed through the old handle.
    fn model_for_another(&self, session: &Session<M>, owner: Option<M::Owner>) -> M {
        let mut model = self.fresh_model();
        session.copy_changed_columns(&mut model);
        model.set_owner_field(owner);
        model
    }
}
