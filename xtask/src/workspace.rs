//! Where the workspace is, and its files.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// The workspace's own directory.
pub(crate) fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        // Cargo says it to what it runs; several copies of the workspace may share what was built.
        let package = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        package.parent().map(Path::to_owned).unwrap_or(package)
    });
    &ROOT
}

/// Where everything goes that a chore makes.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// Every file of the project below `dir`, in order: not what is built, and not git's own.
pub(crate) fn files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut entries = fs::read_dir(dir)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_file() {
            found.push(path);
        } else if kind.is_dir() && entry.file_name() != "target" && entry.file_name() != ".git" {
            found.extend(files(&path)?);
        }
    }
    Ok(found)
}
