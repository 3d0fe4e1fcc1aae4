//! What the tool is told on its command line.

pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod keys;
pub(crate) mod options;
pub(crate) mod sessions;
pub(crate) mod tables;

use clap::{Parser, Subcommand};

use import::ImportCommand;
use init::InitArgs;
use keys::KeysCommand;
use options::{Completions, Format};
use sessions::{DoctorArgs, ListArgs, PurgeArgs, RevokeArgs, ShowArgs, StatsArgs};
use tables::{ConnectionArgs, TableArgs};

/// Operates the sessions that an application keeps through diesel-sessions.
///
/// It looks at the live database: tables and columns of any name, on SQLite, PostgreSQL, MySQL and MariaDB.
///
/// Exit status: 0 done; 1 it failed, or `doctor` has found something; 2 the command line is wrong, or a confirmation is
/// missing; 130 and 143 interrupted by SIGINT and SIGTERM before the end.
#[derive(Debug, Parser)]
#[command(name = "diesel-sessions", version, max_term_width = 100, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,

    #[command(flatten)]
    pub(crate) tables: TableArgs,

    /// How answers are printed
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT", help_heading = "Global options")]
    pub(crate) format: Format,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What there is to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a migration that creates the tables, and print the model to paste
    Init(InitArgs),
    /// Compare schema and settings with what sessions need; exit status 1 if something is wrong
    Doctor(DoctorArgs),
    /// Delete expired sessions and attributes, in batches
    Purge(PurgeArgs),
    /// List live sessions, newest first
    List(ListArgs),
    /// Show one session and the names of its attributes
    Show(ShowArgs),
    /// Sign out: one session, a user's, or everyone's
    Revoke(RevokeArgs),
    /// Count sessions: live, expired, by owner, by age
    Stats(StatsArgs),
    /// Keys that encrypt attributes
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Take over the sessions of another store; their cookies stay valid
    #[command(subcommand)]
    Import(ImportCommand),
    /// Print a script that completes commands and options
    Completions(Completions),
}
