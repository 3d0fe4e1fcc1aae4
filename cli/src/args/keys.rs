//! The command line of `keys`.

use std::num::NonZeroU32;

use clap::{Args, Subcommand};

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
#[command(after_help = "\
It prints name:base64, and nothing else. Give that to every machine behind the keys that SESSION_KEYS has; when all have it, put \
it first everywhere; then run `keys reseal`; then take the old keys away.")]
pub(crate) struct GenerateArgs {
    /// The key's name: 1 to 64 ASCII letters, digits, `-`, `_` or `.` [default: today's date]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
}

/// The command line of `keys reseal`.
#[derive(Debug, Args)]
#[command(after_help = "\
The application need not stop. It may be interrupted and run again: it goes on where it left off. It says how many remain, and \
which do not open, by session and name: exit status 1 if there are any.

A value is bound to its table: where the application's model names it with its schema, --attributes-table does so too.")]
pub(crate) struct ResealArgs {
    /// Where the keys stand: the name of an environment variable, or a file
    #[arg(long, value_name = "VARIABLE|FILE", default_value = "SESSION_KEYS")]
    pub(crate) keys_from: String,

    /// Most attributes that are read at once, and on SQLite written in one transaction
    #[arg(long, value_name = "ROWS", default_value = "100")]
    pub(crate) batch: NonZeroU32,
}
