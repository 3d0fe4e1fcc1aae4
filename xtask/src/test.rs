//! `cargo xtask test`: everything that runs, on every engine.

mod databases;
mod demo;
mod diesel_cli;
mod existing_app;
mod stacks;

use std::path::Path;

use self::databases::Databases;
use crate::Outcome;
use crate::broken_guards;
use crate::client_libraries;
use crate::engine::Engine;
use crate::fuzz;
use crate::packages::ensure;
use crate::run_directory::RunDirectory;
use crate::task::Task;

/// Runs all steps up to the first that fails. With `arguments`, runs only the tests, and cargo is given these.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let needs: Vec<_> = client_libraries::needs().into_iter().chain(databases::needs()).collect();
    ensure(&needs)?;
    if arguments.is_empty() {
        ensure(&demo::needs())?;
    }
    let diesel = diesel_cli::installed()?;
    let run = RunDirectory::new()?;
    let databases = Databases::start(run.path())?;
    if !arguments.is_empty() {
        return arguments.iter().fold(suite(&databases, &diesel), Task::arg).run();
    }
    for step in steps(run.path(), &databases, &diesel)? {
        step.run()?;
    }
    drop((databases, run)); // what follows has servers and a directory of its own
    fuzz::run(Some(FUZZ_SECONDS))?;
    broken_guards::run_after_the_tests()
}

/// How long each fuzz target runs along with the tests.
const FUZZ_SECONDS: &str = "20";

/// What runs against the databases, in order.
fn steps(run: &Path, databases: &Databases, diesel: &Path) -> Outcome<Vec<Task>> {
    let mut steps = vec![suite(databases, diesel)];
    for example in ["quickstart", "one_time_code"] {
        steps.push(Task::cargo("run --quiet --example").arg(example).without("DATABASE_URL"));
    }
    steps.push(Task::cargo("run --quiet --features axum,r2d2 --example axum"));
    for engine in Engine::ALL {
        steps.extend(existing_app::steps(*engine, run, databases.url(*engine), diesel)?);
    }
    steps.extend(stacks::steps(databases));
    steps.extend(demo::steps(databases));
    Ok(steps)
}

/// The test-suite, on all engines in one run. The demo is left to a step of its own, as one build of it has one engine.
fn suite(databases: &Databases, diesel: &Path) -> Task {
    Task::cargo("test --workspace --exclude demo --all-features --no-fail-fast")
        .envs(&databases.variables())
        .env("DIESEL_CLI", diesel.display().to_string())
}
