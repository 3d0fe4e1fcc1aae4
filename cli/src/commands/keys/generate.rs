//! `keys generate`: a new key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use diesel_sessions::Keyring;
use zeroize::Zeroizing;

use crate::args::keys::GenerateArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::program::Outcome;

/// Prints the key, and nothing else: it is made to be put into a file.
pub(super) fn run(context: &mut Context, args: &GenerateArgs) -> Result<Outcome, Failure> {
    let name = args.name.clone().unwrap_or_else(|| context.now().to_utc().format("%F").to_string());
    let line = line(&name)?;
    context.out.line(&line)?;
    Ok(Outcome::Done)
}

/// `name:base64`, as a keyring reads it.
fn line(name: &str) -> Result<Zeroizing<String>, Failure> {
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *key).map_err(|error| Failure::Other(format!("the operating system gives no randomness: {error}")))?;
    // Its rules for names, and no others.
    Keyring::new(name, *key).map_err(|error| Failure::Usage(error.to_string()))?;
    Ok(Zeroizing::new(format!("{name}:{}", &*Zeroizing::new(STANDARD.encode(*key)))))
}

#[cfg(test)]
mod tests {
    use super::*;

    // SECURITY 27
    #[test]
    fn a_new_key_is_one_that_the_library_reads() {
        let (one, other) = (line("2026-11-21").unwrap(), line("2026-11-21").unwrap());
        assert_ne!(one, other);
        let keyring: Keyring = one.parse().unwrap();
        assert_eq!(keyring.names().collect::<Vec<_>>(), ["2026-11-21"]);
    }

    #[test]
    fn a_name_that_is_none_is_a_wrong_command_line() {
        for name in ["", "a:b", "a,b", "ä", &"x".repeat(65)] {
            assert_eq!(line(name).unwrap_err().exit_status(), 2, "{name}");
        }
    }
}
