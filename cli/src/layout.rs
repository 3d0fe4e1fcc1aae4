//! How an application's tables and columns of sessions are called: defaults, what the command line says, and the catalogue.

use diesel_sessions::ErrorKind;

use crate::args::tables::TableArgs;
use crate::catalogue::{Action, Column, ForeignKey, Kind, Table, TableName};
use crate::database::statement::Value;
use crate::database::{Database, Engine};
use crate::failure::Failure;

/// The core columns: as the library calls them, and as the tables that it ships do.
pub(crate) const CORE: [(&str, &str); 13] = [
    ("id", "id"),
    ("uuid", "_uuid"),
    ("previous_uuid", "_previous_uuid"),
    ("data", "_data"),
    ("version", "_version"),
    ("created_at", "created_at"),
    ("authenticated_at", "authenticated_at"),
    ("rotated_at", "rotated_at"),
    ("last_seen_at", "last_seen_at"),
    ("expires_at", "expires_at"),
    ("deadline_at", "deadline_at"),
    ("idle_timeout", "idle_timeout"),
    ("persistent", "persistent"),
];

/// The table of attributes, where it is not named.
pub(crate) const ATTRIBUTES: &str = "session_attributes";
/// The owner's column, where it is not named and has no foreign key.
pub(crate) const OWNER: &str = "user_id";

/// The names of the core columns in this application's table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CoreNames(Vec<(&'static str, String)>);

impl CoreNames {
    /// The defaults, and what `--column` says instead.
    pub(crate) fn new(renamed: &[(String, String)]) -> Result<Self, Failure> {
        let mut names: Vec<_> = CORE.iter().map(|(core, column)| (*core, (*column).to_owned())).collect();
        for (core, column) in renamed {
            let core = core.trim_start_matches('_');
            let Some(name) = names.iter_mut().find(|(known, _)| *known == core) else {
                let known = CORE.map(|(core, _)| core).join(", ");
                return Err(Failure::Usage(format!("there is no core column `{core}`: --column renames one of {known}")));
            };
            name.1.clone_from(column);
        }
        Ok(CoreNames(names))
    }

    /// The name of a core column in this table; `core` is one of [`CORE`].
    pub(crate) fn get(&self, core: &str) -> &str {
        self.0.iter().find(|(known, _)| *known == core).map_or("", |(_, column)| column)
    }

    /// Core name and column, in the order of the library's own table.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(core, column)| (*core, column.as_str()))
    }
}

/// An application's tables of sessions.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) engine: Engine,
    pub(crate) table: Table,
    pub(crate) core: CoreNames,
    /// None when the sessions have no attributes.
    pub(crate) attributes: Option<Table>,
    /// The owner's column; None when there is none.
    pub(crate) owner: Option<Column>,
}

impl Layout {
    /// Looks for the tables; an error says what is missing.
    pub(crate) fn find(database: &mut Database, args: &TableArgs) -> Result<Self, Failure> {
        let layout = Layout::find_leniently(database, args)?;
        if let Some((core, column)) = layout.core.iter().find(|(_, column)| layout.table.column(column).is_none()) {
            return Err(Failure::NoColumn {
                table: args.table.clone(),
                column: column.to_owned(),
                advice: format!("name yours with --column {core}=NAME, or see `diesel-sessions doctor`"),
            });
        }
        Ok(layout)
    }

    /// The same for `doctor`, which tells of missing columns itself.
    pub(crate) fn find_leniently(database: &mut Database, args: &TableArgs) -> Result<Self, Failure> {
        let core = CoreNames::new(&args.column)?;
        let engine = database.engine();
        let missing =
            |table: &str, place: &str, option| Failure::NoTable { table: table.to_owned(), place: place.to_owned(), option };
        let Some(table) = Table::find(database, &args.table)? else {
            return Err(missing(&args.table, database.place(), "table"));
        };
        let attributes = match (&args.attributes_table, args.no_attributes) {
            (_, true) => None,
            (Some(asked), false) => {
                let found = Table::find(database, asked)?;
                Some(found.ok_or_else(|| missing(asked, database.place(), "attributes-table"))?)
            }
            (None, false) => attributes_of(database, &table)?,
        };
        let owner = owner(&table, &core, args.owner_column.as_deref())?;
        Ok(Layout { engine, table, core, attributes, owner })
    }

    /// The sessions' table, as SQL writes it.
    pub(crate) fn sessions(&self) -> String {
        self.table.name.quoted(self.engine)
    }

    /// A core column, as SQL writes it; `core` is one of [`CORE`].
    pub(crate) fn column(&self, core: &str) -> String {
        self.engine.quoted(self.core.get(core))
    }

    /// The columns that are the application's own, the owner's among them.
    pub(crate) fn typed(&self) -> impl Iterator<Item = &Column> {
        self.table.columns.iter().filter(|column| !self.core.iter().any(|(_, core)| core == column.name))
    }

    /// A column of the application's own in a SELECT, as something that can be read.
    pub(crate) fn selected(&self, column: &Column, alias: &str) -> String {
        let quoted = self.engine.quoted(&column.name);
        match (self.engine, column.kind) {
            (Engine::Postgres, _) if !is_decoded(&column.bare_type) => format!("CAST({quoted} AS text) AS {alias}"),
            (Engine::Mysql, Kind::Other) => format!("CAST({quoted} AS CHAR) AS {alias}"),
            _ => format!("{quoted} AS {alias}"),
        }
    }

    /// A deletion that rows of the application's own refuse names their foreign keys.
    pub(crate) fn explained(&self, failure: Failure) -> Failure {
        match &failure {
            Failure::Database(error) if error.kind() == ErrorKind::ForeignKey => {
                let of_attributes = self.attributes.iter().flat_map(|attributes| &attributes.references);
                let keys = self.table.references.iter().chain(of_attributes).filter(|key| key.on_delete == Action::Refuse);
                let keys = keys.map(|key| format!("{} ({})", key.from, key.columns.join(", "))).collect::<Vec<_>>().join(", ");
                if keys.is_empty() { failure } else { Failure::Held(keys) }
            }
            _ => failure,
        }
    }

    /// The owner's column, or the advice to name it.
    pub(crate) fn owner_column(&self) -> Result<&Column, Failure> {
        self.owner.as_ref().ok_or_else(|| {
            Failure::Usage(format!(
                "it is not clear which column of `{}` is the owner: name it with --owner-column",
                self.table.name
            ))
        })
    }

    /// `owner = ?` and what to bind, for an owner as the command line has it.
    pub(crate) fn owned_by(&self, owner: &str) -> Result<(String, Value), Failure> {
        let column = self.owner_column()?;
        let quoted = self.engine.quoted(&column.name);
        let is_number = column.kind == Kind::Integer;
        match owner.parse::<i64>() {
            Ok(number) if is_number => Ok((format!("{quoted} = ?"), Value::Integer(number))),
            Err(_) if is_number => Err(Failure::Usage(format!(
                "owners are whole numbers here (`{}` is {}): --owner 7",
                column.name, column.sql_type
            ))),
            _ if self.engine == Engine::Postgres => {
                // The text is read as the type that the column has, so that an index on it is used; as no type that would cut it
                // off, and so find another owner.
                let whole = match column.bare_type.as_str() {
                    "name" | "\"char\"" => "text",
                    bare_type => bare_type,
                };
                Ok((format!("{quoted} = CAST(CAST(? AS text) AS {whole})"), owner.into()))
            }
            _ => Ok((format!("{quoted} = ?"), owner.into())),
        }
    }
}

/// Whether an answer of PostgreSQL's is read as it comes where a column has this type; of all others the text is asked for.
fn is_decoded(bare_type: &str) -> bool {
    let times = ["timestamp with time zone", "timestamp without time zone"];
    let numbers = ["boolean", "smallint", "integer", "bigint", "oid", "real", "double precision"];
    let texts = ["uuid", "text", "character varying", "bpchar", "name", "json", "jsonb", "bytea"];
    [&times[..], &numbers, &texts].concat().contains(&bare_type)
}

/// The table of attributes, where it is not named: the one whose `session_id` refers to this table, else the one of the usual name,
/// if it belongs to no other. Another model's attributes are never taken for this one's: their rows have the same ids.
fn attributes_of(database: &mut Database, sessions: &Table) -> Result<Option<Table>, Failure> {
    let is_usual = |name: &TableName| name.name.eq_ignore_ascii_case(ATTRIBUTES);
    let mut linked: Vec<Table> = Vec::new();
    for key in sessions.references.iter().filter(|key| is_of_attribute(key)) {
        let Some(table) = Table::read(database, &key.from)? else { continue };
        // Any table of the application's may refer to sessions, by a column of that name even.
        if is_usual(&key.from) || ["name", "value", "sealed"].iter().all(|column| table.column(column).is_some()) {
            linked.push(table);
        }
    }
    if linked.len() > 1 {
        let names = linked.iter().map(|table| format!("`{}`", table.name)).collect::<Vec<_>>().join(", ");
        return Err(Failure::Usage(format!(
            "it is not clear which table holds the attributes of `{}` ({names}): name it with --attributes-table",
            sessions.name
        )));
    }
    if let Some(only) = linked.pop() {
        return Ok(Some(only));
    }
    let usual = Table::read(database, &TableName::new(sessions.name.schema.clone(), ATTRIBUTES))?;
    Ok(usual.filter(|table| !table.foreign_keys.iter().any(is_of_attribute)))
}

/// Whether a key could be the one from an attribute to its session.
fn is_of_attribute(key: &ForeignKey) -> bool {
    matches!(key.columns.as_slice(), [column] if column == "session_id")
}

/// The owner's column: the one that was named, or the only one with a foreign key, or `user_id`.
fn owner(table: &Table, core: &CoreNames, named: Option<&str>) -> Result<Option<Column>, Failure> {
    if let Some(named) = named {
        let advice = "name the owner's with --owner-column".to_owned();
        let missing = || Failure::NoColumn { table: table.name.to_string(), column: named.to_owned(), advice };
        return table.column(named).cloned().map(Some).ok_or_else(missing);
    }
    let is_typed = |name: &str| !core.iter().any(|(_, column)| column == name);
    let mut linked = table.foreign_keys.iter().filter_map(|key| match key.columns.as_slice() {
        [column] if is_typed(column) && !key.to.is_same(&table.name) => table.column(column),
        _ => None,
    });
    Ok(match (linked.next(), linked.next()) {
        (Some(only), None) => Some(only.clone()),
        _ => table.column(OWNER).cloned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_column_is_renamed_with_or_without_its_underscore() {
        let renamed = [("data".to_owned(), "payload".to_owned()), ("_uuid".to_owned(), "digest".to_owned())];
        let names = CoreNames::new(&renamed).unwrap();
        assert_eq!(names.get("data"), "payload");
        assert_eq!(names.get("uuid"), "digest");
        assert_eq!(names.get("version"), "_version");
        assert!(CoreNames::new(&[("colour".to_owned(), "x".to_owned())]).is_err());
    }
}
