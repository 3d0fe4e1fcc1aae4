//! How long a session lives: timeouts, presets, and the arithmetic of touch and expiry.

use std::time::Duration;

use chrono::TimeDelta;

use crate::clock::Timestamp6;
use crate::error::{Error, ErrorKind, Result};

/// An idle and an absolute timeout: whole seconds from 1 to `i32::MAX` each, or none.
///
/// The presets are those of NIST SP 800-63B-4, sections 2.1.3, 2.2.3 and 2.3.3.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use diesel_sessions::Timeouts;
///
/// assert_eq!(Timeouts::default(), Timeouts::AAL2);
/// assert_eq!(Timeouts::AAL3.idle, Some(Duration::from_secs(15 * 60)));
/// let ours = Timeouts { idle: None, ..Timeouts::AAL1 };
/// assert_eq!(ours.absolute, Some(Duration::from_secs(30 * 86_400)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// The session ends this long after it was last seen; `None`: never through idleness.
    pub idle: Option<Duration>,
    /// The session ends this long after it was created or signed in, whatever happens; `None`: no such end.
    pub absolute: Option<Duration>,
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

impl Timeouts {
    /// Authentication assurance level 1: 30 days, no idle timeout.
    pub const AAL1: Timeouts = Timeouts { idle: None, absolute: Some(Duration::from_secs(30 * DAY)) };
    /// Authentication assurance level 2, the default: 24 hours, one hour idle.
    pub const AAL2: Timeouts = Timeouts { idle: Some(Duration::from_secs(HOUR)), absolute: Some(Duration::from_secs(DAY)) };
    /// Authentication assurance level 3: 12 hours, 15 minutes idle.
    pub const AAL3: Timeouts =
        Timeouts { idle: Some(Duration::from_secs(15 * MINUTE)), absolute: Some(Duration::from_secs(12 * HOUR)) };
    /// No idle timeout and no absolute one: sessions end when they are ended.
    pub const NEVER: Timeouts = Timeouts { idle: None, absolute: None };

    pub(crate) fn check(self) -> Result<Self> {
        for timeout in [self.idle, self.absolute].into_iter().flatten() {
            whole_seconds(timeout)?;
        }
        Ok(self)
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts::AAL2
    }
}

/// A timeout as the column has it.
pub(crate) fn whole_seconds(timeout: Duration) -> Result<i32> {
    let refuse = |why: &str| {
        Error::new(ErrorKind::InvalidArgument, "could not set the timeout")
            .with_detail(format!("{timeout:?} {why}; a timeout has whole seconds from 1 to {}", i32::MAX))
    };
    if timeout.is_zero() {
        return Err(refuse("is no time at all"));
    }
    if timeout.subsec_nanos() != 0 {
        return Err(refuse("has a part of a second"));
    }
    i32::try_from(timeout.as_secs()).map_err(|_| refuse("is too long"))
}

/// Most time between two touches of one session.
const THROTTLE_AT_MOST: TimeDelta = TimeDelta::minutes(5);

/// How long after `last_seen_at` a touch is due: as asked, or a twentieth of the idle timeout and at most five minutes; in
/// either case no more than a tenth of the idle timeout.
pub(crate) fn throttle(idle_timeout: Option<i32>, touch_every: Option<TimeDelta>) -> TimeDelta {
    match idle_timeout.map(|seconds| TimeDelta::seconds(seconds.into())) {
        None => touch_every.unwrap_or(THROTTLE_AT_MOST),
        Some(idle) => touch_every.unwrap_or_else(|| (idle / 20).min(THROTTLE_AT_MOST)).min(idle / 10),
    }
}

/// The end that follows from the last sign of life and the two limits, exact to the microsecond.
pub(crate) fn expires_at(last_seen_at: Timestamp6, idle_timeout: Option<i32>, deadline_at: Option<Timestamp6>) -> Timestamp6 {
    let idle_end = idle_timeout.map_or(Timestamp6::NEVER, |seconds| last_seen_at.plus(TimeDelta::seconds(seconds.into())));
    deadline_at.map_or(idle_end, |deadline| idle_end.min(deadline))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, Utc};

    fn at(text: &str) -> Timestamp6 {
        text.parse::<DateTime<Utc>>().unwrap().into()
    }

    #[test]
    fn timeouts_have_whole_seconds() {
        assert_eq!(whole_seconds(Duration::from_secs(1)).unwrap(), 1);
        assert_eq!(whole_seconds(Duration::from_secs(2_147_483_647)).unwrap(), i32::MAX);
        for bad in [Duration::ZERO, Duration::from_millis(1_500), Duration::from_secs(2_147_483_648), Duration::MAX] {
            assert_eq!(whole_seconds(bad).unwrap_err().kind(), ErrorKind::InvalidArgument, "{bad:?}");
        }
    }

    // SECURITY 21
    #[test]
    fn a_touch_is_throttled_to_a_tenth_of_the_idle_time_at_most() {
        assert_eq!(throttle(Some(3_600), None), TimeDelta::minutes(3));
        assert_eq!(throttle(Some(86_400), None), TimeDelta::minutes(5));
        assert_eq!(throttle(Some(1), None), TimeDelta::milliseconds(50));
        assert_eq!(throttle(None, None), TimeDelta::minutes(5));
        assert_eq!(throttle(Some(600), Some(TimeDelta::hours(1))), TimeDelta::minutes(1));
        assert_eq!(throttle(Some(600), Some(TimeDelta::zero())), TimeDelta::zero());
        assert_eq!(throttle(None, Some(TimeDelta::hours(1))), TimeDelta::hours(1));
    }

    #[test]
    fn the_earlier_end_counts() {
        let seen = at("2026-11-21T12:00:00.000001Z");
        assert_eq!(expires_at(seen, Some(60), None), at("2026-11-21T12:01:00.000001Z"));
        assert_eq!(expires_at(seen, Some(60), Some(at("2026-11-21T12:00:30Z"))), at("2026-11-21T12:00:30Z"));
        assert_eq!(expires_at(seen, None, Some(at("2026-11-21T12:00:30Z"))), at("2026-11-21T12:00:30Z"));
        assert_eq!(expires_at(seen, None, None), Timestamp6::NEVER);
    }
}
