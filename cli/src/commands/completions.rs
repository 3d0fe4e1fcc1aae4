//! `completions`: a script for the shell.

use crate::args::options::Completions;
use crate::context::Context;
use crate::failure::Failure;
use crate::program::{Outcome, command};

/// Prints the script.
pub(crate) fn run(context: &mut Context, args: &Completions) -> Result<Outcome, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "diesel-sessions", &mut script);
    context.out.text(&String::from_utf8_lossy(&script))?;
    Ok(Outcome::Done)
}
