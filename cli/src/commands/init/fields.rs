//! The fields of a model, from the columns that a table has.

use super::model::Field;
use super::owner::Owner;
use super::types::rust_type;
use crate::catalogue::Column;
use crate::database::Engine;
use crate::failure::Failure;

/// The owner's field.
pub(super) fn owner_field(engine: Engine, owner: &Owner, wide_keys: bool) -> Result<Field, Failure> {
    // Asked for wide keys, diesel_cli widens what refers to one, and nothing else.
    let wide_key = wide_keys && owner.references.is_some();
    owner_of(engine, owner.column.text(), &owner.sql_type, wide_key)
}

/// The owner's field, of a column that is declared as `sql_type`.
pub(super) fn owner_of(engine: Engine, column: &str, sql_type: &str, wide_key: bool) -> Result<Field, Failure> {
    let Some(rust) = rust_type(engine, sql_type, wide_key) else {
        return Err(Failure::Other(format!("an owner of type {sql_type} has no field of a known type: write the model by hand")));
    };
    Ok(Field { column: column.to_owned(), rust, is_nullable: true, is_owner: true })
}

/// The application's own columns of an existing table, and what is to be said about those that the model leaves out.
pub(super) fn own<'a>(engine: Engine, columns: impl Iterator<Item = &'a Column>) -> Result<(Vec<Field>, Vec<String>), Failure> {
    let (mut fields, mut notes) = (Vec::new(), Vec::new());
    for column in columns {
        let rust = rust_type(engine, &column.sql_type, false);
        match (rust, column.nullable, &column.default) {
            _ if column.generated => notes.push(format!("`{}` is left out: the database computes it.", column.name)),
            (_, false, Some(_)) => {
                notes.push(format!("`{}` is left out: the database knows its default. As a field it needs the same one: #[session(default = …)].", column.name));
            }
            (Some(rust), is_nullable, _) => {
                fields.push(Field { column: column.name.clone(), rust, is_nullable, is_owner: false })
            }
            (None, true, _) => {
                notes.push(format!("`{}` is left out: {} has no usual type in Rust.", column.name, column.sql_type))
            }
            (None, false, None) => {
                return Err(Failure::Other(format!(
                    "new sessions cannot fill `{}`, which is {} NOT NULL: give it a default first",
                    column.name, column.sql_type
                )));
            }
        }
    }
    Ok((fields, notes))
}
