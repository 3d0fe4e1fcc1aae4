//! Whether a jsonb can be read, found out without reading it.

use super::cursor::{Cursor, LONGEST};
use super::readable::DEEPEST;

/// Whether a text that PostgreSQL has written of a jsonb is an object that serde_json reads for certain. It is JSON, and of that
/// serde_json refuses what nests too deep and numbers that no `f64` holds; of keys that begin with a dollar this says no. PostgreSQL
/// writes numbers without an exponent; of one that has it, this says no too.
pub(super) fn is_readable_jsonb(document: &str) -> bool {
    let text = document.as_bytes();
    text.starts_with(b"{") && (is_plain_jsonb(text) || Cursor { rest: text }.containers().is_some())
}

/// The same at a glance: whatever stands in its strings, there are so few containers that they cannot nest too deep, nowhere so many
/// digits, and nothing that looks like an exponent or like such a key. Of 8 kB it takes 91,000 instructions, with
/// few branches to guess; to look at each string takes 163,000.
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
const AT_ONCE: usize = 224;

/// How many of so many places after each other are such, by the byte there and the three that follow. They are counted in bytes, so
/// that the compiler looks at many at a time.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::readable::tests::{is_read, values};
    use super::*;

    // S23 SECURITY 23
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

    /// Objects that PostgreSQL may write, of values that serde_json reads and of others.
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

        // SECURITY 23, PERFORMANCE P2
        #[test]
        fn what_is_written_is_known_to_be_readable(value in values()) {
            let document = format!("{{\"k\":{value}}}");
            let is_left = ["e-", "e+", "\"$", "\"\\"].iter().any(|left| document.contains(left));
            prop_assert!(is_readable_jsonb(&document) || is_left, "{document}");
        }
    }
}
