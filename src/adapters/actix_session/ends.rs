//! When a session ends that was given a time to live.

use chrono::{DateTime, TimeDelta, Utc};

use crate::clock::Timestamp6;

/// The end of a session that lives this long from now; the calendar's last day is never.
pub(super) fn ends_by(now: DateTime<Utc>, seconds: i64) -> DateTime<Utc> {
    let ttl = TimeDelta::try_seconds(seconds.max(0)).unwrap_or(TimeDelta::MAX);
    now.checked_add_signed(ttl).unwrap_or(Timestamp6::NEVER.to_utc())
}

/// Whether an end is worth writing: it comes sooner than the stored one, or later by a twentieth of the time to live, at most five
/// minutes. So a session lives at least 19 twentieths of what was asked for, and not every request writes.
pub(super) fn is_worth_writing(stored: Option<DateTime<Utc>>, wanted: DateTime<Utc>, seconds: i64) -> bool {
    let Some(stored) = stored else { return true };
    wanted < stored || wanted - stored >= TimeDelta::seconds((seconds / 20).min(300))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
    }

    #[test]
    fn a_time_to_live_is_counted_from_now_and_has_no_bad_values() {
        assert_eq!(ends_by(at(0), 60), at(60));
        assert_eq!(ends_by(at(0), 0), at(0));
        assert_eq!(ends_by(at(0), -5), at(0));
        assert_eq!(ends_by(at(0), i64::MAX), Timestamp6::NEVER.to_utc());
    }

    // SECURITY 21
    #[test]
    fn an_end_is_written_when_it_comes_sooner_or_a_twentieth_later() {
        assert!(is_worth_writing(None, at(100), 100));
        assert!(is_worth_writing(Some(at(100)), at(99), 100));
        assert!(!is_worth_writing(Some(at(100)), at(104), 100));
        assert!(is_worth_writing(Some(at(100)), at(105), 100));
        assert!(!is_worth_writing(Some(at(0)), at(299), 86_400));
        assert!(is_worth_writing(Some(at(0)), at(300), 86_400));
        assert!(is_worth_writing(Some(at(0)), at(0), 1), "a short one always");
    }
}
