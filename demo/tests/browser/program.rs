//! A program that a test starts, and that ends with the test.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

/// A running program.
pub(crate) struct Program {
    child: Child,
}

impl Program {
    /// Starts it, and reads its lines until one has `mark` in it: gives what follows there, up to the first character that cannot
    /// belong to an address. What it says elsewhere goes to the file `log`.
    pub(crate) fn start(command: &mut Command, mark: &str, log: &Path) -> (Program, String) {
        // A group of its own, which can be ended as a whole.
        command.process_group(0);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(log).unwrap()).spawn();
        let mut program = Program { child: child.unwrap_or_else(|error| panic!("{command:?}: {error}")) };
        let mut lines = BufReader::new(program.child.stdout.take().unwrap()).lines();
        let found = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let (_, rest) = line.split_once(mark)?;
            Some(rest.split(|letter: char| letter.is_whitespace()).next().unwrap_or_default().trim_end_matches('.').to_owned())
        });
        let Some(found) = found else {
            panic!("{command:?} ended early: {}", std::fs::read_to_string(log).unwrap_or_default());
        };
        // Whoever writes into a closed pipe dies of it.
        std::thread::spawn(move || lines.for_each(drop));
        (program, found)
    }
}

impl Program {
    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(mut self) -> ExitStatus {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
            return;
        }
        // Not waited for yet, so its number is still its own. There is nobody to tell of an error: it has ended already.
        let _ = rustix::process::kill_process_group(rustix::process::Pid::from_child(&self.child), rustix::process::Signal::KILL);
        let _ = self.child.wait();
    }
}
