//! Times, as pages show them.

use chrono::{DateTime, Utc};
use diesel_sessions::{Clock, SystemClock};

/// The shop's clock is the library's.
pub(crate) fn now() -> DateTime<Utc> {
    SystemClock.now()
}

/// A point in time: what a page says, and what machines read.
pub(crate) struct When {
    pub(crate) text: String,
    pub(crate) machine: String,
}

impl When {
    /// How long ago it was.
    pub(crate) fn ago(time: DateTime<Utc>, now: DateTime<Utc>) -> When {
        When { text: ago(time, now), machine: machine(time) }
    }

    /// Its date and time, in UTC.
    pub(crate) fn date(time: DateTime<Utc>) -> When {
        When { text: time.format("%-d %B %Y, %H:%M UTC").to_string(), machine: machine(time) }
    }
}

fn machine(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn ago(time: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let seconds = (now - time).num_seconds().max(0);
    let (count, unit) = match seconds {
        0..60 => return "just now".to_owned(),
        60..3_600 => (seconds / 60, "minute"),
        3_600..86_400 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{} ago", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_the_largest_unit_that_fits() {
        let now: DateTime<Utc> = "2026-11-21T12:00:00Z".parse().unwrap();
        let said = |seconds| ago(now - chrono::TimeDelta::seconds(seconds), now);
        assert_eq!(
            [-5, 59, 60, 3_599, 3_600, 7_200, 86_399, 86_400, 864_000].map(said),
            [
                "just now",
                "just now",
                "1 minute ago",
                "59 minutes ago",
                "1 hour ago",
                "2 hours ago",
                "23 hours ago",
                "1 day ago",
                "10 days ago"
            ]
        );
        assert_eq!(When::date(now).text, "21 November 2026, 12:00 UTC");
    }
}
