//! The entries of a session in hand, each read from its text when somebody first asks for it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::OnceLock;

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::places::places;
use super::readable::is_readable_object;
use super::{Entries, JsonText, check_size, is_within_size, text_len, write_text};
use crate::error::Result;

/// A JSON object: its entries, or the text that they will be read from.
///
/// Most requests of an application ask whose the session is and leave its data alone, and most others want one key of it. To build
/// what nobody looks at would take longer than the look-up of the row, and to write it anew would lose what a `Value` does not hold:
/// the digits of a number that no `f64` has.
#[derive(Clone)]
pub(crate) struct Contents {
    text: JsonText,
    entries: OnceLock<BTreeMap<String, Entry>>,
}

/// A value: as it was read, or in the text still. It means something along with the contents that it is from.
#[derive(Clone)]
pub(crate) struct Entry {
    value: OnceLock<Value>,
    /// Where its text stands in the document, unless it is another value than the one there.
    place: Option<Range<usize>>,
}

impl Entry {
    fn new(value: Value) -> Self {
        Entry { value: value.into(), place: None }
    }

    fn unread(place: Range<usize>) -> Self {
        Entry { value: OnceLock::new(), place: Some(place) }
    }

    fn text<'a>(&self, document: &'a str) -> Option<&'a str> {
        document.get(self.place.clone()?)
    }

    fn read(&self, document: &str) -> &Value {
        self.value.get_or_init(|| {
            // `Contents::of` knows that the parser reads the whole.
            let text = self.text(document).unwrap_or_else(|| unreachable!("a value was read, or has a place"));
            serde_json::from_str(text).unwrap_or_else(|_| unreachable!("the document can be read"))
        })
    }

    /// The value, to be changed.
    fn write(&mut self, document: &str) -> &mut Value {
        self.read(document);
        self.place = None;
        self.value.get_mut().unwrap_or_else(|| unreachable!("it was read just now"))
    }

    fn into_value(mut self, document: &str) -> Value {
        std::mem::take(self.write(document))
    }

    /// Bytes of its text.
    fn len(&self, document: &str) -> usize {
        match &self.place {
            Some(place) => place.len(),
            None => text_len(self.read(document)),
        }
    }
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
        if text.is_readable_object || is_readable_object(document) {
            return Ok(Contents { text: text.clone(), entries: OnceLock::new() });
        }
        let values = text.entries()?;
        let mut places: BTreeMap<_, _> = places(document).into_iter().flatten().collect();
        let read = |(key, value): (String, Value)| {
            let place = places.remove(&key);
            (key, Entry { value: value.into(), place })
        };
        let entries: BTreeMap<_, _> = values.into_iter().map(read).collect();
        Ok(Contents { text: text.clone(), entries: entries.into() })
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.entries().len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }

    pub(crate) fn contains_key(&self, key: &str) -> bool {
        self.entries().contains_key(key)
    }

    /// The keys, sorted by their bytes.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries().keys().map(String::as_str)
    }

    /// Keys and values, sorted by the bytes of the keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.entries().iter().map(|(key, entry)| (key.as_str(), entry.read(self.text.as_str())))
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.entries().get(key).map(|entry| entry.read(self.text.as_str()))
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        let (document, entries) = self.parts();
        entries.get_mut(key).map(|entry| entry.write(document))
    }

    pub(crate) fn insert(&mut self, key: String, value: Value) {
        self.parts().1.insert(key, Entry::new(value));
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<Value> {
        let (document, entries) = self.parts();
        entries.remove(key).map(|entry| entry.into_value(document))
    }

    /// The entry of a key, to be given back later.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().get(key)
    }

    /// The value of an entry of these contents.
    pub(crate) fn value<'a>(&'a self, entry: &'a Entry) -> &'a Value {
        entry.read(self.text.as_str())
    }

    /// Gives an entry back, or the lack of one.
    pub(crate) fn restore(&mut self, key: String, entry: Option<Entry>) {
        let entries = self.parts().1;
        match entry {
            Some(entry) => drop(entries.insert(key, entry)),
            None => drop(entries.remove(&key)),
        }
    }

    /// Takes all entries out.
    pub(crate) fn take(&mut self) -> BTreeMap<String, Entry> {
        std::mem::take(self.parts().1)
    }

    /// Bytes of the text as [`to_text_of_any_size`](Contents::to_text_of_any_size) writes it.
    pub(super) fn text_len(&self) -> usize {
        let entries = self.entries().iter();
        let sum: usize = entries.map(|(key, entry)| entry_len(key, entry.len(self.text.as_str()))).sum();
        sum.max(1) + 1
    }

    /// Bytes that an entry takes in that text, the comma included; none where there is none.
    fn entry_len(&self, key: &str) -> usize {
        self.entries().get(key).map_or(0, |entry| entry_len(key, entry.len(self.text.as_str())))
    }

    /// Bytes of the text with a key set to a value: with all others as they were read, where `before` may say how many there are now,
    /// and as it is stored. See [`to_text`](Contents::to_text).
    pub(crate) fn text_len_with(&self, before: Option<usize>, key: &str, value: &Value) -> (usize, usize) {
        // The text of an empty object has no comma to take the place of.
        let empty = usize::from(self.is_empty());
        let new = entry_len(key, text_len(value));
        let as_read = before.unwrap_or_else(|| self.text_len()) + new - self.entry_len(key) - empty;
        if is_within_size(as_read) {
            return (as_read, as_read);
        }
        let replaced = self.get(key).map_or(0, |old| entry_len(key, text_len(old)));
        (as_read, text_len(self) + new - replaced - empty)
    }

    /// The text to store: values that nobody has changed as they stood in the text that they were read from, unless that is too long:
    /// with an engine's white space and zeros. Then all are written anew.
    ///
    /// # Errors
    ///
    /// `Limit` for more than 64 KiB of either.
    pub(crate) fn to_text(&self) -> Result<JsonText> {
        let text = self.to_text_of_any_size();
        if is_within_size(text.as_str().len()) {
            return Ok(text);
        }
        let anew = JsonText::unchecked(self);
        check_size(anew.as_str().len())?;
        Ok(anew)
    }

    /// The same without a limit.
    pub(crate) fn to_text_of_any_size(&self) -> JsonText {
        let document = self.text.as_str();
        let mut text = Vec::with_capacity(document.len() + 64);
        for (key, entry) in self.entries() {
            text.push(if text.is_empty() { b'{' } else { b',' });
            write_text(&mut text, key);
            text.push(b':');
            match entry.text(document) {
                Some(value) => text.extend_from_slice(value.as_bytes()),
                None => write_text(&mut text, entry.read(document)),
            }
        }
        if text.is_empty() {
            return JsonText::empty();
        }
        text.push(b'}');
        JsonText::new(String::from_utf8(text).unwrap_or_else(|_| unreachable!("it was put together of texts")))
    }

    fn entries(&self) -> &BTreeMap<String, Entry> {
        self.entries.get_or_init(|| {
            let document = self.text.as_str();
            if let Some(places) = places(document) {
                return places.into_iter().map(|(key, place)| (key, Entry::unread(place))).collect();
            }
            // `of` knows that the parser reads it.
            let entries = self.text.entries().unwrap_or_else(|error| unreachable!("{error}"));
            entries.into_iter().map(|(key, value)| (key, Entry::new(value))).collect()
        })
    }

    fn parts(&mut self) -> (&str, &mut BTreeMap<String, Entry>) {
        self.entries();
        let entries = self.entries.get_mut().unwrap_or_else(|| unreachable!("they were found just now"));
        (self.text.as_str(), entries)
    }
}

/// Bytes of a key and of a value of so many bytes, the comma included.
fn entry_len(key: &str, value: usize) -> usize {
    text_len(key) + 1 + value + 1
}

impl Serialize for Contents {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl From<Entries> for Contents {
    fn from(entries: Entries) -> Self {
        let entries: BTreeMap<_, _> = entries.into_iter().map(|(key, value)| (key, Entry::new(value))).collect();
        Contents { text: JsonText::empty(), entries: entries.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn text(document: &str) -> JsonText {
        JsonText::new(document.to_owned())
    }

    fn values(contents: &Contents) -> Entries {
        contents.iter().map(|(key, value)| (key.to_owned(), value.clone())).collect()
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
                (Ok(contents), Ok(entries)) => assert_eq!(values(&contents), entries, "{shown}"),
                (Err(error), Err(_)) => assert_eq!(error.kind(), ErrorKind::Undecodable, "{shown}"),
                (contents, entries) => {
                    panic!("{shown}: {:?} against {entries:?}", contents.map(|contents| values(&contents)))
                }
            }
        }
    }

    #[test]
    fn what_is_changed_before_it_was_read_is_changed_in_its_place() {
        let mut contents = Contents::of(&text(r#"{"a":1,"b":2}"#)).unwrap();
        let untouched = contents.clone();
        contents.insert("a".to_owned(), 3.into());
        assert_eq!(contents.to_text().unwrap().as_str(), r#"{"a":3,"b":2}"#);
        assert_eq!(untouched.iter().collect::<Vec<_>>(), [("a", &1.into()), ("b", &2.into())]);
    }

    #[test]
    fn what_nobody_has_changed_is_stored_as_it_was_read() {
        let mut contents =
            Contents::of(&text(r#"{"c":{"y": 1.50, "x":[ ]},"a":0.1000000000000000000001,"b":"\u00e9","c2":7}"#)).unwrap();
        assert_eq!(contents.get("a"), Some(&0.1.into()), "read");
        contents.insert("c2".to_owned(), Value::Null);
        contents.insert("d\"".to_owned(), "\n".into());
        let stored = r#"{"a":0.1000000000000000000001,"b":"\u00e9","c":{"y": 1.50, "x":[ ]},"c2":null,"d\"":"\n"}"#;
        assert_eq!(contents.to_text().unwrap().as_str(), stored);
        assert_eq!(contents.text_len(), stored.len());
        *contents.get_mut("c").unwrap() = false.into();
        assert_eq!(contents.remove("b"), Some("é".into()));
        let stored = r#"{"a":0.1000000000000000000001,"c":false,"c2":null,"d\"":"\n"}"#;
        assert_eq!(contents.to_text().unwrap().as_str(), stored);
        assert_eq!(contents.take().len(), 4);
        assert_eq!((contents.to_text().unwrap().as_str(), contents.text_len()), ("{}", 2));
    }

    #[test]
    fn what_is_read_at_once_is_stored_as_it_was_read() {
        for unsure in [r#""\ud83d\ude00""#, "1e16", r#"{"$a":{"\u0024":1}}"#] {
            let mut contents = Contents::of(&text(&format!(r#"{{"a":1,"b":[0.10,{unsure}],"c":2}}"#))).unwrap();
            contents.insert("a".to_owned(), 3.into());
            assert_eq!(contents.to_text().unwrap().as_str(), format!(r#"{{"a":3,"b":[0.10,{unsure}],"c":2}}"#));
        }
    }

    // What an engine has made of a text that was within the limit is within the limit.
    #[test]
    fn an_engines_white_space_is_no_bytes_of_the_data() {
        let mut contents = Contents::of(&text(&format!("{{\"a\":[{}1]}}", "1,    ".repeat(12_000)))).unwrap();
        contents.insert("b".to_owned(), 1.into());
        assert!(contents.text_len() > 70_000);
        assert_eq!(contents.to_text().unwrap().as_str().len(), 24_015);
        assert_eq!(contents.text_len_with(None, "c", &2.into()), (contents.text_len() + 6, 24_021));
        contents.insert("b".to_owned(), "x".repeat(50_000).into());
        assert_eq!(contents.to_text().unwrap_err().kind(), ErrorKind::Limit);
    }
}
