//! What a server says.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// A server's log, from where the present run of the server begins.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    start: usize,
}

impl Log {
    /// Goes on with the log at `path`, for a new run; the file is what the server writes to.
    pub(crate) fn begin(path: &Path) -> io::Result<(Self, File)> {
        let file = File::options().create(true).append(true).open(path)?;
        let start = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        Ok((Log { path: path.to_owned(), start }, file))
    }

    /// Whether this run said `words`.
    pub(crate) fn says(&self, words: &str) -> io::Result<bool> {
        Ok(self.text()?.contains(words))
    }

    /// The last lines of this run, for an error message.
    pub(crate) fn tail(&self) -> String {
        const LINES: usize = 15;
        match self.text() {
            Ok(text) if text.trim().is_empty() => "(nothing)".to_owned(),
            Ok(text) => {
                let lines: Vec<_> = text.lines().collect();
                lines[lines.len().saturating_sub(LINES)..].join("\n")
            }
            Err(error) => format!("(not readable: {error})"),
        }
    }

    fn text(&self) -> io::Result<String> {
        let bytes = fs::read(&self.path)?;
        Ok(String::from_utf8_lossy(bytes.get(self.start..).unwrap_or_default()).into_owned())
    }
}
