//! The attributes of a session: named values in rows of their own, written at once, each with its own expiry and, if asked,
//! encrypted.

use std::fmt;
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::Value;

use crate::clock::Timestamp6;
use crate::crypto::Address;
use crate::data::{check_name, value_of_text};
use crate::error::{Error, ErrorKind, Result, Unopened};
use crate::model::{DbAttributes, Place, SessionModel, StoredAttribute};
use crate::repository::SessionRepository;
use crate::session::{Session, State};
use crate::token::TokenDigest;

mod attribute;
mod batch;
mod carry_out;
mod delete;
mod entry;
mod expiry;
mod options;
mod read;
mod reseal;
mod write;

pub use attribute::Attribute;
pub use entry::AttributeEntry;
pub use options::{EncryptAttributes, Expiry, WriteOptions};
pub use reseal::Resealed;

/// The attributes of one session, from [`SessionRepository::attributes`] or [`SessionRepository::attributes_of`].
///
/// Each is a row of its own: written at once and not with the session's next save, with an expiry of its own, and encrypted
/// if that is asked for. No attribute is read or written unless its session is live; none outlives it. Names have 1 to 191
/// bytes, without control characters and outer spaces, and are compared byte for byte. Values are JSON of at most 64 KiB,
/// nested at most 31 deep; null, false, 0, `""`, `[]` and `{}` are values like any other.
///
/// An attribute that has expired is as good as absent. Reading deletes nothing:
/// [`purge_expired`](SessionRepository::purge_expired) does. An empty list sends nothing, and says nothing of the session.
///
/// # Locks
///
/// Every write locks the session's row first and its attributes after it, several attributes in the order of their names. So
/// nothing deadlocks with a save, a revocation or a purge where each call is a transaction of its own. Inside a caller's
/// transaction, which keeps its locks, two transactions still can, and the database then ends one of them with
/// [`ErrorKind::Deadlock`]: when they write attributes of several sessions in different orders; and on PostgreSQL when both
/// write attributes of one session and then do what needs a stronger lock on it: rotate it, sign it in, end it, or write a batch
/// in which some attributes keep their expiry and others lose it. Begin such a transaction with the verb that needs most.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use diesel_sessions::{Attribute, Keyring, SessionRepository, WriteOptions};
/// # use diesel::prelude::*;
/// # use diesel_sessions::{migrations, plain::sqlite::PlainSession};
/// # let mut conn = SqliteConnection::establish(":memory:")?;
/// # migrations::run(&mut conn)?;
///
/// let sessions = SessionRepository::<PlainSession>::builder().keyring(Keyring::new("2026-11", [7; 32])?).build()?;
/// let mut session = sessions.new_session();
/// sessions.create(&mut conn, &mut session)?;
///
/// let attributes = sessions.attributes(&session);
/// attributes.set(&mut conn, "theme", "dark")?;
/// let five_minutes = WriteOptions::new().expires_in(Duration::from_secs(300)).encrypted();
/// attributes.set_with(&mut conn, "otp", "123456", five_minutes)?;
/// attributes.set_many(&mut conn, [Attribute::new("a", 1)?, Attribute::new("b", 2)?.encrypted()], WriteOptions::new())?;
///
/// assert_eq!(attributes.get::<String, _>(&mut conn, "theme")?.as_deref(), Some("dark"));
/// assert_eq!(attributes.take::<String, _>(&mut conn, "otp")?.as_deref(), Some("123456"), "once");
/// assert_eq!(attributes.take::<String, _>(&mut conn, "otp")?, None, "and not again");
/// assert_eq!(attributes.names(&mut conn)?, ["a", "b", "theme"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SessionAttributes<M: SessionModel> {
    repository: SessionRepository<M>,
    session: Named<M::RowId>,
}

/// Which session is meant.
#[derive(Clone, Copy)]
enum Named<RowId> {
    /// The row, and the digest that it was loaded under unless it was named by its id.
    Row(RowId, Option<TokenDigest>),
    /// None: every verb is this error.
    None(ErrorKind),
}

impl<M: SessionModel> SessionRepository<M> {
    /// The attributes of a session. Row id and token digest are copied: once another handle, or this one, has rotated the
    /// session, every verb says [`ErrorKind::Rotated`]; ask again with the handle that knows the new token.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{ErrorKind, SessionRepository, migrations, plain::sqlite::PlainSession};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// let mut session = sessions.new_session();
    /// let error = sessions.attributes(&session).set(&mut conn, "theme", "dark").unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::NotCreated);
    ///
    /// sessions.create(&mut conn, &mut session)?;
    /// sessions.attributes(&session).set(&mut conn, "theme", "dark")?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn attributes(&self, session: &Session<M>) -> SessionAttributes<M> {
        let session = match session.state() {
            State::Stored(row) => Named::Row(row, Some(session.seen().digest)),
            State::New => Named::None(ErrorKind::NotCreated),
            State::Superseded(..) => Named::None(ErrorKind::Rotated),
            State::Ended => Named::None(ErrorKind::Gone),
        };
        SessionAttributes { repository: self.clone(), session }
    }

    /// The attributes of the session in a row, whatever its token is now: for jobs and operators.
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
    /// let row_id = session.row_id().expect("created");
    /// sessions.attributes_of(row_id).set(&mut conn, "export", "ready")?;
    /// assert!(sessions.attributes(&session).exists(&mut conn, "export")?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn attributes_of(&self, row_id: M::RowId) -> SessionAttributes<M> {
        SessionAttributes { repository: self.clone(), session: Named::Row(row_id, None) }
    }
}

impl<M: SessionModel> Clone for SessionAttributes<M> {
    fn clone(&self) -> Self {
        SessionAttributes { repository: self.repository.clone(), session: self.session }
    }
}

impl<M: SessionModel> fmt::Debug for SessionAttributes<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionAttributes").finish_non_exhaustive()
    }
}

impl<M: SessionModel> SessionAttributes<M> {
    /// What a statement of this call must find.
    fn place(&self, deed: &'static str) -> Result<Place<M>> {
        match self.session {
            Named::Row(id, digest) => Ok(Place { id, digest, now: self.repository.now() }),
            Named::None(kind) => Err(Error::new(kind, deed)),
        }
    }

    /// Why a write met no session: the error, or `None` when there is one now. On MySQL this look locks the row, as the write
    /// would have: a plain one may show an old row.
    fn why_missed<C>(&self, conn: &mut C, place: &Place<M>, deed: &'static str) -> Result<Option<Error>>
    where
        M: DbAttributes<C>,
    {
        let row = self.repository.send(conn, deed, |conn| M::standing_again(conn, place.id))?;
        Ok(missed(row, place).map(|kind| Error::new(kind, deed)))
    }

    /// The same for a look-up: a plain look, which sees what the look-up saw.
    fn why_unseen<C>(&self, conn: &mut C, place: &Place<M>, deed: &'static str) -> Result<Option<Error>>
    where
        M: DbAttributes<C>,
    {
        let row = self.repository.send(conn, deed, |conn| M::standing(conn, place.id))?;
        Ok(missed(row, place).map(|kind| Error::new(kind, deed)))
    }

    /// The value of a stored attribute.
    fn value_of<C>(&self, place: &Place<M>, stored: &StoredAttribute) -> Result<Value>
    where
        M: DbAttributes<C>,
    {
        self.repository.open_value(table_of::<M, C>, place.id, stored)
    }
}

/// How often a call starts anew when what it met had changed by the time it looked why.
const MAX_STARTS: usize = 10;

const OPENING: &str = "could not open the attribute";

/// The name that values of this model are sealed for.
fn table_of<M: DbAttributes<C>, C>() -> Result<String> {
    M::attribute_table().map_err(|error| Error::from_database(OPENING, error))
}

impl<M: SessionModel> SessionRepository<M> {
    /// A value: as stored in clear, or opened. Never the one for the other.
    fn open_value(&self, table: impl FnOnce() -> Result<String>, row: M::RowId, stored: &StoredAttribute) -> Result<Value> {
        let (name, value, sealed, ..) = stored;
        let sealed = match (value, sealed) {
            (Some(text), None) => return text.value().map_err(|error| error.with_attribute(name)),
            (None, Some(sealed)) => sealed,
            _ => {
                let error = Error::new(ErrorKind::Undecodable, OPENING).with_detail("the row holds not exactly one value");
                return Err(error.with_attribute(name));
            }
        };
        let address = Address { table: &table()?, row: &row.to_string(), name };
        let opened = match self.keyring() {
            Some(keyring) => keyring.open(address, sealed),
            None => Err(Unopened::MissingKey),
        };
        let text = opened.map_err(|reason| {
            tracing::warn!(target: "diesel_sessions", row_id = %row, attribute = name, reason = %reason, "refused");
            let detail = format!("the sealed value of `{name}` does not open");
            Error::new(ErrorKind::Decrypt, OPENING).with_detail(detail).with_source(reason).with_attribute(name)
        })?;
        value_of_text(&text).map_err(|error| error.with_attribute(name))
    }
}

/// What a second look at the session's digest and expiry says after a statement has met none.
fn missed<M: SessionModel>(row: Option<(TokenDigest, Timestamp6)>, place: &Place<M>) -> Option<ErrorKind> {
    let Some((digest, expires_at)) = row else { return Some(ErrorKind::Gone) };
    if expires_at <= place.now {
        Some(ErrorKind::Gone)
    } else if place.digest.is_some_and(|known| known != digest) {
        Some(ErrorKind::Rotated)
    } else {
        None
    }
}

/// Names as a statement takes them: checked, sorted, each once.
fn sorted_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Vec<&'a str>> {
    let mut names: Vec<&str> = names.into_iter().collect();
    for name in &names {
        check_name(name)?;
    }
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// When something ends that is given this long from now on.
fn end_of(duration: Duration, now: Timestamp6) -> Result<Timestamp6> {
    const LONGEST: Duration = Duration::from_secs(i32::MAX.unsigned_abs() as u64);
    let refuse = |why: &str| {
        Error::new(ErrorKind::InvalidArgument, "could not set the expiry")
            .with_detail(format!("{duration:?} {why}; an expiry is 1 microsecond to {} seconds from now", i32::MAX))
    };
    if duration.as_micros() == 0 {
        return Err(refuse("is no time at all"));
    }
    match TimeDelta::from_std(duration) {
        Ok(delta) if duration <= LONGEST => Ok(now.plus(delta)),
        _ => Err(refuse("is too long")),
    }
}
