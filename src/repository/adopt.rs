//! What stores for other crates' sessions ask of the repository: ids that those crates bring, and ends that they set.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::draws::Draws;
use super::{SessionRepository, decision};
use crate::clock::Timestamp6;
use crate::error::Result;
use crate::model::{DbSession, SessionModel, Stamp};
use crate::policy;
#[cfg(any(feature = "tower-sessions-0-14", feature = "tower-sessions-0-15"))]
use crate::policy::Timeouts;
#[cfg(any(feature = "tower-sessions-0-14", feature = "tower-sessions-0-15"))]
use crate::session::new_stamp;
use crate::session::{OnConflict, Session};
use crate::token::{SessionToken, TokenDigest, TokenSource};

/// Where a session that is to get its row comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Origin {
    /// It begins now.
    New,
    /// It begins now, and its client has just proved to be its owner.
    SignedIn,
    /// It goes on from a row that was deleted for it.
    Former(Stamp),
}

impl<M: SessionModel> SessionRepository<M> {
    /// What a save does when another request was faster.
    pub(crate) fn on_conflict(&self) -> OnConflict {
        self.inner.on_conflict
    }

    /// Where tokens come from.
    #[cfg(feature = "actix-session-0-11")]
    pub(crate) fn tokens(&self) -> Arc<dyn TokenSource> {
        Arc::clone(&self.inner.tokens)
    }

    /// Inserts the row of a new session under the first token of `tokens` that is free, and ends it by `ends_by` at the latest.
    pub(crate) fn create_under<C>(
        &self,
        conn: &mut C,
        session: &mut Session<M>,
        tokens: &dyn TokenSource,
        origin: Origin,
        ends_by: DateTime<Utc>,
    ) -> Result<()>
    where
        M: DbSession<C>,
    {
        const DEED: &str = "could not create the session";
        let now = self.now();
        let begun = self.stamp_to_insert(session.model(), now, session.policy_change())?;
        let is_signed_out = M::OWNER.is_some() && session.model().owner_field().is_none();
        let mut stamp = stamp_from(begun, origin, is_signed_out);
        stamp.deadline_at = earlier(self.policy_end(session.model(), &stamp)?, ends_by);
        stamp.see(now);
        self.insert_drawing(conn, session, DEED, Some(stamp), Draws::new(tokens))?;
        if let (Origin::SignedIn, Some(row)) = (origin, session.row_id()) {
            tracing::info!(target: "diesel_sessions", row_id = %row, reason = "proof of identity", "signed_in");
        }
        Ok(())
    }

    /// Ends a stored session by `ends_by` at the latest, and no later than the policy does; the next save stores that.
    pub(crate) fn end_by(&self, session: &mut Session<M>, ends_by: DateTime<Utc>) -> Result<()> {
        let end = earlier(self.policy_end(session.model(), session.seen())?, ends_by);
        session.set_deadline(end.map(Timestamp6::to_utc));
        Ok(())
    }

    /// The core columns of the live session under a digest.
    pub(crate) fn find_live<C>(&self, conn: &mut C, digest: TokenDigest) -> Result<Option<Stamp>>
    where
        M: DbSession<C>,
    {
        let now = self.now();
        let found = self.send(conn, "could not load the session", |conn| M::find(conn, digest, now))?;
        Ok(found.map(|model| model.core_field().stamp))
    }

    /// Ends the session of a token, also one whose data cannot be decoded, and the one that a superseded token once stood for.
    /// Gives what the row was, if it was live under this token and it was this call that deleted it; without a session where the
    /// data cannot be decoded.
    pub(crate) fn end_under<C>(&self, conn: &mut C, token: &SessionToken) -> Result<Option<(Stamp, Option<Session<M>>)>>
    where
        M: DbSession<C>,
    {
        const DEED: &str = "could not end the session";
        let now = self.now();
        let Some(model) = self.send(conn, DEED, |conn| M::find(conn, token.digest(), now))? else {
            let mut session = self.open(conn, token.reveal())?;
            return self.end(conn, &mut session).map(|()| None);
        };
        let (row, stamp) = (model.id_field(), model.core_field().stamp);
        let is_ended = self.send_deletion(conn, DEED, |conn| M::end(conn, row))? > 0;
        if is_ended {
            tracing::info!(target: "diesel_sessions", row_id = %row, reason = "asked for", "ended");
        }
        Ok(is_ended.then(|| (stamp, Session::of_row(model, Arc::clone(&self.inner.clock)).ok())))
    }

    /// Whether a token that was replaced at this time may still belong to a request under way.
    pub(crate) fn in_grace(&self, replaced_at: Timestamp6) -> bool {
        decision::in_grace(Some(replaced_at), self.now())
    }

    /// The end that the policy gives a session whatever its client does: counted from the last proof of identity, or from its
    /// beginning; for a session that is remembered, as long as that lasts.
    fn policy_end(&self, model: &M, stamp: &Stamp) -> Result<Option<Timestamp6>> {
        let since = stamp.authenticated_at.unwrap_or(stamp.created_at);
        let seconds = match stamp.idle_timeout {
            Some(remembered) if stamp.persistent => Some(remembered),
            _ => self.timeouts_of(model)?.absolute.map(policy::whole_seconds).transpose()?,
        };
        Ok(seconds.map(|seconds| since.plus(TimeDelta::seconds(seconds.into()))))
    }
}

/// The core columns of another store's session, as [`create_under`](SessionRepository::create_under) makes them for one that
/// begins here and now.
#[cfg(any(feature = "tower-sessions-0-14", feature = "tower-sessions-0-15"))]
pub(crate) fn stamp_of_moved(now: Timestamp6, timeouts: Timeouts, ends_by: DateTime<Utc>) -> Result<Stamp> {
    let begun = new_stamp(now, timeouts.check()?);
    let mut stamp = Stamp { deadline_at: earlier(begun.deadline_at, ends_by), ..begun };
    stamp.see(now);
    Ok(stamp)
}

/// The core columns of a row that begins as `begun`, under what its origin carries over.
fn stamp_from(begun: Stamp, origin: Origin, is_signed_out: bool) -> Stamp {
    match origin {
        Origin::New => begun,
        Origin::SignedIn => Stamp { authenticated_at: Some(begun.created_at), ..begun },
        Origin::Former(former) => Stamp {
            created_at: former.created_at,
            authenticated_at: former.authenticated_at.filter(|_| !is_signed_out),
            idle_timeout: former.idle_timeout,
            persistent: former.persistent,
            ..begun
        },
    }
}

/// The end that comes first; the calendar's last day is none.
fn earlier(policy: Option<Timestamp6>, record: DateTime<Utc>) -> Option<Timestamp6> {
    let record = Timestamp6::from(record.clamp(DateTime::UNIX_EPOCH, Timestamp6::NEVER.to_utc()));
    let end = policy.map_or(record, |policy| policy.min(record));
    (end < Timestamp6::NEVER).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
    }

    #[test]
    fn the_earlier_end_counts_and_the_last_day_of_the_calendar_is_none() {
        assert_eq!(earlier(None, at(5)), Some(at(5).into()));
        assert_eq!(earlier(Some(at(3).into()), at(5)), Some(at(3).into()));
        assert_eq!(earlier(Some(at(9).into()), at(5)), Some(at(5).into()));
        assert_eq!(earlier(None, Timestamp6::NEVER.to_utc()), None);
        assert_eq!(earlier(Some(at(3).into()), DateTime::<Utc>::MIN_UTC), Some(DateTime::UNIX_EPOCH.into()));
        assert_eq!(earlier(Some(at(3).into()), DateTime::<Utc>::MAX_UTC), Some(at(3).into()));
    }
}
