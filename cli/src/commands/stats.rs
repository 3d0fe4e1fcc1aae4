//! `stats`: counts.

use crate::args::sessions::StatsArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::program::Outcome;

/// Runs the command.
pub(crate) fn run(context: &mut Context, _args: &StatsArgs) -> Result<Outcome, Failure> {
    context.connect_to_sessions()?;
    Err(Failure::Other("`stats` is not there yet".to_owned()))
}
