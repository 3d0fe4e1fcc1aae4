//! A row of an answer: columns by name, each decoded as the type that the database says it has.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel_sessions::Timestamp6;

use crate::failure::Failure;

/// What a column holds. It has no `Debug`: values are the application's.
#[derive(Clone, PartialEq)]
pub(crate) enum Cell {
    Null,
    Integer(i64),
    Float(f64),
    #[cfg_attr(not(feature = "postgres"), allow(dead_code, reason = "the others have no such type"))]
    Boolean(bool),
    Text(String),
    Bytes(Vec<u8>),
    #[cfg_attr(not(any(feature = "postgres", feature = "mysql")), allow(dead_code, reason = "SQLite keeps times as text"))]
    Time(Timestamp6),
}

/// A row.
#[derive(Clone, Default)]
pub(crate) struct Row {
    names: Vec<String>,
    cells: Vec<Cell>,
}

impl Row {
    pub(super) fn push(&mut self, name: &str, cell: Cell) {
        self.names.push(name.to_owned());
        self.cells.push(cell);
    }

    /// The column of that name.
    pub(crate) fn cell(&self, name: &str) -> Result<&Cell, Failure> {
        let place = self.names.iter().position(|other| other == name);
        place.and_then(|place| self.cells.get(place)).ok_or_else(|| unexpected(name, "no such column in the answer"))
    }

    /// A whole number.
    pub(crate) fn integer(&self, name: &str) -> Result<i64, Failure> {
        self.maybe_integer(name)?.ok_or_else(|| unexpected(name, "NULL"))
    }

    /// A whole number, or NULL.
    pub(crate) fn maybe_integer(&self, name: &str) -> Result<Option<i64>, Failure> {
        match self.cell(name)? {
            Cell::Null => Ok(None),
            Cell::Integer(number) => Ok(Some(*number)),
            Cell::Boolean(yes) => Ok(Some((*yes).into())),
            Cell::Text(text) => text.parse().map(Some).map_err(|_| unexpected(name, "no whole number")),
            _ => Err(unexpected(name, "no whole number")),
        }
    }

    /// True or false; 1 or 0 on engines that have no such type.
    pub(crate) fn boolean(&self, name: &str) -> Result<bool, Failure> {
        Ok(self.integer(name)? != 0)
    }

    /// A text.
    pub(crate) fn text(&self, name: &str) -> Result<&str, Failure> {
        self.maybe_text(name)?.ok_or_else(|| unexpected(name, "NULL"))
    }

    /// A text, or NULL.
    pub(crate) fn maybe_text(&self, name: &str) -> Result<Option<&str>, Failure> {
        match self.cell(name)? {
            Cell::Null => Ok(None),
            Cell::Text(text) => Ok(Some(text)),
            Cell::Bytes(bytes) => std::str::from_utf8(bytes).map(Some).map_err(|_| unexpected(name, "no text")),
            _ => Err(unexpected(name, "no text")),
        }
    }

    /// Bytes, or NULL.
    pub(crate) fn maybe_bytes(&self, name: &str) -> Result<Option<&[u8]>, Failure> {
        match self.cell(name)? {
            Cell::Null => Ok(None),
            Cell::Bytes(bytes) => Ok(Some(bytes)),
            Cell::Text(text) => Ok(Some(text.as_bytes())),
            _ => Err(unexpected(name, "no bytes")),
        }
    }

    /// A time, or NULL. SQLite keeps times as text.
    pub(crate) fn maybe_time(&self, name: &str) -> Result<Option<Timestamp6>, Failure> {
        match self.cell(name)? {
            Cell::Null => Ok(None),
            Cell::Time(time) => Ok(Some(*time)),
            Cell::Text(text) => parse_time(text).map(Some).ok_or_else(|| unexpected(name, "no time")),
            _ => Err(unexpected(name, "no time")),
        }
    }
}

/// The spellings of times that SQLite's own functions know.
fn parse_time(text: &str) -> Option<Timestamp6> {
    let formats = ["%F %T%.f", "%FT%T%.f", "%FT%T%.fZ", "%F %R", "%FT%R"];
    let naive = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let time = naive.map(|time| time.and_utc()).or_else(|| text.parse::<DateTime<Utc>>().ok());
    time.map(Timestamp6::from)
}

fn unexpected(name: &str, what: &str) -> Failure {
    Failure::Other(format!("column `{name}` is not what sessions have: {what}; `diesel-sessions doctor` looks at the table"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_spelling_of_sqlite() {
        let time = parse_time("2026-11-21 12:00:00.500000").unwrap();
        assert_eq!(time.to_string(), "2026-11-21 12:00:00.500000");
        assert_eq!(parse_time("2026-11-21T12:00:00.5Z"), Some(time));
        assert_eq!(parse_time("2026-11-21 12:00").unwrap().to_string(), "2026-11-21 12:00:00.000000");
        assert_eq!(parse_time("yesterday"), None);
    }
}
