//! One command: printed, then run.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::Outcome;
use crate::workspace::root;

/// A command to run in the workspace's directory.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(&'static str, String)>,
    without: Vec<&'static str>,
    dir: PathBuf,
}

impl Task {
    /// A program and its arguments, which are separated by spaces.
    pub(crate) fn new(program: impl Into<PathBuf>, arguments: &str) -> Self {
        Task {
            program: program.into(),
            arguments: arguments.split_whitespace().map(String::from).collect(),
            environment: Vec::new(),
            without: Vec::new(),
            dir: root().to_owned(),
        }
    }

    /// Cargo, and its arguments.
    pub(crate) fn cargo(arguments: &str) -> Self {
        Task::new("cargo", arguments)
    }

    /// More arguments, separated by spaces.
    pub(crate) fn args(mut self, arguments: &str) -> Self {
        self.arguments.extend(arguments.split_whitespace().map(String::from));
        self
    }

    /// One more argument, which may hold spaces.
    pub(crate) fn arg(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Sets a variable. It is printed too, but for addresses, which may hold a password.
    pub(crate) fn env(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    /// Sets several variables.
    pub(crate) fn envs(mut self, variables: &[(&'static str, String)]) -> Self {
        self.environment.extend_from_slice(variables);
        self
    }

    /// Takes a variable away that the caller may have set.
    pub(crate) fn without(mut self, name: &'static str) -> Self {
        self.without.push(name);
        self
    }

    /// Runs it in another directory.
    pub(crate) fn below(mut self, dir: &Path) -> Self {
        dir.clone_into(&mut self.dir);
        self
    }

    /// Prints the command and runs it. It must succeed.
    pub(crate) fn run(&self) -> Outcome {
        println!("\n$ {self}");
        let status = self.command().status().map_err(|error| format!("could not run `{self}`: {error}"))?;
        if status.success() { Ok(()) } else { Err(format!("`{self}` ended with {status}").into()) }
    }

    /// Prints the command, runs it and keeps what it says.
    pub(crate) fn output(&self) -> Outcome<Output> {
        println!("\n$ {self}");
        self.command().output().map_err(|error| format!("could not run `{self}`: {error}").into())
    }

    /// What it says when it succeeds; nothing is printed.
    pub(crate) fn answer(&self) -> Option<String> {
        let output = self.command().output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Whether it succeeds; nothing is printed.
    pub(crate) fn succeeds(&self) -> bool {
        self.answer().is_some()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).envs(self.environment.iter().cloned()).current_dir(&self.dir);
        for name in &self.without {
            command.env_remove(name);
        }
        command
    }
}

/// The command as one would type it.
impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.environment {
            let shown = if name.ends_with("_URL") { "…".into() } else { quoted(value) };
            write!(f, "{name}={shown} ")?;
        }
        write!(f, "{}", quoted(&self.program.to_string_lossy()))?;
        self.arguments.iter().try_for_each(|argument| write!(f, " {}", quoted(argument)))
    }
}

/// A word as a shell takes it; what is in the workspace without the way there.
fn quoted(word: &str) -> Cow<'_, str> {
    let word = Path::new(word).strip_prefix(root()).ok().and_then(Path::to_str).unwrap_or(word);
    let is_plain = |letter: char| letter.is_alphanumeric() || "-_./:=,+@%…".contains(letter);
    if word.chars().all(is_plain) { word.into() } else { format!("'{word}'").into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_can_be_typed_and_holds_no_password() {
        let task =
            Task::cargo("run --features").arg("a b").env("FLAGS", "-D warnings").env("DATABASE_URL", "mysql://root:secret@host");
        assert_eq!(task.to_string(), "FLAGS='-D warnings' DATABASE_URL=… cargo run --features 'a b'");
    }
}
