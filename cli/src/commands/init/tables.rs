//! The migration that creates new tables: the library's own, under the names that are asked for.

use askama::Template;

use super::names::{Columns, Name};
use super::owner::Owner;
use crate::database::Engine;
use crate::failure::Failure;

/// What a new pair of tables is called, and what it is linked to.
#[derive(Debug, Clone)]
pub(crate) struct Tables {
    pub(crate) table: Name,
    /// `None`: sessions without attributes.
    pub(crate) attributes: Option<Name>,
    pub(crate) columns: Columns,
    pub(crate) owner: Option<Owner>,
}

/// The templates of one engine see these names.
macro_rules! templates {
    ($create:ident $create_path:literal, $drop:ident $drop_path:literal, $id_type:literal) => {
        #[derive(Template)]
        #[template(path = $create_path, escape = "none")]
        #[allow(dead_code, reason = "PostgreSQL's template uses none of the last two")]
        struct $create<'a> {
            table: &'a Name,
            attributes: Option<&'a Name>,
            c: &'a Columns,
            owner: Option<&'a Owner>,
            /// Whether a foreign key links sessions to users.
            links: bool,
            /// The type of the table's key.
            id_type: &'static str,
            if_missing: &'static str,
        }

        #[derive(Template)]
        #[template(path = $drop_path, escape = "none")]
        struct $drop<'a> {
            table: &'a Name,
            attributes: Option<&'a Name>,
        }

        impl<'a> From<&'a Tables> for $create<'a> {
            fn from(tables: &'a Tables) -> Self {
                let owner = tables.owner.as_ref();
                let links = owner.is_some_and(|owner| owner.references.is_some());
                $create {
                    table: &tables.table,
                    attributes: tables.attributes.as_ref(),
                    c: &tables.columns,
                    owner,
                    links,
                    id_type: $id_type,
                    if_missing: "",
                }
            }
        }

        impl<'a> From<&'a Tables> for $drop<'a> {
            fn from(tables: &'a Tables) -> Self {
                $drop { table: &tables.table, attributes: tables.attributes.as_ref() }
            }
        }
    };
}

templates!(CreateOnSqlite "sqlite/create.sql", DropOnSqlite "sqlite/drop.sql", "INTEGER");
templates!(CreateOnPostgres "postgres/create.sql", DropOnPostgres "postgres/drop.sql", "BIGINT");
templates!(CreateOnMysql "mysql/create.sql", DropOnMysql "mysql/drop.sql", "BIGINT");

impl Tables {
    /// The texts of `up.sql` and `down.sql`.
    pub(crate) fn migration(&self, engine: Engine) -> Result<[String; 2], Failure> {
        match engine {
            Engine::Sqlite => Ok([rendered(&CreateOnSqlite::from(self))?, rendered(&DropOnSqlite::from(self))?]),
            Engine::Postgres => Ok([rendered(&CreateOnPostgres::from(self))?, rendered(&DropOnPostgres::from(self))?]),
            Engine::Mysql => Ok([rendered(&CreateOnMysql::from(self))?, rendered(&DropOnMysql::from(self))?]),
        }
    }
}

/// A template's text, with one line break at its end.
pub(super) fn rendered(template: &impl Template) -> Result<String, Failure> {
    let text = template.render().map_err(|error| Failure::Other(format!("a template does not render: {error}")))?;
    Ok(format!("{}\n", text.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::CoreNames;

    /// What the library ships for an engine.
    fn shipped(engine: Engine) -> [String; 2] {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations").join(engine.feature());
        let folder = folder.join("2026-11-21-000000_create_sessions");
        ["up.sql", "down.sql"].map(|file| std::fs::read_to_string(folder.join(file)).unwrap())
    }

    fn tables(engine: Engine) -> Tables {
        let table = Name::new(engine, "sessions");
        let owner = Owner::new(&table, Name::new(engine, "user_id"), "BIGINT", None);
        Tables {
            attributes: Some(Name::new(engine, "session_attributes")),
            columns: Columns::new(engine, &CoreNames::new(&[]).unwrap()).unwrap(),
            owner: Some(owner),
            table,
        }
    }

    // DESIGN section 2
    #[test]
    fn under_the_usual_names_it_is_the_librarys_own_migration_to_the_letter() {
        for engine in [Engine::Sqlite, Engine::Postgres, Engine::Mysql] {
            let [up, down] = tables(engine).migration(engine).unwrap();
            let [shipped_up, shipped_down] = shipped(engine);
            assert_eq!(up, shipped_up, "{engine}");
            assert_eq!(down, shipped_down, "{engine}");
        }
    }

    #[test]
    fn what_is_not_asked_for_is_not_named() {
        for engine in [Engine::Sqlite, Engine::Postgres, Engine::Mysql] {
            let [up, down] = Tables { attributes: None, owner: None, ..tables(engine) }.migration(engine).unwrap();
            for left_out in ["session_attributes", "user_id", "users", "TRIGGER"] {
                assert!(!up.contains(left_out) && !down.contains(left_out), "{engine}: {left_out} in\n{up}\n{down}");
            }
            assert!(!up.contains(",\n)") && !up.contains("\n\n\n"), "{up}");
        }
    }
}
