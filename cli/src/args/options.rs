//! Values that several commands share, and the command line of `completions`.

use std::time::Duration;

use clap::{Args, ValueEnum};

/// How answers are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// Columns for people
    #[default]
    Table,
    /// One JSON document for programs
    Json,
}

/// The command line of `completions`.
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

/// `30s`, `5m`, `1h 30m`: at least a second.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|error| format!("{error}; write it like 30s, 5m or 1h"))?;
    if duration < Duration::from_secs(1) { Err("at least 1s".to_owned()) } else { Ok(duration) }
}

/// The longest that a round of work waits for the next.
const LONGEST_INTERVAL: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// A [`duration`] of 366 days at most.
pub(crate) fn interval(text: &str) -> Result<Duration, String> {
    duration(text).and_then(|found| if found > LONGEST_INTERVAL { Err("at most 366 days".to_owned()) } else { Ok(found) })
}

/// `left=right`, neither of them empty.
pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((left, right)) if !left.is_empty() && !right.is_empty() => Ok((left.to_owned(), right.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}
