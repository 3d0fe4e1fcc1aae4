//! The migrations that add sessions to a table which exists already, and is in use.

use askama::Template;

use super::folder::Migration;
use super::names::{Columns, Name};
use super::owner::Owner;
use super::tables::rendered;
use crate::args::init::ExistingRows;
use crate::database::Engine;
use crate::failure::Failure;

/// A table that becomes one of sessions.
#[derive(Debug, Clone)]
pub(crate) struct Added {
    pub(crate) engine: Engine,
    /// Whether the server is MariaDB, which can do more than MySQL without a lock.
    pub(crate) is_mariadb: bool,
    pub(crate) table: Name,
    pub(crate) attributes: Option<Name>,
    pub(crate) columns: Columns,
    /// The type of the table's key.
    pub(crate) id_type: String,
    /// The columns that the table has already, as the library calls them.
    pub(crate) present: Vec<&'static str>,
    /// A new column for the owner.
    pub(crate) owner: Option<Owner>,
    /// A new index for the owner's column, new or old.
    pub(crate) owner_index: Option<OwnerIndex>,
    pub(crate) existing: ExistingRows,
}

/// An index that finds an owner's sessions.
#[derive(Debug, Clone)]
pub(crate) struct OwnerIndex {
    pub(crate) name: Name,
    pub(crate) column: Name,
}

/// A column that the table lacks.
struct NewColumn<'a> {
    name: &'a Name,
    /// Its type, and what follows it.
    definition: String,
    /// A CHECK that needs no other column; empty where it is made otherwise.
    check: String,
    comment: &'static str,
}

/// A template, with the names that it sees.
macro_rules! page {
    ($page:ident $path:literal) => {
        #[derive(Template)]
        #[template(path = $path, escape = "none")]
        #[allow(dead_code, reason = "no template uses all of it")]
        struct $page<'a> {
            table: &'a Name,
            attributes: Option<&'a Name>,
            c: &'a Columns,
            added: &'a [NewColumn<'a>],
            id_type: &'a str,
            owner: Option<&'a Owner>,
            owner_index: Option<&'a OwnerIndex>,
            /// Whether the rows that are there outlive a purge.
            keeps: bool,
            is_mariadb: bool,
            /// MariaDB can run a migration again that was interrupted.
            if_missing: &'static str,
            procedure: Name,
            random_uuid: &'static str,
        }

        impl<'a> $page<'a> {
            fn of(plan: &'a Added, added: &'a [NewColumn<'a>]) -> Self {
                $page {
                    table: &plan.table,
                    attributes: plan.attributes.as_ref(),
                    c: &plan.columns,
                    added,
                    id_type: &plan.id_type,
                    owner: plan.owner.as_ref(),
                    owner_index: plan.owner_index.as_ref(),
                    keeps: plan.existing == ExistingRows::Keep,
                    is_mariadb: plan.is_mariadb,
                    if_missing: if plan.is_mariadb { "IF NOT EXISTS " } else { "" },
                    procedure: plan.table.with("_add_sessions"),
                    random_uuid: RANDOM_UUID_ON_SQLITE,
                }
            }
        }
    };
}

page!(AddOnSqlite "sqlite/add.sql");
page!(RemoveOnSqlite "sqlite/remove.sql");
page!(AddOnPostgres "postgres/add.sql");
page!(RemoveOnPostgres "postgres/remove.sql");
page!(AddOnMysql "mysql/add.sql");
page!(RemoveOnMysql "mysql/remove.sql");

const RANDOM_UUID_ON_SQLITE: &str = "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-' || hex(randomblob(2)) || '-' \
     || hex(randomblob(2)) || '-' || hex(randomblob(6)))";

impl Added {
    /// The migrations, in order. PostgreSQL builds each index in one of its own: that cannot be part of anything else.
    pub(crate) fn migrations(&self, name: &str) -> Result<Vec<Migration>, Failure> {
        let columns = self.new_columns();
        let first = |up: String, down: String, in_transaction| Migration { name: name.to_owned(), up, down, in_transaction };
        Ok(match self.engine {
            Engine::Sqlite => {
                vec![first(rendered(&AddOnSqlite::of(self, &columns))?, rendered(&RemoveOnSqlite::of(self, &columns))?, true)]
            }
            Engine::Mysql => {
                vec![first(rendered(&AddOnMysql::of(self, &columns))?, rendered(&RemoveOnMysql::of(self, &columns))?, false)]
            }
            Engine::Postgres => {
                let add =
                    first(rendered(&AddOnPostgres::of(self, &columns))?, rendered(&RemoveOnPostgres::of(self, &columns))?, false);
                std::iter::once(add).chain(self.indices(name)).collect()
            }
        })
    }

    /// PostgreSQL's indices, each built while the table is in use.
    fn indices(&self, name: &str) -> Vec<Migration> {
        let (c, table) = (&self.columns, &self.table);
        let key = |column: &Name| column.to_string();
        let mut indices = vec![
            ("uuid", "UNIQUE ", table.with("_uuid_key"), key(&c.uuid)),
            ("previous_uuid", "UNIQUE ", table.with("_previous_uuid_key"), key(&c.previous_uuid)),
            ("expires_at", "", table.with("_expires_at_idx"), key(&c.expires_at)),
        ];
        if let Some(index) = &self.owner_index {
            indices.push(("owner", "", index.name.clone(), format!("{}, {}", index.column, c.id)));
        }
        let migration = |(what, unique, index, columns): (&str, &str, Name, String)| Migration {
            name: format!("{name}_index_{what}"),
            up: format!(
                "-- Readers and writers go on meanwhile. If it fails, it leaves an index behind that is of no use:\n\
                 -- DROP INDEX CONCURRENTLY {index}; then run it again. It runs outside of a transaction (metadata.toml).\n\
                 CREATE {unique}INDEX CONCURRENTLY {index} ON {table} ({columns});\n"
            ),
            down: format!("DROP INDEX CONCURRENTLY {index};\n"),
            in_transaction: false,
        };
        indices.into_iter().map(migration).collect()
    }

    /// The columns that the table lacks.
    fn new_columns(&self) -> Vec<NewColumn<'_>> {
        let lacking = self.columns.all().into_iter().filter(|(core, _)| *core != "id" && !self.present.contains(core));
        lacking
            .map(|(core, name)| NewColumn {
                name,
                definition: self.definition(core),
                check: self.check(core, name),
                comment: comment(core),
            })
            .collect()
    }

    /// What a new column is. What must not be NULL has a constant for the rows that are there, so that none is written.
    fn definition(&self, core: &str) -> String {
        const EPOCH: &str = "1970-01-01";
        let expires = if self.existing == ExistingRows::Keep { "9999-12-31" } else { EPOCH };
        let start = if core == "expires_at" { expires } else { EPOCH };
        let is_needed = matches!(core, "created_at" | "last_seen_at" | "expires_at");
        let text = match (self.engine, core) {
            (Engine::Sqlite, "uuid") => "TEXT NOT NULL DEFAULT ''",
            (Engine::Sqlite, "previous_uuid") => "TEXT",
            (Engine::Sqlite, "data") => "TEXT NOT NULL DEFAULT '{}'",
            (Engine::Postgres, "uuid") => "UUID        NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000'",
            (Engine::Postgres, "previous_uuid") => "UUID",
            (Engine::Postgres, "data") => "JSONB       NOT NULL DEFAULT '{}'",
            (Engine::Mysql, "uuid") => "CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT ''",
            (Engine::Mysql, "previous_uuid") => "CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL",
            (Engine::Mysql, "data") if self.is_mariadb => "JSON NOT NULL DEFAULT ('{}')",
            // MySQL takes no such default without writing every row: it follows once all of them have data.
            (Engine::Mysql, "data") => "JSON NULL",
            (_, "version") => "INTEGER NOT NULL DEFAULT 0",
            (_, "persistent") => "BOOLEAN NOT NULL DEFAULT FALSE",
            (_, "idle_timeout") => "INTEGER",
            // Times.
            (Engine::Sqlite, _) if is_needed => {
                return format!("TIMESTAMP NOT NULL DEFAULT '{start} 00:00:00.000000'");
            }
            (Engine::Sqlite, _) => "TIMESTAMP",
            (Engine::Postgres, _) if is_needed => return format!("TIMESTAMPTZ NOT NULL DEFAULT '{start} 00:00:00+00'"),
            (Engine::Postgres, _) => "TIMESTAMPTZ",
            (Engine::Mysql, _) if is_needed => return format!("DATETIME(6) NOT NULL DEFAULT '{start} 00:00:00'"),
            (Engine::Mysql, _) => "DATETIME(6) NULL",
        };
        text.to_owned()
    }
}

impl Added {
    fn check(&self, core: &str, name: &Name) -> String {
        match (self.engine, core) {
            (
                Engine::Sqlite,
                "created_at" | "authenticated_at" | "rotated_at" | "last_seen_at" | "expires_at" | "deadline_at",
            ) => {
                format!(" CHECK ({name} GLOB '????-??-?? ??:??:??*')")
            }
            (Engine::Sqlite, "idle_timeout") => format!(" CHECK ({name} > 0)"),
            // MySQL could add it only by copying the table, and PostgreSQL adds it afterwards. The library checks by itself.
            (Engine::Mysql, "idle_timeout") if self.is_mariadb => format!(" CHECK ({name} > 0)"),
            _ => String::new(),
        }
    }
}

/// What a column means, as the library's own migrations put it.
fn comment(core: &str) -> &'static str {
    match core {
        "uuid" => "The first 128 bits of the SHA-256 of the token; the token itself is not stored",
        "previous_uuid" => "The _uuid that the last rotation replaced",
        "data" => "A JSON object; never repeats a column of this table",
        "version" => "Counts the changes of anything but a touch",
        "created_at" => "UTC; never changes",
        "authenticated_at" => "UTC; the last proof of identity; NULL = none",
        "rotated_at" => "UTC; when the token was last replaced; NULL = never",
        "last_seen_at" => "UTC; the last request that was recorded; never goes back",
        "expires_at" => "UTC; the earlier of last_seen_at + idle_timeout and deadline_at; 9999-12-31 = never",
        "deadline_at" => "UTC; absolute end of life; NULL = none",
        "idle_timeout" => "Seconds; NULL = never ends through idleness",
        _ => "The cookie outlives the browser (\"remember me\")",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::CoreNames;

    fn added(engine: Engine, is_mariadb: bool) -> Added {
        let table = Name::new(engine, "visits");
        Added {
            engine,
            is_mariadb,
            attributes: None,
            columns: Columns::new(engine, &CoreNames::new(&[]).unwrap()).unwrap(),
            id_type: "BIGINT".to_owned(),
            present: vec!["created_at"],
            owner: None,
            owner_index: Some(OwnerIndex { name: table.with("_user_id_idx"), column: Name::new(engine, "user_id") }),
            existing: ExistingRows::Keep,
            table,
        }
    }

    #[test]
    fn what_only_mariadb_knows_is_not_asked_of_mysql() {
        let up = |is_mariadb| added(Engine::Mysql, is_mariadb).migrations("m").unwrap().remove(0).up;
        let (mariadb, mysql) = (up(true), up(false));
        for only in ["BEGIN NOT ATOMIC", "NOCOPY", "IF NOT EXISTS", "CHECK (idle_timeout > 0)", "lock_wait_timeout = 0"] {
            assert!(mariadb.contains(only), "{only} in {mariadb}");
            assert!(!mysql.contains(only), "{only} in {mysql}");
        }
        for only in ["CREATE PROCEDURE", "MODIFY COLUMN _data JSON NOT NULL", "DROP PROCEDURE"] {
            assert!(mysql.contains(only), "{only} in {mysql}");
            assert!(!mariadb.contains(only), "{only} in {mariadb}");
        }
    }

    #[test]
    fn postgres_builds_each_index_in_a_migration_of_its_own() {
        let migrations = added(Engine::Postgres, false).migrations("m").unwrap();
        let names: Vec<&str> = migrations.iter().map(|migration| migration.name.as_str()).collect();
        assert_eq!(names, ["m", "m_index_uuid", "m_index_previous_uuid", "m_index_expires_at", "m_index_owner"]);
        assert!(migrations.iter().all(|migration| !migration.in_transaction), "CONCURRENTLY and COMMIT know no transaction");
        for index in &migrations[1..] {
            let statements = index.up.lines().filter(|line| !line.starts_with("--")).filter(|line| line.ends_with(';'));
            assert_eq!(statements.count(), 1, "several would be one transaction: {}", index.up);
        }
    }

    #[test]
    fn a_column_that_is_there_is_not_added() {
        for engine in [Engine::Sqlite, Engine::Postgres, Engine::Mysql] {
            let [first, ..] = &added(engine, true).migrations("m").unwrap()[..] else { panic!("none") };
            assert!(!first.up.contains("created_at ") && first.up.contains("last_seen_at "), "{}", first.up);
            assert!(!first.down.contains("created_at") && !first.down.contains("user_id;"), "{}", first.down);
        }
    }
}
