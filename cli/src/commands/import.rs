//! `import`: sessions of other stores.

mod fill;
mod former;
mod marker;
mod page;
mod record;
mod rows;
mod tally;
mod tower_sessions_sqlx;
mod transfer;
mod unfit;

use crate::args::import::ImportCommand;
use crate::context::Context;
use crate::failure::Failure;
use crate::program::Outcome;

/// Runs the command.
pub(crate) fn run(context: &mut Context, command: &ImportCommand) -> Result<Outcome, Failure> {
    match command {
        ImportCommand::TowerSessionsSqlx(args) => tower_sessions_sqlx::run(context, args),
    }
}
