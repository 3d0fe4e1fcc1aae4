//! `list`: live sessions, newest first.

use crate::args::sessions::ListArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::program::Outcome;

/// Runs the command.
pub(crate) fn run(context: &mut Context, _args: &ListArgs) -> Result<Outcome, Failure> {
    context.connect_to_sessions()?;
    Err(Failure::Other("`list` is not there yet".to_owned()))
}
