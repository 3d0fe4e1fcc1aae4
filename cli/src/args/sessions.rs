//! The command lines of the commands over sessions.

use std::num::NonZeroU32;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::options::interval;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Severity {
    /// It works, and could work better
    Advice,
    /// It works now, and will not always
    Warning,
    /// It does not work, or is not safe
    Error,
}

/// The command line of `doctor`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit status 1 says that something is wrong, for monitors: `diesel-sessions doctor --format json`. Nothing is changed.
Of SQLite's pragmas, a file remembers journal_mode alone. Each connection sets the others for itself: `SessionRepository::check` \
looks at them within the application.")]
pub(crate) struct DoctorArgs {
    /// The least severity that makes exit status 1
    #[arg(long, value_enum, default_value = "warning", value_name = "SEVERITY")]
    pub(crate) fail_on: Severity,

    /// How many rows of each table are read to see whether they decode, the newest sessions' first
    #[arg(long, value_name = "ROWS", default_value = "10000")]
    pub(crate) sample: u32,

    /// Where the keys stand: the name of an environment variable, or a file
    #[arg(long, value_name = "VARIABLE|FILE", default_value = "SESSION_KEYS")]
    pub(crate) keys_from: String,
}

/// The command line of `purge`.
#[derive(Debug, Args)]
#[command(after_help = "\
What lives is never touched. Several purges may run at once: they do not get in each other's way. Between two batches it rests \
for as long as the batch took, a second at most.

SIGINT and SIGTERM finish the batch under way, say what was deleted, and end with exit status 130 or 143 where something was \
left to do; with --every, which has no end of its own, with 0. A second signal ends it at once.")]
pub(crate) struct PurgeArgs {
    /// Go on for ever: purge, wait this long (up to a tenth more, by chance), purge again
    #[arg(long, value_name = "DURATION", value_parser = interval)]
    pub(crate) every: Option<Duration>,

    /// Most rows deleted in one transaction
    #[arg(long, value_name = "ROWS", default_value = "1000")]
    pub(crate) batch: NonZeroU32,
}

/// The command line of `list`.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// This owner's only
    #[arg(long, value_name = "OWNER", allow_hyphen_values = true)]
    pub(crate) owner: Option<String>,

    /// Those that have expired and wait for a purge, too
    #[arg(long)]
    pub(crate) expired: bool,

    /// At most so many
    #[arg(long, value_name = "ROWS")]
    pub(crate) limit: Option<NonZeroU32>,

    /// A column of the application's own to list as well; repeat for each
    #[arg(long, value_name = "COLUMN")]
    pub(crate) with: Vec<String>,
}

/// The command line of `show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The session's id, as `list` has it
    #[arg(value_name = "ID")]
    pub(crate) id: i64,

    /// Its data too; asks first
    #[arg(long)]
    pub(crate) data: bool,

    /// Do not ask
    #[arg(long, short = 'y')]
    pub(crate) yes: bool,
}

/// The command line of `revoke`.
#[derive(Debug, Args)]
pub(crate) struct RevokeArgs {
    #[command(flatten)]
    pub(crate) whose: Whose,

    /// Do not ask
    #[arg(long, short = 'y')]
    pub(crate) yes: bool,
}

/// Whose sessions end: exactly one of the three.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Whose {
    /// This session
    #[arg(value_name = "ID")]
    pub(crate) id: Option<i64>,

    /// All of this owner's
    #[arg(long, value_name = "OWNER", allow_hyphen_values = true)]
    pub(crate) owner: Option<String>,

    /// All there are
    #[arg(long)]
    pub(crate) everyone: bool,
}

/// The command line of `stats`.
#[derive(Debug, Args)]
pub(crate) struct StatsArgs {
    /// How many owners, those with the most sessions
    #[arg(long, value_name = "OWNERS", default_value = "10")]
    pub(crate) top: u32,
}
