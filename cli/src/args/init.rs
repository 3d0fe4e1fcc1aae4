//! The command line of `init`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::database::Engine;

/// What becomes of a user's sessions when the user is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum OnDelete {
    /// The sessions end
    #[default]
    Cascade,
    /// The sessions become anonymous ones
    SetNull,
    /// The user cannot be deleted while there are sessions
    Restrict,
}

/// The command line of `init`.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Add the core columns to this table, which exists already
    #[arg(long, value_name = "TABLE")]
    pub(crate) add_to: Option<String>,

    /// The users' table and its key, like users.id: a foreign key links each session to its user
    #[arg(long, value_name = "TABLE.COLUMN")]
    pub(crate) owner: Option<String>,

    /// SQL type of the owner's column [default: read from the database]
    #[arg(long, value_name = "TYPE", requires = "owner")]
    pub(crate) owner_type: Option<String>,

    /// What becomes of a user's sessions when the user is deleted
    #[arg(long, value_enum, default_value_t, value_name = "ACTION")]
    pub(crate) on_delete: OnDelete,

    /// The engine, where no database can be reached [default: that of the database]
    #[arg(long, value_enum, value_name = "ENGINE")]
    pub(crate) engine: Option<Engine>,

    /// Where migrations live [default: what diesel.toml says, or migrations]
    #[arg(long, value_name = "DIR")]
    pub(crate) migration_dir: Option<PathBuf>,

    /// The migration's name
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,

    /// Print what would be written, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}
