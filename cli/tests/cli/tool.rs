//! Running the tool, and what it answered.
#![allow(dead_code, reason = "no test target uses all of it")]

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// What a run has answered.
pub(crate) struct Answer {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The tool, not run yet: without the environment's own database, in a folder without `.env`.
pub(crate) fn tool(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_diesel-sessions"));
    for name in ["DATABASE_URL", "SESSION_KEYS", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS"] {
        command.env_remove(name);
    }
    command.current_dir(folder).env("TERM", "xterm").stdin(Stdio::null());
    command
}

/// Runs it with these arguments against a database.
pub(crate) fn run(url: &str, args: &[&str]) -> Answer {
    let folder = tempfile::tempdir().unwrap();
    answer(tool(folder.path()).env("DATABASE_URL", url).args(args))
}

/// Runs it, demands success, gives what it printed.
pub(crate) fn print(url: &str, args: &[&str]) -> String {
    let answer = run(url, args);
    assert_eq!(answer.status, Some(0), "{args:?}: {}", answer.stderr);
    answer.stdout
}

/// Runs it with `--format json` and reads the answer.
pub(crate) fn json(url: &str, args: &[&str]) -> Value {
    let args: Vec<_> = ["--format", "json"].iter().chain(args).copied().collect();
    serde_json::from_str(&print(url, &args)).unwrap()
}

/// Waits for a run to end.
pub(crate) fn answer(command: &mut Command) -> Answer {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Answer { status: status.code(), stdout: text(stdout), stderr: text(stderr) }
}

impl Answer {
    /// It failed with this status and one line that contains all of these.
    #[track_caller]
    pub(crate) fn assert_failed(&self, status: i32, parts: &[&str]) {
        assert_eq!(self.status, Some(status), "{}", self.stderr);
        assert_eq!(self.stdout, "");
        assert!(!self.stderr.contains('\u{1b}'), "no colours but on a terminal");
        assert_eq!(self.stderr.trim_end().lines().count(), 1, "one line, not: {}", self.stderr);
        for part in parts {
            assert!(self.stderr.contains(part), "no `{part}` in: {}", self.stderr);
        }
    }
}
