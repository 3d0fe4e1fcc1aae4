//! `cargo xtask tidy`: everything that is checked without running it.

mod features;
mod house_rules;
mod licence;
mod licences;

use crate::Outcome;
use crate::client_libraries;
use crate::engine::Engine;
use crate::task::Task;
use crate::workspace::target;

/// Prints everything that the house rules and the licences object to, then goes through the tools.
pub(crate) fn run() -> Outcome {
    client_libraries::present()?;
    let findings = [house_rules::findings()?, features::findings()?, licences::findings()?].concat();
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        return Err(format!("tidy objects to {} things", findings.len()).into());
    }
    tools().iter().try_for_each(Task::run)
}

/// Features that must do without each other. The first ones are tried with each engine.
const SETS: &[&str] = &[
    "",
    ",r2d2,testing",
    ",http",
    ",axum",
    ",actix-web",
    ",actix-session-0-11",
    ",tower-sessions-0-14",
    ",tower-sessions-0-15",
    ",deadpool-diesel",
    ",diesel-async-bb8,diesel-async-deadpool",
];
const WITH_EACH_ENGINE: usize = 2;

/// What the tools of Rust check.
fn tools() -> Vec<Task> {
    let mut tools = vec![
        Task::cargo("fmt --all --check"),
        Task::cargo("fmt --manifest-path fuzz/Cargo.toml --check"),
        Task::cargo("fmt --manifest-path stacks/sqlx_store/Cargo.toml --check"),
        Task::cargo("fmt --manifest-path bench/Cargo.toml --check"),
        Task::cargo("clippy --workspace --all-targets --all-features -- -D warnings"),
        Task::cargo("clippy --manifest-path bench/Cargo.toml --locked --target-dir")
            .arg(target().join("bench").display().to_string())
            .args("-- -D warnings"),
    ];
    for (engine, sets) in Engine::ALL.iter().zip([SETS.len(), WITH_EACH_ENGINE, WITH_EACH_ENGINE]) {
        for more in &SETS[..sets] {
            let features = format!("{}{more}", engine.feature());
            let clippy = "clippy --package diesel-sessions --lib --no-default-features --features";
            tools.push(Task::cargo(clippy).arg(features).args("-- -D warnings"));
        }
    }
    for engine in Engine::ALL {
        let clippy = "clippy --package diesel-sessions-cli --all-targets --no-default-features --features";
        tools.push(Task::cargo(clippy).arg(engine.feature()).args("-- -D warnings"));
    }
    for which in ["", "--document-private-items"] {
        let doc = Task::cargo("doc --workspace --no-deps --all-features").args(which);
        tools.push(doc.env("RUSTDOCFLAGS", "-D warnings"));
    }
    tools
}
