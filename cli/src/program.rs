//! The program: reads its command line, runs the command, says what went wrong in one line.

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use crate::args::Args;
use crate::commands;
use crate::context::Context;
use crate::database::url::without_credentials;
use crate::failure::{Failure, one_line};
use crate::terminal;

/// How a command ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All was done.
    Done,
    /// It was done, and something is wrong: exit status 1.
    Findings,
    /// A signal came before the end: exit status 128 and its number.
    Interrupted(u8),
}

/// The command line as clap has it, for manuals and completions.
///
/// # Example
///
/// ```
/// assert!(diesel_sessions_cli::command().get_subcommands().any(|command| command.get_name() == "purge"));
/// ```
#[must_use]
pub fn command() -> clap::Command {
    Args::command()
}

/// Runs the tool with the arguments and the environment of the process. The exit status is 0 when all was done, 1 when it
/// failed or found something, 2 when the command line is wrong or a confirmation is missing, 128 and the signal's number when
/// one came before the end.
///
/// # Example
///
/// ```no_run
/// fn main() -> std::process::ExitCode {
///     diesel_sessions_cli::run()
/// }
/// ```
#[must_use]
pub fn run() -> ExitCode {
    // Before clap looks for DATABASE_URL, and while there is one thread.
    let dotenv = load_dotenv();
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return refused(&error),
    };
    match dotenv.and_then(|()| obey(args)) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(1),
        Ok(Outcome::Interrupted(signal)) => ExitCode::from(128_u8.saturating_add(signal)),
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            terminal::complain(&failure);
            ExitCode::from(failure.exit_status())
        }
    }
}

/// Help and version as clap prints them; what is wrong with a command line, on one line like any other failure.
fn refused(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        error.exit();
    }
    let said = error.render().to_string();
    let said = said.split("\nUsage:").next().and_then(|said| said.split("\nFor more information").next()).unwrap_or_default();
    let said = said.trim_start_matches("error:").replace("\n\n  tip:", ";");
    let failure = Failure::Usage(format!("{}; see --help", without_credentials(&one_line(&said))));
    terminal::complain(&failure);
    ExitCode::from(failure.exit_status())
}

fn obey(args: Args) -> Result<Outcome, Failure> {
    let Args { connection, tables, format, command } = args;
    let mut context = Context::new(connection, tables, format);
    let outcome = commands::run(&mut context, &command)?;
    context.out.finish()?;
    Ok(outcome)
}

/// Reads `.env` of this folder or one above it, as diesel_cli does. What is set already stays.
fn load_dotenv() -> Result<(), Failure> {
    match dotenvy::dotenv() {
        Ok(_) => Ok(()),
        Err(error) if error.not_found() => Ok(()),
        // The error itself quotes the line, which may be a secret.
        Err(_) => Err(Failure::Dotenv),
    }
}
