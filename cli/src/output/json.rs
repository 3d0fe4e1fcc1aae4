//! JSON: objects, and arrays that are written element by element.

use serde_json::{Map, Value};

use super::Output;
use super::field::{Field, steers};
use crate::failure::Failure;

/// An object of named fields.
pub(crate) fn object<'a>(fields: impl IntoIterator<Item = (&'a str, &'a Field)>) -> Value {
    let map: Map<String, Value> = fields.into_iter().map(|(name, field)| (name.to_owned(), field.json().clone())).collect();
    Value::Object(map)
}

/// The same document, with what would steer a terminal spelt out: JSON itself asks that of the oldest control characters alone.
pub(crate) fn harmless(document: &str) -> String {
    let mut units = [0; 2];
    document.chars().fold(String::with_capacity(document.len()), |mut shown, letter| {
        if letter != '\n' && steers(letter) {
            for unit in letter.encode_utf16(&mut units) {
                shown.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            shown.push(letter);
        }
        shown
    })
}

/// An array that never stands in memory as a whole.
#[derive(Default)]
pub(crate) struct Array {
    is_begun: bool,
}

impl Array {
    /// The next element, on a line of its own.
    pub(crate) fn push(&mut self, out: &mut Output, element: &Value) -> Result<(), Failure> {
        out.text(if self.is_begun { ",\n" } else { "[\n" })?;
        self.is_begun = true;
        out.text(&harmless(&element.to_string()))
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
    fn no_document_steers_a_terminal_and_all_are_read_back() {
        let document = serde_json::json!({ "agent": "a\u{1b}[31m\u{9b}31m\u{202e}\u{e0001}é\n" });
        let shown = harmless(&format!("{document:#}"));
        assert!(!shown.contains(['\u{9b}', '\u{1b}', '\u{202e}']), "{shown}");
        assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), document);
    }
}
