//! `show`: one session.

use crate::args::sessions::ShowArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::program::Outcome;

/// Runs the command.
pub(crate) fn run(context: &mut Context, _args: &ShowArgs) -> Result<Outcome, Failure> {
    context.connect_to_sessions()?;
    Err(Failure::Other("`show` is not there yet".to_owned()))
}
