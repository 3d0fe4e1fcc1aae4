//! `purge`: deletes what has expired, in batches.

use crate::args::sessions::PurgeArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::program::Outcome;

/// Runs the command.
pub(crate) fn run(context: &mut Context, _args: &PurgeArgs) -> Result<Outcome, Failure> {
    context.connect_to_sessions()?;
    Err(Failure::Other("`purge` is not there yet".to_owned()))
}
