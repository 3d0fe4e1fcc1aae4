//! `cargo xtask broken-guards`: takes each guard away in a copy of the workspace, and sees that the tests find it.

mod mutant;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use xtask::servers::{Postgres, Settings};

use self::mutant::{MUTANTS, Mutant};
use crate::Outcome;
use crate::engine::Engine;
use crate::run_directory::RunDirectory;
use crate::task::Task;
use crate::workspace::{files, root, target};

/// Tests an untouched copy, which must pass, then one copy for each mutant, which must not; each on an engine that misses its
/// guard.
pub(crate) fn run() -> Outcome {
    run_on_engines(Untouched::IsTested)
}

/// The same where the workspace itself has just passed the tests: nothing shows anew that they pass.
pub(crate) fn run_after_the_tests() -> Outcome {
    run_on_engines(Untouched::HasPassed)
}

/// What is known of the guards as they are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Untouched {
    IsTested,
    HasPassed,
}

fn run_on_engines(untouched: Untouched) -> Outcome {
    run_on(Engine::Sqlite, untouched, &[])?;
    let variable = Engine::Postgres.url_variable().unwrap_or_default();
    if env::var(variable).is_ok_and(|url| !url.is_empty()) {
        return run_on(Engine::Postgres, untouched, &[]);
    }
    if !Postgres::installed() {
        println!("guards that only PostgreSQL has are passed over: it is not installed, and {variable} names no server");
        return Ok(());
    }
    let directory = RunDirectory::new()?;
    let server = Postgres::start_with(directory.path(), Settings { durable: false, ..Settings::default() })?;
    run_on(Engine::Postgres, untouched, &[(variable, server.url())])
}

fn run_on(engine: Engine, untouched: Untouched, variables: &[(&'static str, String)]) -> Outcome {
    let test = |copy: &Path, option| cargo_test(copy, engine, option).envs(variables);
    if untouched == Untouched::IsTested {
        test(&fresh_copy("untouched")?, "").run()?;
    }
    for mutant in MUTANTS.iter().filter(|mutant| mutant.engine == engine) {
        let copy = fresh_copy(mutant.name)?;
        mutant.apply(&copy)?;
        test(&copy, "--no-run").run().map_err(|error| format!("{} does not compile: {error}", mutant.name))?;
        println!("found: {}: {}", mutant.name, evidence(mutant, &test(&copy, ""))?);
    }
    Ok(())
}

/// Runs the tests on a mutant; what they say must be a failed assertion. Returns the line with the seed, if there is one.
fn evidence(mutant: &Mutant, test: &Task) -> Outcome<String> {
    let output = test.output()?;
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
fn cargo_test(copy: &Path, engine: Engine, option: &str) -> Task {
    Task::cargo("test --test interleavings --no-default-features --features")
        .arg(format!("{},testing", engine.feature()))
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
