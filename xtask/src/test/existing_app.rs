//! The example `existing_app`, on a database that was made for it.

use std::fs;
use std::path::Path;
use std::process::id;

use crate::Outcome;
use crate::engine::Engine;
use crate::task::Task;

/// The commands that make the database, run the example and drop the database; `server` is where the engine's is.
pub(crate) fn steps(engine: Engine, run: &Path, server: Option<&str>, diesel: &Path) -> Outcome<Vec<Task>> {
    let Some(server) = server else {
        let file = run.join("existing_app.sqlite3");
        return Ok(vec![example(engine).env("DATABASE_URL", file.display().to_string())]);
    };
    let url = with_database(server, &format!("existing_app_{}", id()));
    let migrations = run.join("migrations");
    let first = migrations.join("00000000000000_diesel_initial_setup");
    fs::create_dir_all(&first)?;
    fs::write(first.join("up.sql"), "SELECT 1;\n")?; // else `diesel` writes one of its own, for PostgreSQL
    let database =
        |verb: &str| Task::new(diesel, &format!("database {verb} --migration-dir")).arg(migrations.display().to_string());
    Ok([database("setup"), example(engine), database("drop")].map(|task| task.env("DATABASE_URL", &url)).into())
}

fn example(engine: Engine) -> Task {
    let task = Task::cargo("run --quiet --example existing_app");
    if engine == Engine::Sqlite {
        task
    } else {
        task.arg("--no-default-features").arg("--features").arg(format!("{},r2d2", engine.feature()))
    }
}

/// The address `url` with another database.
fn with_database(url: &str, name: &str) -> String {
    let (address, query) = url.split_once('?').map_or((url, None), |(address, query)| (address, Some(query)));
    let host_begins = address.find("://").map_or(0, |at| at + 3);
    let host_ends = address[host_begins..].find('/').map_or(address.len(), |at| host_begins + at);
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}/{name}{query}", &address[..host_ends])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_database_changes() {
        assert_eq!(
            with_database("postgres://postgres@127.0.0.1:24113/postgres", "app"),
            "postgres://postgres@127.0.0.1:24113/app"
        );
        assert_eq!(
            with_database("mysql://root:pa%2Fss@db.example:3306/mysql", "app"),
            "mysql://root:pa%2Fss@db.example:3306/app"
        );
        assert_eq!(with_database("postgres://localhost", "app"), "postgres://localhost/app");
        assert_eq!(with_database("postgres://localhost/?sslmode=require", "app"), "postgres://localhost/app?sslmode=require");
        assert_eq!(with_database("postgres://localhost/x?sslrootcert=/a/b", "app"), "postgres://localhost/app?sslrootcert=/a/b");
    }
}
