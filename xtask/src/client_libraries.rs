//! The C libraries that the engines' features are linked with.

use std::env;
use std::path::PathBuf;

use crate::Outcome;
use crate::packages::{Need, ensure};
use crate::task::Task;

/// Sees to it that the library can be built with all its features.
pub(crate) fn present() -> Outcome {
    ensure(&needs())
}

/// What building with all features takes, found in the ways that the crates look for it.
pub(crate) fn needs() -> [Need; 3] {
    [
        Need { name: "a C compiler", packages: &["gcc", "libc6-dev"], is_met: || Task::new("cc", "--version").succeeds() },
        Need {
            name: "libpq",
            packages: &["libpq-dev"],
            is_met: || env::var_os("PQ_LIB_DIR").is_some() || knows("libpq") || pg_config_knows(),
        },
        Need {
            name: "libmariadb",
            packages: &["libmariadb-dev", "pkg-config"],
            is_met: || {
                env::var_os("MYSQLCLIENT_LIB_DIR").is_some()
                    || knows("mysqlclient")
                    || knows("libmariadb")
                    || Task::new("mysql_config", "--libs").succeeds()
            },
        },
    ]
}

/// The program comes with the server too, and then there may be no library where it points.
fn pg_config_knows() -> bool {
    let dir = Task::new("pg_config", "--libdir").answer().map(PathBuf::from);
    dir.is_some_and(|dir| ["so", "dylib", "a"].iter().any(|ending| dir.join("libpq").with_extension(ending).exists()))
}

fn knows(library: &str) -> bool {
    Task::new("pkg-config", &format!("--exists {library}")).succeeds()
}
