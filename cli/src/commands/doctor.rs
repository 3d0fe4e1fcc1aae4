//! `doctor`: schema and settings against what sessions need.

use crate::args::sessions::DoctorArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::program::Outcome;

/// Runs the command.
pub(crate) fn run(_context: &mut Context, _args: &DoctorArgs) -> Result<Outcome, Failure> {
    Err(Failure::Other("`doctor` is not there yet".to_owned()))
}
