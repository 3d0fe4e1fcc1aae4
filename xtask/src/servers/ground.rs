//! The directory that a server lives in.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf, absolute};
use std::process::id;
use std::sync::atomic::{AtomicU32, Ordering};

use super::account::Account;

/// A directory that a server's user can write to; removed at the end when it had to be made elsewhere.
#[derive(Debug)]
pub(crate) struct Ground {
    dir: PathBuf,
    elsewhere: bool,
}

impl Ground {
    /// `below/name`, or, where the user cannot get there (below root's home, say), a directory among the temporary ones.
    pub(crate) fn find(below: &Path, name: &str, account: Account) -> io::Result<Self> {
        let dir = absolute(below)?.join(name);
        fs::create_dir_all(&dir)?;
        account.take(&dir)?;
        if account.can_write(&dir)? {
            return Ok(Ground { dir, elsewhere: false });
        }
        sweep()?;
        let ground = Ground { dir: make_elsewhere(name)?, elsewhere: true };
        account.take(&ground.dir)?;
        if !account.can_write(&ground.dir)? {
            let places = format!("{} nor {}", dir.display(), ground.dir.display());
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!("{name}: its user can write to neither {places}"),
            ));
        }
        Ok(ground)
    }

    /// The server's own files.
    pub(crate) fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// The server's files while they are being made.
    pub(crate) fn unfinished(&self) -> PathBuf {
        self.dir.join("unfinished")
    }

    /// What the server says.
    pub(crate) fn log(&self) -> PathBuf {
        self.dir.join("log")
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let removed = if self.elsewhere { fs::remove_dir_all(&self.dir) } else { Ok(()) };
        if let Err(error) = removed {
            eprintln!("left behind {}: {error}", self.dir.display());
        }
    }
}

const PREFIX: &str = "diesel-sessions-server-";

/// A new directory that nobody else can look into; its name carries the number of this process.
fn make_elsewhere(name: &str) -> io::Result<PathBuf> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let dir = std::env::temp_dir().join(format!("{PREFIX}{}-{number}-{name}", id()));
    DirBuilder::new().mode(0o700).create(&dir)?;
    Ok(dir)
}

/// Removes what processes that were killed could not.
fn sweep() -> io::Result<()> {
    for entry in fs::read_dir(std::env::temp_dir())? {
        let entry = entry?;
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split('-').next()?.parse::<u32>().ok());
        let left_behind = owner.is_some_and(|owner| !Path::new(&format!("/proc/{owner}")).exists());
        if left_behind && entry.file_type()?.is_dir() {
            match fs::remove_dir_all(entry.path()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    eprintln!("left behind {}: {error}", entry.path().display())
                }
                _removed_or_gone => {}
            }
        }
    }
    Ok(())
}
