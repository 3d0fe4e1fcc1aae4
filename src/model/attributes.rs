//! The statements over a model's attributes: what they are given, and the trait that the derive implements.

use diesel::QueryResult;

use super::{DbSession, SessionModel};
use crate::clock::Timestamp6;
use crate::data::JsonText;
use crate::token::TokenDigest;

/// The session that an attribute statement must find: its row, still live, under the token that the handle knows.
pub struct Place<M: SessionModel> {
    /// The row.
    pub id: M::RowId,
    /// The `_uuid` that the handle knows; `None` when the row was named by its id alone.
    pub digest: Option<TokenDigest>,
    /// The time that every `expires_at` must be after.
    pub now: Timestamp6,
}

/// An attribute to be written: exactly one of `value` and `sealed` is set.
pub struct NewAttribute {
    /// Its name.
    pub name: String,
    /// The value in clear.
    pub value: Option<JsonText>,
    /// The value encrypted.
    pub sealed: Option<Vec<u8>>,
    /// Its end; `None` when it has none, or when it keeps the stored one.
    pub expires_at: Option<Timestamp6>,
}

/// An attribute as it is stored: name, value, sealed value, creation, last write, expiry.
pub type StoredAttribute = (String, Option<JsonText>, Option<Vec<u8>>, Timestamp6, Timestamp6, Option<Timestamp6>);

/// A row id that refers to sessions through a column of this SQL type.
#[diagnostic::on_unimplemented(
    message = "the attribute table's `session_id` is no `{Self}`, which the row id is",
    note = "declare both columns alike, and give the field `id` the type that the schema prints: `Integer` is `i32`, `BigInt` is `i64`"
)]
pub trait RowIdOf<SqlType> {}

impl RowIdOf<diesel::sql_types::Integer> for i32 {}
impl RowIdOf<diesel::sql_types::BigInt> for i64 {}

/// A sealed value with its place: session, name, bytes.
pub type SealedValue<RowId> = (RowId, String, Option<Vec<u8>>);

/// Whether a live attribute keeps its expiry where none is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredExpiry {
    /// It keeps it.
    Kept,
    /// It keeps it, and no other writer of this session's attributes comes between this statement and the next one of its
    /// transaction.
    KeptAlone,
    /// It loses it.
    Replaced,
}

/// The statements over the attributes of a session model: what the verbs of
/// [`SessionAttributes`](crate::SessionAttributes) need of a connection.
///
/// Implemented by `#[derive(DbSession)]` for a model with `#[session(attributes = …)]`.
///
/// ```
/// use diesel_sessions::{DbAttributes, Result, Session, SessionRepository};
///
/// fn remember_theme<M: DbAttributes<C>, C>(
///     sessions: &SessionRepository<M>,
///     conn: &mut C,
///     session: &Session<M>,
///     theme: &str,
/// ) -> Result<()> {
///     sessions.attributes(session).set(conn, "theme", theme)
/// }
/// # use diesel::prelude::*;
/// # use diesel_sessions::{migrations, plain::sqlite::PlainSession};
/// # fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
/// # let mut conn = SqliteConnection::establish(":memory:")?;
/// # migrations::run(&mut conn)?;
/// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
/// # let mut session = sessions.new_session();
/// # sessions.create(&mut conn, &mut session)?;
/// remember_theme(&sessions, &mut conn, &session, "dark")?;
/// assert!(sessions.attributes(&session).exists(&mut conn, "theme")?);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no session model with attributes for the connection `{C}`",
    note = "name the table of its attributes: `#[session(attributes = session_attributes)]`"
)]
pub trait DbAttributes<C>: DbSession<C> {
    /// The name of the attribute table in the database, with its schema where `table!` declares one.
    #[doc(hidden)]
    fn attribute_table() -> QueryResult<String>;
    /// The live session, or none; the live attribute of that name within, or none.
    #[doc(hidden)]
    fn find_attribute(conn: &mut C, place: &Place<Self>, name: &str) -> QueryResult<Option<Option<StoredAttribute>>>;
    /// The live attributes of these names. A live session without any of them gives one `None`, no live session gives nothing.
    #[doc(hidden)]
    fn find_attributes(conn: &mut C, place: &Place<Self>, names: &[&str]) -> QueryResult<Vec<Option<StoredAttribute>>>;
    /// Which of these names live attributes have, in the same way.
    #[doc(hidden)]
    fn find_names(conn: &mut C, place: &Place<Self>, names: &[&str]) -> QueryResult<Vec<Option<String>>>;
    /// The same for a write that was refused. Locks what it finds on MySQL, where a plain read may show old rows.
    #[doc(hidden)]
    fn find_names_again(conn: &mut C, place: &Place<Self>, names: &[&str]) -> QueryResult<Vec<Option<String>>>;
    /// The names of all live attributes, in the same way.
    #[doc(hidden)]
    fn all_names(conn: &mut C, place: &Place<Self>) -> QueryResult<Vec<Option<String>>>;
    /// Writes attributes, whether they exist or not. An expired one counts as absent.
    #[doc(hidden)]
    fn set_attributes(conn: &mut C, place: &Place<Self>, attributes: &[NewAttribute], expiry: StoredExpiry)
    -> QueryResult<usize>;
    /// Writes attributes that do not exist; gives how many. MySQL says that a name exists, expired or not, as a unique violation.
    #[doc(hidden)]
    fn create_attributes(conn: &mut C, place: &Place<Self>, attributes: &[NewAttribute]) -> QueryResult<usize>;
    /// Writes live attributes; gives how many there were. PostgreSQL writes all of them or none.
    #[doc(hidden)]
    fn update_attributes(
        conn: &mut C,
        place: &Place<Self>,
        attributes: &[NewAttribute],
        expiry: StoredExpiry,
    ) -> QueryResult<usize>;
    /// Gives live attributes another end, or none; gives how many there were. PostgreSQL changes all of them or none.
    #[doc(hidden)]
    fn expire_attributes(conn: &mut C, place: &Place<Self>, names: &[&str], expires_at: Option<Timestamp6>)
    -> QueryResult<usize>;
    /// Deletes live attributes.
    #[doc(hidden)]
    fn delete_attributes(conn: &mut C, place: &Place<Self>, names: &[&str]) -> QueryResult<usize>;
    /// Deletes a live attribute and gives it. Two statements on MySQL, in the transaction that is open.
    #[doc(hidden)]
    fn take_attribute(conn: &mut C, place: &Place<Self>, name: &str) -> QueryResult<Option<StoredAttribute>>;
    /// Digest and expiry of the session's row as it is now. Locks nothing.
    #[doc(hidden)]
    fn standing(conn: &mut C, id: Self::RowId) -> QueryResult<Option<(TokenDigest, Timestamp6)>>;
    /// The same for a write that met no session. Locks the row on MySQL, where a plain read may show an old one.
    #[doc(hidden)]
    fn standing_again(conn: &mut C, id: Self::RowId) -> QueryResult<Option<(TokenDigest, Timestamp6)>>;
    /// Deletes those of these attributes that have expired.
    #[doc(hidden)]
    fn delete_expired(conn: &mut C, place: &Place<Self>, names: &[&str]) -> QueryResult<usize>;
    /// Sealed values that do not begin with these bytes, in the order of their keys, after a key.
    #[doc(hidden)]
    fn sealed_otherwise(
        conn: &mut C,
        beginning: &[u8],
        after: Option<(Self::RowId, &str)>,
        limit: i64,
    ) -> QueryResult<Vec<SealedValue<Self::RowId>>>;
    /// How many sealed values do not begin with these bytes.
    #[doc(hidden)]
    fn count_sealed_otherwise(conn: &mut C, beginning: &[u8]) -> QueryResult<i64>;
    /// Replaces a sealed value, if it still is the same.
    #[doc(hidden)]
    fn reseal(conn: &mut C, id: Self::RowId, name: &str, old: &[u8], new: &[u8]) -> QueryResult<usize>;
}
