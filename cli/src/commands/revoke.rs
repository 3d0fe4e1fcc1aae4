//! `revoke`: signs out.

use crate::args::sessions::RevokeArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::program::Outcome;

/// Runs the command.
pub(crate) fn run(context: &mut Context, _args: &RevokeArgs) -> Result<Outcome, Failure> {
    context.connect_to_sessions()?;
    Err(Failure::Other("`revoke` is not there yet".to_owned()))
}
