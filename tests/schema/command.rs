//! The `diesel` program, in a directory with an empty `diesel.toml`: unconfigured.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::support::{Db, suite};
use crate::trees::folder;

suite! {
    run_redo_and_revert_work,
}

/// The program, and where it runs.
pub(crate) struct Diesel {
    program: PathBuf,
    dir: TempDir,
}

impl Diesel {
    /// `None` when the program is not installed: `cargo xtask test` does that.
    pub(crate) fn unconfigured() -> Option<Self> {
        let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/bin/diesel");
        let program = std::env::var_os("DIESEL_CLI").map_or(default, PathBuf::from);
        if !program.is_file() {
            let required = std::env::var_os("TEST_REQUIRE_ALL").is_some();
            assert!(!required, "{} is not there, and TEST_REQUIRE_ALL is set", program.display());
            eprintln!("skipped: {} is not there; `cargo xtask test` installs it", program.display());
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("diesel.toml"), "").unwrap();
        Some(Diesel { program, dir })
    }

    /// Where it runs.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Runs it on a database, and gives what it prints. Without a URL it has to find one itself.
    pub(crate) fn run<D: Db>(&self, db: Option<&D>, arguments: &[&str]) -> String {
        let mut command = Command::new(&self.program);
        command.current_dir(self.dir()).env_remove("DATABASE_URL").args(arguments);
        if let Some(db) = db {
            command.env("DATABASE_URL", db.url());
        }
        let output = command.output().unwrap();
        let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(output.status.success(), "{arguments:?}: {stderr}");
        stdout
    }
}

fn run_redo_and_revert_work<D: Db>(_: &D) {
    let Some(diesel) = Diesel::unconfigured() else { return };
    let db = D::empty().unwrap();
    let tree = folder(D::NAME).display().to_string();
    let migration = |verb| diesel.run(Some(&db), &["migration", verb, "--migration-dir", &tree]);
    let tables = || {
        let schema = diesel.run(Some(&db), &["print-schema"]);
        ["sessions (id)", "session_attributes (session_id, name)"].map(|table| schema.contains(table))
    };
    migration("run");
    assert_eq!(tables(), [true, true]);
    migration("redo");
    assert_eq!(tables(), [true, true]);
    migration("revert");
    assert_eq!(tables(), [false, false]);
    migration("run");
    assert_eq!(tables(), [true, true]);
    // The embedded ones are recorded under the same version: nothing is left to do for them.
    D::migrate(&mut db.connect());
}

// DESIGN section 6
#[cfg(feature = "sqlite")]
#[test]
fn a_fresh_clone_needs_the_sample_of_env_alone() {
    use crate::support::Sqlite;
    let Some(diesel) = Diesel::unconfigured() else { return };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (from, to) in [("diesel.toml", "diesel.toml"), (".env.sample", ".env")] {
        std::fs::copy(root.join(from), diesel.dir().join(to)).unwrap();
    }
    copy_tree(&root.join("migrations"), &diesel.dir().join("migrations"));
    let files = |dir: &Path| -> Vec<String> {
        let mut names: Vec<String> =
            std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    let before = files(diesel.dir());
    diesel.run(None::<&Sqlite>, &["migration", "run"]);
    let mut expected = [before, vec!["diesel-sessions.sqlite3".to_owned()]].concat();
    expected.sort();
    assert_eq!(files(diesel.dir()), expected, "the database is all that it makes");
    assert!(diesel.run(None::<&Sqlite>, &["print-schema"]).contains("session_attributes (session_id, name)"));
    diesel.run(None::<&Sqlite>, &["migration", "redo"]);
}

/// Copies a directory and what is in it.
pub(crate) fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
