//! The demo: on every engine, and with SQLite in a real browser.

use super::databases::Databases;
use crate::engine::Engine;
use crate::packages::Need;
use crate::task::Task;

/// The browser, and the program that drives it.
pub(crate) fn needs() -> [Need; 2] {
    [
        Need { name: "Chromium", packages: &["chromium"], is_met: || Task::new("chromium", "--version").succeeds() },
        Need {
            name: "ChromeDriver",
            packages: &["chromium-driver"],
            is_met: || Task::new("chromedriver", "--version").succeeds(),
        },
    ]
}

/// The demo's tests, once for each engine: a build has one. What a browser shows is the same on all of them.
pub(crate) fn steps(databases: &Databases) -> Vec<Task> {
    let test = |engine: &Engine| {
        let task = Task::cargo("test --package demo --features").arg(engine.feature());
        let task = if *engine == Engine::Sqlite { task } else { task.arg("--bin").arg("demo") };
        task.envs(&databases.variables()).without("DATABASE_URL")
    };
    Engine::ALL.iter().map(test).collect()
}
