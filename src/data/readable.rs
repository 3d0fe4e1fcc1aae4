//! Whether a document can be read, found out without reading it.

/// Whether a text is a JSON object that serde_json reads for certain.
///
/// A document is looked at whenever its session is loaded, so that one that cannot be read is an error there and then, and read
/// only when somebody asks for an entry. Of 8 kB it takes 124,000 instructions to look, where serde_json's parser takes 212,000 to
/// visit what nobody keeps. It is the grammar of RFC 8259, and says no where it would have to calculate: of what nests deeper than serde_json follows, of numbers with an exponent or hundreds of digits, which
/// an `f64` may not hold, of escaped surrogates, and of keys that begin with a dollar.
pub(super) fn is_readable_object(document: &str) -> bool {
    Cursor { rest: document.as_bytes() }.object().is_some()
}

/// The same of a text that PostgreSQL has written of a jsonb: it is JSON, and of that serde_json refuses what nests too deep, numbers
/// that no `f64` holds, and those keys. PostgreSQL writes numbers without an exponent; of one that has it, this says no.
#[cfg(feature = "postgres")]
pub(super) fn is_readable_jsonb(document: &str) -> bool {
    let text = document.as_bytes();
    text.starts_with(b"{") && (is_plain_jsonb(text) || Cursor { rest: text }.containers().is_some())
}

/// The same at a glance: whatever stands in its strings, there are so few containers that they cannot nest too deep, nowhere so many
/// digits, and nothing that looks like an exponent or like such a key. Of 8 kB it takes 91,000 instructions, with
/// few branches to guess; to look at each string takes 163,000.
#[cfg(feature = "postgres")]
fn is_plain_jsonb(text: &[u8]) -> bool {
    // A container behind one that has just ended is no deeper than that was.
    let is_deeper = |before: [u8; 3], byte: u8| {
        let is_next = ((before[0] == b'}') | (before[0] == b']')) & (before[1] == b',') & (before[2] == b' ');
        ((byte == b'{') | (byte == b'[')) & !is_next
    };
    let deeper = counts(text, |[first, second, third, fourth]| is_deeper([first, second, third], fourth));
    let depth = deeper.fold(3, |sum, count| sum + u32::from(count));
    let keys = counts(text, |[byte, next, ..]| (byte == b'"') & ((next == b'$') | (next == b'\\'))).any(|count| count > 0);
    // Any `LONGEST` digits in a row have a block of digits among them.
    let is_digits = |block: &[u8]| block.iter().fold(true, |all, byte| all & byte.is_ascii_digit());
    let digits = text.chunks_exact(32).any(is_digits);
    depth <= DEEPEST && !keys && !digits && !has_exponent(text)
}

/// Whether something, in a string perhaps, looks like a number with an exponent: a digit, an E, a number, the end of a value.
#[cfg(feature = "postgres")]
fn has_exponent(text: &[u8]) -> bool {
    let begins_one = |[first, second, third, _]: [u8; 4]| {
        first.is_ascii_digit() & (second | 0x20 == b'e') & (third.is_ascii_digit() | (third == b'-') | (third == b'+'))
    };
    let ends_as_one = |rest: &[u8]| {
        let end = rest.iter().skip(3).find(|byte| !byte.is_ascii_digit());
        matches!(end, Some(b',' | b']' | b'}' | b' ' | b'\n' | b'\t' | b'\r'))
    };
    let are_there = counts(text, begins_one).enumerate().filter(|(_, count)| *count > 0);
    let mut places = are_there.flat_map(|(chunk, _)| (chunk * AT_ONCE..).take(AT_ONCE));
    places.any(|place| {
        let rest = text.get(place..).unwrap_or_default();
        rest.first_chunk().is_some_and(|four| begins_one(*four)) && ends_as_one(rest)
    })
}

/// Places that are looked at together: a multiple of what a register holds, and no more than a byte can count.
#[cfg(feature = "postgres")]
const AT_ONCE: usize = 224;

/// How many of so many places after each other are such, by the byte there and the three that follow. They are counted in bytes, so
/// that the compiler looks at many at a time.
#[cfg(feature = "postgres")]
fn counts(text: &[u8], is_such: impl Fn([u8; 4]) -> bool) -> impl Iterator<Item = u8> {
    let from = |place: usize| text.get(place..).unwrap_or_default().chunks(AT_ONCE);
    let fours = from(0).zip(from(1)).zip(from(2)).zip(from(3));
    fours.map(move |(((first, second), third), fourth)| {
        let fours = first.iter().zip(second).zip(third).zip(fourth);
        fours.fold(0_u8, |sum, (((first, second), third), fourth)| {
            sum.wrapping_add(is_such([*first, *second, *third, *fourth]).into())
        })
    })
}

/// Containers within each other that serde_json follows.
const DEEPEST: u32 = 127;
/// Digits before a number's point; an `f64` holds those of 308.
const LONGEST: usize = 300;

/// What is left of a text; `None` from any of its methods: the text is not surely readable.
struct Cursor<'a> {
    rest: &'a [u8],
}

#[cfg(feature = "postgres")]
impl Cursor<'_> {
    /// The whole text, which is JSON: how its containers nest, and that no long number and no exponent lies between its strings and
    /// brackets.
    fn containers(&mut self) -> Option<()> {
        let mut depth = 0_u32;
        let is_exponent = |pair: &[u8]| matches!(pair, [b'0'..=b'9', b'e' | b'E']);
        while let Some(length) = self.rest.iter().position(|byte| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']')) {
            let (between, rest) = self.rest.split_at_checked(length)?;
            if length > LONGEST || between.windows(2).any(is_exponent) {
                return None;
            }
            self.rest = rest;
            match self.byte()? {
                b'"' => self.key()?,
                b'{' | b'[' => depth += 1,
                _ => depth = depth.checked_sub(1)?,
            }
            if depth > DEEPEST {
                return None;
            }
        }
        Some(())
    }
}

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

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// The next byte that is no white space.
    #[inline]
    fn token(&mut self) -> Option<u8> {
        loop {
            match self.byte()? {
                b' ' | b'\n' | b'\t' | b'\r' => {}
                token => return Some(token),
            }
        }
    }

    fn word(&mut self, expected: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(expected)?;
        Some(())
    }

    /// A key, in the way of a string. serde_json has a meaning of its own for some with a dollar, where an application switches on
    /// its features `raw_value` or `arbitrary_precision`.
    #[inline]
    fn key(&mut self) -> Option<()> {
        match self.rest.first()? {
            b'$' | b'\\' => None,
            _ => self.string(),
        }
    }

    /// What follows an opening quote, and the closing one.
    #[inline]
    fn string(&mut self) -> Option<()> {
        loop {
            self.plain();
            match self.byte()? {
                b'"' => return Some(()),
                b'\\' => self.escape()?,
                0..=0x1F => return None,
                _ => {}
            }
        }
    }

    /// Passes over bytes that stand for themselves in a string, eight at a time, and stops at the latest within eight of the last.
    #[inline]
    fn plain(&mut self) {
        const ONES: u64 = u64::from_ne_bytes([1; 8]);
        // A byte's highest bit is set where it is zero, and perhaps in bytes after the first of those.
        let zeros = |bytes: u64| bytes.wrapping_sub(ONES) & !bytes;
        while let Some((chunk, rest)) = self.rest.split_first_chunk() {
            let bytes = u64::from_le_bytes(*chunk);
            let controls = bytes.wrapping_sub(ONES * 0x20) & !bytes;
            let quotes = zeros(bytes ^ (ONES * u64::from(b'"')));
            let backslashes = zeros(bytes ^ (ONES * u64::from(b'\\')));
            let found = (controls | quotes | backslashes) & (ONES * 0x80);
            if found != 0 {
                self.rest = self.rest.get(found.trailing_zeros() as usize / 8..).unwrap_or_default();
                return;
            }
            self.rest = rest;
        }
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Option<()> {
        match self.byte()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => {
                let mut code = 0;
                for _ in 0..4 {
                    code = code << 4 | char::from(self.byte()?).to_digit(16)?;
                }
                char::from_u32(code).map(|_| ())
            }
            _ => None,
        }
    }

    /// What follows a number's first digit.
    fn number(&mut self, first: u8) -> Option<()> {
        match first {
            b'0' => {}
            b'1'..=b'9' if self.digits() <= LONGEST => {}
            _ => return None,
        }
        if let Some(fraction) = self.rest.strip_prefix(b".") {
            self.rest = fraction;
            if self.digits() == 0 {
                return None;
            }
        }
        match self.rest.first() {
            Some(b'e' | b'E') => None,
            _ => Some(()), // what must not follow a value is found by whoever looks for what may
        }
    }

    /// Passes over digits, and says how many there were.
    fn digits(&mut self) -> usize {
        let count = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.rest = self.rest.get(count..).unwrap_or_default();
        count
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    use super::*;

    fn is_read(document: &str) -> bool {
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

    // S23 SECURITY 23
    #[cfg(feature = "postgres")]
    #[test]
    fn a_jsonb_is_known_to_be_readable_unless_it_is_deep_or_long() {
        let nested = |levels: usize| format!("{{\"a\": {}{}}}", "[".repeat(levels), "]".repeat(levels));
        let number = |digits: usize| format!("{{\"a\": [0.1, 9{}]}}", "0".repeat(digits));
        for (document, is_known) in [
            ("{}".to_owned(), true),
            ("[]".to_owned(), false),
            ("7".to_owned(), false),
            (format!("{{\"a\": [{}1]}}", "{\"b\": [\"]]}}\\\"\", -0.5, null]}, ".repeat(500)), true),
            ("{\"a\": {\"$serde_json::private::RawValue\": 1}}".to_owned(), false),
            (format!("{{\"a\": \"{}\"}}", "[".repeat(9_000)), true),
            ("{\"a\": [true, false, 3]}".to_owned(), true),
            ("{\"a\": 1E+400}".to_owned(), false),
            ("{\"a\": 1e5}".to_owned(), false),
            ("{\"a\": \"1e400\", \"b\": \"3e5f, 7E\"}".to_owned(), true),
            ("{\"a\": \"$\", \"b\": \"\\\\$\"}".to_owned(), false),
            ("{\"a\": \"5$\", \"b\": \"\\n\"}".to_owned(), false),
            (format!("{{\"a\": \"{}\"}}", "9".repeat(9_000)), true),
            (format!("{{\"a\": [{}1]}}", "[], ".repeat(500)), true),
            (format!("{{\"a\": [{}1]}}", "{\"b\": [1]}, ".repeat(500)), true),
            (nested(126), true),
            (nested(127), false),
            (nested(20_000), false),
            (number(290), true),
            (number(309), false),
            (number(9_000), false),
        ] {
            let shown = document.get(..40).unwrap_or(&document);
            assert_eq!(is_readable_jsonb(&document), is_known, "{shown}");
            assert!(is_read(&document) || !is_known, "{shown}: the test is wrong");
        }
    }

    /// Texts of the pieces that JSON is made of.
    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "{", "}", "[", "]", ",", ":", "\"", "\"a\"", "\"a\":", "\\", "\\u00e9", "\\ud800", " ", "\n", "1", "0", "-", ".",
            "e", "+", "true", "false", "null", "é", "\u{1}", "x", "{}", "[]", "1.5",
        ]);
        prop::collection::vec(piece, 0..16).prop_map(|pieces| format!("{{\"k\":{}}}", pieces.concat()))
    }

    fn values() -> impl Strategy<Value = Value> {
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

    /// Objects that PostgreSQL may write, of values that serde_json reads and of others.
    #[cfg(feature = "postgres")]
    fn jsonbs() -> impl Strategy<Value = String> {
        let digits = |count| "9".repeat(count);
        let nested = |levels| "[".repeat(levels) + &"]".repeat(levels);
        let mut values =
            ["1E+400", "-2.5e400", "1E-400", "7", "0.5", "\"1e400\"", "\"1e400,\"", "\"\"", "\"\\\\\"", "{\"$a\": 1}"]
                .map(str::to_owned)
                .to_vec();
        values.extend([31, 32, 63, 64, 290, 309, 400].map(digits));
        values.extend([32, 64, 400].map(|count| format!("\"{}\"", digits(count))));
        values.extend([1, 2, 120, 125, 126, 127, 128].map(nested));
        let padding = prop::collection::vec(prop::sample::select(vec!["\"a\"", "true", "12", "{}", "\"é\""]), 0..40);
        (padding, prop::sample::select(values)).prop_map(|(padding, value)| {
            let before: String = padding.iter().map(|value| format!("{value}, ")).collect();
            format!("{{\"k\": [{before}{value}], \"l\": {value}}}")
        })
    }

    #[cfg(feature = "postgres")]
    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        // S23 SECURITY 23
        #[test]
        fn a_jsonb_that_is_known_to_be_readable_is_read(document in jsonbs()) {
            prop_assert!(!is_readable_jsonb(&document) || is_read(&document), "{document}");
            prop_assert!(!is_plain_jsonb(document.as_bytes()) || is_read(&document), "{document}");
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
            #[cfg(feature = "postgres")]
            prop_assert!(is_readable_jsonb(&document) || is_left, "{document}");
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
