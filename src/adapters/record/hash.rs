//! A hash of a JSON value: the same for values that are the same, whatever spelling a database has given them.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::data::integer;

/// The first 128 bits of SHA-256 over a value; equal where [`same`](crate::data::same) says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hash([u8; 16]);

impl Hash {
    pub(crate) fn of(value: &Value) -> Self {
        let mut hasher = Sha256::new();
        feed(&mut hasher, value);
        let mut first = [0; 16];
        first.copy_from_slice(&hasher.finalize()[..16]);
        Hash(first)
    }

    /// Reads what `Display` writes.
    pub(super) fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Hash)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

/// Each value begins with its kind, each that has parts with their number, so that no two values feed the same bytes.
fn feed(hasher: &mut Sha256, value: &Value) {
    match value {
        Value::Null => hasher.update(b"n"),
        Value::Bool(value) => hasher.update(if *value { b"t" } else { b"f" }),
        Value::Number(number) => match integer(number) {
            Some(integer) => {
                hasher.update(b"i");
                hasher.update(integer.to_be_bytes());
            }
            None => {
                hasher.update(b"d");
                hasher.update(number.as_f64().unwrap_or_default().to_be_bytes());
            }
        },
        Value::String(text) => feed_text(hasher, text),
        Value::Array(values) => {
            hasher.update(b"a");
            hasher.update(values.len().to_be_bytes());
            values.iter().for_each(|value| feed(hasher, value));
        }
        Value::Object(members) => {
            hasher.update(b"o");
            hasher.update(members.len().to_be_bytes());
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            for (name, value) in members {
                feed_text(hasher, name);
                feed(hasher, value);
            }
        }
    }
}

fn feed_text(hasher: &mut Sha256, text: &str) {
    hasher.update(b"s");
    hasher.update(text.len().to_be_bytes());
    hasher.update(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::same;
    use serde_json::json;

    #[test]
    fn two_values_have_one_hash_exactly_when_they_are_the_same() {
        let values = [
            json!(null),
            json!(false),
            json!(0),
            json!(-0.0),
            json!(1),
            json!(1.0),
            json!(1.5),
            json!(u64::MAX),
            json!(-1),
            json!(""),
            json!("1"),
            json!([]),
            json!([1]),
            json!(["1", 1]),
            json!([["1"], 1]),
            json!({}),
            json!({"a": 1, "b": [2.0]}),
            json!({"b": [2], "a": 1.0}),
            json!({"a": 1, "b": 2}),
            json!({"ab": 1}),
            json!({"a": "b1"}),
        ];
        for a in &values {
            for b in &values {
                assert_eq!(Hash::of(a) == Hash::of(b), same(a, b), "{a} {b}");
            }
        }
    }

    #[test]
    fn a_hash_reads_back_from_its_text() {
        let hash = Hash::of(&json!({"a": 1}));
        assert_eq!(Hash::parse(&hash.to_string()), Some(hash));
        assert_eq!(Hash::parse("AAAA"), None);
        assert_eq!(Hash::parse("no hash!"), None);
    }
}
