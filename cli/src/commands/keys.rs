//! `keys`: keys that encrypt attributes.

mod generate;
mod reseal;

use std::path::Path;

use diesel_sessions::Keyring;

use crate::args::keys::KeysCommand;
use crate::context::Context;
use crate::failure::Failure;
use crate::program::Outcome;

/// Runs the command.
pub(crate) fn run(context: &mut Context, command: &KeysCommand) -> Result<Outcome, Failure> {
    match command {
        KeysCommand::Generate(args) => generate::run(context, args),
        KeysCommand::Reseal(args) => reseal::run(context, args),
    }
}

/// The keyring that stands in an environment variable of that name, or else in a file. The name is not repeated: a key may stand
/// there by mistake.
fn keyring(from: &str) -> Result<Keyring, Failure> {
    let advice = "set SESSION_KEYS=name:base64, or name a variable or a file that holds it with --keys-from";
    keyring_if_any(from)?.ok_or_else(|| Failure::Usage(format!("there are no keys: {advice}")))
}

/// The same; None where there is neither.
pub(super) fn keyring_if_any(from: &str) -> Result<Option<Keyring>, Failure> {
    let read = if std::env::var_os(from).is_some() {
        Keyring::from_env(from)
    } else if Path::new(from).is_file() {
        Keyring::from_file(from)
    } else {
        return Ok(None);
    };
    read.map(Some).map_err(|error| Failure::Other(format!("{error}; keys are written as name:base64,name:base64")))
}
