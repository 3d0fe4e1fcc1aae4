//! Where the values of an object stand in its text.

use std::ops::Range;

use super::cursor::Cursor;

/// The keys of an object, each with the place of its value's text, in the order of the document: a key that is there twice comes twice.
///
/// The text must be one that serde_json reads; of another this gives nothing, or places of what is no value.
pub(super) fn places(document: &str) -> Option<Vec<(String, Range<usize>)>> {
    let mut cursor = Cursor { rest: document.as_bytes() };
    let mut places = Vec::new();
    if cursor.token()? != b'{' {
        return None;
    }
    loop {
        match cursor.token()? {
            b'}' => return Some(places),
            b',' => {}
            b'"' => {
                let key = cursor.passed(document, 1, Cursor::rest_of_string)?;
                let key = serde_json::from_str(document.get(key)?).ok()?;
                if cursor.token()? != b':' {
                    return None;
                }
                let first = cursor.token()?;
                let value = cursor.passed(document, 1, |cursor| cursor.value(first))?;
                places.push((key, value));
            }
            _ => return None,
        }
    }
}

impl Cursor<'_> {
    /// What of the document is passed over, with so many bytes before it.
    fn passed(&mut self, document: &str, before: usize, over: impl FnOnce(&mut Self) -> Option<()>) -> Option<Range<usize>> {
        let place = |cursor: &Self| document.len() - cursor.rest.len();
        let from = place(self).checked_sub(before)?;
        over(self)?;
        Some(from..place(self))
    }

    /// What follows an opening quote, and the closing one, whatever is escaped in between.
    fn rest_of_string(&mut self) -> Option<()> {
        loop {
            self.plain();
            match self.byte()? {
                b'"' => return Some(()),
                b'\\' => {
                    self.byte()?;
                }
                _ => {}
            }
        }
    }

    /// What follows the first byte of a value.
    fn value(&mut self, first: u8) -> Option<()> {
        match first {
            b'"' => self.rest_of_string(),
            b'{' | b'[' => self.container(),
            _ => {
                let is_end = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\t' | b'\r');
                let length = self.rest.iter().position(is_end)?;
                self.rest = self.rest.get(length..)?;
                Some(())
            }
        }
    }

    /// What follows an opening bracket, and the closing one.
    fn container(&mut self) -> Option<()> {
        let mut open = 1_usize;
        while open > 0 {
            let is_mark = |byte: &u8| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']');
            let length = self.rest.iter().position(is_mark)?;
            self.rest = self.rest.get(length..)?;
            match self.byte()? {
                b'"' => self.rest_of_string()?,
                b'{' | b'[' => open += 1,
                _ => open -= 1,
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::super::readable::tests::{is_read, pieces, values};
    use super::*;

    /// The values at their places, the last of each key.
    fn read(document: &str) -> Option<Value> {
        let places = places(document)?.into_iter();
        let entries = places.map(|(key, place)| Some((key, serde_json::from_str::<Value>(document.get(place)?).ok()?)));
        entries.collect::<Option<serde_json::Map<_, _>>>().map(Value::Object)
    }

    #[test]
    fn every_value_has_its_place() {
        let document = " { \"a\" : 1 ,\"b\\u00e9\\\"\":[ {\"}\":\"]\"} , 2],\"c\":\"x\\\\\",\n\"d\":{},\"$e\":null ,\"a\":-0.5e3,\"f\":\"\\ud83d\\ude00\"}";
        let found = places(document).unwrap();
        let shown: Vec<_> = found.iter().map(|(key, place)| (key.as_str(), &document[place.clone()])).collect();
        let expected = [
            ("a", "1"),
            ("bé\"", "[ {\"}\":\"]\"} , 2]"),
            ("c", "\"x\\\\\""),
            ("d", "{}"),
            ("$e", "null"),
            ("a", "-0.5e3"),
            ("f", "\"\\ud83d\\ude00\""),
        ];
        assert_eq!(shown, expected);
        assert_eq!(places("{}"), Some(vec![]));
        for broken in ["", "7", "[]", "{", "{\"a\"", "{\"a\"}", "{\"a\":", "{\"a\":[", "{\"a\":1", "{\"a\":\"", "{a:1}"] {
            assert_eq!(places(broken), None, "{broken}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn the_values_at_their_places_are_those_of_the_document(document in pieces()) {
            if is_read(&document) {
                prop_assert_eq!(read(&document), serde_json::from_str(&document).ok(), "{}", document);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        #[test]
        fn what_is_written_is_found(first in values(), key in any::<String>(), second in values()) {
            let document = serde_json::json!({ "k": first, key: second });
            prop_assert_eq!(read(&document.to_string()), Some(document));
        }
    }
}
