//! The column that links a session to its user.

use super::names::{Name, check_any};
use crate::args::init::{InitArgs, OnDelete};
use crate::catalogue::{Column, Kind, Table, TableName};
use crate::database::{Database, Engine};
use crate::failure::Failure;

/// The owner's column, as a migration makes it.
#[derive(Debug, Clone)]
pub(crate) struct Owner {
    pub(crate) column: Name,
    /// As SQL has it, like `BIGINT`.
    pub(crate) sql_type: String,
    /// `None`: a column without a foreign key.
    pub(crate) references: Option<Users>,
    /// The foreign key's name.
    pub(crate) key: Name,
    /// The index's name.
    pub(crate) index: Name,
}

/// What the owner's column refers to.
#[derive(Debug, Clone)]
pub(crate) struct Users {
    pub(crate) table: Name,
    pub(crate) key: Name,
    /// As SQL has it, like `CASCADE`.
    pub(crate) on_delete: &'static str,
}

impl Owner {
    /// A column of the table `table`, with constraints named after both.
    pub(crate) fn new(table: &Name, column: Name, sql_type: impl Into<String>, references: Option<Users>) -> Self {
        let called = |end: &str| table.with(&format!("_{}_{end}", column.text()));
        Owner { key: called("fkey"), index: called("idx"), sql_type: sql_type.into(), references, column }
    }
}

/// What `--owner` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Nothing.
    Nothing,
    /// Sessions have no owner.
    None,
    /// This key.
    Users(UsersKey),
}

/// A table of users and its key: `users.id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UsersKey {
    pub(crate) table: String,
    key: String,
}

impl Asked {
    /// Reads the command line.
    pub(crate) fn of(args: &InitArgs) -> Result<Self, Failure> {
        let Some(text) = args.owner.as_deref() else { return Ok(Asked::Nothing) };
        check_any("--owner", text)?;
        match text.split_once('.') {
            None if text == "none" => Ok(Asked::None),
            Some((table, key)) if !table.is_empty() && !key.is_empty() && !key.contains('.') => {
                Ok(Asked::Users(UsersKey { table: table.to_owned(), key: key.to_owned() }))
            }
            _ => Err(Failure::Usage(format!("--owner {text}: write the users' table and its key, like users.id, or none"))),
        }
    }
}

impl UsersKey {
    /// A new column of that key's type, with a foreign key to it.
    pub(crate) fn owner(
        &self,
        engine: Engine,
        database: Option<&mut Database>,
        table: &Name,
        column: Name,
        args: &InitArgs,
    ) -> Result<Owner, Failure> {
        let sql_type = match (&args.owner_type, database) {
            (Some(given), _) => checked(given)?,
            (None, Some(database)) => self.sql_type(database)?,
            (None, None) => {
                let option = format!("--owner-type says which type {}.{} has", self.table, self.key);
                return Err(Failure::Usage(format!("there is no database to look at: {option}")));
            }
        };
        let on_delete = match args.on_delete {
            OnDelete::Cascade => "CASCADE",
            OnDelete::SetNull => "SET NULL",
            OnDelete::Restrict => "RESTRICT",
        };
        let users = Users { table: Name::new(engine, &self.table), key: Name::new(engine, &self.key), on_delete };
        Ok(Owner::new(table, column, sql_type, Some(users)))
    }

    /// The key's type, as the database says it.
    fn sql_type(&self, database: &mut Database) -> Result<String, Failure> {
        let name = TableName::new(None, self.table.as_str());
        let Some(users) = Table::read(database, &name)? else {
            return Err(Failure::Other(format!(
                "there is no table `{}` in {}: run its migration first, or say its key's type with --owner-type",
                self.table,
                database.place()
            )));
        };
        let Some(key) = users.column(&self.key) else {
            return Err(Failure::NoColumn {
                table: self.table.clone(),
                column: self.key.clone(),
                advice: "--owner names the key of users".to_owned(),
            });
        };
        let is_unique = |index: &crate::catalogue::Index| {
            (index.unique || index.primary) && index.predicate.is_none() && index.columns == [Some(key.name.clone())]
        };
        if !users.indices.iter().any(is_unique) {
            return Err(Failure::Other(format!("`{}.{}` is not unique: no foreign key can refer to it", self.table, self.key)));
        }
        Ok(declared(database.engine(), key))
    }
}

/// A type as a new column is declared with it.
fn declared(engine: Engine, key: &Column) -> String {
    // A key of texts is compared as the column is that it refers to, or MySQL refuses the foreign key.
    match (&key.collation, engine) {
        (Some(collation), Engine::Mysql) if key.kind == Kind::Text => {
            let charset = collation.split('_').next().unwrap_or(collation);
            format!("{} CHARACTER SET {charset} COLLATE {collation}", key.sql_type)
        }
        // Plain names in upper case, as the rest of the migration has them.
        _ if key.sql_type.chars().all(|letter| letter.is_ascii_lowercase() || letter == ' ') => key.sql_type.to_uppercase(),
        _ => key.sql_type.clone(),
    }
}

/// A type that was given is put into SQL as it is: it looks like one.
fn checked(given: &str) -> Result<String, Failure> {
    let is_type = given.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && given
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, ' ' | '_' | '(' | ')' | ',' | '"' | '.'));
    if is_type {
        Ok(given.to_owned())
    } else {
        Err(Failure::Usage(format!("--owner-type `{given}` is no type: write it like BIGINT or varchar(36)")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // SECURITY 28
    #[test]
    fn what_is_no_type_never_reaches_sql() {
        for good in ["BIGINT", "bigint(20) unsigned", "character varying(26)", "uuid"] {
            checked(good).unwrap();
        }
        for bad in ["", "INT); DROP TABLE users; --", "INT DEFAULT 'x'", "1"] {
            assert_eq!(checked(bad).unwrap_err().exit_status(), 2, "{bad}");
        }
    }
}
