//! What can go wrong, in one line that says what to do.

use std::io;

use diesel_sessions::ErrorKind;
use thiserror::Error;

use crate::database::Engine;

/// Why a command ended early.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// The command line is well-formed and asks for something that cannot be.
    #[error("{0}")]
    Usage(String),
    #[error("no database is named: set DATABASE_URL, in the environment or in a file .env, or give --database-url")]
    NoUrl,
    #[error("the file .env cannot be read: each line is NAME=value")]
    Dotenv,
    #[error("{0}")]
    Url(String),
    #[error("this build of diesel-sessions knows no {0}: install it with `--features {feature}`", feature = .0.feature())]
    EngineNotBuilt(Engine),
    #[error("cannot connect to {place}: {reason}")]
    Connect { place: String, reason: String },
    #[error("there is no table `{table}` in {place}: create it with `diesel-sessions init`, or name yours with --{option}")]
    NoTable { table: String, place: String, option: &'static str },
    #[error("table `{table}` has no column `{column}`: {advice}")]
    NoColumn { table: String, column: String, advice: String },
    #[error("there is no session {0}: `diesel-sessions list` shows the ids")]
    NoSession(i64),
    #[error("not without a confirmation, and there is no terminal to ask on: add --yes")]
    NotConfirmed,
    #[error("nothing was done: not confirmed")]
    Declined,
    #[error(
        "rows of the application's own hold the sessions: {0}; delete those first, or let the foreign key say ON DELETE CASCADE or SET NULL"
    )]
    Held(String),
    #[error("{}", database_line(.0))]
    Database(#[source] diesel_sessions::Error),
    #[error("{what}: {source}")]
    Io { what: String, source: io::Error },
    /// Anything else; the text says what to do.
    #[error("{0}")]
    Other(String),
}

impl Failure {
    /// A file or a stream that did not do what was asked.
    pub(crate) fn io(what: impl Into<String>, source: io::Error) -> Self {
        Failure::Io { what: what.into(), source }
    }

    /// 2 when the command line is to be corrected, else 1.
    pub(crate) fn exit_status(&self) -> u8 {
        match self {
            Failure::Usage(_) | Failure::NoUrl | Failure::NotConfirmed | Failure::EngineNotBuilt(_) | Failure::Url(_) => 2,
            _ => 1,
        }
    }

    /// Whether the same may succeed if it is sent again at once: the database has resolved a deadlock with it.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self, Failure::Database(error) if matches!(error.kind(), ErrorKind::Deadlock | ErrorKind::Serialization))
    }

    /// Whether the reader of the output has gone, as `head` does.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Failure::Io { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
    }
}

impl From<diesel_sessions::Error> for Failure {
    fn from(error: diesel_sessions::Error) -> Self {
        Failure::Database(error)
    }
}

impl From<diesel::result::Error> for Failure {
    fn from(error: diesel::result::Error) -> Self {
        // The library knows what the engines' errors mean.
        Failure::Database(error.into())
    }
}

/// What the database said, and what to do about it.
fn database_line(error: &diesel_sessions::Error) -> String {
    let said = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    let said = one_line(&said);
    let lower = said.to_lowercase();
    let is_denied = ["permission denied", "command denied", "access denied", "readonly database", "read-only"];
    let advice = match error.kind() {
        _ if is_denied.iter().any(|text| lower.contains(text)) => "the account may not do that: connect as one that may",
        ErrorKind::ForeignKey => "rows of the application's own hold sessions: delete those first, or let the key say ON DELETE",
        ErrorKind::Busy => "somebody else holds a lock: try again",
        ErrorKind::Deadlock | ErrorKind::Serialization => "somebody else was at the same rows: try again",
        ErrorKind::Unavailable => "the connection is lost: look whether the server runs, then try again",
        _ => return said,
    };
    format!("{said}; {advice}")
}

/// A text without line breaks.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_several_lines_say_fits_into_one() {
        assert_eq!(one_line("connection failed:\n\tis the server running?\n"), "connection failed: is the server running?");
    }

    #[test]
    fn a_wrong_command_line_is_status_2_and_the_rest_1() {
        assert_eq!(Failure::NoUrl.exit_status(), 2);
        assert_eq!(Failure::NotConfirmed.exit_status(), 2);
        assert_eq!(Failure::NoSession(1).exit_status(), 1);
    }
}
