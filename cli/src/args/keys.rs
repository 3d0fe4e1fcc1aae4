//! The command lines of `keys` and `import`.

use std::num::NonZeroU32;

use clap::{Args, Subcommand};

use super::options::pair;

/// What is done with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Print a new key, as SESSION_KEYS takes it
    Generate(GenerateArgs),
    /// Encrypt with the first key what older keys have encrypted
    Reseal(ResealArgs),
}

/// The command line of `keys generate`.
#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    /// The key's name [default: today's date]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
}

/// The command line of `keys reseal`.
#[derive(Debug, Args)]
pub(crate) struct ResealArgs {
    /// Where the keys stand: the name of an environment variable, or a file
    #[arg(long, value_name = "VARIABLE|FILE", default_value = "SESSION_KEYS")]
    pub(crate) keys_from: String,

    /// Most attributes in one transaction
    #[arg(long, value_name = "ROWS", default_value = "1000")]
    pub(crate) batch: NonZeroU32,
}

/// Which store the sessions come from.
#[derive(Debug, Subcommand)]
pub(crate) enum ImportCommand {
    /// From the table of tower-sessions-sqlx-store
    TowerSessionsSqlx(TowerSessionsSqlxArgs),
}

/// The command line of `import tower-sessions-sqlx`.
#[derive(Debug, Args)]
pub(crate) struct TowerSessionsSqlxArgs {
    /// The store's table [default: tower_sessions.session; tower_sessions on SQLite]
    #[arg(long, value_name = "TABLE")]
    pub(crate) from: Option<String>,

    /// Where in a session its owner stands, like axum-login.data.user_id
    #[arg(long, value_name = "PATH")]
    pub(crate) owner_path: Option<String>,

    /// A column of the application's own to be filled from a session, like user_agent=client.agent; repeat for each
    #[arg(long, value_name = "COLUMN=PATH", value_parser = pair)]
    pub(crate) fill: Vec<(String, String)>,

    /// Import; without it, only say what would be
    #[arg(long)]
    pub(crate) write: bool,

    /// Delete each session from the old table in the transaction that imports it
    #[arg(long = "move", requires = "write")]
    pub(crate) moves: bool,

    /// Most sessions in one transaction
    #[arg(long, value_name = "ROWS", default_value = "1000")]
    pub(crate) batch: NonZeroU32,
}
