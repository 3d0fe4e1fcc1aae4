//! An application's folder, in which `init` runs.

use std::path::{Path, PathBuf};

use super::super::support::Db;
use super::super::tool::{Answer, answer, tool};

/// An application's folder.
pub(super) struct Application {
    pub(super) folder: tempfile::TempDir,
    url: String,
}

impl Application {
    pub(super) fn of<D: Db>(db: &D) -> Self {
        Self::at(db.url())
    }

    pub(super) fn at(url: impl Into<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("Cargo.toml"), "").unwrap();
        Application { folder, url: url.into() }
    }

    pub(super) fn init(&self, args: &[&str]) -> Answer {
        answer(tool(self.folder.path()).env("DATABASE_URL", &self.url).arg("init").args(args))
    }

    /// What it prints, where it must succeed.
    pub(super) fn model(&self, args: &[&str]) -> String {
        let answer = self.init(args);
        assert_eq!(answer.status, Some(0), "{args:?}: {}", answer.stderr);
        answer.stdout
    }

    /// The migrations' folders, in order.
    pub(super) fn migrations(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.folder.path().join("migrations")) else { return Vec::new() };
        let mut folders: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        folders.sort();
        folders
    }

    /// Runs all migrations, one file at a time, as diesel_cli does.
    pub(super) fn up<D: Db>(&self, conn: &mut D::Conn) {
        self.migrations().iter().for_each(|folder| D::execute(conn, &read(&folder.join("up.sql"))));
    }

    pub(super) fn down<D: Db>(&self, conn: &mut D::Conn) {
        self.migrations().iter().rev().for_each(|folder| D::execute(conn, &read(&folder.join("down.sql"))));
    }

    /// Another command on its database.
    pub(super) fn run(&self, args: &[&str]) -> Answer {
        answer(tool(self.folder.path()).env("DATABASE_URL", &self.url).args(args))
    }
}

pub(super) fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap()
}
