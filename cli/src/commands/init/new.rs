//! `init` for new tables.

use super::Plan;
use super::fields::owner_field;
use super::folder::{Config, Migration};
use super::model::{Field, Model};
use super::names::{Columns, Name, check_new};
use super::owner::{Asked, Owner};
use super::tables::Tables;
use super::types::rust_type;
use crate::args::init::InitArgs;
use crate::catalogue::{Table, TableName};
use crate::context::Context;
use crate::database::{Database, Engine};
use crate::failure::Failure;
use crate::layout::{ATTRIBUTES, CoreNames, OWNER};

/// What to write.
pub(super) fn plan(
    context: &Context,
    args: &InitArgs,
    config: &Config,
    engine: Engine,
    mut database: Option<&mut Database>,
) -> Result<Plan, Failure> {
    let asked = &context.tables;
    let columns = Columns::new(engine, &CoreNames::new(&asked.column)?)?;
    for (_, column) in columns.all() {
        check_new("--column", column.text())?;
    }
    let table = new_table(engine, "--table", &asked.table, database.as_deref_mut())?;
    let attributes = match (&asked.attributes_table, asked.no_attributes) {
        (_, true) => None,
        (name, false) => {
            Some(new_table(engine, "--attributes-table", name.as_deref().unwrap_or(ATTRIBUTES), database.as_deref_mut())?)
        }
    };
    if attributes.as_ref().is_some_and(|attributes| attributes.text() == table.text()) {
        return Err(Failure::Usage(
            "sessions and attributes need a table each: name them apart with --attributes-table".to_owned(),
        ));
    }
    let owner = match Asked::of(args)? {
        Asked::None => None,
        asked_owner => {
            let column = asked.owner_column.as_deref().unwrap_or(OWNER);
            check_new("--owner-column", column)?;
            if columns.all().iter().any(|(_, core)| core.text() == column) {
                return Err(Failure::Usage(format!("--owner-column `{column}` is the name of a core column")));
            }
            let column = Name::new(engine, column);
            Some(match asked_owner {
                Asked::Users(users) => users.owner(engine, database, &table, column, args)?,
                _ => Owner::new(&table, column, args.owner_type.as_deref().unwrap_or("BIGINT"), None),
            })
        }
    };
    let wide_keys = config.wide_keys;
    let model = Model {
        engine,
        table: table.text().to_owned(),
        attributes: attributes.as_ref().map(|name| name.text().to_owned()),
        id_type: if engine == Engine::Sqlite && !wide_keys { "i32" } else { "i64" },
        fields: fields(engine, owner.as_ref(), wide_keys)?,
        notes: Vec::new(),
        users: owner.as_ref().and_then(|owner| owner.references.as_ref()).map(|users| users.table.text().to_owned()),
        columns: columns.clone(),
    };
    let [up, down] = Tables { table, attributes, columns, owner }.migration(engine)?;
    let name = args.name.clone().unwrap_or_else(|| format!("create_{}", model.table));
    super::folder::check_name(&name)?;
    let migrations = vec![Migration { name, up, down, in_transaction: true }];
    Ok(Plan { migrations, model, remarks: Vec::new() })
}

/// The name of a table that is not there yet.
pub(super) fn new_table(engine: Engine, option: &str, name: &str, database: Option<&mut Database>) -> Result<Name, Failure> {
    check_new(option, name)?;
    if let Some(database) = database {
        if Table::read(database, &TableName::new(None, name))?.is_some() {
            return Err(Failure::Other(format!(
                "there is a table `{name}` in {} already: name another with {option}, or add sessions to it with --add-to",
                database.place()
            )));
        }
    }
    Ok(Name::new(engine, name))
}

/// What the migration's own columns are in the model.
fn fields(engine: Engine, owner: Option<&Owner>, wide_keys: bool) -> Result<Vec<Field>, Failure> {
    let mut fields: Vec<Field> = owner.map(|owner| owner_field(engine, owner, wide_keys)).transpose()?.into_iter().collect();
    for column in ["remote_addr", "user_agent"] {
        if let Some(rust) = rust_type(engine, "TEXT", false) {
            fields.push(Field { column: column.to_owned(), rust, is_nullable: true, is_owner: false });
        }
    }
    Ok(fields)
}
