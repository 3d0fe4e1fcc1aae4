//! Tables as the live database describes them: columns, indices, foreign keys from and to them.

#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(any(feature = "postgres", feature = "mysql"))]
use crate::database::row::Row;
use crate::database::{Database, Engine};
use crate::failure::Failure;

/// The name of a table, with its schema (on MySQL its database) where it is not the default one.
#[derive(Debug, Clone)]
pub(crate) struct TableName {
    pub(crate) schema: Option<String>,
    pub(crate) name: String,
    /// Schema and name as the catalogue has them; None where nobody has looked yet.
    home: Option<(String, String)>,
}

impl TableName {
    pub(crate) fn new(schema: Option<String>, name: impl Into<String>) -> Self {
        TableName { schema, name: name.into(), home: None }
    }

    /// Found there.
    fn at(mut self, schema: &str, name: &str) -> Self {
        self.home = Some((schema.to_owned(), name.to_owned()));
        self
    }

    /// Whether both name one table, whether their schema is spelt out or not. Both come from the catalogue.
    pub(crate) fn is_same(&self, other: &TableName) -> bool {
        self.home.is_some() && self.home == other.home
    }

    /// `table` or `schema.table`.
    pub(crate) fn parse(text: &str) -> Self {
        match text.split_once('.') {
            Some((schema, name)) if !schema.is_empty() && !name.is_empty() => TableName::new(Some(schema.to_owned()), name),
            _ => TableName::new(None, text),
        }
    }

    /// As SQL writes it.
    pub(crate) fn quoted(&self, engine: Engine) -> String {
        match &self.schema {
            Some(schema) => format!("{}.{}", engine.quoted(schema), engine.quoted(&self.name)),
            None => engine.quoted(&self.name),
        }
    }
}

impl std::fmt::Display for TableName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// What a column holds, as far as statements care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Integer,
    Boolean,
    Text,
    Uuid,
    Bytes,
    Time,
    Json,
    Other,
}

/// A column.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// As the database spells the type: `bigint`, `character varying(191)`, `char(36)`, `INTEGER`.
    pub(crate) sql_type: String,
    /// The type without its length, and of a domain the one below: a CAST to it cuts nothing off. As `sql_type` but on PostgreSQL.
    pub(crate) bare_type: String,
    pub(crate) kind: Kind,
    pub(crate) nullable: bool,
    /// As the database spells the expression.
    pub(crate) default: Option<String>,
    /// None where the type has none, or the database does not tell (SQLite).
    pub(crate) collation: Option<String>,
    /// Whether the database numbers the rows: identity, AUTO_INCREMENT, serial, AUTOINCREMENT.
    pub(crate) numbered: bool,
    /// Whether the database computes it from other columns, so that nothing can be written to it.
    pub(crate) generated: bool,
}

/// An index, be it a constraint or not.
#[derive(Debug, Clone)]
pub(crate) struct Index {
    pub(crate) name: String,
    pub(crate) unique: bool,
    pub(crate) primary: bool,
    /// In order; None for an expression.
    pub(crate) columns: Vec<Option<String>>,
    /// The condition of a partial index.
    pub(crate) predicate: Option<String>,
}

/// What a deletion of the referenced row does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Cascade,
    SetNull,
    SetDefault,
    /// Refuses: NO ACTION or RESTRICT.
    Refuse,
}

/// A foreign key.
#[derive(Debug, Clone)]
pub(crate) struct ForeignKey {
    /// None where it has no name (SQLite).
    pub(crate) name: Option<String>,
    pub(crate) from: TableName,
    pub(crate) columns: Vec<String>,
    pub(crate) to: TableName,
    pub(crate) to_columns: Vec<String>,
    pub(crate) on_delete: Action,
}

/// A table.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) name: TableName,
    pub(crate) columns: Vec<Column>,
    pub(crate) indices: Vec<Index>,
    /// From this table to others.
    pub(crate) foreign_keys: Vec<ForeignKey>,
    /// From others (or itself) to this table.
    pub(crate) references: Vec<ForeignKey>,
}

impl Table {
    /// Reads a table's description; None when there is no such table.
    pub(crate) fn read(database: &mut Database, name: &TableName) -> Result<Option<Self>, Failure> {
        match database.engine() {
            #[cfg(feature = "sqlite")]
            Engine::Sqlite => sqlite::read(database, name),
            #[cfg(feature = "postgres")]
            Engine::Postgres => postgres::read(database, name),
            #[cfg(feature = "mysql")]
            Engine::Mysql => mysql::read(database, name),
            #[allow(unreachable_patterns, reason = "depends on the features")]
            engine => Err(Failure::EngineNotBuilt(engine)),
        }
    }

    /// The table that the command line calls so: `table`, `schema.table`, or a table with a dot in its name.
    pub(crate) fn find(database: &mut Database, text: &str) -> Result<Option<Self>, Failure> {
        let name = TableName::parse(text);
        match Table::read(database, &name)? {
            None if name.schema.is_some() => Table::read(database, &TableName::new(None, text)),
            found => Ok(found),
        }
    }

    /// The column of that name.
    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// One column of a key that the database tells column by column.
struct KeyColumn {
    /// What the columns of one key have in common.
    key: String,
    name: Option<String>,
    from: TableName,
    column: String,
    to: TableName,
    to_column: String,
    on_delete: Action,
}

/// The table that a row names in these columns: with its schema where that is not the default one, or is spelt out in the name of
/// the table that was asked for.
#[cfg(any(feature = "postgres", feature = "mysql"))]
fn linked(row: &Row, columns: [&str; 3], asked: &TableName) -> Result<TableName, Failure> {
    let [visible, schema, name] = columns;
    let (schema, name) = (row.text(schema)?, row.text(name)?);
    let is_told = !row.boolean(visible)? || asked.schema.as_deref() == Some(schema);
    Ok(TableName::new(is_told.then(|| schema.to_owned()), name).at(schema, name))
}

/// The keys that such columns make up; those of a key stand together.
fn keys(columns: impl IntoIterator<Item = KeyColumn>) -> Vec<ForeignKey> {
    let mut keys: Vec<(String, ForeignKey)> = Vec::new();
    for found in columns {
        match keys.last_mut() {
            Some((key, last)) if *key == found.key => {
                last.columns.push(found.column);
                last.to_columns.push(found.to_column);
            }
            _ => {
                let KeyColumn { key, name, from, column, to, to_column, on_delete } = found;
                keys.push((key, ForeignKey { name, from, columns: vec![column], to, to_columns: vec![to_column], on_delete }));
            }
        }
    }
    keys.into_iter().map(|(_, key)| key).collect()
}

/// What the standard's spelling of an action means.
fn action(text: &str) -> Action {
    match text.to_ascii_uppercase().as_str() {
        "CASCADE" | "C" => Action::Cascade,
        "SET NULL" | "N" => Action::SetNull,
        "SET DEFAULT" | "D" => Action::SetDefault,
        _ => Action::Refuse,
    }
}

/// What a type's spelling means, on every engine.
fn kind(sql_type: &str) -> Kind {
    let lower = sql_type.to_ascii_lowercase();
    if lower.ends_with(']') {
        return Kind::Other;
    }
    let word = lower.split(['(', ' ']).next().unwrap_or_default();
    match word {
        "boolean" | "bool" => Kind::Boolean,
        "tinyint" if lower.starts_with("tinyint(1)") => Kind::Boolean,
        "uuid" => Kind::Uuid,
        "json" | "jsonb" => Kind::Json,
        "timestamp" | "timestamptz" | "datetime" => Kind::Time,
        "bytea" | "blob" | "tinyblob" | "mediumblob" | "longblob" | "binary" | "varbinary" => Kind::Bytes,
        "tinyint" | "smallint" | "mediumint" | "int" | "integer" | "bigint" | "int2" | "int4" | "int8" => Kind::Integer,
        "smallserial" | "serial" | "bigserial" => Kind::Integer,
        "char" | "character" | "varchar" | "bpchar" | "nchar" | "nvarchar" | "name" | "clob" => Kind::Text,
        "text" | "tinytext" | "mediumtext" | "longtext" => Kind::Text,
        _ => Kind::Other,
    }
}

/// Puts the columns of indices together that the database tells column by column.
fn indices(columns: impl IntoIterator<Item = Index>) -> Vec<Index> {
    let mut indices: Vec<Index> = Vec::new();
    for found in columns {
        match indices.last_mut() {
            Some(last) if last.name == found.name => last.columns.extend(found.columns),
            _ => indices.push(found),
        }
    }
    indices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_all_engines_are_understood() {
        let kinds = [
            ("bigint", Kind::Integer),
            ("INTEGER", Kind::Integer),
            ("int(11) unsigned", Kind::Integer),
            ("tinyint(1)", Kind::Boolean),
            ("character varying(191)", Kind::Text),
            ("char(36)", Kind::Text),
            ("timestamp with time zone", Kind::Time),
            ("datetime(6)", Kind::Time),
            ("jsonb", Kind::Json),
            ("longblob", Kind::Bytes),
            ("uuid", Kind::Uuid),
            ("point", Kind::Other),
            ("bpchar", Kind::Text),
            ("interval", Kind::Other),
            ("integer[]", Kind::Other),
            ("character varying(20)[]", Kind::Other),
            ("int4range", Kind::Other),
            ("citext", Kind::Other),
            ("context_name", Kind::Other),
        ];
        for (sql_type, expected) in kinds {
            assert_eq!(kind(sql_type), expected, "{sql_type}");
        }
    }
}
