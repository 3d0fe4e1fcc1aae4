//! `init`: a migration for the application's own folder, and the model to paste.

use crate::args::init::InitArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::program::Outcome;

/// Runs the command.
pub(crate) fn run(_context: &mut Context, _args: &InitArgs) -> Result<Outcome, Failure> {
    Err(Failure::Other("`init` is not there yet".to_owned()))
}
