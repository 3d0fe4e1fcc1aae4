//! A running server: its main process and that one's children.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use super::keeper;

/// A server's main process, started so that it cannot outlive this one.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts a command of [`Account::command`](super::account::Account::command); what it says goes to `log`.
    pub(crate) fn start(mut command: Command, log: File) -> io::Result<Self> {
        // A group of its own: Ctrl-C reaches whoever started the server, and the server through that one's end.
        command.stdout(log.try_clone()?).stderr(log).process_group(0);
        Ok(Process { child: keeper::spawn(command)? })
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Waits until it ends.
    pub(crate) fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }

    /// Ends the whole server at once: it writes nothing any more and tells nobody.
    pub(crate) fn kill(&mut self) -> io::Result<()> {
        if self.ended()?.is_some() {
            return Ok(());
        }
        let main = self.child.id();
        signal("STOP", &[main])?; // no child comes or goes any more, so the list is complete and its numbers stay theirs
        let children = children(main)?;
        self.child.kill()?;
        signal("KILL", &children)?;
        self.child.wait()?;
        if !within(PATIENCE, || Ok(!children.iter().any(|child| runs(*child))))? {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "children of a killed server still run"));
        }
        Ok(())
    }

    /// Asks the server to end with `signal_name`; kills it when it does not.
    pub(crate) fn stop(&mut self, signal_name: &str) -> io::Result<()> {
        if self.ended()?.is_some() {
            return Ok(());
        }
        signal(signal_name, &[self.child.id()])?;
        if within(PATIENCE, || Ok(self.ended()?.is_some()))? { Ok(()) } else { self.kill() }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Err(error) = self.kill() {
            eprintln!("could not kill process {}: {error}", self.child.id());
        }
    }
}

/// How long a server may take to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks again and again whether something is the case, until it is or the time is up.
pub(crate) fn within(patience: Duration, mut is_so: impl FnMut() -> io::Result<bool>) -> io::Result<bool> {
    let deadline = Instant::now() + patience;
    loop {
        if is_so()? {
            return Ok(true);
        }
        if deadline < Instant::now() {
            return Ok(false);
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Sends a signal to each process that is still there.
fn signal(name: &str, processes: &[u32]) -> io::Result<()> {
    for process in processes {
        // The shell's own `kill` is everywhere; it objects when the process is gone, which is as well.
        Command::new("sh").args(["-c", r#"kill -s "$0" "$1" 2>&-"#, name, &process.to_string()]).status()?;
    }
    Ok(())
}

fn children(parent: u32) -> io::Result<Vec<u32>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Some(process) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if state(process).is_some_and(|(_state, its_parent)| its_parent == parent) {
            found.push(process);
        }
    }
    Ok(found)
}

fn runs(process: u32) -> bool {
    state(process).is_some_and(|(state, _parent)| state != 'Z' && state != 'X')
}

/// The state and the parent of a process that is there: what follows its name, in parentheses, in `/proc/N/stat`.
fn state(process: u32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(Path::new("/proc").join(process.to_string()).join("stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}
