//! Who a server runs as: oneself, or, as servers should not and some will not be root's, another user.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;
use std::process::{Command, Stdio, id};

/// A user that owns a server's files and processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Account {
    /// Whoever runs this process.
    Own,
    /// Another user; only root can choose it.
    Other {
        /// The user's number.
        uid: u32,
        /// The number of the user's own group.
        gid: u32,
    },
}

impl Account {
    /// Oneself, or the first of `names` that exists when this process is root's.
    pub(crate) fn unless_root(names: &[&str]) -> io::Result<Self> {
        if fs::metadata("/proc/self")?.uid() != 0 {
            return Ok(Account::Own);
        }
        for name in names {
            if let (Some(uid), Some(gid)) = (number_of("-u", name), number_of("-g", name)) {
                return Ok(Account::Other { uid, gid });
            }
        }
        Err(io::Error::other(format!("root must run it as another user, and there is none of {}", names.join(", "))))
    }

    /// A command that runs `program` as this user, and is killed when this process ends, however it ends.
    pub(crate) fn command(self, program: &Path) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]);
        if let Account::Other { uid, gid } = self {
            command.arg(format!("--reuid={uid}")).arg(format!("--regid={gid}")).arg("--init-groups");
        }
        // This process may have ended before the signal was asked for; then the program must not start.
        command.args(["sh", "-c", r#"[ "$PPID" = "$0" ] && exec "$@""#]).arg(id().to_string()).arg(program);
        command.current_dir("/").env("LC_ALL", "C").stdin(Stdio::null());
        command
    }

    /// Makes the user own `path`.
    pub(crate) fn take(self, path: &Path) -> io::Result<()> {
        match self {
            Account::Own => Ok(()),
            Account::Other { uid, gid } => chown(path, Some(uid), Some(gid)),
        }
    }

    /// Whether the user can reach `dir` and write there.
    pub(crate) fn can_write(self, dir: &Path) -> io::Result<bool> {
        let mut command = self.command("test".as_ref());
        command.args([OsStr::new("-w"), dir.as_os_str()]).stderr(Stdio::null());
        Ok(super::keeper::spawn(command)?.wait()?.success())
    }
}

fn number_of(which: &str, user: &str) -> Option<u32> {
    let output = Command::new("id").args([which, user]).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
