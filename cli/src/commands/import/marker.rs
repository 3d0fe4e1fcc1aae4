//! What has been imported by copying: digests, in a table of their own beside the sessions. A session that was ended here is then not
//! imported a second time, although the other store still has it.

use std::collections::HashSet;

use crate::catalogue::{Column, Table, TableName};
use crate::database::statement::Statement;
use crate::database::{Database, Engine};
use crate::failure::Failure;
use crate::layout::Layout;

use super::fill::parameter;

/// The table of digests.
pub(super) struct Marker {
    engine: Engine,
    name: TableName,
    /// The sessions' column, whose type this one has.
    digest: Column,
    exists: bool,
}

impl Marker {
    /// Looks for the table; an earlier run may have left it.
    pub(super) fn find(database: &mut Database, layout: &Layout, digest: &Column) -> Result<Self, Failure> {
        let TableName { schema, name, .. } = &layout.table.name;
        let name = TableName::new(schema.clone(), format!("{name}_imported"));
        let exists = Table::read(database, &name)?.is_some();
        Ok(Marker { engine: layout.engine, name, digest: digest.clone(), exists })
    }

    /// Creates it, if it is not there.
    pub(super) fn create(&mut self, database: &mut Database) -> Result<(), Failure> {
        if self.exists {
            return Ok(());
        }
        let digest_type = match (self.engine, &self.digest.collation) {
            (Engine::Mysql, Some(collation)) => format!("{} COLLATE {}", self.digest.sql_type, self.engine.quoted(collation)),
            _ => self.digest.sql_type.clone(),
        };
        let options = if self.engine == Engine::Mysql { " ENGINE = InnoDB" } else { "" };
        // Another import may do so at the same time.
        database.batch(&format!(
            "CREATE TABLE IF NOT EXISTS {} (_uuid {digest_type} NOT NULL PRIMARY KEY){options}",
            self.quoted()
        ))?;
        self.exists = true;
        Ok(())
    }

    /// Which of the digests are there.
    pub(super) fn known(&self, database: &mut Database, digests: &[&str]) -> Result<HashSet<String>, Failure> {
        if !self.exists || digests.is_empty() {
            return Ok(HashSet::new());
        }
        let sql =
            format!("SELECT _uuid AS digest FROM {} WHERE _uuid IN ({})", self.quoted(), self.parameters(digests.len(), ""));
        let rows = database.rows(&Statement::new(sql).bind_all(digests.iter().copied()))?;
        rows.iter().map(|row| Ok(row.text("digest")?.to_owned())).collect()
    }

    /// Adds digests; those that are there stay.
    pub(super) fn add(&self, database: &mut Database, digests: &[&str]) -> Result<(), Failure> {
        if digests.is_empty() {
            return Ok(());
        }
        let (insert, conflict) = match self.engine {
            Engine::Mysql => ("INSERT", " ON DUPLICATE KEY UPDATE _uuid = _uuid"),
            _ => ("INSERT", " ON CONFLICT DO NOTHING"),
        };
        let values = self.parameters(digests.len(), "()");
        let sql = format!("{insert} INTO {} (_uuid) VALUES {values}{conflict}", self.quoted());
        database.execute(&Statement::new(sql).bind_all(digests.iter().copied()))?;
        Ok(())
    }

    fn quoted(&self) -> String {
        self.name.quoted(self.engine)
    }

    fn parameters(&self, count: usize, brackets: &str) -> String {
        let one = parameter(self.engine, &self.digest);
        let one = if brackets.is_empty() { one } else { format!("({one})") };
        vec![one; count].join(", ")
    }
}
