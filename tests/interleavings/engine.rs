//! What a run needs to know of an engine: above all, whether a connection waits for a lock.

use std::time::Duration;

use diesel_sessions::SessionModel;

use crate::support::Db;

#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

/// An engine under the schedule.
pub(crate) trait Engine: Db {
    /// Whether a statement waits for locks. Where it does not, it is refused at once as busy.
    const WAITS: bool;
    /// Whether transactions are serialisable, so that one of the caller's happens at a single moment.
    const SERIALISABLE: bool;
    /// Whether an insert is followed by a second statement that asks for the row's id. A row that is removed in between is
    /// inserted anew under another id and token, so that others may have met a row that nobody was told of.
    const INSERTS_IN_TWO: bool;
    /// Whether `create` clears an expired attribute of that name away in a statement of its own.
    const CLEARS_FIRST: bool;
    /// How long to let a worker run before the engine is asked whether it waits.
    const PATIENCE: Duration;
    /// How many of a hundred runs have a caller's transaction.
    const WRAPPING: usize;
    /// In how many of a hundred cases a worker with an open transaction goes first. Where asking who waits is slow, fewer wait.
    const HASTE: usize;
    /// All rows, each as one text with `|` between its columns, times in seconds since 1970.
    const ROWS: &'static str;
    /// All attributes in the same way: session, name, value, times.
    const ATTRIBUTES: &'static str;

    /// A row id of the model's type.
    fn row_id(id: i64) -> <Self::Model as SessionModel>::RowId;
    /// Sets the table up so that new rows have ids from 1000 on.
    fn begin(conn: &mut Self::Conn);
    /// Clears away what deleted rows leave behind.
    fn tidy(conn: &mut Self::Conn);
    /// A connection for a worker.
    fn worker_connection(&self) -> Self::Conn;
    /// What the engine calls a connection.
    fn connection_id(conn: &mut Self::Conn) -> String;
    /// Whether that connection waits for a lock, as the engine itself says.
    fn waits(observer: &mut Self::Conn, connection: &str) -> bool;
    /// Makes a connection usable again that a deadlock has left in an undone transaction.
    fn recover(conn: &mut Self::Conn);
}
