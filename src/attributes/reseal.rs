//! Moving encrypted attributes to the key that writes now.

use crate::crypto::{Address, Keyring};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{DbAttributes, Engine, SealedValue, SessionModel};
use crate::repository::SessionRepository;

/// What [`SessionRepository::reseal`] has done, and what is left to do.
///
/// # Example
///
/// ```
/// use diesel_sessions::Resealed;
///
/// let done = Resealed { resealed: 3, unreadable: 0, remaining: 0 };
/// assert_eq!(done.remaining, 0, "the old keys can go");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Attributes that this call has sealed with the first key.
    pub resealed: usize,
    /// Attributes that it came across and could not open: their key is missing or another one, or they were changed.
    pub unreadable: usize,
    /// All attributes that are not sealed with the first key now, the unreadable ones included.
    pub remaining: usize,
}

/// Most attributes that are read at once.
const PAGE: i64 = 100;

const DEED: &str = "could not seal the attributes anew";

impl<M: SessionModel> SessionRepository<M> {
    /// Seals at most `limit` attributes with the first key that are sealed with another one, whoever's they are. When they
    /// were created and updated, and when they expire, stays as it is.
    ///
    /// Call it until it reseals none: what then remains cannot be opened. It goes on where the last call, or another process,
    /// has left off. An attribute that is written meanwhile is left as it was written. Each attribute is a transaction of its own
    /// (on SQLite each hundred), unless the caller has one open: nobody waits for more than one of them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] without a keyring, [`ErrorKind::InvalidArgument`] for a limit of zero, the database's own.
    /// What was done before stays done.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{Keyring, SessionRepository, WriteOptions, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let (old, new) = ([3; 32], [7; 32]);
    /// # let before = SessionRepository::<PlainSession>::builder().keyring(Keyring::new("2026-05", old)?).build()?;
    /// # let mut session = before.new_session();
    /// # before.create(&mut conn, &mut session)?;
    /// # before.attributes(&session).set_with(&mut conn, "otp", "123456", WriteOptions::new().encrypted())?;
    /// let keyring = Keyring::new("2026-11", new)?.and("2026-05", old)?;
    /// let sessions = SessionRepository::<PlainSession>::builder().keyring(keyring).build()?;
    /// loop {
    ///     let batch = sessions.reseal(&mut conn, 1_000)?;
    ///     if batch.resealed == 0 {
    ///         assert_eq!(batch.remaining, 0, "the old key can go");
    ///         break;
    ///     }
    /// }
    /// # let code: Option<String> = sessions.attributes(&session).get(&mut conn, "otp")?;
    /// # assert_eq!(code.as_deref(), Some("123456"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reseal<C>(&self, conn: &mut C, limit: u32) -> Result<Resealed>
    where
        M: DbAttributes<C>,
    {
        if limit == 0 {
            return Err(Error::new(ErrorKind::InvalidArgument, DEED).with_detail("a batch of no rows"));
        }
        let Some(keyring) = self.keyring() else {
            return Err(Error::new(ErrorKind::Config, DEED).with_detail("the repository has no keyring"));
        };
        let table = M::attribute_table().map_err(|error| Error::from_database(DEED, error))?;
        let beginning = keyring.beginning();
        let mut done = Resealed::default();
        let mut after: Option<(M::RowId, String)> = None;
        while let Some(wanted) = left(limit, done.resealed) {
            let last = after.as_ref().map(|(row, name)| (*row, name.as_str()));
            let page = self.send(conn, DEED, |conn| M::sealed_otherwise(conn, &beginning, last, PAGE))?;
            if page.is_empty() {
                break;
            }
            let mut moved = Vec::new();
            for value in page {
                if moved.len() == wanted {
                    break;
                }
                after = Some((value.0, value.1.clone()));
                match sealed_anew(keyring, &table, &value)? {
                    Some(new) => moved.push((value, new)),
                    None => done.unreadable += 1,
                }
            }
            done.resealed += self.write_resealed(conn, &moved)?;
        }
        if done.unreadable > 0 {
            tracing::warn!(target: "diesel_sessions", rows = done.unreadable, reason = "sealed values do not open", "not resealed");
        }
        let remaining = self.send(conn, DEED, |conn| M::count_sealed_otherwise(conn, &beginning))?;
        done.remaining = usize::try_from(remaining).map_err(|error| Error::new(ErrorKind::Database, DEED).with_source(error))?;
        tracing::info!(
            target: "diesel_sessions", rows = done.resealed, remaining = done.remaining, unreadable = done.unreadable, "resealed"
        );
        Ok(done)
    }

    /// Writes what was sealed anew. A statement for each, and on the servers a transaction for each: several locked together
    /// could meet a revocation that locks them in another order.
    fn write_resealed<C>(&self, conn: &mut C, moved: &[(SealedValue<M::RowId>, Vec<u8>)]) -> Result<usize>
    where
        M: DbAttributes<C>,
    {
        let write = |conn: &mut C, ((row, name, old), new): &(SealedValue<M::RowId>, Vec<u8>)| {
            M::reseal(conn, *row, name, old.as_deref().unwrap_or_default(), new)
        };
        match moved {
            [] => Ok(0),
            several if M::ENGINE == Engine::Sqlite => self.send_together(conn, DEED, |conn| {
                let rows = several.iter().map(|one| write(conn, one)).sum::<diesel::QueryResult<usize>>();
                rows.map_err(|error| Error::from_database(DEED, error))
            }),
            several => several.iter().map(|one| self.send(conn, DEED, |conn| write(conn, one))).sum(),
        }
    }
}

/// How many of the limit are left, if any.
fn left(limit: u32, done: usize) -> Option<usize> {
    usize::try_from(limit).unwrap_or(usize::MAX).checked_sub(done).filter(|left| *left > 0)
}

/// A value sealed with the first key; `None` when it does not open.
fn sealed_anew<RowId: std::fmt::Display>(
    keyring: &Keyring,
    table: &str,
    (row, name, sealed): &SealedValue<RowId>,
) -> Result<Option<Vec<u8>>> {
    let row = row.to_string();
    let anew = keyring.seal_anew(Address { table, row: &row, name }, sealed.as_deref().unwrap_or_default())?;
    if let Err(reason) = &anew {
        tracing::debug!(target: "diesel_sessions", row_id = row, attribute = name, reason = %reason, "not resealed");
    }
    Ok(anew.ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    // S85
    #[test]
    fn a_limit_is_used_up() {
        assert_eq!((left(3, 0), left(3, 2), left(3, 3), left(3, 4)), (Some(3), Some(1), None, None));
    }
}
