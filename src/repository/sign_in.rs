//! Proof of identity: a new token, an owner and fresh clocks, in one statement.

use std::time::Duration;

use chrono::TimeDelta;

use super::SessionRepository;
use super::renew::replace_token;
use crate::clock::Timestamp6;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{DbOwnedSession, DbSession, SessionModel, Stamp, Write};
use crate::policy::{self, Timeouts};
use crate::session::{PolicyChange, Session, State, new_stamp};

/// Who signs in, and for how long the client is to be remembered.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use diesel_sessions::SignIn;
///
/// let until_the_browser_closes = SignIn::new(14);
/// let for_a_month = SignIn::new(14).remember(Duration::from_secs(30 * 86_400));
/// assert_ne!(until_the_browser_closes, for_a_month);
/// ```
#[derive(Clone, PartialEq, Eq)]
#[must_use = "hand it to `SessionRepository::sign_in`"]
pub struct SignIn<Owner> {
    owner: Owner,
    remember: Option<Duration>,
}

impl<Owner> SignIn<Owner> {
    /// The user whose identity was proved.
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
    /// assert_eq!(session.user_id, Some(14));
    /// assert!(!session.is_persistent());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(owner: Owner) -> Self {
        SignIn { owner, remember: None }
    }

    /// "Remember me": the session is persistent, and both its idle timeout and its deadline are this long, in whole seconds.
    /// Without it all three follow the repository's policy.
    ///
    /// # Example
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{SessionRepository, SignIn, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// let month = Duration::from_secs(30 * 86_400);
    /// sessions.sign_in(&mut conn, &mut session, SignIn::new(14).remember(month))?;
    /// assert!(session.is_persistent());
    /// assert_eq!(session.idle_timeout(), Some(month));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn remember(mut self, duration: Duration) -> Self {
        self.remember = Some(duration);
        self
    }
}

/// Says nothing of the owner.
impl<Owner> std::fmt::Debug for SignIn<Owner> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignIn").field("remember", &self.remember).finish_non_exhaustive()
    }
}

/// The owner to set, and how long to remember.
pub(super) struct Proof<Owner> {
    /// `None`: whatever the session has, as `authenticate` leaves it.
    pub(super) owner: Option<Owner>,
    pub(super) remember: Remember,
}

/// What a proof of identity does to the limits.
pub(super) enum Remember {
    /// Back to the policy.
    No,
    /// "Remember me", for this long.
    For(Duration),
    /// A remembered session stays as it is, another follows the policy.
    AsBefore,
}

impl<M: SessionModel> SessionRepository<M> {
    /// Records that the session's client has proved to be a user: new token, owner, fresh clocks, pending changes, in one
    /// statement.
    ///
    /// What an anonymous visitor had in the session goes along. Over another owner's session, that row is deleted and a new
    /// session with empty data begins; typed columns changed through this handle are kept. When the session turns out to be
    /// gone, or rotated by another request, a new one begins too, so that a login sent twice does not fail: with what this
    /// handle has read if that was anonymous, else with its own changes alone.
    ///
    /// On a live row without pending changes the end follows from this call's own time, also where another request was seen even
    /// later: the strict side.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Gone`] when it was ended through this handle, [`ErrorKind::InvalidArgument`] for a duration out of bounds,
    /// [`ErrorKind::Conflict`] and [`ErrorKind::Undecodable`] when pending changes meet a newer row, [`ErrorKind::Config`] when the
    /// token source repeats itself, [`ErrorKind::StaleModel`], [`ErrorKind::Limit`], and the database's own. The old session then
    /// is whole, and what was pending still is.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{SessionRepository, SignIn, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let days_30 = std::time::Duration::from_secs(30 * 86_400);
    /// let mut session = sessions.new_session();
    /// session.insert("cart", ["spam"])?;
    /// sessions.sign_in(&mut conn, &mut session, SignIn::new(14).remember(days_30))?;
    /// assert_eq!(session.user_id, Some(14));
    /// assert!(session.is_persistent() && session.authenticated_at().is_some());
    /// assert!(session.contains_key("cart"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sign_in<C>(&self, conn: &mut C, session: &mut Session<M>, sign_in: SignIn<M::Owner>) -> Result<()>
    where
        M: DbOwnedSession<C>,
    {
        self.prove(
            conn,
            session,
            Proof { owner: Some(sign_in.owner), remember: sign_in.remember.map_or(Remember::No, Remember::For) },
        )
    }

    /// Records a proof of identity without naming an owner: new token, fresh clocks, pending changes. For models without an
    /// owner, and for asking a signed-in user's password again: a session that is remembered keeps its limits, and limits of its
    /// own that are pending are stored.
    ///
    /// # Errors
    ///
    /// As [`sign_in`](SessionRepository::sign_in).
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
    /// sessions.authenticate(&mut conn, &mut session)?;
    /// assert!(session.require_fresh(std::time::Duration::from_secs(60)).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn authenticate<C>(&self, conn: &mut C, session: &mut Session<M>) -> Result<()>
    where
        M: DbSession<C>,
    {
        let proof = Proof { owner: session.model().owner_field().cloned(), remember: Remember::AsBefore };
        self.prove(conn, session, proof)
    }

    fn prove<C>(&self, conn: &mut C, session: &mut Session<M>, proof: Proof<M::Owner>) -> Result<()>
    where
        M: DbSession<C>,
    {
        const DEED: &str = "could not sign in";
        session.check_model(DEED)?;
        session.check_columns()?;
        session.note_verb(self.in_transaction_of_caller(conn)?);
        match session.state() {
            State::Ended => return Err(Error::new(ErrorKind::Gone, DEED)),
            State::New | State::Superseded(..) => self.prove_new(conn, session, &proof, DEED)?,
            State::Stored(row) => {
                // A remembered session's limits are written as they were read, so nobody may have changed them meanwhile.
                let keeps_limits = matches!(proof.remember, Remember::AsBefore) && session.is_persistent();
                let replaces = session.stored_owner().is_some_and(|stored| proof.owner.as_ref() != Some(stored));
                if replaces {
                    self.replace_row(conn, session, row, &proof, DEED)?;
                } else if session.was_changed() || keeps_limits {
                    self.prove_changed(conn, session, row, &proof, DEED)?;
                } else {
                    self.prove_unchanged(conn, session, row, &proof, DEED)?;
                }
            }
        }
        if let Some(row) = session.row_id() {
            tracing::info!(target: "diesel_sessions", row_id = %row, reason = "proof of identity", "signed_in");
        }
        Ok(())
    }

    /// A session without a row gets one.
    fn prove_new<C>(&self, conn: &mut C, session: &mut Session<M>, proof: &Proof<M::Owner>, deed: &'static str) -> Result<()>
    where
        M: DbSession<C>,
    {
        let before = session.model().owner_field().cloned();
        session.model_mut().set_owner_field(proof.owner.clone());
        let stamp = new_stamp(self.now(), Timeouts::NEVER);
        let stamp = Stamp { created_at: session.seen().created_at, ..stamp };
        let inserted = self
            .proved(stamp, session.model(), proof, session.policy_change(), stamp.last_seen_at)
            .and_then(|stamp| self.insert(conn, session, deed, Some(stamp)));
        if inserted.is_err() {
            session.model_mut().set_owner_field(before);
        }
        inserted
    }

    /// Nothing is pending: the version does not matter, and no row means that the session is gone or rotated.
    fn prove_unchanged<C>(
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
        let mut target = session.model().clone();
        target.set_owner_field(proof.owner.clone());
        let mut draws = self.draws();
        loop {
            let now = self.now();
            let token = draws.token(session.seen().digest)?;
            let mut stamp = self.proved(*session.seen(), &target, proof, PolicyChange::default(), now)?;
            replace_token(&mut stamp, session.seen(), &token, now);
            let guard = self.guard(session, row, now);
            let write = Write::new(&target, &session.model().core_field().data, &stamp);
            if self.rotate_row(conn, &token, deed, |conn| M::authenticate(conn, &guard, &write))? {
                let data = session.model().core_field().data.clone();
                *session.model_mut() = target;
                session.stored(row, stamp, data);
                session.tell(token);
                return Ok(());
            }
            if self.start_anew(conn, session, proof, token, deed)? {
                return Ok(());
            }
            draws.taken();
        }
    }

    /// Changes are pending: they are written too, so the version must be the one that was seen.
    fn prove_changed<C>(
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
        let before = session.model().owner_field().cloned();
        session.model_mut().set_owner_field(proof.owner.clone());
        let result = self.write_proof(conn, session, row, proof, deed);
        if result.is_err() {
            session.model_mut().set_owner_field(before);
        }
        result
    }

    fn write_proof<C>(
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
        let mut draws = self.draws();
        for _ in 0..super::save::MAX_MERGES {
            let now = self.now();
            let data = session.text_to_store()?;
            let mut stamp = self.proved(*session.seen(), session.model(), proof, session.policy_change(), now)?;
            match self.renew_row(conn, session, row, now, &mut stamp, &data, &mut draws, deed) {
                Ok(Some(token)) => {
                    session.stored(row, stamp, data);
                    session.note_write(self.in_transaction_of_caller(conn)?);
                    session.tell(token);
                    return Ok(());
                }
                Ok(None) => {}
                Err(error) if matches!(error.kind(), ErrorKind::Gone | ErrorKind::Rotated) => {
                    let token = draws.token(session.seen().digest)?;
                    if self.start_anew(conn, session, proof, token, deed)? {
                        return Ok(());
                    }
                    draws.taken();
                }
                Err(error) => return Err(error),
            }
        }
        Err(Error::new(ErrorKind::Conflict, deed))
    }

    /// The core columns after a proof of identity at `now`. Limits of its own that the session was given and that are `pending`
    /// count where the proof does not set them itself.
    pub(super) fn proved(
        &self,
        mut stamp: Stamp,
        target: &M,
        proof: &Proof<M::Owner>,
        pending: PolicyChange,
        now: Timestamp6,
    ) -> Result<Stamp> {
        let timeouts = match proof.remember {
            Remember::AsBefore if stamp.persistent => None,
            Remember::For(duration) => Some(Timeouts { idle: Some(duration), absolute: Some(duration) }),
            Remember::AsBefore | Remember::No => Some(self.timeouts_of(target)?),
        };
        if let Some(timeouts) = timeouts {
            stamp.persistent = matches!(proof.remember, Remember::For(_));
            stamp.idle_timeout = timeouts.idle.map(policy::whole_seconds).transpose()?;
            let absolute = timeouts.absolute.map(policy::whole_seconds).transpose()?;
            stamp.deadline_at = absolute.map(|seconds| now.plus(TimeDelta::seconds(seconds.into())));
        }
        if matches!(proof.remember, Remember::AsBefore) {
            pending.apply(&mut stamp)?;
        }
        stamp.authenticated_at = Some(now);
        stamp.see(now);
        Ok(stamp)
    }
}
