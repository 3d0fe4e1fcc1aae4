//! The commands: each reads its own arguments and answers through the context.

mod completions;
mod doctor;
mod import;
mod init;
mod keys;
mod list;
mod purge;
mod revoke;
mod show;
mod stats;

use crate::args::Command;
use crate::context::Context;
use crate::failure::Failure;
use crate::program::Outcome;

/// Does what the command line asks.
pub(crate) fn run(context: &mut Context, command: &Command) -> Result<Outcome, Failure> {
    match command {
        Command::Init(args) => init::run(context, args),
        Command::Doctor(args) => doctor::run(context, args),
        Command::Purge(args) => purge::run(context, args),
        Command::List(args) => list::run(context, args),
        Command::Show(args) => show::run(context, args),
        Command::Revoke(args) => revoke::run(context, args),
        Command::Stats(args) => stats::run(context, args),
        Command::Keys(args) => keys::run(context, args),
        Command::Import(args) => import::run(context, args),
        Command::Completions(args) => completions::run(context, args),
    }
}
