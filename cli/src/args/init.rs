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

/// What becomes of the rows that a table has before sessions are added to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum ExistingRows {
    /// They never expire, so that no purge deletes them. They are listed and counted like sessions that nobody can open, and a
    /// sign-out of their owner or of everyone deletes them
    #[default]
    Keep,
    /// They have expired: the first purge deletes them
    Purge,
}

/// The command line of `init`.
#[derive(Debug, Args)]
#[command(after_help = "\
The migration is written where `diesel migration generate` would put it, the model goes to standard output:
  diesel-sessions init --owner users.id > src/session.rs
  diesel migration run
  diesel print-schema > src/schema.rs
The model compiles as it is. With --add-to, no lock is held for long: on PostgreSQL and MariaDB the table stays in use. Its rows \
become sessions that nobody can open; no purge deletes them, unless --existing-rows purge says so. A sign-out of their owner or of \
everyone does (revoke --owner, revoke --everyone, the library's revoke_all and what else ends all sessions of an owner): where \
those rows matter, keep sessions in a table of their own.")]
pub(crate) struct InitArgs {
    /// Add the core columns to this table, which exists already and stays in use meanwhile
    #[arg(long, value_name = "TABLE")]
    pub(crate) add_to: Option<String>,

    /// What becomes of the rows that the table has: no token opens them, whichever is chosen
    #[arg(long, value_enum, default_value_t, value_name = "CHOICE", requires = "add_to")]
    pub(crate) existing_rows: ExistingRows,

    /// The users' table and its key, like users.id: a foreign key links each session to its user. `none`: sessions have no owner
    /// [default: a column user_id without a foreign key]
    #[arg(long, value_name = "TABLE.COLUMN")]
    pub(crate) owner: Option<String>,

    /// SQL type of the owner's column [default: read from the database]
    #[arg(long, value_name = "TYPE", requires = "owner")]
    pub(crate) owner_type: Option<String>,

    /// What becomes of a user's sessions when the user is deleted
    #[arg(long, value_enum, default_value_t, value_name = "ACTION")]
    pub(crate) on_delete: OnDelete,

    /// The engine; no database is asked then [default: that of the database]
    #[arg(long, value_enum, value_name = "ENGINE")]
    pub(crate) engine: Option<Engine>,

    /// Where migrations live [default: as diesel_cli finds it, by diesel.toml or the name `migrations`]
    #[arg(long, value_name = "DIR")]
    pub(crate) migration_dir: Option<PathBuf>,

    /// The migration's name [default: create_sessions, or add_sessions_to_ and the table]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,

    /// Print what would be written, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}
