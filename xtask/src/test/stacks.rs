//! Other people's frameworks, session crates and pools: the examples, and the store that an application comes from.

use super::databases::Databases;
use crate::engine::Engine;
use crate::task::Task;
use crate::workspace::target;

/// The examples of `stacks`, built as the tests were, and the tests of `stacks/sqlx_store`, with the tool as the tests have built it.
pub(crate) fn steps(databases: &Databases) -> Vec<Task> {
    let example = |name| Task::cargo("run --quiet --package stacks --all-features --example").arg(name);
    let mut steps = ["actix", "axum_login", "rocket"].map(|name| example(name).without("DATABASE_URL")).to_vec();
    if let Some(url) = databases.url(Engine::Postgres) {
        steps.push(example("diesel_async").env("DATABASE_URL", url));
    }
    let sqlx_store = Task::cargo("test --manifest-path stacks/sqlx_store/Cargo.toml --target-dir");
    let sqlx_store = sqlx_store.arg(target().join("sqlx_store").display().to_string()).envs(&databases.variables());
    steps.push(sqlx_store.env("DIESEL_SESSIONS", target().join("debug/diesel-sessions").display().to_string()));
    steps
}
