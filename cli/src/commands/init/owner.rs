//! The column that links a session to its user.

use super::names::Name;
use crate::args::init::OnDelete;

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

/// How SQL writes what becomes of the sessions.
pub(crate) fn on_delete(action: OnDelete) -> &'static str {
    match action {
        OnDelete::Cascade => "CASCADE",
        OnDelete::SetNull => "SET NULL",
        OnDelete::Restrict => "RESTRICT",
    }
}
