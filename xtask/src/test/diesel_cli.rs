//! The `diesel` program that the tests run: one version, for all engines, built once.

use std::path::PathBuf;

use crate::Outcome;
use crate::engine::Engine;
use crate::task::Task;
use crate::workspace::target;

const VERSION: &str = "2.3.14";

/// Where the program is; builds it when it is not there in this version.
pub(crate) fn installed() -> Outcome<PathBuf> {
    let tools = target().join("tools");
    let program = tools.join("bin").join("diesel");
    if !is_right(&program) {
        Task::cargo("install diesel_cli --locked --force --debug --no-default-features --features")
            .arg("sqlite-bundled postgres mysql")
            .arg(format!("--version={VERSION}"))
            .arg("--root")
            .arg(tools.display().to_string())
            .arg("--target-dir")
            .arg(tools.join("build").display().to_string())
            .run()?;
    }
    if is_right(&program) { Ok(program) } else { Err(format!("{} is not diesel_cli {VERSION}", program.display()).into()) }
}

fn is_right(program: &PathBuf) -> bool {
    let answer = Task::new(program, "--version").answer().unwrap_or_default();
    let words: Vec<_> = answer.split_whitespace().collect();
    words.contains(&VERSION) && Engine::ALL.iter().all(|engine| words.contains(&engine.feature()))
}
