//! `cargo xtask broken-guards`: takes each guard away in a copy of the workspace, and sees that the tests find it.

mod mutant;

use std::fs;
use std::path::{Path, PathBuf};

use self::mutant::{MUTANTS, Mutant};
use crate::Outcome;
use crate::task::Task;
use crate::workspace::{files, root, target};

/// Tests an untouched copy, which must pass, then one copy for each mutant, which must not.
pub(crate) fn run() -> Outcome {
    let copy = fresh_copy("untouched")?;
    cargo_test(&copy, "").run()?;
    for mutant in MUTANTS {
        let copy = fresh_copy(mutant.name)?;
        mutant.apply(&copy)?;
        cargo_test(&copy, "--no-run").run().map_err(|error| format!("{} does not compile: {error}", mutant.name))?;
        println!("found: {}: {}", mutant.name, evidence(mutant, &copy)?);
    }
    Ok(())
}

/// Runs the tests on a mutant; what they say must be a failed assertion. Returns the line with the seed, if there is one.
fn evidence(mutant: &Mutant, copy: &Path) -> Outcome<String> {
    let output = cargo_test(copy, "").output()?;
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        return Err(format!("{}: the tests pass although the guard is missing", mutant.name).into());
    }
    let panics: Vec<_> = said.lines().filter(|line| line.contains("panicked at")).collect();
    let Some(first) = panics.first() else {
        return Err(format!("{}: the tests failed without an assertion:\n{said}", mutant.name).into());
    };
    let seed = said.lines().find(|line| line.to_ascii_lowercase().contains("seed"));
    Ok(seed.unwrap_or(first).trim().to_owned())
}

/// The tests that mix the steps of several requests. All copies share what was built of other people's crates.
fn cargo_test(copy: &Path, option: &str) -> Task {
    Task::cargo("test --features sqlite,testing --test interleavings")
        .args(option)
        .env("CARGO_TARGET_DIR", broken().join("target").display().to_string())
        .below(copy)
}

/// Copies the workspace as it is now.
fn fresh_copy(name: &str) -> Outcome<PathBuf> {
    let copy = broken().join(name);
    if copy.exists() {
        fs::remove_dir_all(&copy)?;
    }
    for file in files(root())? {
        let place = copy.join(file.strip_prefix(root())?);
        fs::create_dir_all(place.parent().unwrap_or(&copy))?;
        fs::copy(&file, place)?;
    }
    Ok(copy)
}

fn broken() -> PathBuf {
    target().join("broken")
}
