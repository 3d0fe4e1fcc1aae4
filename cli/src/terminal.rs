//! Whoever sits at the terminal: what they are told on standard error, and asked.

use std::io::{self, BufRead, IsTerminal, Write};

use anstyle::{AnsiColor, Style};

use crate::failure::{Failure, one_line};
use crate::output::field::harmless;

/// What went wrong, in one line.
pub(crate) fn complain(failure: &Failure) {
    let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
    // Where nobody can be told, nothing can be done about it.
    writeln!(anstream::stderr(), "{red}error:{red:#} {}", harmless(&one_line(&failure.to_string()))).ok();
}

/// Something by the way. Names in it may come from a database: none steers the terminal.
pub(crate) fn say(text: &str) {
    writeln!(anstream::stderr(), "{}", harmless(text)).ok();
}

/// Asks before something is done; `--yes` is the answer where `is_sure`.
///
/// Fails where the answer is no, and where there is nobody to ask.
pub(crate) fn confirm(question: &str, is_sure: bool) -> Result<(), Failure> {
    if is_sure {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(Failure::NotConfirmed);
    }
    let unheard = |error| Failure::io("cannot ask for a confirmation", error);
    let mut stderr = anstream::stderr();
    write!(stderr, "{} [y/N] ", harmless(question)).and_then(|()| stderr.flush()).map_err(unheard)?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(unheard)?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::Declined),
    }
}
