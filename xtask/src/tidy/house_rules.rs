//! Rules that the compiler does not know, for each line and each file.

use std::fs;
use std::path::Path;

use crate::Outcome;
use crate::workspace::{files, root};

/// Everything in the workspace that breaks a rule: where, and which.
pub(super) fn findings() -> Outcome<Vec<String>> {
    let mut findings = Vec::new();
    for file in files(root())? {
        let path = file.strip_prefix(root())?;
        if is_text(path) {
            findings.extend(broken(path, &fs::read_to_string(&file)?));
        }
    }
    Ok(findings)
}

/// A rule for lines.
struct Rule {
    /// What it says of a line that breaks it.
    objection: &'static str,
    /// The files it is for.
    concerns: fn(&Path) -> bool,
    /// Whether a line breaks it.
    is_broken: fn(&str) -> bool,
}

const RULES: &[Rule] = &[
    Rule { objection: "space at the end of the line", concerns: |_any| true, is_broken: |line| line.ends_with([' ', '\t']) },
    Rule {
        objection: "a test is run or removed, never ignored",
        concerns: is_rust,
        is_broken: |line| is_code(line) && line.contains(concat!("#[", "ignore")),
    },
    Rule {
        objection: "assert what the error is, not that there is a panic",
        concerns: is_rust,
        is_broken: |line| is_code(line) && line.contains(concat!("#[", "should_panic")),
    },
    Rule {
        objection: "an example is compiled (`no_run` and `compile_fail` are)",
        concerns: |_any| true,
        is_broken: |line| {
            let fence = line.trim_start().trim_start_matches(['/', '!']).trim_start();
            fence.strip_prefix("```").is_some_and(|info| info.split(',').any(|word| word.trim() == "ignore"))
        },
    },
    Rule {
        objection: "nothing sleeps: move the clock, or wait for the thing itself",
        // A server that starts or stops can only be asked again and again; a purge leaves time to others; demo and bench are
        // programs of their own.
        concerns: |path| {
            let may = ["xtask/src/servers", "src/repository/pace.rs", "demo", "bench"];
            is_rust(path) && !may.iter().any(|place| path.starts_with(place))
        },
        is_broken: |line| is_code(line) && line.contains(concat!("thread::", "sleep")),
    },
    Rule {
        objection: "only src/clock.rs asks the time",
        concerns: |path| is_rust(path) && path.starts_with("src") && path != Path::new("src/clock.rs"),
        is_broken: |line| is_code(line) && ["Utc", "Local", "SystemTime"].iter().any(|clock| asks(line, clock)),
    },
    Rule {
        objection: "only what waits on its own account looks at a stop-watch",
        concerns: |path| {
            let may = ["src/source/crew.rs", "src/repository/pace.rs", "src/repository/purge_task.rs"];
            is_rust(path) && path.starts_with("src") && !may.iter().any(|file| path == Path::new(file))
        },
        is_broken: |line| is_code(line) && asks(line, "Instant"),
    },
];

fn broken(path: &Path, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    if is_rust(path) && !says_what_it_holds(path, text) {
        findings.push(format!("{}: the first line is `//! …` and says what the file holds", path.display()));
    }
    for (number, line) in (1..).zip(text.lines()) {
        let objections = RULES.iter().filter(|rule| (rule.concerns)(path) && (rule.is_broken)(line));
        findings.extend(objections.map(|rule| format!("{}:{number}: {}", path.display(), rule.objection)));
    }
    findings
}

/// What tools wrote, and what is included in the middle of something else, cannot begin so.
fn says_what_it_holds(path: &Path, text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    ["//!", "#![doc", "// @generated"].iter().any(|start| first.starts_with(start))
        || first.starts_with("#![cfg_attr(") && first.contains("doc = ")
        || path.ends_with("doctest_setup.rs")
}

fn is_text(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ["rs", "toml", "md", "sql"].contains(&ending)) || path == Path::new(".ci/run")
}

fn is_rust(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "rs")
}

fn is_code(line: &str) -> bool {
    !line.trim_start().starts_with("//")
}

fn asks(line: &str, clock: &str) -> bool {
    line.split("::now").any(|before| before.ends_with(clock)) && line.contains("::now")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_finds_what_breaks_it() {
        let found = |path: &str, line: &str| broken(Path::new(path), &format!("//! A file.\n{line}\n")).len();
        let sleep = concat!("std::thread::", "sleep(second);");
        for (path, line, count) in [
            ("src/lib.rs", "let a = 1;", 0),
            ("src/lib.rs", "let a = 1; ", 1),
            ("README.md", "text\t", 1),
            ("tests/it/a.rs", concat!("#[", "ignore]"), 1),
            ("tests/it/a.rs", concat!("    #[", "should_panic(expected = \"x\")]"), 1),
            ("src/lib.rs", "/// ```rust,ignore", 1),
            ("README.md", "```ignore", 1),
            ("README.md", "```no_run", 0),
            ("tests/it/a.rs", sleep, 1),
            ("xtask/src/servers/process.rs", sleep, 0),
            ("src/policy.rs", "let now = Utc::now();", 1),
            ("src/policy.rs", "/// let now = Utc::now();", 0),
            ("src/policy.rs", "let now = self.clock.now(); let a = Clock::now(&b);", 0),
            ("src/clock.rs", "let now = Utc::now();", 0),
            ("src/policy.rs", "let now = Instant::now();", 1),
            ("src/repository/pace.rs", "let now = Instant::now();", 0),
            ("src/repository/pace.rs", sleep, 0),
        ] {
            assert_eq!(found(path, line), count, "{path}: {line}");
        }
    }

    #[test]
    fn a_file_begins_with_what_it_holds() {
        assert_eq!(broken(Path::new("src/a.rs"), "use std::fmt;\n").len(), 1);
        assert_eq!(broken(Path::new("src/a.rs"), "#![doc = include_str!(\"../README.md\")]\n").len(), 0);
        assert_eq!(broken(Path::new("src/a.rs"), "#![cfg_attr(unix, doc = include_str!(\"../README.md\"))]\n").len(), 0);
        assert_eq!(broken(Path::new("demo/src/schema.rs"), "// @generated automatically by Diesel CLI.\n").len(), 0);
        assert_eq!(broken(Path::new("a.sql"), "SELECT 1;\n").len(), 0);
    }
}
