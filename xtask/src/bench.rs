//! `cargo xtask bench`: how fast the library is, beside the bare client libraries and beside tower-sessions-sqlx-store.

use xtask::servers::{MariaDb, Postgres};

use crate::Outcome;
use crate::client_libraries;
use crate::packages::{Need, ensure};
use crate::task::Task;
use crate::workspace::target;

/// Builds the bench and runs it; without `arguments`, all of it, and the results are written into `bench/`.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let needs: Vec<_> = client_libraries::needs().into_iter().chain(needs()).collect();
    ensure(&needs)?;
    let built = target().join("bench");
    let task =
        Task::cargo("run --release --locked --manifest-path bench/Cargo.toml --target-dir").arg(built.display().to_string());
    arguments.iter().fold(task.arg("--"), Task::arg).run()
}

/// Servers of its own, wherever others may be, and the program that asks an HTTP server.
fn needs() -> [Need; 3] {
    [
        Need { name: "PostgreSQL", packages: &["postgresql"], is_met: Postgres::installed },
        Need { name: "MariaDB", packages: &["mariadb-server"], is_met: MariaDb::installed },
        Need { name: "wrk", packages: &["wrk"], is_met: || Task::new("sh", "-c").arg("command -v wrk").succeeds() },
    ]
}
