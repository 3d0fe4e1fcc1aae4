//! The one place that asks the time, and the precision in which times are stored.

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, SubsecRound, Timelike, Utc};
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;

/// Where a repository takes the time from.
///
/// # Example
///
/// ```
/// use chrono::{DateTime, Utc};
/// use diesel_sessions::{Clock, SessionRepository, plain::sqlite::PlainSession};
///
/// struct Always(DateTime<Utc>);
/// impl Clock for Always {
///     fn now(&self) -> DateTime<Utc> {
///         self.0
///     }
/// }
///
/// let noon = "2026-11-21T12:00:00Z".parse().unwrap();
/// let sessions = SessionRepository::<PlainSession>::builder().clock(Always(noon)).build()?;
/// assert_eq!(sessions.new_session().created_at(), noon);
/// # Ok::<(), diesel_sessions::Error>(())
/// ```
pub trait Clock: Send + Sync + 'static {
    /// The current time, in UTC. The library cuts it to microseconds.
    fn now(&self) -> DateTime<Utc>;
}

/// The system's clock: what a repository uses unless it is given another.
///
/// # Example
///
/// ```
/// use diesel_sessions::{Clock, SystemClock};
///
/// assert!(SystemClock.now().timestamp() > 1_600_000_000, "later than 2020");
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the time")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

/// A time in UTC, in whole microseconds: what the tables hold.
///
/// It binds to every type that the three engines have for a time, also where Diesel itself has only
/// [`NaiveDateTime`], and writes SQLite's text with always six digits, so that texts compare as times do.
///
/// # Example
///
/// ```
/// use diesel_sessions::Timestamp6;
///
/// let time: chrono::DateTime<chrono::Utc> = "2026-11-21T12:00:00.123456789Z".parse().unwrap();
/// assert_eq!(Timestamp6::from(time).to_string(), "2026-11-21 12:00:00.123456");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = diesel::sql_types::Timestamp)]
#[cfg_attr(feature = "postgres", diesel(sql_type = diesel::sql_types::Timestamptz))]
#[cfg_attr(feature = "mysql", diesel(sql_type = diesel::sql_types::Datetime))]
#[cfg_attr(feature = "sqlite", diesel(sql_type = diesel::sql_types::TimestamptzSqlite))]
pub struct Timestamp6(DateTime<Utc>);

impl Timestamp6 {
    /// 9999-12-31 00:00:00: stands for "never" in `expires_at`.
    pub const NEVER: Timestamp6 = Timestamp6(
        NaiveDateTime::new(
            match NaiveDate::from_ymd_opt(9999, 12, 31) {
                Some(date) => date,
                None => panic!("a date that exists"),
            },
            NaiveTime::MIN,
        )
        .and_utc(),
    );

    /// The time, as chrono has it.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel_sessions::Timestamp6;
    ///
    /// let time: chrono::DateTime<chrono::Utc> = "2026-11-21T12:00:00.123456Z".parse().unwrap();
    /// assert_eq!(Timestamp6::from(time).to_utc(), time);
    /// ```
    #[must_use]
    pub fn to_utc(self) -> DateTime<Utc> {
        self.0
    }

    /// Later by `duration`, at most [`NEVER`](Timestamp6::NEVER).
    pub(crate) fn plus(self, duration: chrono::TimeDelta) -> Self {
        self.0.checked_add_signed(duration).map_or(Self::NEVER, |time| Self::from(time).min(Self::NEVER))
    }

    /// Earlier by `duration`, not before the calendar begins.
    pub(crate) fn minus(self, duration: chrono::TimeDelta) -> Self {
        self.0.checked_sub_signed(duration).map_or(Timestamp6(DateTime::<Utc>::MIN_UTC), Self::from)
    }

    /// `YYYY-MM-DD HH:MM:SS.ffffff`, digit by digit: SQLite is given one with every statement, and `write!` takes ten times as long.
    /// Years that have no four digits, which no clock shows, are 0000 and 9999.
    pub(crate) fn text(self) -> String {
        let time = self.0;
        let year = time.year().clamp(0, 9_999).unsigned_abs();
        let mut text = *b"0000-00-00 00:00:00.000000";
        let numbers = [
            (0, 4, year),
            (5, 7, time.month()),
            (8, 10, time.day()),
            (11, 13, time.hour()),
            (14, 16, time.minute()),
            (17, 19, time.second()),
            (20, 26, time.nanosecond() / 1_000),
        ];
        for (from, to, mut number) in numbers {
            for digit in text[from..to].iter_mut().rev() {
                *digit = b"0123456789"[(number % 10) as usize];
                number /= 10;
            }
        }
        String::from_utf8(text.to_vec()).unwrap_or_else(|_| unreachable!("digits and marks are ASCII"))
    }

    /// Exactly `YYYY-MM-DD HH:MM:SS.ffffff`, or nothing. The fast way; other spellings go through chrono.
    #[cfg(feature = "sqlite")]
    pub(crate) fn parse_exact(text: &[u8]) -> Option<Self> {
        let number = |from: usize, to: usize| {
            text.get(from..to)?
                .iter()
                .try_fold(0_u32, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u32::from(digit - b'0')))
        };
        let marks = [(4, b'-'), (7, b'-'), (10, b' '), (13, b':'), (16, b':'), (19, b'.')];
        if text.len() != 26 || marks.iter().any(|(at, mark)| text[*at] != *mark) {
            return None;
        }
        let year = i32::try_from(number(0, 4)?).ok()?;
        let date = NaiveDate::from_ymd_opt(year, number(5, 7)?, number(8, 10)?)?;
        let time = NaiveTime::from_hms_micro_opt(number(11, 13)?, number(14, 16)?, number(17, 19)?, number(20, 26)?)?;
        Some(Timestamp6(date.and_time(time).and_utc()))
    }
}

impl From<DateTime<Utc>> for Timestamp6 {
    fn from(time: DateTime<Utc>) -> Self {
        // A leap second's nanoseconds go on to two thousand million; no engine stores it.
        let leap = time.nanosecond() >= 1_000_000_000;
        let time = if leap { time.with_nanosecond(999_999_999).unwrap_or(time) } else { time };
        Timestamp6(time.trunc_subsecs(6))
    }
}

impl From<Timestamp6> for DateTime<Utc> {
    fn from(time: Timestamp6) -> Self {
        time.0
    }
}

/// As SQLite's text has it: `2026-11-21 12:00:00.123456`.
impl fmt::Display for Timestamp6 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl fmt::Debug for Timestamp6 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_is_the_last_day_of_the_calendar() {
        assert_eq!(Timestamp6::NEVER.to_string(), "9999-12-31 00:00:00.000000");
    }

    #[cfg(feature = "sqlite")]
    #[test]
    fn what_is_written_is_read_back() {
        let time = Timestamp6::from("2026-02-28T23:59:59.000001Z".parse::<DateTime<Utc>>().unwrap());
        assert_eq!(Timestamp6::parse_exact(time.to_string().as_bytes()), Some(time));
        assert_eq!(Timestamp6::parse_exact(b"2026-02-30 00:00:00.000000"), None);
        assert_eq!(Timestamp6::parse_exact(b"2026-02-28 00:00:00"), None);
        assert_eq!(Timestamp6::parse_exact("2026-02-28 00:00:00.00é00".as_bytes()), None);
    }

    #[test]
    fn sums_stop_at_never() {
        let now = Timestamp6::from("2026-11-21T00:00:00Z".parse::<DateTime<Utc>>().unwrap());
        assert_eq!(now.plus(chrono::TimeDelta::days(4_000_000)), Timestamp6::NEVER);
        assert_eq!(now.plus(chrono::TimeDelta::MAX), Timestamp6::NEVER);
        assert!(now.minus(chrono::TimeDelta::MAX) < now);
    }
}
