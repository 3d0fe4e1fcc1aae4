//! `import`: sessions of other stores.

use crate::args::keys::ImportCommand;
use crate::context::Context;
use crate::failure::Failure;
use crate::program::Outcome;

/// Runs the command.
pub(crate) fn run(_context: &mut Context, _args: &ImportCommand) -> Result<Outcome, Failure> {
    Err(Failure::Other("`import` is not there yet".to_owned()))
}
