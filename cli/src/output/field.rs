//! One value of an answer: how a table shows it, and what it is in JSON.

use chrono::SecondsFormat;
use diesel_sessions::Timestamp6;
use serde_json::Value;

use crate::database::row::{Cell, Row};
use crate::failure::Failure;

/// One value of an answer.
#[derive(Clone)]
pub(crate) struct Field {
    shown: String,
    json: Value,
}

impl Field {
    /// As a table shows it, on one line. What would steer a terminal is spelt out: values may come from anybody.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// As JSON has it.
    pub(crate) fn json(&self) -> &Value {
        &self.json
    }

    /// A time in UTC: to the second in a table, in full in JSON; `absent` where there is none.
    pub(crate) fn time(time: Option<Timestamp6>, absent: &str) -> Self {
        match time {
            Some(time) => Field {
                shown: format!("{}Z", time.to_string().split('.').next().unwrap_or_default()),
                json: Value::String(time.to_utc().to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            },
            None => Field { shown: absent.to_owned(), json: Value::Null },
        }
    }

    /// A time that a row holds; what it holds instead, where that is none.
    pub(crate) fn time_in(row: &Row, name: &str, absent: &str) -> Result<Self, Failure> {
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
    fn from(json: Value) -> Self {
        let shown = match &json {
            Value::Null => "-".to_owned(),
            Value::Bool(true) => "yes".to_owned(),
            Value::Bool(false) => "no".to_owned(),
            Value::String(text) => harmless(text),
            other => harmless(&other.to_string()),
        };
        Field { shown, json }
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
pub(crate) fn harmless(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, letter| {
        if steers(letter) {
            shown.extend(letter.escape_unicode())
        } else {
            shown.push(letter)
        }
        shown
    })
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
        assert!(Field::end(Some(Timestamp6::NEVER)).json().is_null());
    }
}
