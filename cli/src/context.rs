//! What every command is given: how to reach the database, how tables are called, where answers go.

use diesel_sessions::{Clock, SystemClock, Timestamp6};

use crate::args::options::Format;
use crate::args::tables::{ConnectionArgs, TableArgs};
use crate::database::Database;
use crate::failure::Failure;
use crate::layout::Layout;
use crate::output::Output;

/// What every command is given.
pub(crate) struct Context {
    pub(crate) connection: ConnectionArgs,
    pub(crate) tables: TableArgs,
    pub(crate) out: Output,
}

impl Context {
    pub(crate) fn new(connection: ConnectionArgs, tables: TableArgs, format: Format) -> Self {
        Context { connection, tables, out: Output::new(format) }
    }

    /// The time, from the library's clock: what is live is measured by it, never by the database's.
    pub(crate) fn now(&self) -> Timestamp6 {
        SystemClock.now().into()
    }

    /// A connection to the database that was asked for.
    pub(crate) fn connect(&self) -> Result<Database, Failure> {
        let url = self.connection.database_url.as_ref().filter(|url| !url.0.is_empty()).ok_or(Failure::NoUrl)?;
        Database::connect(url)
    }

    /// A connection, and how its tables of sessions are called.
    pub(crate) fn connect_to_sessions(&self) -> Result<(Database, Layout), Failure> {
        let mut database = self.connect()?;
        let layout = Layout::find(&mut database, &self.tables)?;
        Ok((database, layout))
    }
}
