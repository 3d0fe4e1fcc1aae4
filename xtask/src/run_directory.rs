//! The directory of one run of a chore.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::id;

use crate::workspace::target;

/// A directory under `target/servers`, removed with the value. Each run has its own, so runs do not meet.
#[derive(Debug)]
pub(crate) struct RunDirectory(PathBuf);

impl RunDirectory {
    /// Makes it, and removes those of runs that were killed.
    pub(crate) fn new() -> io::Result<Self> {
        let servers = target().join("servers");
        fs::create_dir_all(&servers)?;
        for entry in fs::read_dir(&servers)? {
            let entry = entry?;
            let process = entry.file_name().to_str().and_then(|name| name.strip_prefix("run-")?.parse::<u32>().ok());
            if process.is_some_and(|process| process == id() || !Path::new(&format!("/proc/{process}")).exists()) {
                fs::remove_dir_all(entry.path())?;
            }
        }
        let dir = servers.join(format!("run-{}", id()));
        fs::create_dir(&dir)?;
        Ok(RunDirectory(dir))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for RunDirectory {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("left behind {}: {error}", self.0.display());
        }
    }
}
