//! Sealed attributes in a table of whatever name: the statements of the library's own `reseal`.

use diesel_sessions::__private::sealing;
use diesel_sessions::Keyring;

use crate::catalogue::Table;
use crate::commands::retry::retried;
use crate::database::row::Row;
use crate::database::statement::Statement;
use crate::database::{Database, Engine};
use crate::failure::Failure;
use crate::layout::Layout;

/// The attributes that are not sealed with the first key.
pub(super) struct SealedAttributes {
    engine: Engine,
    /// As SQL writes them.
    table: String,
    sessions: String,
    session_key: String,
    /// As the library's model has it: sealed values are bound to it.
    name: String,
    beginning: Vec<u8>,
}

/// One of them.
pub(super) struct Sealed {
    pub(super) session: i64,
    pub(super) name: String,
    sealed: Vec<u8>,
}

/// What becomes of it.
pub(super) enum Anew {
    Sealed(Vec<u8>),
    /// It does not open, and why.
    Unreadable(String),
}

impl SealedAttributes {
    pub(super) fn new(layout: &Layout, attributes: &Table, keyring: &Keyring) -> Self {
        SealedAttributes {
            engine: layout.engine,
            table: attributes.name.quoted(layout.engine),
            sessions: layout.sessions(),
            session_key: layout.column("id"),
            name: attributes.name.to_string(),
            beginning: sealing::beginning(keyring),
        }
    }

    /// How many there are.
    pub(super) fn count(&self, database: &mut Database) -> Result<u64, Failure> {
        let sql = format!("SELECT COUNT(*) AS total FROM {} WHERE {}", self.table, self.otherwise());
        let row = database.row(&Statement::new(sql).bind(self.beginning.clone()))?;
        Ok(row.map_or(Ok(0), |row| row.integer("total"))?.unsigned_abs())
    }

    /// The next ones behind a session and a name.
    pub(super) fn page(
        &self,
        database: &mut Database,
        after: Option<&(i64, String)>,
        limit: u32,
    ) -> Result<Vec<Sealed>, Failure> {
        let [session, name, sealed] = ["session_id", "name", "sealed"].map(|column| self.engine.quoted(column));
        let fields = format!("{session} AS row_id, {name} AS attribute, {sealed} AS value");
        // The first condition is what leads to the place in the index.
        let later = match after {
            Some(_) => format!(" AND {session} >= ? AND ({session} > ? OR {name} > ?)"),
            None => String::new(),
        };
        let sql =
            format!("SELECT {fields} FROM {} WHERE {}{later} ORDER BY {session}, {name} LIMIT ?", self.table, self.otherwise());
        let mut statement = Statement::new(sql).bind(self.beginning.clone());
        if let Some((id, name)) = after {
            statement = statement.bind(*id).bind(*id).bind(name.as_str());
        }
        database.rows(&statement.bind(limit))?.iter().map(sealed_of).collect()
    }

    /// Seals one with the first key, in memory.
    pub(super) fn anew(&self, keyring: &Keyring, one: &Sealed) -> Result<Anew, Failure> {
        let place = [&self.name, &one.session.to_string(), &one.name];
        Ok(match sealing::seal_anew(keyring, place.map(String::as_str), &one.sealed)? {
            Ok(sealed) => Anew::Sealed(sealed),
            Err(reason) => {
                let key = sealing::key_of(&one.sealed).map(|key| format!(" (key `{key}`)")).unwrap_or_default();
                Anew::Unreadable(format!("{reason}{key}"))
            }
        })
    }

    /// Writes some, each unless it was written meanwhile; how many. On the servers each is a transaction of its own: several
    /// locked together could meet a revocation that locks them in another order.
    pub(super) fn write(&self, database: &mut Database, moved: &[(Sealed, Vec<u8>)]) -> Result<u64, Failure> {
        let write = |database: &mut Database| -> Result<usize, Failure> {
            moved.iter().map(|(one, new)| database.execute(&self.update(one, new))).sum()
        };
        let rows = match (moved, self.engine) {
            ([], _) => 0,
            (_, Engine::Sqlite) => retried(database, |database| database.transaction(write))?,
            (several, _) => {
                let one = |(one, new): &(Sealed, Vec<u8>)| self.update(one, new);
                several
                    .iter()
                    .map(one)
                    .map(|update| retried(database, |database| database.execute(&update)))
                    .sum::<Result<_, _>>()?
            }
        };
        Ok(u64::try_from(rows).unwrap_or(u64::MAX))
    }

    fn update(&self, one: &Sealed, new: &[u8]) -> Statement {
        let [session, name, sealed] = ["session_id", "name", "sealed"].map(|column| self.engine.quoted(column));
        let (table, sessions, id) = (&self.table, &self.sessions, &self.session_key);
        if self.engine == Engine::Mysql {
            // The cascade of a session's deletion locks an attribute twice, and must not find anybody waiting in between.
            let live = format!("(SELECT {id} AS id FROM {sessions} WHERE {id} = ? LIMIT 1 FOR UPDATE) AS live");
            let sql = format!(
                "UPDATE {live} STRAIGHT_JOIN {table} AS attribute FORCE INDEX (PRIMARY) ON attribute.{session} = live.id \
                 SET attribute.{sealed} = ? WHERE attribute.{name} = ? AND attribute.{sealed} = ?"
            );
            return Statement::new(sql).bind(one.session).bind(new.to_vec()).bind(one.name.as_str()).bind(one.sealed.clone());
        }
        let sql = format!("UPDATE {table} SET {sealed} = ? WHERE {session} = ? AND {name} = ? AND {sealed} = ?");
        Statement::new(sql).bind(new.to_vec()).bind(one.session).bind(one.name.as_str()).bind(one.sealed.clone())
    }

    /// The condition, with one parameter: what the first key's values begin with.
    fn otherwise(&self) -> String {
        let sealed = self.engine.quoted("sealed");
        let length = self.beginning.len();
        // The beginning of an empty blob is NULL on SQLite.
        format!("{sealed} IS NOT NULL AND COALESCE(SUBSTR({sealed}, 1, {length}) <> ?, TRUE)")
    }
}

fn sealed_of(row: &Row) -> Result<Sealed, Failure> {
    Ok(Sealed {
        session: row.integer("row_id")?,
        name: row.text("attribute")?.to_owned(),
        sealed: row.maybe_bytes("value")?.unwrap_or_default().to_vec(),
    })
}
