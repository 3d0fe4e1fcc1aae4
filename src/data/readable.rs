//! Whether a document can be read, found out without reading it.

use super::cursor::Cursor;

/// Whether a text is a JSON object that serde_json reads for certain.
///
/// A document is looked at whenever its session is loaded, so that one that cannot be read is an error there and then, and read
/// only when somebody asks for an entry. Of 8 kB it takes 124,000 instructions to look, where serde_json's parser takes 212,000 to
/// visit what nobody keeps. It is the grammar of RFC 8259, and says no where it would have to calculate: of what nests deeper than
/// serde_json follows, of numbers with an exponent or hundreds of digits, which an `f64` may not hold, of escaped surrogates, and of
/// keys that begin with a dollar or a backslash.
pub(super) fn is_readable_object(document: &str) -> bool {
    Cursor { rest: document.as_bytes() }.object().is_some()
}

/// Containers within each other that serde_json follows.
pub(super) const DEEPEST: u32 = 127;

impl Cursor<'_> {
    /// The whole text.
    fn object(&mut self) -> Option<()> {
        if self.token()? != b'{' {
            return None;
        }
        // A bit for each open container, that of the innermost lowest: whether it is an object.
        let (mut open, mut depth, mut is_empty) = (1_u128, 1, true);
        while depth > 0 {
            let is_object = open & 1 == 1;
            let mut next = self.token()?;
            if next == if is_object { b'}' } else { b']' } {
                (open, depth, is_empty) = (open >> 1, depth - 1, false);
                continue;
            }
            if !is_empty {
                if next != b',' {
                    return None;
                }
                next = self.token()?;
            }
            if is_object {
                if next != b'"' {
                    return None;
                }
                self.key()?;
                if self.token()? != b':' {
                    return None;
                }
                next = self.token()?;
            }
            is_empty = false;
            match next {
                b'"' => self.string()?,
                b'{' | b'[' => {
                    (open, depth, is_empty) = (open << 1 | u128::from(next == b'{'), depth + 1, true);
                    if depth > DEEPEST {
                        return None;
                    }
                }
                b'-' => {
                    let first = self.byte()?;
                    self.number(first)?;
                }
                b't' => self.word(b"rue")?,
                b'f' => self.word(b"alse")?,
                b'n' => self.word(b"ull")?,
                first => self.number(first)?,
            }
        }
        self.token().is_none().then_some(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    use super::*;

    pub(in super::super) fn is_read(document: &str) -> bool {
        serde_json::from_str::<Map<String, Value>>(document).is_ok()
    }

    // S23 SECURITY 23
    #[test]
    fn an_object_is_known_to_be_readable() {
        let nested = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        let documents = [
            "{}",
            " { } ",
            "{\"a\":1}",
            "\n{\t\"a\" :\r[ ] , \"b\" : { } }\n",
            "{\"a\":[1,-2,0.5,-0.25,0,-0,null,true,false,\"\"],\"a\":{\"b\":[[],{}]}}",
            "{\"\":\"é😀\\u00e9\\uFFFF\\\"\\\\\\/\\b\\f\\n\\r\\t\u{7f}\"}",
            "{\"a\":\"]}\",\"b\":\"{[\"}",
            "{\"a\":99999999999999999999999999.99999999999999999999999999}",
        ];
        let long = format!("{{\"a\":9{}}}", "0".repeat(300));
        for document in documents.into_iter().chain([nested(126).as_str(), &long]) {
            assert!(is_readable_object(document) && is_read(document), "{document}");
        }
    }

    // S23 SECURITY 23
    #[test]
    fn what_may_not_be_readable_is_not_known_to_be() {
        let nested = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        let broken = [
            "",
            " ",
            "null",
            "[]",
            "7",
            "\"text\"",
            "{",
            "}",
            "{]",
            "{\"a\":[}",
            "{\"a\":]}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{,}",
            "{\"a\":[1,]}",
            "{\"a\":[,1]}",
            "{\"a\":[1 2]}",
            "{\"a\":1 \"b\":2}",
            "{\"a\"1}",
            "{a:1}",
            "{1:2}",
            "{\"a\":1}}",
            "{\"a\":1} {}",
            "{\"a\":tru}",
            "{\"a\":truer}",
            "{\"a\":nul",
            "{\"a\":False}",
            "{\"a\":01}",
            "{\"a\":-}",
            "{\"a\":-01}",
            "{\"a\":+1}",
            "{\"a\":1.}",
            "{\"a\":.5}",
            "{\"a\":1.5.5}",
            "{\"a\":--1}",
            "{\"a\":0x1}",
            "{\"a\":1e}",
            "{\"a\":1e400}",
            "{\"a\":NaN}",
            "{\"a\":\"}",
            "{\"a\":\"\\\"}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"\\u12\"}",
            "{\"a\":\"\\u+123\"}",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":\"\u{1}\"}",
            "{\"a\":\"\n\"}",
            "{'a':1}",
            "\u{feff}{}",
            "{}\0",
        ];
        let long = format!("{{\"a\":9{}}}", "0".repeat(400));
        for document in broken.into_iter().chain([nested(127).as_str(), &nested(20_000), &long]) {
            let shown = document.get(..40).unwrap_or(document);
            assert!(!is_readable_object(document), "{shown}");
            assert!(!is_read(document), "{shown}: the test is wrong");
        }
        // Readable, and not surely so without a calculation.
        for document in [
            "{\"$serde_json::private::RawValue\":1}",
            "{\"\\u0024a\":1}",
            "{\"a\":1e5}",
            "{\"a\":-1E-400}",
            "{\"a\":\"\\ud83d\\ude00\"}",
        ] {
            assert!(!is_readable_object(document) && is_read(document), "{document}");
        }
    }

    /// Texts of the pieces that JSON is made of.
    pub(in super::super) fn pieces() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "{", "}", "[", "]", ",", ":", "\"", "\"a\"", "\"a\":", "\\", "\\u00e9", "\\ud800", " ", "\n", "1", "0", "-", ".",
            "e", "+", "true", "false", "null", "é", "\u{1}", "x", "{}", "[]", "1.5",
        ]);
        prop::collection::vec(piece, 0..16).prop_map(|pieces| format!("{{\"k\":{}}}", pieces.concat()))
    }

    pub(in super::super) fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1e9..1e9).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 60, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        // S23 SECURITY 23
        #[test]
        fn what_is_known_to_be_readable_is_read(document in pieces()) {
            prop_assert!(!is_readable_object(&document) || is_read(&document), "{document}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        // SECURITY 23, PERFORMANCE P1
        #[test]
        fn what_is_written_is_known_to_be_readable(value in values(), at in any::<prop::sample::Index>(), byte in 0..0x80_u8) {
            let document = format!("{{\"k\":{value}}}");
            let is_left = ["e-", "e+", "\"$", "\"\\"].iter().any(|left| document.contains(left));
            prop_assert!(is_readable_object(&document) || is_left, "{document}");
            // With any byte of it changed it is not taken for more than it is.
            let mut changed = document.into_bytes();
            let place = at.index(changed.len());
            changed[place] = byte;
            if let Ok(changed) = String::from_utf8(changed) {
                prop_assert!(!is_readable_object(&changed) || is_read(&changed), "{changed}");
            }
        }
    }
}
