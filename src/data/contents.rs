//! The entries of a session in hand, read from their text when somebody first asks for one.

use std::ops::{Deref, DerefMut};
use std::sync::OnceLock;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{Entries, JsonText, Position, undecodable};
use crate::error::Result;

/// A JSON object: its entries, or the text that they will be read from.
///
/// Most requests of an application ask whose the session is and leave its data alone; to build what nobody looks at would take
/// longer than the look-up of the row.
#[derive(Clone)]
pub(crate) struct Contents {
    text: JsonText,
    entries: OnceLock<Entries>,
}

impl Contents {
    pub(crate) fn empty() -> Self {
        Entries::new().into()
    }

    /// The entries of a text. That they can be read is made sure of now, by the parser that will read them, unless it is known.
    ///
    /// # Errors
    ///
    /// `Undecodable`.
    pub(crate) fn of(text: &JsonText) -> Result<Self> {
        let document = text.as_str();
        if document == "{}" {
            return Ok(Self::empty());
        }
        if !text.is_readable_object {
            let Object = serde_json::from_str(document).map_err(|error| undecodable().with_source(Position::of(&error)))?;
        }
        Ok(Contents { text: text.clone(), entries: OnceLock::new() })
    }

    fn read(&self) -> &Entries {
        self.entries.get_or_init(|| {
            // `of` has read it to its end with the same parser, or knows as much.
            self.text.entries().unwrap_or_else(|error| unreachable!("{error}"))
        })
    }
}

impl From<Entries> for Contents {
    fn from(entries: Entries) -> Self {
        Contents { text: JsonText::empty(), entries: entries.into() }
    }
}

impl Deref for Contents {
    type Target = Entries;

    fn deref(&self) -> &Entries {
        self.read()
    }
}

impl DerefMut for Contents {
    fn deref_mut(&mut self) -> &mut Entries {
        self.read();
        self.entries.get_mut().unwrap_or_else(|| unreachable!("they were read just now"))
    }
}

/// Whether a text that PostgreSQL has written of a jsonb, and that is JSON therefore, is an object that the parser reads. It may
/// say no of one that is, and of most documents it says yes, in a hundredth of the parser's time.
///
/// Of what is JSON, serde_json refuses what nests more than 127 deep, and numbers that no f64 holds; PostgreSQL writes those
/// without an exponent, in 309 digits or more, and among so many are the 128 of a whole chunk.
#[cfg(feature = "postgres")]
pub(super) fn is_readable_object(document: &str) -> bool {
    const DEEPEST: usize = 127;
    const CHUNK: usize = 128;
    let document = document.as_bytes();
    let brackets = document.iter().filter(|byte| matches!(byte, b'{' | b'[')).count();
    let is_long_number = |chunk: &[u8]| chunk.iter().all(u8::is_ascii_digit);
    document.first() == Some(&b'{') && brackets <= DEEPEST && !document.chunks_exact(CHUNK).any(is_long_number)
}

/// What an object is read as when it is to be known only that it is one.
struct Object;

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Wellformed).map(|Anything| Object)
    }
}

/// Any value, likewise. It is visited as one that is kept would be: what is too deep or no number that fits fails the same way,
/// which `serde::de::IgnoredAny` would pass over.
struct Anything;

impl<'de> Deserialize<'de> for Anything {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Wellformed)
    }
}

struct Wellformed;

impl<'de> Visitor<'de> for Wellformed {
    type Value = Anything;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Anything, E> {
        Ok(Anything)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Anything, E> {
        Ok(Anything)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Anything, E> {
        Ok(Anything)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Anything, E> {
        Ok(Anything)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Anything, E> {
        Ok(Anything)
    }

    fn visit_str<E>(self, _: &str) -> Result<Anything, E> {
        Ok(Anything)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Anything, A::Error> {
        while let Some(Anything) = values.next_element()? {}
        Ok(Anything)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Anything, A::Error> {
        while let Some((Anything, Anything)) = entries.next_entry()? {}
        Ok(Anything)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn text(document: &str) -> JsonText {
        JsonText::new(document.to_owned())
    }

    // S23 SECURITY 23
    #[test]
    fn what_is_not_read_yet_is_known_to_be_readable() {
        let deep = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        let documents = [
            "",
            "null",
            "[]",
            "7",
            "\"text\"",
            "{",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "{\"a\":1} {}",
            "{\"a\":tru}",
            "{}",
            " {} ",
            "{\"a\":1e400}",
            "{\"a\":-1e-400}",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":\"\u{1}\"}",
            "{\"a\":[1,-2,0.5,null,true,\"\\u00e9\\n\"]}",
            "{\"a\":{\"b\":{\"c\":[{}]}},\"a\":2}",
            "{1:2}",
            "{\"a\":01}",
            "{\"a\":99999999999999999999999999}",
        ];
        for document in documents.map(String::from).into_iter().chain([deep(100), deep(126), deep(127), deep(128), deep(20_000)])
        {
            let shown = document.get(..40).unwrap_or(&document);
            match (Contents::of(&text(&document)), text(&document).entries()) {
                (Ok(contents), Ok(entries)) => assert_eq!(*contents, entries, "{shown}"),
                (Err(error), Err(_)) => assert_eq!(error.kind(), ErrorKind::Undecodable, "{shown}"),
                (contents, entries) => {
                    panic!("{shown}: {:?} against {entries:?}", contents.map(|contents| contents.read().clone()))
                }
            }
        }
    }

    // SECURITY 23
    #[cfg(feature = "postgres")]
    #[test]
    fn what_is_known_to_be_readable_is() {
        let deep = |levels: usize| format!("{{\"a\": {}{}}}", "[".repeat(levels), "]".repeat(levels));
        let number = |digits: usize| format!("{{\"text\": \"0.1\", \"a\": 9{}}}", "0".repeat(digits));
        let documents = [
            ("{}".to_owned(), true),
            ("{\"a\": [1, \"{\", null]}".to_owned(), true),
            ("[]".to_owned(), false),
            ("7".to_owned(), false),
            (deep(126), true),
            (deep(127), false),
            (number(254), true),
            (number(307), true),
            (number(308), false),
            (number(9_000), false),
        ];
        for (document, is_readable) in documents {
            let shown = document.get(..40).unwrap_or(&document);
            assert_eq!(text(&document).entries().is_ok(), is_readable, "{shown}");
            assert!(is_readable || !is_readable_object(&document), "{shown}");
            assert!(is_readable_object(&document) || document.len() > 255 || !is_readable, "{shown}");
        }
    }

    #[test]
    fn what_is_changed_before_it_was_read_is_changed_in_its_place() {
        let mut contents = Contents::of(&text(r#"{"a":1,"b":2}"#)).unwrap();
        let untouched = contents.clone();
        contents.insert("a".to_owned(), 3.into());
        assert_eq!(contents.values().collect::<Vec<_>>(), [3, 2]);
        assert_eq!(untouched.values().collect::<Vec<_>>(), [1, 2]);
    }
}
