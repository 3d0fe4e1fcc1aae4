//! Sealed attributes in a table of whatever name: the statements of the library's own `reseal`.

use diesel_sessions::__private::sealing;
use diesel_sessions::Keyring;

use crate::catalogue::Table;
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
        let row = database.row(&self.number())?;
        Ok(row.map_or(Ok(0), |row| row.integer("total"))?.unsigned_abs())
    }

    /// The next ones behind a session and a name.
    pub(super) fn page(
        &self,
        database: &mut Database,
        after: Option<&(i64, String)>,
        limit: u32,
    ) -> Result<Vec<Sealed>, Failure> {
        database.rows(&self.select(after, limit))?.iter().map(sealed_of).collect()
    }

    fn number(&self) -> Statement {
        let sql = format!("SELECT COUNT(*) AS total FROM {} WHERE {}", self.table, self.otherwise());
        Statement::new(sql).bind(self.beginning.clone())
    }

    fn select(&self, after: Option<&(i64, String)>, limit: u32) -> Statement {
        // The first condition is what leads to the place in the index.
        let later = if after.is_some() { " AND session_id >= ? AND (session_id > ? OR name > ?)" } else { "" };
        let sql = format!(
            "SELECT session_id, name, sealed FROM {} WHERE {}{later} ORDER BY session_id, name LIMIT ?",
            self.table,
            self.otherwise()
        );
        let statement = Statement::new(sql).bind(self.beginning.clone());
        let statement = match after {
            Some((id, name)) => statement.bind_all([*id, *id]).bind(name.as_str()),
            None => statement,
        };
        statement.bind(limit)
    }

    /// Seals one with the first key, in memory.
    pub(super) fn anew(&self, keyring: &Keyring, one: &Sealed) -> Result<Anew, Failure> {
        let session = one.session.to_string();
        Ok(match sealing::seal_anew(keyring, [&self.name, &session, &one.name], &one.sealed)? {
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
            (_, Engine::Sqlite) => database.transaction(write)?,
            (several, _) => {
                let one = |(one, new): &(Sealed, Vec<u8>)| self.update(one, new);
                several.iter().map(one).map(|update| database.execute(&update)).sum::<Result<_, _>>()?
            }
        };
        Ok(u64::try_from(rows).unwrap_or(u64::MAX))
    }

    fn update(&self, one: &Sealed, new: &[u8]) -> Statement {
        let (table, sessions, id) = (&self.table, &self.sessions, &self.session_key);
        if self.engine == Engine::Mysql {
            // The cascade of a session's deletion locks an attribute twice, and must not find anybody waiting in between.
            let live = format!("(SELECT {sessions}.{id} FROM {sessions} WHERE {sessions}.{id} = ? LIMIT ? FOR UPDATE) AS live");
            let sql = format!(
                "UPDATE {live} STRAIGHT_JOIN {table} FORCE INDEX (PRIMARY) ON {table}.session_id = live.{id} \
                 SET sealed = ? WHERE {table}.name = ? AND {table}.sealed = ?"
            );
            let statement = Statement::new(sql).bind(one.session).bind(1_i64).bind(new.to_vec());
            return statement.bind(one.name.as_str()).bind(one.sealed.clone());
        }
        let sql = format!("UPDATE {table} SET sealed = ? WHERE session_id = ? AND name = ? AND sealed = ?");
        Statement::new(sql).bind(new.to_vec()).bind(one.session).bind(one.name.as_str()).bind(one.sealed.clone())
    }

    /// The condition, with one parameter: what the first key's values begin with.
    fn otherwise(&self) -> String {
        let beginning = format!("substr(sealed, 1, {})", self.beginning.len());
        // The beginning of an empty blob is NULL on SQLite.
        format!("sealed IS NOT NULL AND ({beginning} != ? OR {beginning} IS NULL)")
    }
}

fn sealed_of(row: &Row) -> Result<Sealed, Failure> {
    Ok(Sealed {
        session: row.integer("session_id")?,
        name: row.text("name")?.to_owned(),
        sealed: row.maybe_bytes("sealed")?.unwrap_or_default().to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::{assert_golden, layout};

    // What is written twice is compared.
    #[test]
    fn resealing_sends_what_the_library_sends() {
        for engine in [Engine::Sqlite, Engine::Postgres, Engine::Mysql] {
            let layout = layout(engine);
            let Some(attributes) = &layout.attributes else { panic!("there are attributes") };
            let sealed = SealedAttributes::new(&layout, attributes, &Keyring::new("2026-11", [7; 32]).unwrap());
            let one = Sealed { session: 1, name: "a".to_owned(), sealed: vec![0] };
            let last = (1, "b".to_owned());
            let update = sealed.update(&one, &[1]);
            let sent = [sealed.select(None, 100), update.clone(), update, sealed.select(Some(&last), 100), sealed.number()];
            // What the tool writes as it is: lengths, which have a type of their own, and the name of the sum.
            let beginning = format!("substr(sealed, 1, {})", sealed.beginning.len());
            let bound = "substr(session_attributes.sealed, ?, ?)";
            let sent = sent.map(|statement| statement.sql().replace(&beginning, bound).replace(" AS total", ""));
            assert_golden(engine, "attribute_reseal", &sent.each_ref().map(String::as_str));
        }
    }
}
