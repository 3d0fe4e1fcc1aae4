//! The entries of a session in hand, read from their text when somebody first asks for one.

use std::ops::{Deref, DerefMut};
use std::sync::OnceLock;

use super::readable::is_readable_object;
use super::{Entries, JsonText};
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

    /// The entries of a text. They are read now unless it is known without that that they can be.
    ///
    /// # Errors
    ///
    /// `Undecodable`.
    pub(crate) fn of(text: &JsonText) -> Result<Self> {
        let document = text.as_str();
        if document == "{}" {
            return Ok(Self::empty());
        }
        if !is_readable_object(document) {
            return text.entries().map(Self::from);
        }
        Ok(Contents { text: text.clone(), entries: OnceLock::new() })
    }

    fn read(&self) -> &Entries {
        self.entries.get_or_init(|| {
            // `of` knows that the parser reads it.
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

    #[test]
    fn what_is_changed_before_it_was_read_is_changed_in_its_place() {
        let mut contents = Contents::of(&text(r#"{"a":1,"b":2}"#)).unwrap();
        let untouched = contents.clone();
        contents.insert("a".to_owned(), 3.into());
        assert_eq!(contents.values().collect::<Vec<_>>(), [3, 2]);
        assert_eq!(untouched.values().collect::<Vec<_>>(), [1, 2]);
    }
}
