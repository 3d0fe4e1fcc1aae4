//! `keys`: keys that encrypt attributes.

use crate::args::keys::KeysCommand;
use crate::context::Context;
use crate::failure::Failure;
use crate::program::Outcome;

/// Runs the command.
pub(crate) fn run(_context: &mut Context, _args: &KeysCommand) -> Result<Outcome, Failure> {
    Err(Failure::Other("`keys` is not there yet".to_owned()))
}
