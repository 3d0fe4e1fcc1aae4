//! Whether a licence expression lets the library be used under terms no stronger than the MPL 2.0.

use std::iter::Peekable;
use std::vec::IntoIter;

/// Licences that ask for no more than the MPL 2.0 does.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Evaluates an SPDX expression; `/`, as older packages write it, means OR. What is no expression is not allowed.
pub(super) fn is_allowed(expression: &str) -> bool {
    let spaced = ['(', ')', '/'].iter().fold(expression.to_owned(), |text, mark| text.replace(*mark, &format!(" {mark} ")));
    let words: Vec<String> = spaced.split_whitespace().map(String::from).collect();
    let mut words = words.into_iter().peekable();
    any(&mut words) == Some(true) && words.next().is_none()
}

type Words = Peekable<IntoIter<String>>;

/// `all (OR all)*`
fn any(words: &mut Words) -> Option<bool> {
    let mut allowed = all(words)?;
    while words.next_if(|word| word == "OR" || word == "/").is_some() {
        allowed |= all(words)?;
    }
    Some(allowed)
}

/// `one (AND one)*`
fn all(words: &mut Words) -> Option<bool> {
    let mut allowed = one(words)?;
    while words.next_if(|word| word == "AND").is_some() {
        allowed &= one(words)?;
    }
    Some(allowed)
}

/// `( any )` or a licence, with its exception.
fn one(words: &mut Words) -> Option<bool> {
    let word = words.next()?;
    if word == "(" {
        let allowed = any(words)?;
        return (words.next()? == ")").then_some(allowed);
    }
    let licence = match words.next_if(|word| word == "WITH") {
        Some(_with) => format!("{word} WITH {}", words.next()?),
        None => word,
    };
    Some(ALLOWED.contains(&licence.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_allowed_choice_is_enough() {
        for allowed in [
            "MIT",
            "MIT OR Apache-2.0",
            "MIT/Apache-2.0",
            "Fnord-1.0 / MIT",
            "MIT OR Apache-2.0 OR LGPL-2.1-or-later",
            "(MIT OR GPL-3.0-only) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR GPL-2.0-only",
            "GPL-2.0-only OR MIT AND ISC",
        ] {
            assert!(is_allowed(allowed), "{allowed}");
        }
    }

    #[test]
    fn what_all_must_obey_is_obeyed_by_all() {
        for refused in [
            "",
            "GPL-2.0-only",
            "GPL-2.0-only WITH Classpath-exception-2.0",
            "MIT AND GPL-3.0-only",
            "MIT AND (LGPL-3.0-only OR AGPL-3.0-only)",
            "GPL-2.0-only OR MIT AND LGPL-3.0-only",
            "MIT OR",
            "(MIT",
            "MIT)",
            "MIT MIT",
            "Apache-2.0 WITH",
        ] {
            assert!(!is_allowed(refused), "{refused}");
        }
    }
}
