//! JSON: objects, and arrays that are written element by element.

use serde_json::{Map, Value};

use super::Output;
use super::field::Field;
use crate::failure::Failure;

/// An object of named fields.
pub(crate) fn object<'a>(fields: impl IntoIterator<Item = (&'a str, &'a Field)>) -> Value {
    let map: Map<String, Value> = fields.into_iter().map(|(name, field)| (name.to_owned(), field.json().clone())).collect();
    Value::Object(map)
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
        out.text(&element.to_string())
    }

    /// The end.
    pub(crate) fn finish(self, out: &mut Output) -> Result<(), Failure> {
        out.text(if self.is_begun { "\n]\n" } else { "[]\n" })
    }
}
