//! Removing what has expired, in bounded batches.

use super::SessionRepository;
use super::pace::Pace;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{DbSession, Reached, SessionModel};

/// What a purge has removed.
///
/// # Example
///
/// ```
/// # use diesel::prelude::*;
/// # use diesel_sessions::{Purged, SessionRepository, migrations, plain::sqlite::PlainSession};
/// # let mut conn = SqliteConnection::establish(":memory:")?;
/// # migrations::run(&mut conn)?;
/// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
/// # let mut session = sessions.new_session();
/// session.set_deadline(Some("2000-01-01T00:00:00Z".parse()?));
/// sessions.create(&mut conn, &mut session)?;
/// assert_eq!(sessions.purge_expired(&mut conn, 1_000)?, Purged { sessions: 1, attributes: 0 });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Purged {
    /// Sessions that had expired. Their attributes went with them and are not counted.
    pub sessions: usize,
    /// Expired attributes of live sessions.
    pub attributes: usize,
}

impl Purged {
    pub(super) fn add(&mut self, batch: Purged) {
        self.sessions += batch.sessions;
        self.attributes += batch.attributes;
    }

    /// Whether a batch of `limit` rows has perhaps left some.
    pub(crate) fn is_full(self, limit: u32) -> bool {
        u32::try_from(self.sessions.max(self.attributes)).map_or(true, |rows| rows >= limit)
    }
}

/// Where the next batch of a round goes on: the first begins with the longest expired.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Round {
    sessions: Reached,
    attributes: Reached,
}

const DEED: &str = "could not purge expired sessions";

/// Refuses a batch of no rows.
pub(super) fn check_batch(limit: u32) -> Result<()> {
    match limit {
        0 => Err(Error::new(ErrorKind::InvalidArgument, DEED).with_detail("a batch of no rows")),
        _ => Ok(()),
    }
}

/// Tells what a batch has removed, if anything.
fn told(purged: Purged) -> Purged {
    let Purged { sessions, attributes } = purged;
    if sessions > 0 || attributes > 0 {
        tracing::info!(target: "diesel_sessions", rows = sessions, attributes, reason = "expired", "purged");
    }
    purged
}

impl<M: SessionModel> SessionRepository<M> {
    /// Removes at most `limit` expired sessions, and at most as many expired attributes of live ones, the longest expired first.
    /// What lives is never touched, and rows that another purge is at work on are left to it where the engine can tell
    /// (PostgreSQL). Each call begins with the longest expired; [`purge_expired`](SessionRepository::purge_expired) goes on from one
    /// batch to the next, and leaves a pause between two.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] for a limit of zero; [`ErrorKind::ForeignKey`], with
    /// [`constraint_name`](Error::constraint_name), when a row of the application's own holds a session; the database's own.
    /// Sessions and attributes are removed one after the other, on MySQL at most 1,000 sessions and 100 attributes in a
    /// statement: what was removed before a failure stays removed, unless the caller has a transaction open.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{SessionRepository, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// assert_eq!(sessions.purge_batch(&mut conn, 1_000)?.sessions, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn purge_batch<C>(&self, conn: &mut C, limit: u32) -> Result<Purged>
    where
        M: DbSession<C>,
    {
        self.next_batch(conn, limit, &mut Round::default())
    }

    /// A batch of a round, each of its two deletions a transaction of its own.
    pub(crate) fn next_batch<C>(&self, conn: &mut C, limit: u32, round: &mut Round) -> Result<Purged>
    where
        M: DbSession<C>,
    {
        check_batch(limit)?;
        let now = self.now();
        let sessions = self.send_deletion(conn, DEED, |conn| M::purge(conn, now, limit.into(), &mut round.sessions))?;
        let attributes = self.send(conn, DEED, |conn| M::purge_attributes(conn, now, limit.into(), &mut round.attributes))?;
        Ok(told(Purged { sessions, attributes }))
    }

    /// A batch of a round in a transaction of its own, unless another transaction is at it: `None` then. On engines that have no
    /// lock for that which ends with its transaction, a batch like any other.
    #[cfg(feature = "tokio")]
    pub(super) fn purge_in_turn<C>(&self, conn: &mut C, limit: u32, round: &mut Round) -> Result<Option<Purged>>
    where
        M: DbSession<C>,
    {
        if M::ENGINE != crate::model::Engine::Postgres {
            return self.next_batch(conn, limit, round).map(Some);
        }
        let now = self.now();
        let failed = |error| Error::from_database(DEED, error);
        let purged = self.send_together(conn, DEED, |conn| {
            if !M::try_purge_lock(conn).map_err(failed)? {
                return Ok(None);
            }
            let mut next = *round; // as it was, where a first attempt was rolled back
            let sessions = M::purge(conn, now, limit.into(), &mut next.sessions).map_err(failed)?;
            let attributes = M::purge_attributes(conn, now, limit.into(), &mut next.attributes).map_err(failed)?;
            Ok(Some((Purged { sessions, attributes }, next)))
        });
        Ok(purged?.map(|(purged, next)| {
            *round = next;
            told(purged)
        }))
    }

    /// Removes all that has expired, in batches of `limit` rows, each a transaction of its own unless the caller has one open. On
    /// PostgreSQL, rows that somebody else holds when their batch comes are left to the next purge.
    ///
    /// After a full batch its thread waits a third as long as the batch took, a second at most, to let others at the database; in a
    /// transaction of the caller's, whose locks they would wait for, it goes on at once.
    ///
    /// # Errors
    ///
    /// As [`purge_batch`](SessionRepository::purge_batch); the batches before stay removed.
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
    /// session.set_deadline(Some("2000-01-01T00:00:00Z".parse()?));
    /// sessions.create(&mut conn, &mut session)?;
    /// assert_eq!(sessions.purge_expired(&mut conn, 1_000)?.sessions, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn purge_expired<C>(&self, conn: &mut C, limit: u32) -> Result<Purged>
    where
        M: DbSession<C>,
    {
        let (mut total, mut round) = (Purged::default(), Round::default());
        loop {
            let pace = Pace::begin();
            let batch = self.next_batch(conn, limit, &mut round)?;
            total.add(batch);
            if !batch.is_full(limit) {
                return Ok(total);
            }
            if !self.in_transaction_of_caller(conn)? {
                pace.rest();
            }
        }
    }
}
