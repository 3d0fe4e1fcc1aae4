//! The other store's table.

use crate::catalogue::Table;
use crate::database::row::Row;
use crate::database::statement::{Statement, marks};
use crate::database::{Database, Engine};
use crate::failure::Failure;

use super::record::{FormerRow, MAX_BYTES};

/// The table that tower-sessions-sqlx-store has created.
pub(super) struct FormerTable {
    engine: Engine,
    quoted: String,
    shown: String,
}

/// Which of its rows.
#[derive(Clone, Copy)]
pub(super) enum Which<'a> {
    /// So many behind an id, in the order of the ids.
    After(Option<&'a str>, u32),
    /// The one of an id.
    One(&'a str),
}

/// Its columns, the same on every engine.
const COLUMNS: [&str; 3] = ["id", "data", "expiry_date"];

impl FormerTable {
    /// Looks for the table that was named, or the one that the store creates on this engine.
    pub(super) fn find(database: &mut Database, named: Option<&str>) -> Result<Self, Failure> {
        let engine = database.engine();
        let name = named.unwrap_or(match engine {
            Engine::Sqlite => "tower_sessions",
            Engine::Postgres | Engine::Mysql => "tower_sessions.session",
        });
        let Some(table) = Table::find(database, name)? else {
            let place = database.place();
            return Err(Failure::Other(format!("there is no table `{name}` in {place}: name the store's table with --from")));
        };
        if let Some(missing) = COLUMNS.iter().find(|column| table.column(column).is_none()) {
            let advice = "--from names a table of tower-sessions-sqlx-store".to_owned();
            return Err(Failure::NoColumn { table: name.to_owned(), column: (*missing).to_owned(), advice });
        }
        Ok(FormerTable { engine, quoted: table.name.quoted(engine), shown: name.to_owned() })
    }

    /// Its name, for messages.
    pub(super) fn name(&self) -> &str {
        &self.shown
    }

    /// How many rows it has.
    pub(super) fn count(&self, database: &mut Database) -> Result<u64, Failure> {
        let row = database.row(&Statement::new(format!("SELECT COUNT(*) AS total FROM {}", self.quoted)))?;
        let total = row.map_or(Ok(0), |row| row.integer("total"))?;
        Ok(total.unsigned_abs())
    }

    /// Some of its rows; `locked` until the transaction ends, so that whoever deletes one waits for that.
    pub(super) fn rows(&self, database: &mut Database, which: Which<'_>, locked: bool) -> Result<Vec<FormerRow>, Failure> {
        let [id, data, expiry] = COLUMNS.map(|column| self.engine.quoted(column));
        let fields = format!(
            "{id} AS former_id, CASE WHEN LENGTH({data}) <= {MAX_BYTES} THEN {data} END AS former_data, \
             {expiry} AS former_expiry"
        );
        // SQLite has no locks of rows: a transaction that writes has the file to itself.
        let lock = if locked && self.engine != Engine::Sqlite { " FOR UPDATE" } else { "" };
        let select = format!("SELECT {fields} FROM {}", self.quoted);
        let statement = match which {
            Which::One(one) => Statement::new(format!("{select} WHERE {id} = ?{lock}")).bind(one),
            Which::After(Some(last), limit) => {
                let sql = format!("{select} WHERE {id} > ? ORDER BY {id} LIMIT ?{lock}");
                Statement::new(sql).bind(last).bind(limit)
            }
            Which::After(None, limit) => Statement::new(format!("{select} ORDER BY {id} LIMIT ?{lock}")).bind(limit),
        };
        database.rows(&statement)?.iter().map(former_row).collect()
    }

    /// Deletes rows.
    pub(super) fn delete(&self, database: &mut Database, ids: &[&str]) -> Result<(), Failure> {
        if ids.is_empty() {
            return Ok(());
        }
        let sql = format!("DELETE FROM {} WHERE {} IN ({})", self.quoted, self.engine.quoted(COLUMNS[0]), marks(ids.len()));
        database.execute(&Statement::new(sql).bind_all(ids.iter().copied()))?;
        Ok(())
    }

    /// Deletes nothing, which takes the right to delete.
    pub(super) fn delete_none(&self, database: &mut Database) -> Result<(), Failure> {
        database.execute(&Statement::new(format!("DELETE FROM {} WHERE 1 = 0", self.quoted))).map(|_| ())
    }
}

fn former_row(row: &Row) -> Result<FormerRow, Failure> {
    Ok(FormerRow {
        id: row.text("former_id")?.to_owned(),
        data: row.maybe_bytes("former_data")?.map(<[u8]>::to_vec),
        // What is no time is told with the row.
        expiry: row.maybe_time("former_expiry").ok().flatten().map(diesel_sessions::Timestamp6::to_utc),
    })
}
