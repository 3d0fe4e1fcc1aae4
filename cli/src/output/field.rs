//! One value of an answer: how a table shows it, and what it is in JSON.

use std::borrow::Cow;

use chrono::SecondsFormat;
use diesel_sessions::Timestamp6;
use serde_json::Value;

use crate::database::row::{Cell, Row};
use crate::failure::Failure;

/// One value of an answer.
#[derive(Clone)]
pub(crate) enum Field {
    Value(Value),
    Time(Timestamp6),
    /// There is none: what a table says then.
    NoTime(&'static str),
}

impl Field {
    /// As a table shows it, on one line; a time in UTC, to the second. What would steer a terminal is spelt out: values may come
    /// from anybody.
    pub(crate) fn shown(&self) -> Cow<'_, str> {
        match self {
            Field::Value(Value::Null) => "-".into(),
            Field::Value(Value::Bool(true)) => "yes".into(),
            Field::Value(Value::Bool(false)) => "no".into(),
            Field::Value(Value::String(text)) => harmless(text),
            Field::Value(other) => harmless(&other.to_string()).into_owned().into(),
            Field::Time(time) => format!("{}Z", time.to_string().split('.').next().unwrap_or_default()).into(),
            Field::NoTime(absent) => (*absent).into(),
        }
    }

    /// As JSON has it; a time in full.
    pub(crate) fn json(&self) -> Value {
        match self {
            Field::Value(value) => value.clone(),
            Field::Time(time) => Value::String(time.to_utc().to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            Field::NoTime(_) => Value::Null,
        }
    }

    /// Whether there is nothing: null in JSON.
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Field::NoTime(_) | Field::Value(Value::Null))
    }

    /// Whether it is a number.
    pub(crate) fn is_number(&self) -> bool {
        matches!(self, Field::Value(Value::Number(_)))
    }

    /// A time; `absent` is shown where there is none.
    pub(crate) fn time(time: Option<Timestamp6>, absent: &'static str) -> Self {
        time.map_or(Field::NoTime(absent), Field::Time)
    }

    /// A time that a row holds; what it holds instead, where that is none.
    pub(crate) fn time_in(row: &Row, name: &str, absent: &'static str) -> Result<Self, Failure> {
        match row.maybe_time(name) {
            Ok(time) => Ok(Field::time(time, absent)),
            Err(_) => row.cell(name).map(Field::cell),
        }
    }

    /// When the session in a row ends; what the row holds instead, where that is no time.
    pub(crate) fn end_in(row: &Row, name: &str) -> Result<Self, Failure> {
        match row.maybe_time(name) {
            Ok(time) => Ok(Field::end(time)),
            Err(_) => row.cell(name).map(Field::cell),
        }
    }

    /// When a session ends: "never" on the calendar's last day.
    pub(crate) fn end(time: Option<Timestamp6>) -> Self {
        Field::time(time.filter(|time| *time < Timestamp6::NEVER), "never")
    }

    /// What a column holds, whatever its type; bytes in hexadecimal.
    pub(crate) fn cell(cell: &Cell) -> Self {
        match cell {
            Cell::Null => Field::from(Value::Null),
            Cell::Integer(number) => Field::from(*number),
            Cell::Float(number) => Field::from(Value::from(*number)),
            Cell::Boolean(yes) => Field::from(*yes),
            Cell::Text(text) => Field::from(text.as_str()),
            Cell::Bytes(bytes) => Field::from(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
            Cell::Time(time) => Field::time(Some(*time), ""),
        }
    }
}

impl From<Value> for Field {
    fn from(value: Value) -> Self {
        Field::Value(value)
    }
}

impl From<&str> for Field {
    fn from(text: &str) -> Self {
        Field::from(Value::from(text))
    }
}

impl From<String> for Field {
    fn from(text: String) -> Self {
        Field::from(Value::from(text))
    }
}

impl From<i64> for Field {
    fn from(number: i64) -> Self {
        Field::from(Value::from(number))
    }
}

impl From<bool> for Field {
    fn from(yes: bool) -> Self {
        Field::from(Value::from(yes))
    }
}

/// A text without what would steer a terminal.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        return text.into();
    }
    let shown = text.chars().fold(String::with_capacity(text.len()), |mut shown, letter| {
        if steers(letter) {
            shown.extend(letter.escape_unicode())
        } else {
            shown.push(letter)
        }
        shown
    });
    shown.into()
}

/// Whether it is nothing but printable ASCII, as most texts are: told at a glance.
pub(super) fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Whether a terminal does something else than show it: control characters, and those that turn the direction of writing.
pub(super) fn steers(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_steer_a_terminal_is_spelt_out() {
        assert_eq!(Field::from("a\u{1b}[31mb\nc\u{202e}d é").shown(), "a\\u{1b}[31mb\\u{a}c\\u{202e}d é");
    }

    #[test]
    fn never_is_no_date() {
        assert_eq!(Field::end(Some(Timestamp6::NEVER)).shown(), "never");
        assert!(Field::end(Some(Timestamp6::NEVER)).is_null());
    }
}
