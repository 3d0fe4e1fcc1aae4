//! JSON: objects that keep their order, and arrays that are written element by element.

use std::borrow::Cow;
use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::Output;
use super::field::{Field, is_plain, steers};
use crate::failure::Failure;

/// A document. Its objects keep the order in which they were made; those of `serde_json` are sorted by name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Value(Value),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// An object of these members.
    pub(crate) fn object<N: Into<String>>(members: impl IntoIterator<Item = (N, Json)>) -> Self {
        Json::Object(members.into_iter().map(|(name, member)| (name.into(), member)).collect())
    }

    /// An object of named fields.
    pub(crate) fn fields<'a>(fields: impl IntoIterator<Item = (&'a str, &'a Field)>) -> Self {
        Json::object(fields.into_iter().map(|(name, field)| (name, field.json().into())))
    }
}

impl<T: Into<Value>> From<T> for Json {
    fn from(value: T) -> Self {
        Json::Value(value.into())
    }
}

impl FromIterator<Json> for Json {
    fn from_iter<I: IntoIterator<Item = Json>>(elements: I) -> Self {
        Json::Array(elements.into_iter().collect())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Json::Value(value) => value.serialize(serializer),
            Json::Array(elements) => serializer.collect_seq(elements),
            Json::Object(members) => serializer.collect_map(members.iter().map(|(name, member)| (name, member))),
        }
    }
}

/// On one line, or with `{:#}` on several; what would steer a terminal is spelt out.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = if f.alternate() { serde_json::to_string_pretty(self) } else { serde_json::to_string(self) };
        f.write_str(&harmless(&text.map_err(|_| fmt::Error)?))
    }
}

/// The same document, with what would steer a terminal spelt out: JSON itself asks that of the oldest control characters alone.
fn harmless(document: &str) -> Cow<'_, str> {
    if document.split('\n').all(is_plain) {
        return document.into();
    }
    let mut units = [0; 2];
    let shown = document.chars().fold(String::with_capacity(document.len()), |mut shown, letter| {
        if letter != '\n' && steers(letter) {
            for unit in letter.encode_utf16(&mut units) {
                shown.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            shown.push(letter);
        }
        shown
    });
    shown.into()
}

/// An array that never stands in memory as a whole.
#[derive(Default)]
pub(crate) struct Array {
    is_begun: bool,
}

impl Array {
    /// The next element, on a line of its own.
    pub(crate) fn push(&mut self, out: &mut Output, element: &Json) -> Result<(), Failure> {
        out.text(if self.is_begun { ",\n" } else { "[\n" })?;
        self.is_begun = true;
        out.text(&element.to_string())
    }

    /// The end.
    pub(crate) fn finish(self, out: &mut Output) -> Result<(), Failure> {
        out.text(if self.is_begun { "\n]\n" } else { "[]\n" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_keeps_its_order() {
        let inner = [1.into(), Json::object([("z", "y".into()), ("a", Value::Null.into())])].into_iter().collect();
        let document = Json::object([("id", 7.into()), ("at", inner)]);
        assert_eq!(document.to_string(), r#"{"id":7,"at":[1,{"z":"y","a":null}]}"#);
        assert_eq!(format!("{:#}", Json::object([("id", 7.into())])), "{\n  \"id\": 7\n}");
    }

    #[test]
    fn no_document_steers_a_terminal_and_all_are_read_back() {
        let document = serde_json::json!({ "agent": "a\u{1b}[31m\u{9b}31m\u{202e}\u{e0001}é\n" });
        let shown = format!("{:#}", Json::from(document.clone()));
        assert!(!shown.contains(['\u{9b}', '\u{1b}', '\u{202e}']), "{shown}");
        assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), document);
    }
}
