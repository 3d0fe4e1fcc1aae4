//! Why a row of the other store does not become a session here. It names columns, keys and constraints, never a value.

use std::fmt;

/// Why a row does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Unfit {
    /// The id is none that the store gives.
    Id,
    /// The table's expiry does not read as a time.
    Expiry,
    /// It is larger than a session may be.
    TooLarge,
    /// It is no record in MessagePack.
    Undecodable,
    /// The record names another id than its row.
    Another,
    /// A column cannot hold what stands at its path.
    Column { column: String, path: String },
    /// What a column refers to is not there.
    Reference { column: String, table: String },
    /// A column that must be set is not.
    Missing { column: String },
    /// A session of this library cannot hold it: a key that is reserved, a limit. The text names keys.
    Library(String),
    /// The database does not take it. The text names the constraint, if the database does.
    Database(String),
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unfit::Id => f.write_str("its id is not one that tower-sessions gives"),
            Unfit::Expiry => f.write_str("its expiry_date is no time"),
            Unfit::TooLarge => f.write_str("it is larger than a session may be (64 KiB)"),
            Unfit::Undecodable => f.write_str("its data is no record of tower-sessions"),
            Unfit::Another => f.write_str("its data belongs to another id"),
            Unfit::Column { column, path } => write!(f, "column `{column}` cannot hold what stands at `{path}`"),
            Unfit::Reference { column, table } => write!(f, "what `{column}` refers to is not in `{table}`"),
            Unfit::Missing { column } => write!(f, "it has nothing for column `{column}`, which must not be NULL"),
            Unfit::Library(why) => f.write_str(why),
            Unfit::Database(why) => write!(f, "the database does not take it: {why}"),
        }
    }
}
