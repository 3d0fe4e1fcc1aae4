//! `init --add-to`: a table of the application's becomes one of sessions.

use super::Plan;
use super::added::{Added, OwnerIndex};
use super::fields::{own, owner_field, owner_of};
use super::folder::{Config, check_name};
use super::model::{Field, Model};
use super::names::{Columns, LONGEST, Name, check_any};
use super::new::new_table;
use super::owner::{Asked, Owner};
use super::types::rust_type;
use crate::args::init::{ExistingRows, InitArgs};
use crate::catalogue::{Column, Table, TableName};
use crate::context::Context;
use crate::database::statement::Statement;
use crate::database::{Database, Engine};
use crate::failure::Failure;
use crate::layout::{ATTRIBUTES, CoreNames, OWNER};

/// What to write.
pub(super) fn plan(
    context: &Context,
    args: &InitArgs,
    config: &Config,
    database: Option<&mut Database>,
    name: &str,
) -> Result<Plan, Failure> {
    let Some(database) = database else {
        return Err(Failure::Usage("--add-to looks at the table: set DATABASE_URL, and leave --engine out".to_owned()));
    };
    let asked = &context.tables;
    if asked.table != "sessions" && asked.table != name {
        return Err(Failure::Usage("--add-to names the table: leave --table out".to_owned()));
    }
    let table = existing_table(database, name)?;
    let engine = database.engine();
    let key = key(engine, &table)?;
    let mut renamed = asked.column.clone();
    renamed.push(("id".to_owned(), key.name.clone()));
    let columns = Columns::new(engine, &CoreNames::new(&renamed)?)?;
    let present = present(engine, &table, &columns, &asked.column)?;
    let table_name = Name::new(engine, name);
    let attributes = match (&asked.attributes_table, asked.no_attributes) {
        (_, true) => None,
        (given, false) => Some(new_table(engine, "--attributes-table", given.as_deref().unwrap_or(ATTRIBUTES), Some(database))?),
    };
    let owner = owner(context, args, database, &table, &table_name)?;

    let mut remarks = Vec::new();
    if engine == Engine::Sqlite && !key.numbered {
        remarks.push(format!(
            "`{name}.{}` is not AUTOINCREMENT: SQLite gives the id of the newest row again once that is deleted, and a list of \
             sessions that is out of date may then name another session",
            key.name
        ));
    }
    if args.existing_rows == ExistingRows::Keep {
        remarks.push(format!(
            "the rows that `{name}` has are kept: no token opens them, and no purge deletes them; --existing-rows purge lets it. A sign-out \
             of their owner or of everyone deletes them like sessions: where they matter, keep sessions in a table of their own"
        ));
    }
    let all = table.columns.len() + columns.all().len() - present.len();
    if all > 32 {
        remarks.push(format!("with {all} columns, Diesel needs its feature 64-column-tables"));
    }
    let is_own = |column: &&Column| {
        !columns.all().iter().any(|(_, core)| core.text() == column.name)
            && owner.column().is_none_or(|owner| owner != column.name)
    };
    let (fields, notes) = own(engine, table.columns.iter().filter(is_own))?;
    let model = Model {
        engine,
        table: name.to_owned(),
        attributes: attributes.as_ref().map(|name| name.text().to_owned()),
        columns: columns.clone(),
        id_type: rust_key(engine, key, config.wide_keys).unwrap_or("i64"),
        fields: owner.field(engine, config.wide_keys)?.into_iter().chain(fields).collect(),
        notes,
        users: owner.users(),
    };
    let owner_index = owner.index(&table, &table_name);
    let added = Added {
        engine,
        is_mariadb: engine == Engine::Mysql && is_mariadb(database)?,
        table: table_name,
        attributes,
        columns,
        id_type: key.sql_type.to_uppercase(),
        present,
        owner: if let Whose::New(owner) = owner { Some(owner) } else { None },
        owner_index,
        existing: args.existing_rows,
    };
    let name = args.name.clone().unwrap_or_else(|| format!("add_sessions_to_{name}"));
    check_name(&name)?;
    Ok(Plan { migrations: added.migrations(&name)?, model, remarks })
}

fn existing_table(database: &mut Database, name: &str) -> Result<Table, Failure> {
    check_any("--add-to", name)?;
    if name.contains('.') || name.len() > LONGEST {
        return Err(Failure::Usage(format!(
            "--add-to {name}: a table of the default schema, with a name of at most {LONGEST} letters, so that there is room for \
             the names of indices"
        )));
    }
    let found = Table::read(database, &TableName::new(None, name))?;
    found.ok_or_else(|| Failure::NoTable { table: name.to_owned(), place: database.place().to_owned(), option: "add-to" })
}

/// The key, if it is one that a session can have.
fn key(engine: Engine, table: &Table) -> Result<&Column, Failure> {
    let primary = table.indices.iter().find(|index| index.primary).map(|index| index.columns.as_slice());
    let column = match primary {
        Some([Some(column)]) => table.column(column),
        _ => None,
    };
    let refuse = |why: String| Err(Failure::Other(format!("`{}` cannot become a table of sessions: {why}", table.name)));
    let Some(column) = column else { return refuse("it has no primary key of one column".to_owned()) };
    if rust_key(engine, column, false).is_none() {
        return refuse(format!(
            "its key `{}` is {}, and sessions need a signed whole number of 32 or 64 bits",
            column.name, column.sql_type
        ));
    }
    if engine != Engine::Sqlite && !column.numbered {
        return refuse(format!("the database does not number its rows: make `{}` an identity or AUTO_INCREMENT", column.name));
    }
    if engine == Engine::Sqlite && column.nullable {
        return refuse(format!(
            "`diesel print-schema` takes its key `{}` for nullable: it has to be declared NOT NULL",
            column.name
        ));
    }
    Ok(column)
}

fn rust_key(engine: Engine, key: &Column, wide_keys: bool) -> Option<&'static str> {
    rust_type(engine, &key.sql_type, wide_keys).map(|rust| rust.path).filter(|path| matches!(*path, "i32" | "i64"))
}

/// The core columns that are there already, and fit.
fn present(engine: Engine, table: &Table, columns: &Columns, renamed: &[(String, String)]) -> Result<Vec<&'static str>, Failure> {
    let mut present = Vec::new();
    if columns.all().iter().all(|(_, name)| table.column(name.text()).is_some()) {
        let advice = format!("`diesel-sessions doctor --table {}` looks at them", table.name);
        return Err(Failure::Other(format!("`{}` has the columns of sessions already: {advice}", table.name)));
    }
    for (core, name) in columns.all().into_iter().skip(1) {
        let Some(column) = table.column(name.text()) else { continue };
        // Every table may have a created_at, and mean by it what a session does. Of others that has to be said.
        let is_meant = core == "created_at" || renamed.iter().any(|(known, _)| known.trim_start_matches('_') == core);
        let advice = format!("let the core column have another name: --column {core}=session_{core}");
        if core == "uuid" || !is_meant {
            return Err(Failure::Other(format!("`{}` has a column `{}` already: {advice}", table.name, column.name)));
        }
        if let Some(expected) = unfit(engine, core, column) {
            let (name, sql_type) = (&column.name, &column.sql_type);
            let nullable = if column.nullable { "" } else { " NOT NULL" };
            let refusal = format!("`{}.{name}` is {sql_type}{nullable} and would have to be {expected}: {advice}", table.name);
            return Err(Failure::Other(refusal));
        }
        present.push(core);
    }
    Ok(present)
}

/// What a core column would have to be, where this one cannot be it.
fn unfit(engine: Engine, core: &str, column: &Column) -> Option<&'static str> {
    let rust = rust_type(engine, &column.sql_type, false).map_or("", |rust| rust.path);
    let is_required = matches!(core, "data" | "version" | "created_at" | "last_seen_at" | "expires_at" | "persistent");
    let (fits, expected) = match core {
        "previous_uuid" => (matches!(rust, "uuid::Uuid") || engine != Engine::Postgres && rust == "String", "a nullable UUID"),
        "data" => (rust == "serde_json::Value" || engine != Engine::Postgres && rust == "String", "JSON NOT NULL"),
        "version" => (rust == "i32", "INTEGER NOT NULL"),
        "idle_timeout" => (rust == "i32", "a nullable INTEGER"),
        "persistent" => (rust == "bool", "BOOLEAN NOT NULL"),
        _ => {
            let fits = match engine {
                Engine::Mysql => matches!(column.sql_type.as_str(), "datetime(6)" | "timestamp(6)"),
                _ => rust.starts_with("chrono::") && rust.contains("DateTime"),
            };
            (fits, if is_required { "a time with microseconds, NOT NULL" } else { "a nullable time with microseconds" })
        }
    };
    (!fits || column.nullable == is_required).then_some(expected)
}

/// Whose sessions they are.
enum Whose {
    /// Nobody's.
    Nobodys,
    /// A column is there.
    Old { column: Column, users: Option<String> },
    /// A column is added.
    New(Owner),
}

impl Whose {
    /// The name of a column that is there.
    fn column(&self) -> Option<&str> {
        if let Whose::Old { column, .. } = self { Some(&column.name) } else { None }
    }

    fn users(&self) -> Option<String> {
        match self {
            Whose::Nobodys => None,
            Whose::Old { users, .. } => users.clone(),
            Whose::New(owner) => owner.references.as_ref().map(|users| users.table.text().to_owned()),
        }
    }

    fn field(&self, engine: Engine, wide_keys: bool) -> Result<Option<Field>, Failure> {
        match self {
            Whose::Nobodys => Ok(None),
            Whose::Old { column, users } => {
                owner_of(engine, &column.name, &column.sql_type, wide_keys && users.is_some()).map(Some)
            }
            Whose::New(owner) => owner_field(engine, owner, wide_keys).map(Some),
        }
    }

    /// An index over the owner, unless there is one.
    fn index(&self, table: &Table, name: &Name) -> Option<OwnerIndex> {
        match self {
            Whose::Nobodys => None,
            Whose::New(owner) => Some(OwnerIndex { name: owner.index.clone(), column: owner.column.clone() }),
            Whose::Old { column, .. } => {
                let leads = |index: &crate::catalogue::Index| {
                    index.columns.first().is_some_and(|first| first.as_deref() == Some(&column.name))
                };
                let is_there = table.indices.iter().any(|index| leads(index) && index.predicate.is_none());
                let index = || OwnerIndex { name: name.with(&format!("_{}_idx", column.name)), column: name.other(&column.name) };
                (!is_there).then(index)
            }
        }
    }
}

fn owner(context: &Context, args: &InitArgs, database: &mut Database, table: &Table, name: &Name) -> Result<Whose, Failure> {
    let asked = Asked::of(args)?;
    let users = if let Asked::Users(users) = &asked { Some(users.table.clone()) } else { None };
    let named = context.tables.owner_column.as_deref();
    let linked = table.foreign_keys.iter().find(|key| {
        key.columns.len() == 1
            && named.is_none_or(|named| key.columns[0] == named)
            && users.as_ref().is_none_or(|users| key.to.name == *users)
    });
    let there = match (&asked, linked, named) {
        (Asked::None, ..) => return Ok(Whose::Nobodys),
        (_, Some(key), _) => table.column(&key.columns[0]).map(|column| (column, Some(key.to.name.clone()))),
        (_, None, named) => table.column(named.unwrap_or(OWNER)).map(|column| (column, None)),
    };
    match (there, asked) {
        (Some((column, _)), _) if !column.nullable => Err(Failure::Other(format!(
            "`{}.{}` is NOT NULL, and a session begins before anybody signs in: let the column be NULL first, or name another \
             with --owner-column",
            table.name, column.name
        ))),
        (Some((column, users)), _) => Ok(Whose::Old { column: column.clone(), users }),
        (None, Asked::Users(users)) => {
            let engine = database.engine();
            let column = named.unwrap_or(OWNER);
            super::names::check_new("--owner-column", column)?;
            Ok(Whose::New(users.owner(engine, Some(database), name, Name::new(engine, column), args)?))
        }
        (None, _) => match named {
            Some(named) => Err(Failure::NoColumn {
                table: table.name.to_string(),
                column: named.to_owned(),
                advice: "--owner users.id adds it".to_owned(),
            }),
            None => Ok(Whose::Nobodys),
        },
    }
}

fn is_mariadb(database: &mut Database) -> Result<bool, Failure> {
    let row = database.row(&Statement::new("SELECT VERSION() AS version"))?;
    Ok(row.as_ref().map(|row| row.text("version")).transpose()?.is_some_and(|version| version.contains("MariaDB")))
}
