//! Which database, and how its tables and columns are called.

use std::fmt;

use clap::Args;

use super::options::pair;

/// A URL, which may hold a password: it is never printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct DatabaseUrl(pub(crate) String);

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseUrl(..)")
    }
}

impl From<String> for DatabaseUrl {
    fn from(url: String) -> Self {
        DatabaseUrl(url)
    }
}

impl From<&str> for DatabaseUrl {
    fn from(url: &str) -> Self {
        DatabaseUrl(url.to_owned())
    }
}

/// Which database.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct ConnectionArgs {
    /// The database: postgres://…, mysql://…, sqlite://… or a file of SQLite's. Also read from a file .env
    #[arg(long, global = true, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub(crate) database_url: Option<DatabaseUrl>,
}

/// How tables and columns are called.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct TableArgs {
    /// The table of sessions; SCHEMA.TABLE outside the default schema
    #[arg(long, global = true, value_name = "TABLE", default_value = "sessions")]
    pub(crate) table: String,

    /// The table of attributes [default: session_attributes, or by its foreign key]
    #[arg(long, global = true, value_name = "TABLE", conflicts_with = "no_attributes")]
    pub(crate) attributes_table: Option<String>,

    /// The sessions have no attributes
    #[arg(long, global = true)]
    pub(crate) no_attributes: bool,

    /// A core column that has another name, like data=payload; repeat for each
    #[arg(long, global = true, value_name = "NAME=COLUMN", value_parser = pair)]
    pub(crate) column: Vec<(String, String)>,

    /// The column with the owner [default: the one with a foreign key, or user_id]
    #[arg(long, global = true, value_name = "COLUMN")]
    pub(crate) owner_column: Option<String>,
}
