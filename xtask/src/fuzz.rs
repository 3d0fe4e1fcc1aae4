//! `cargo xtask fuzz`: the fuzz targets, each for a bounded time.
//!
//! The flags are those of cargo-fuzz, without a sanitizer, so that a stable compiler takes them: the library has no unsafe code.

use std::fs;

use crate::Outcome;
use crate::packages::{Need, ensure};
use crate::task::Task;
use crate::workspace::{root, target};

/// The targets in `fuzz/fuzz_targets`.
const TARGETS: &[&str] = &["open_sealed"];

/// Seconds for each target, unless another number is given.
const SECONDS: u32 = 60;

const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
                     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
                     -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 -Cdebug-assertions=on -Coverflow-checks=on";

/// Builds and runs every target. What makes one fail is kept under `target/fuzz`, and the command says where.
pub(crate) fn run(seconds: Option<&str>) -> Outcome {
    let seconds = seconds.map_or(Ok(SECONDS), str::parse).map_err(|error| format!("seconds are a number: {error}"))?;
    ensure(&[Need { name: "a C++ compiler", packages: &["g++"], is_met: || Task::new("c++", "--version").succeeds() }])?;
    // Named, so that build scripts and macros are not instrumented.
    let host = Task::new("rustc", "--print host-tuple").answer().ok_or("rustc does not say what it compiles for")?;
    let built = target().join("fuzz");
    Task::cargo("build --release --locked --manifest-path fuzz/Cargo.toml --target")
        .arg(&host)
        .env("RUSTFLAGS", FLAGS)
        .env("CARGO_TARGET_DIR", built.display().to_string())
        .run()?;
    for name in TARGETS {
        let (found, failures) = (built.join("corpus").join(name), built.join("failures").join(name));
        fs::create_dir_all(&found)?;
        fs::create_dir_all(&failures)?;
        // What is found goes into the first folder; the second is what the project begins with.
        Task::new(built.join(&host).join("release").join(name), "-print_final_stats=1 -max_len=4096")
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-artifact_prefix={}/", failures.display()))
            .arg(found.display().to_string())
            .arg(root().join("fuzz/corpus").join(name).display().to_string())
            .run()?;
    }
    Ok(())
}
