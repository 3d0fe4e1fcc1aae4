//! The sessions' table, as an import sees it: which digests it has, and how rows get into it.

use std::collections::HashMap;

use diesel_sessions::__private::moved::Moved;
use diesel_sessions::Timestamp6;

use crate::catalogue::Column;
use crate::database::statement::{Statement, Value};
use crate::database::{Database, Engine};
use crate::failure::Failure;
use crate::layout::Layout;

use super::fill::{Fill, parameter};

/// The sessions' table.
pub(super) struct SessionsTable {
    engine: Engine,
    /// As SQL writes them.
    table: String,
    columns: HashMap<&'static str, String>,
    digest: Column,
    data: Column,
}

/// A session that is to get its row.
pub(super) struct NewRow {
    pub(super) moved: Moved,
    /// For each filled column.
    pub(super) fills: Vec<Value>,
}

/// The core columns that are written: those with a parameter, then version and persistence.
const CORE: [&str; 9] =
    ["uuid", "data", "created_at", "last_seen_at", "expires_at", "deadline_at", "idle_timeout", "version", "persistent"];

/// Most parameters of one statement: SQLite's own limit is 32,766.
const PARAMETERS: usize = 30_000;

impl SessionsTable {
    pub(super) fn new(layout: &Layout) -> Result<Self, Failure> {
        let columns = layout.core.iter().map(|(core, _)| (core, layout.column(core))).collect();
        let column = |core: &str| {
            layout.table.column(layout.core.get(core)).cloned().ok_or_else(|| Failure::NoColumn {
                table: layout.table.name.to_string(),
                column: layout.core.get(core).to_owned(),
                advice: "see `diesel-sessions doctor`".to_owned(),
            })
        };
        Ok(SessionsTable {
            engine: layout.engine,
            table: layout.sessions(),
            columns,
            digest: column("uuid")?,
            data: column("data")?,
        })
    }

    /// The column of the digests.
    pub(super) fn digest(&self) -> &Column {
        &self.digest
    }

    /// Which of the digests a session has, or had until its last rotation, and when it began. `latest` sees, on MySQL, also what
    /// others have committed since this transaction began to read.
    pub(super) fn known(
        &self,
        database: &mut Database,
        digests: &[&str],
        latest: bool,
    ) -> Result<HashMap<String, Timestamp6>, Failure> {
        let mut known = HashMap::new();
        if digests.is_empty() {
            return Ok(known);
        }
        let (uuid, previous, begun) = (self.column("uuid"), self.column("previous_uuid"), self.column("created_at"));
        let list = vec![parameter(self.engine, &self.digest); digests.len()].join(", ");
        let lock = if latest && self.engine == Engine::Mysql { " LOCK IN SHARE MODE" } else { "" };
        for column in [uuid, previous] {
            let sql = format!("SELECT {column} AS digest, {begun} AS begun FROM {} WHERE {column} IN ({list}){lock}", self.table);
            for row in database.rows(&Statement::new(sql).bind_all(digests.iter().copied()))? {
                let begun = row.maybe_time("begun")?.unwrap_or(Timestamp6::NEVER);
                known.insert(row.text("digest")?.to_owned(), begun);
            }
        }
        Ok(known)
    }

    /// Inserts rows; those whose digest is taken are passed over.
    pub(super) fn insert(&self, database: &mut Database, fills: &[Fill], rows: &[&NewRow]) -> Result<(), Failure> {
        let at_once = (PARAMETERS / (7 + fills.len())).max(1);
        rows.chunks(at_once).try_for_each(|rows| database.execute(&self.insertion(fills, rows)).map(|_| ()))
    }

    /// Inserts nothing, which takes the right to insert.
    pub(super) fn insert_none(&self, database: &mut Database, fills: &[Fill]) -> Result<(), Failure> {
        let (table, columns) = (&self.table, self.written(fills).join(", "));
        let sql = format!("INSERT INTO {table} ({columns}) SELECT {columns} FROM {table} WHERE 1 = 0");
        database.execute(&Statement::new(sql)).map(|_| ())
    }

    /// The columns that an insert names.
    fn written(&self, fills: &[Fill]) -> Vec<String> {
        let own = fills.iter().map(|fill| self.engine.quoted(&fill.column.name));
        CORE.iter().map(|core| self.column(core).to_owned()).chain(own).collect()
    }

    fn insertion(&self, fills: &[Fill], rows: &[&NewRow]) -> Statement {
        let columns = self.written(fills);
        let (digest, data) = (parameter(self.engine, &self.digest), parameter(self.engine, &self.data));
        let mut bound = Vec::new();
        let mut lists = Vec::with_capacity(rows.len());
        for row in rows {
            let Moved { digest: uuid, data: text, created_at, expires_at, deadline_at, idle_timeout } = &row.moved;
            let core = [
                (digest.clone(), uuid.to_string().into()),
                (data.clone(), text.as_str().into()),
                ("?".to_owned(), (*created_at).into()),
                ("?".to_owned(), (*created_at).into()),
                ("?".to_owned(), (*expires_at).into()),
                ("?".to_owned(), (*deadline_at).into()),
                ("?".to_owned(), idle_timeout.map(i64::from).into()),
            ];
            let own = fills.iter().zip(&row.fills).map(|(fill, value)| (fill.parameter(self.engine), value.clone()));
            let mut list = Vec::with_capacity(columns.len());
            let mut write = |(parameter, value): (String, Value)| match value {
                // A bound NULL would have to have a type.
                Value::Null => list.push("NULL".to_owned()),
                value => {
                    list.push(parameter);
                    bound.push(value);
                }
            };
            core.into_iter().for_each(&mut write);
            own.for_each(&mut write);
            list.splice(7..7, ["0".to_owned(), "FALSE".to_owned()]);
            lists.push(format!("({})", list.join(", ")));
        }
        let uuid = self.column("uuid");
        let taken = match self.engine {
            Engine::Mysql => format!("ON DUPLICATE KEY UPDATE {uuid} = {}.{uuid}", self.table),
            _ => format!("ON CONFLICT ({uuid}) DO NOTHING"),
        };
        let sql = format!("INSERT INTO {} ({}) VALUES {} {taken}", self.table, columns.join(", "), lists.join(", "));
        Statement::new(sql).bind_all(bound)
    }

    /// A core column, as SQL writes it.
    fn column(&self, core: &str) -> &str {
        self.columns.get(core).map_or("", String::as_str)
    }
}
