//! The statements of a session model: what they are given, and the traits that the derive implements.

use diesel::QueryResult;
#[cfg(feature = "postgres")]
use diesel::{deserialize::FromSqlRow, expression::AsExpression};

use super::{OwnedModel, SessionModel, Stamp};
use crate::clock::Timestamp6;
use crate::data::JsonText;
use crate::error::Result;
use crate::token::TokenDigest;

/// What a guarded write must find: the row, under the token and the version that the handle saw, still live.
#[derive(Debug)]
pub struct Guard<M: SessionModel> {
    /// The row.
    pub id: M::RowId,
    /// The `_uuid` that the handle knows.
    pub digest: TokenDigest,
    /// The `_version` that the handle saw; statements that need none leave it out.
    pub version: i32,
    /// The time that `expires_at` must be after.
    pub now: Timestamp6,
}

/// What a look-up by a replaced digest tells: the row, when it was rotated, and when it was created.
pub type Replaced<RowId> = (RowId, Option<Timestamp6>, Timestamp6);

/// Where a batch of a purge begins, in the order of expiry: where the batch before it ended, or with the longest expired.
///
/// PostgreSQL's index keeps the entry of a deleted row until no transaction can see the row any more, and with
/// `synchronous_commit` off until the commit is on disk besides. A batch that began with the longest expired would walk past all
/// that the batches before it have removed, each time farther. The other engines take no notice: SQLite has no such entries, and
/// InnoDB passes them at little cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "postgres", derive(AsExpression, FromSqlRow))]
#[cfg_attr(feature = "postgres", diesel(sql_type = diesel::sql_types::Timestamp))]
#[cfg_attr(feature = "postgres", diesel(sql_type = diesel::sql_types::Timestamptz))]
pub struct Reached(pub Option<Timestamp6>);

/// What a write stores: the model's typed columns, the data's text and the core columns.
pub struct Write<'a, M> {
    /// The typed columns.
    pub model: &'a M,
    /// The data.
    pub data: &'a JsonText,
    /// The new token digest.
    pub digest: TokenDigest,
    /// The token digest that it replaces.
    pub previous: Option<TokenDigest>,
    /// When the session began.
    pub created_at: Timestamp6,
    /// The last proof of identity.
    pub authenticated_at: Option<Timestamp6>,
    /// The last rotation.
    pub rotated_at: Option<Timestamp6>,
    /// The last sign of life.
    pub last_seen_at: Timestamp6,
    /// What follows from it.
    pub expires_at: Timestamp6,
    /// The absolute end.
    pub deadline_at: Option<Timestamp6>,
    /// The idle timeout in seconds.
    pub idle_timeout: Option<i32>,
    /// "Remember me".
    pub persistent: bool,
}

impl<'a, M> Write<'a, M> {
    pub(crate) fn new(model: &'a M, data: &'a JsonText, stamp: &Stamp) -> Self {
        Write {
            model,
            data,
            digest: stamp.digest,
            previous: stamp.previous,
            created_at: stamp.created_at,
            authenticated_at: stamp.authenticated_at,
            rotated_at: stamp.rotated_at,
            last_seen_at: stamp.last_seen_at,
            expires_at: stamp.expires_at,
            deadline_at: stamp.deadline_at,
            idle_timeout: stamp.idle_timeout,
            persistent: stamp.persistent,
        }
    }
}

/// The fixed shapes of a save. Few, because each is a plan in Diesel's cache of every connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaveShape {
    /// `_data` alone: the row's indexed columns stay as they are.
    Data,
    /// `_data` and a touch.
    DataTouch,
    /// `_data` and all typed columns.
    Columns,
    /// `_data`, all typed columns and a touch.
    ColumnsTouch,
    /// Everything that a save may change: also timeouts, deadline and "remember me".
    Policy,
}

/// What a model's database says of itself to [`SessionRepository::check`](crate::SessionRepository::check): one sentence for
/// each setting that does not do.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Findings {
    /// Settings under which sessions are not safe.
    pub refused: Vec<String>,
    /// Settings that do not make sessions unsafe at once: they cost speed or patience, may lose commits in a crash, or leave
    /// foreign keys off.
    pub advised: Vec<String>,
}

/// The statements of a session model on a connection: what every verb needs, and nothing that decides.
///
/// Implemented by `#[derive(DbSession)]` for every connection of the model's backend, pooled and instrumented ones included.
/// `M: DbSession<C>` is the one bound that a function of an application's own needs:
///
/// ```
/// use diesel_sessions::{DbSession, Result, SessionRepository};
///
/// fn count_visit<M: DbSession<C>, C>(sessions: &SessionRepository<M>, conn: &mut C, cookie: Option<&str>) -> Result<u32> {
///     let mut session = sessions.open(conn, cookie)?;
///     let visits = session.get_or("visits", 0)? + 1;
///     session.insert("visits", visits)?;
///     sessions.save(conn, &mut session)?;
///     Ok(visits)
/// }
/// # use diesel::prelude::*;
/// # use diesel_sessions::{migrations, plain::sqlite::PlainSession};
/// # fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
/// # let mut conn = SqliteConnection::establish(":memory:")?;
/// # migrations::run(&mut conn)?;
/// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
/// assert_eq!(count_visit(&sessions, &mut conn, None)?, 1);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no session model for the connection `{C}`",
    note = "`{Self}` needs `#[derive(DbSession)]` and `#[diesel(check_for_backend(…))]` naming the backend of that connection",
    note = "a model has one backend: `diesel::sqlite::Sqlite`, `diesel::pg::Pg` or `diesel::mysql::Mysql`"
)]
pub trait DbSession<C>: SessionModel {
    /// The live session under a token digest.
    #[doc(hidden)]
    fn find(conn: &mut C, digest: TokenDigest, now: Timestamp6) -> QueryResult<Option<Self>>;
    /// The live session whose last rotation replaced this digest.
    #[doc(hidden)]
    fn find_replaced(conn: &mut C, digest: TokenDigest, now: Timestamp6) -> QueryResult<Option<Replaced<Self::RowId>>>;
    /// Whether a live session has this digest.
    #[doc(hidden)]
    fn is_live(conn: &mut C, digest: TokenDigest, now: Timestamp6) -> QueryResult<bool>;
    /// The row as it is now, live or not. Locks it on MySQL, where a plain read may show an old one.
    #[doc(hidden)]
    fn read_again(conn: &mut C, id: Self::RowId) -> QueryResult<Option<Self>>;
    /// Whether any row has this digest.
    #[doc(hidden)]
    fn is_taken(conn: &mut C, digest: TokenDigest) -> QueryResult<bool>;
    /// Inserts a row; `None` when the digest is taken. MySQL says that as a unique violation instead.
    #[doc(hidden)]
    fn insert(conn: &mut C, write: &Write<'_, Self>) -> QueryResult<Option<Self::RowId>>;
    /// Writes `last_seen_at` and `expires_at`, if nobody did since `idle_since`.
    #[doc(hidden)]
    fn touch(conn: &mut C, guard: &Guard<Self>, write: &Write<'_, Self>, idle_since: Timestamp6) -> QueryResult<usize>;
    /// Writes a change.
    #[doc(hidden)]
    fn save(conn: &mut C, guard: &Guard<Self>, write: &Write<'_, Self>, shape: SaveShape) -> QueryResult<usize>;
    /// Replaces the token, whatever the version.
    #[doc(hidden)]
    fn rotate(conn: &mut C, guard: &Guard<Self>, write: &Write<'_, Self>) -> QueryResult<usize>;
    /// Replaces the token, sets the owner and fresh clocks, whatever the version.
    #[doc(hidden)]
    fn authenticate(conn: &mut C, guard: &Guard<Self>, write: &Write<'_, Self>) -> QueryResult<usize>;
    /// Replaces the token and writes everything.
    #[doc(hidden)]
    fn renew(conn: &mut C, guard: &Guard<Self>, write: &Write<'_, Self>) -> QueryResult<usize>;
    /// Deletes a row.
    #[doc(hidden)]
    fn end(conn: &mut C, id: Self::RowId) -> QueryResult<usize>;
    /// Deletes a row if it is or was under this digest.
    #[doc(hidden)]
    fn end_known(conn: &mut C, id: Self::RowId, digest: TokenDigest) -> QueryResult<usize>;
    /// Deletes a live row under the digest that the handle knows.
    #[doc(hidden)]
    fn end_guarded(conn: &mut C, guard: &Guard<Self>) -> QueryResult<usize>;
    /// Deletes every row.
    #[doc(hidden)]
    fn end_everyone(conn: &mut C) -> QueryResult<usize>;
    /// Deletes at most `limit` rows that expired at or before `now`, the longest expired first, and says where the next batch
    /// begins.
    #[doc(hidden)]
    fn purge(conn: &mut C, now: Timestamp6, limit: i64, reached: &mut Reached) -> QueryResult<usize>;
    /// Deletes at most `limit` attributes of live sessions that expired at or before `now`, the longest expired first, and says
    /// where the next batch begins. A model without attributes has none.
    #[doc(hidden)]
    fn purge_attributes(conn: &mut C, now: Timestamp6, limit: i64, reached: &mut Reached) -> QueryResult<usize>;
    /// Takes the purge of this table until the transaction ends; whether nobody else has it. Where the engine has no such lock,
    /// nobody ever has.
    #[doc(hidden)]
    fn try_purge_lock(conn: &mut C) -> QueryResult<bool> {
        let _ = conn;
        Ok(true)
    }
    /// Foreign keys of the application's own that can block a deletion, where the engine's error does not name the one.
    #[doc(hidden)]
    fn blocking_references(conn: &mut C) -> QueryResult<Option<String>>;
    /// Reads the columns of the attribute table, if the model has one, of no attribute.
    #[doc(hidden)]
    fn look_at_attributes(conn: &mut C) -> QueryResult<()>;
    /// Looks at the engine's settings.
    #[doc(hidden)]
    fn findings(conn: &mut C) -> QueryResult<Findings>;

    /// How many transactions and savepoints are open.
    #[doc(hidden)]
    fn transaction_depth(conn: &mut C) -> QueryResult<u32>;
    /// Marks the connection as broken: its pool drops it, its transaction cannot commit.
    #[doc(hidden)]
    fn set_in_error(conn: &mut C);
    /// Runs a closure in a transaction, or in a savepoint of the one that is open.
    ///
    /// # Errors
    ///
    /// The closure's error, after a rollback, or the database's.
    #[doc(hidden)]
    fn transaction<T>(conn: &mut C, work: impl FnOnce(&mut C) -> Result<T>) -> Result<T>;
}

/// The statements that need an owner.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no session model with an owner for the connection `{C}`",
    note = "mark the field that links a session to its user: `#[session(owner)] user_id: Option<i64>`"
)]
pub trait DbOwnedSession<C>: DbSession<C> + OwnedModel {
    /// The owner's live sessions, highest id first.
    #[doc(hidden)]
    fn list(conn: &mut C, owner: &Self::Owner, now: Timestamp6) -> QueryResult<Vec<Self>>;
    /// How many there are.
    #[doc(hidden)]
    fn count(conn: &mut C, owner: &Self::Owner, now: Timestamp6) -> QueryResult<i64>;
    /// Deletes one session of the owner's.
    #[doc(hidden)]
    fn revoke(conn: &mut C, owner: &Self::Owner, id: Self::RowId) -> QueryResult<usize>;
    /// Deletes all of them.
    #[doc(hidden)]
    fn revoke_all(conn: &mut C, owner: &Self::Owner) -> QueryResult<usize>;
    /// Deletes all of them but one.
    #[doc(hidden)]
    fn revoke_except(conn: &mut C, owner: &Self::Owner, id: Self::RowId) -> QueryResult<usize>;
}
