//! Moving encrypted attributes to the key that writes now.

use crate::crypto::{Address, Keyring};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{DbAttributes, SealedValue, SessionModel};
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

/// Most attributes that are read, and sealed in one transaction, at once.
const PAGE: u32 = 100;

const DEED: &str = "could not seal the attributes anew";

impl<M: SessionModel> SessionRepository<M> {
    /// Seals at most `limit` attributes with the first key that are sealed with another one, whoever's they are. When they
    /// were created and updated, and when they expire, stays as it is.
    ///
    /// Call it until nothing remains that can be opened; it goes on where the last call, or another process, has left off.
    /// An attribute that is written meanwhile is left as it was written. Each hundred attributes are a transaction of their
    /// own, unless the caller has one open.
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
            let page = self.send(conn, DEED, |conn| M::sealed_otherwise(conn, &beginning, last, wanted.min(PAGE).into()))?;
            let Some((row, name, _)) = page.last() else { break };
            after = Some((*row, name.clone()));
            let mut moved = Vec::new();
            for value in page {
                match sealed_anew(keyring, &table, &value)? {
                    Some(new) => moved.push((value, new)),
                    None => done.unreadable += 1,
                }
            }
            if moved.is_empty() {
                continue;
            }
            done.resealed += self.send_together(conn, DEED, |conn| {
                let rows = moved
                    .iter()
                    .map(|((row, name, old), new)| M::reseal(conn, *row, name, old.as_deref().unwrap_or_default(), new));
                rows.sum::<diesel::QueryResult<usize>>().map_err(|error| Error::from_database(DEED, error))
            })?;
        }
        let remaining = self.send(conn, DEED, |conn| M::count_sealed_otherwise(conn, &beginning))?;
        done.remaining = usize::try_from(remaining).map_err(|error| Error::new(ErrorKind::Database, DEED).with_source(error))?;
        tracing::info!(
            target: "diesel_sessions", rows = done.resealed, remaining = done.remaining, unreadable = done.unreadable, "resealed"
        );
        Ok(done)
    }
}

/// How many of the limit are left, if any.
fn left(limit: u32, done: usize) -> Option<u32> {
    limit.checked_sub(u32::try_from(done).unwrap_or(u32::MAX)).filter(|left| *left > 0)
}

/// A value sealed with the first key; `None` when it does not open.
fn sealed_anew<RowId: std::fmt::Display>(
    keyring: &Keyring,
    table: &str,
    (row, name, sealed): &SealedValue<RowId>,
) -> Result<Option<Vec<u8>>> {
    let row = row.to_string();
    let address = Address { table, row: &row, name };
    match keyring.open(address, sealed.as_deref().unwrap_or_default()) {
        Ok(text) => keyring.seal(address, &text).map(Some),
        Err(reason) => {
            tracing::warn!(target: "diesel_sessions", row_id = row, attribute = name, reason = %reason, "not resealed");
            Ok(None)
        }
    }
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
