//! The JSON object of a session: its text as stored, its entries as changed, and the limits on both.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use serde::Serialize;
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};

mod contents;
mod cursor;
mod equality;
mod finite;
#[cfg(feature = "postgres")]
mod jsonb;
mod limits;
mod places;
mod readable;

pub(crate) use contents::{Contents, Entry};
#[cfg(any(feature = "tower-sessions-0-14", feature = "tower-sessions-0-15", feature = "actix-session-0-11"))]
pub(crate) use equality::integer;
pub(crate) use equality::same;
use finite::Finite;
pub(crate) use limits::{check_attribute, check_count, check_key, check_name, check_size, check_value, is_within_size};

/// The entries of a session's data, sorted by the bytes of their keys.
pub(crate) type Entries = BTreeMap<String, Value>;

/// The text of a JSON document as the column holds it. Where a session is opened it is made sure that it can be read.
///
/// A list of sessions can hold one whose text is broken; only opening that one is an error.
#[derive(Clone, AsExpression, FromSqlRow)]
#[diesel(sql_type = diesel::sql_types::Text)]
#[diesel(sql_type = diesel::sql_types::Json)]
#[cfg_attr(feature = "postgres", diesel(sql_type = diesel::sql_types::Jsonb))]
pub struct JsonText {
    text: Arc<str>,
    /// Whether it is known already to be an object that can be read.
    is_readable_object: bool,
}

impl JsonText {
    pub(crate) fn new(text: impl Into<Arc<str>>) -> Self {
        JsonText { text: text.into(), is_readable_object: false }
    }

    /// A text that PostgreSQL has written of a jsonb.
    #[cfg(feature = "postgres")]
    pub(crate) fn of_jsonb(text: &str) -> Self {
        JsonText { text: text.into(), is_readable_object: jsonb::is_readable_jsonb(text) }
    }

    /// An empty object: what a new session holds.
    pub(crate) fn empty() -> Self {
        JsonText::new("{}")
    }

    /// Stands for bytes that are no text: it does not parse, and spoils no list.
    #[cfg(feature = "sqlite")]
    pub(crate) fn unreadable() -> Self {
        JsonText::new("")
    }

    /// The stored text.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel::prelude::*;
    /// # use diesel_sessions::{SessionRepository, migrations, plain::sqlite::PlainSession};
    /// use diesel_sessions::{JsonText, plain::sqlite::schema::sessions};
    /// # let mut conn = SqliteConnection::establish(":memory:")?;
    /// # migrations::run(&mut conn)?;
    /// # let repository = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = repository.new_session();
    ///
    /// session.insert("lines", 3)?;
    /// repository.save(&mut conn, &mut session)?;
    /// let data: JsonText = sessions::table.select(sessions::_data).first(&mut conn)?;
    /// assert_eq!(data.as_str(), r#"{"lines":3}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Parses the text into entries.
    pub(crate) fn entries(&self) -> Result<Entries> {
        match self.as_str() {
            "{}" => Ok(Entries::new()),
            text => serde_json::from_str(text).map_err(|error| undecodable().with_source(Position::of(&error))),
        }
    }

    /// Parses the text into an attribute's value.
    pub(crate) fn value(&self) -> Result<Value> {
        value_of_text(self.text.as_bytes())
    }

    /// True for the same text, and for texts that parse to the same entries.
    pub(crate) fn denotes_same(&self, other: &Self) -> bool {
        let parsed = |text: &Self| text.entries().map(|entries| Value::Object(entries.into_iter().collect()));
        self == other || matches!((parsed(self), parsed(other)), (Ok(a), Ok(b)) if same(&a, &b))
    }

    /// Writes a text of any size.
    fn unchecked(json: &impl Serialize) -> Self {
        // Keys are texts and values are JSON already: nothing can fail.
        JsonText::new(serde_json::to_string(json).unwrap_or_else(|error| unreachable!("{}", Position::of(&error))))
    }
}

/// The error of a session whose data cannot be read.
fn undecodable() -> Error {
    Error::new(ErrorKind::Undecodable, "could not read the session's data")
}

impl PartialEq for JsonText {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for JsonText {}

impl fmt::Debug for JsonText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JsonText({} bytes)", self.text.len())
    }
}

/// Where in a document serde_json stopped: for errors of parsing a text, others have no place. Its own error would repeat a piece of the value.
#[derive(Debug, thiserror::Error)]
#[error("{category} at line {line}, column {column}")]
pub(crate) struct Position {
    category: &'static str,
    line: usize,
    column: usize,
}

impl Position {
    pub(crate) fn of(error: &serde_json::Error) -> Self {
        let category = match error.classify() {
            serde_json::error::Category::Io => "unwritable",
            serde_json::error::Category::Syntax => "malformed JSON",
            serde_json::error::Category::Data => "another type than expected",
            serde_json::error::Category::Eof => "truncated JSON",
        };
        Position { category, line: error.line(), column: error.column() }
    }
}

/// Serialises a value for one key, checked against every limit but the total size.
pub(crate) fn to_value(key: &str, value: impl Serialize) -> Result<Value> {
    let value = serialised(key, value)?;
    check_value(key, &value)?;
    Ok(value)
}

/// Serialises an attribute's value into the text to store, checked against every limit.
pub(crate) fn to_attribute(name: &str, value: impl Serialize) -> Result<JsonText> {
    let value = serialised(name, value)?;
    let text = JsonText::new(value.to_string());
    check_attribute(name, &value, text.text.len())?;
    Ok(text)
}

fn serialised(key: &str, value: impl Serialize) -> Result<Value> {
    serde_json::to_value(Finite(value)).map_err(|_| {
        Error::new(ErrorKind::NotSerializable, "could not serialise the value")
            .with_detail(format!("the value of `{key}` has no JSON form, or its `Serialize` fails"))
    })
}

/// Bytes of a value's text.
fn text_len(value: impl Serialize) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    write_text(&mut count, value);
    count.0
}

/// Writes the text of a key or of a value, to where nothing can fail.
fn write_text(to: impl std::io::Write, json: impl Serialize) {
    serde_json::to_writer(to, &json).unwrap_or_else(|error| unreachable!("{}", Position::of(&error)));
}

/// Reads one value as the type that was asked for.
pub(crate) fn from_value<T: serde::de::DeserializeOwned>(key: &str, value: &Value) -> Result<T> {
    T::deserialize(value).map_err(|_| wrong_type(key))
}

/// The same of a value that is given away, whose texts need no copy.
pub(crate) fn into_type<T: serde::de::DeserializeOwned>(key: &str, value: Value) -> Result<T> {
    T::deserialize(value).map_err(|_| wrong_type(key))
}

/// Parses the text of an attribute's value.
pub(crate) fn value_of_text(text: &[u8]) -> Result<Value> {
    serde_json::from_slice(text)
        .map_err(|error| Error::new(ErrorKind::Undecodable, "could not read the attribute").with_source(Position::of(&error)))
}

/// The error for a value of the wrong type. It names the key; serde's own would repeat the value.
pub(crate) fn wrong_type(key: &str) -> Error {
    Error::new(ErrorKind::WrongType, "could not convert the value").with_detail(format!("the value of `{key}` has another type"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_counted_length_is_the_written_one() {
        for document in [json!({}), json!({"a": 1}), json!({"a\"\u{7f}ü": [null, 1.5e300, "x\n"], "b": {"c": {}}})] {
            let entries: Entries = serde_json::from_value(document).unwrap();
            let contents = Contents::from(entries);
            assert_eq!(contents.text_len(), contents.to_text().unwrap().as_str().len());
        }
    }

    #[test]
    fn what_is_no_object_is_undecodable_and_its_text_stays_unsaid() {
        for text in ["", "null", "[]", "7", "\"secret\"", "{\"a\":", "{\"a\":secret}"] {
            let error = JsonText::new(text.to_owned()).entries().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Undecodable, "{text}");
            let said = format!("{error} {error:?} {:?}", std::error::Error::source(&error).map(ToString::to_string));
            assert!(!said.contains("secret"), "{said}");
        }
    }
}
