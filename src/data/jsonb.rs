//! Whether a jsonb can be read, found out without reading it.

use super::cursor::{Cursor, LONGEST};
use super::readable::DEEPEST;

/// Whether a text that PostgreSQL has written of a jsonb is an object that serde_json reads for certain. It is JSON, and of that
/// serde_json refuses what nests too deep and numbers that no `f64` holds; of keys that begin with a dollar or a backslash this
/// says no. PostgreSQL writes numbers without an exponent; of one that has it, this says no too.
pub(super) fn is_readable_jsonb(document: &str) -> bool {
    let text = document.as_bytes();
    text.starts_with(b"{") && (is_plain_jsonb(text) || Cursor { rest: text }.containers().is_some())
}

/// The same at a glance: whatever stands in its strings, there are so few containers that they cannot nest too deep, nowhere so many
/// digits, and nothing that looks like an exponent or like such a key. Of 8 kB it takes 46,000 instructions, with
/// few branches to guess; to look at each string takes 163,000.
fn is_plain_jsonb(text: &[u8]) -> bool {
    let mut depth = 3_u32; // the first bytes are none that three precede
    for start in (0..text.len()).step_by(BLOCK) {
        let rest = text.get(start..).unwrap_or_default();
        let found = match rest.first_chunk() {
            Some(block) => Found::of(block),
            None => Found::of(&padded(rest)),
        };
        depth += u32::from(found.deeper);
        if depth > DEEPEST || found.keys > 0 || usize::from(found.digits) == BLOCK || (found.exponents > 0 && has_exponent(rest))
        {
            return false;
        }
    }
    true
}

/// Bytes that are looked at together: a multiple of what a register holds, fewer than a byte can count, and so few that the longest
/// numbers that are let pass have all digits of one.
const BLOCK: usize = 64;
/// Bytes of the next block that are looked at with a block's last one.
const BEYOND: usize = 3;

/// The rest of a text that is less than a block and those after it, with zeros, which mean nothing.
fn padded(rest: &[u8]) -> [u8; BLOCK + BEYOND] {
    let mut block = [0; BLOCK + BEYOND];
    block.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    block
}

/// How much there is in a block, by each of its bytes and those that follow.
#[derive(Default)]
struct Found {
    /// Containers that may be deeper than the one before.
    deeper: u8,
    /// Strings that begin with a dollar or a backslash.
    keys: u8,
    /// A digit, an E and what an exponent begins with.
    exponents: u8,
    digits: u8,
}

impl Found {
    /// Without a branch, and over arrays of a known length, so that the compiler looks at many bytes at a time.
    fn of(block: &[u8; BLOCK + BEYOND]) -> Self {
        let from = |place: usize| block.get(place..).and_then(|rest| rest.first_chunk::<BLOCK>()).unwrap_or(&[0; BLOCK]);
        let mut found = Found::default();
        for (((first, second), third), fourth) in from(0).iter().zip(from(1)).zip(from(2)).zip(from(BEYOND)) {
            // A container behind one that has just ended is no deeper than that was.
            let is_next = ((*first == b'}') | (*first == b']')) & (*second == b',') & (*third == b' ');
            found.deeper += u8::from(((*fourth == b'{') | (*fourth == b'[')) & !is_next);
            found.keys += u8::from((*first == b'"') & ((*second == b'$') | (*second == b'\\')));
            found.exponents += u8::from(begins_exponent(*first, *second, *third));
            found.digits += u8::from(first.is_ascii_digit());
        }
        found
    }
}

fn begins_exponent(digit: u8, e: u8, begin: u8) -> bool {
    digit.is_ascii_digit() & (e | 0x20 == b'e') & (begin.is_ascii_digit() | (begin == b'-') | (begin == b'+'))
}

/// Whether something in the block that begins here, in a string perhaps, looks like a number with an exponent to its end.
fn has_exponent(rest: &[u8]) -> bool {
    let ends_as_one = |rest: &[u8]| {
        let end = rest.iter().skip(3).find(|byte| !byte.is_ascii_digit());
        matches!(end, Some(b',' | b']' | b'}' | b' ' | b'\n' | b'\t' | b'\r'))
    };
    let triples = rest.windows(3).take(BLOCK).enumerate();
    let mut begun = triples.filter(|(_, triple)| matches!(triple, [digit, e, begin] if begins_exponent(*digit, *e, *begin)));
    begun.any(|(place, _)| rest.get(place..).is_some_and(ends_as_one))
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
