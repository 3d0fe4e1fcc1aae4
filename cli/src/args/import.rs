//! The command line of `import`.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::options::{duration, pair};

/// Which store the sessions come from.
#[derive(Debug, Subcommand)]
pub(crate) enum ImportCommand {
    /// From the table of tower-sessions-sqlx-store
    TowerSessionsSqlx(TowerSessionsSqlxArgs),
}

/// The command line of `import tower-sessions-sqlx`.
#[derive(Debug, Args)]
#[command(after_help = "\
Cookies stay valid. It may be interrupted and run again: sessions that are here stay as they are, those that were ended here are \
not brought back.

Rows that do not fit stay where they are, and make exit status 1. They are listed by the _uuid that they would have: their own id \
is the cookie, and is never printed. Expired rows stay, too.

With --move, the application may serve requests meanwhile, through DieselStore with migrating_from. Without it, the old table \
stays a way back: stop the application, and do not let it use migrating_from afterwards, which would bring back from there \
what was ended here. What was imported is then kept in a table of digests, <TABLE>_imported: drop it with the old table.")]
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

    /// The application's idle timeout, which begins now [default: none]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) idle_timeout: Option<Duration>,

    /// The application's absolute timeout, counted from now [default: the old session's end alone]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) absolute_timeout: Option<Duration>,

    /// Import; without it, only say what would be
    #[arg(long)]
    pub(crate) write: bool,

    /// Delete each session from the old table in the transaction that imports it
    #[arg(long = "move", requires = "write")]
    pub(crate) moves: bool,

    /// Most sessions in one transaction: 1 to 10000
    #[arg(long, value_name = "ROWS", default_value = "200", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) batch: u32,
}
