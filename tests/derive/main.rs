//! The derive macro: what it refuses, and what it says; and models of every kind that it takes.
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

#[cfg(feature = "sqlite")]
mod globs;
#[cfg(feature = "sqlite")]
mod models;

/// The compiler whose texts stand in `ui/*.stderr`. After an update `TRYBUILD=overwrite cargo test --all-features --test derive`
/// writes them anew, with the new version here; read the difference before you keep it.
#[cfg(all(feature = "sqlite", feature = "postgres", feature = "mysql"))]
const COMPILER: &str = "rustc 1.95.";

// One compiler run for each file in `ui/`.
#[cfg(all(feature = "sqlite", feature = "postgres", feature = "mysql"))]
#[test]
fn what_breaks_a_rule_is_refused_at_the_users_token() {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = std::process::Command::new(rustc).arg("--version").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    assert!(version.starts_with("rustc 1."), "{version}");
    if !version.starts_with(COMPILER) {
        return eprintln!("skipped: the refusals are worded as {COMPILER}x words them, and this is {version}");
    }
    trybuild::TestCases::new().compile_fail("tests/derive/ui/*.rs");
}

#[test]
fn every_refusal_of_the_derive_says_what_to_do() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/derive/ui");
    let mut refusals = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "stderr") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        // The compiler's own errors carry a code; the derive's have none.
        for (place, line) in lines.iter().enumerate().filter(|(_, line)| line.starts_with("error: ")) {
            refusals += 1;
            assert!(lines[place + 1].trim_start().starts_with("help: "), "{}: {line}", path.display());
        }
    }
    assert!(refusals > 20);
}
