//! The scratch package: a program for each case, all built at once.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::case::Case;
use super::support::Db;
use super::tool::{answer, tool};

/// The `diesel` program; `None` when it is not installed: `cargo xtask test` does that.
pub(crate) fn diesel() -> Option<PathBuf> {
    let program = std::env::var_os("DIESEL_CLI").map_or_else(|| root().join("target/tools/bin/diesel"), PathBuf::from);
    if program.is_file() {
        return Some(program);
    }
    assert!(std::env::var_os("TEST_REQUIRE_ALL").is_none(), "{} is not there, and TEST_REQUIRE_ALL is set", program.display());
    eprintln!("skipped: {} is not there; `cargo xtask test` installs it", program.display());
    None
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The package, in a folder of its own.
pub(crate) struct Package {
    folder: TempDir,
    /// What is run: the program's name, and the URL of its database.
    programs: Vec<(&'static Case, String)>,
}

impl Package {
    /// One without programs. Its lock file is that of the library, so that nothing is fetched.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = root();
        std::fs::copy(root.join("Cargo.lock"), folder.path().join("Cargo.lock")).unwrap();
        let engines: Vec<&str> =
            [("sqlite", cfg!(feature = "sqlite")), ("postgres", cfg!(feature = "postgres")), ("mysql", cfg!(feature = "mysql"))]
                .into_iter()
                .filter_map(|(engine, is_here)| is_here.then_some(engine))
                .collect();
        let manifest = format!(
            "[package]\nname = \"scratch\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n\
             diesel = {{ version = \"2.3\", default-features = false, features = {engines:?} }}\n\
             diesel-sessions = {{ path = {root:?}, default-features = false, features = {engines:?} }}\n\
             uuid = {{ version = \"1\", features = [\"serde\"] }}\n\
             chrono = {{ version = \"0.4\", default-features = false }}\n\
             libsqlite3-sys = {{ version = \">=0.30.1, <0.39\", features = [\"bundled\"] }}\n\n\
             # Building takes less time without it.\n[profile.dev]\ndebug = false\n"
        );
        std::fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
        Package { folder, programs: Vec::new() }
    }

    /// Migrates the case's database as its developer would, and puts what was printed into a program.
    pub(crate) fn add<D: Db>(&mut self, case: &'static Case, db: &D, diesel: &Path) {
        let home = self.folder.path().join("homes").join(case.name);
        let users = home.join("migrations/2026-11-20-000000-0000_create_tables");
        std::fs::create_dir_all(&users).unwrap();
        std::fs::write(home.join("diesel.toml"), "").unwrap();
        std::fs::write(users.join("up.sql"), case.tables).unwrap();
        let diesel = |arguments: &[&str]| {
            let run = answer(Command::new(diesel).current_dir(&home).env("DATABASE_URL", db.url()).args(arguments));
            assert_eq!(run.status, Some(0), "{}: {arguments:?}: {}", case.name, run.stderr);
            run.stdout
        };
        let run = |arguments: &[&[&str]]| answer(tool(&home).env("DATABASE_URL", db.url()).args(arguments.concat()));
        diesel(&["migration", "run"]);
        let is_added = case.init.contains(&"--add-to");
        let names: &[&str] = if is_added { &[] } else { case.names };
        let init = run(&[&["init"], case.init, names]);
        assert_eq!(init.status, Some(0), "{}: {}", case.name, init.stderr);
        diesel(&["migration", "run"]);
        // What was written can be taken back.
        let written = std::fs::read_dir(home.join("migrations")).unwrap().count() - 1;
        diesel(&["migration", "redo", "-n", &written.to_string()]);

        let program = self.folder.path().join("src/bin").join(case.name);
        std::fs::create_dir_all(&program).unwrap();
        std::fs::write(program.join("session.rs"), init.stdout).unwrap();
        std::fs::write(program.join("schema.rs"), diesel(&["print-schema"])).unwrap();
        std::fs::write(program.join("main.rs"), case.program()).unwrap();

        // The server that tests use flushes less than one should.
        let doctor = run(&[&["doctor", "--format", "json"], case.names]);
        let found: serde_json::Value =
            serde_json::from_str(&doctor.stdout).unwrap_or_else(|_| panic!("{}: {}", case.name, doctor.stderr));
        let bad: Vec<_> = found["findings"].as_array().unwrap().iter().filter(|finding| finding["severity"] == "error").collect();
        assert!(bad.is_empty(), "{}: {bad:?}", case.name);
        self.programs.push((case, db.url()));
    }

    /// Builds all programs.
    pub(crate) fn build(&self) {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(self.folder.path()).args(["build", "--offline", "--bins"]);
        let built = answer(cargo.env("CARGO_TARGET_DIR", root().join("target/scratch")));
        assert_eq!(built.status, Some(0), "{}", built.stderr);
    }

    /// Runs each, and looks at what it has left behind.
    pub(crate) fn run_all(&self) {
        for (case, url) in &self.programs {
            let run = answer(Command::new(root().join("target/scratch/debug").join(case.name)).arg(url));
            assert_eq!(run.status, Some(0), "{}: {}", case.name, run.stderr);
            let listed = answer(tool(self.folder.path()).env("DATABASE_URL", url).args(["list"]).args(case.names));
            assert_eq!(listed.status, Some(0), "{}: {}", case.name, listed.stderr);
            assert!(listed.stdout.lines().count() > 1, "{}: {}", case.name, listed.stdout);
        }
    }
}
