//! What a machine must have, and how it gets it.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::Outcome;
use crate::task::Task;

/// Something that a chore cannot do without.
pub(crate) struct Need {
    /// What it is called in messages.
    pub(crate) name: &'static str,
    /// The Debian packages that bring it.
    pub(crate) packages: &'static [&'static str],
    /// Whether it is there.
    pub(crate) is_met: fn() -> bool,
}

/// Sees to it that every need is met: on Debian, as root or with sudo, it installs exactly what is missing.
pub(crate) fn ensure(needs: &[Need]) -> Outcome {
    let missing: Vec<_> = needs.iter().filter(|need| !(need.is_met)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.iter().map(|need| need.name).collect::<Vec<_>>().join(", ");
    let packages = missing.iter().flat_map(|need| need.packages).copied().collect::<Vec<_>>().join(" ");
    let Some(prefix) = installer() else {
        return Err(format!("not installed: {names}. On Debian: apt-get install {packages}").into());
    };
    println!("not installed: {names}");
    prefix.clone().arg("apt-get").arg("update").run()?;
    let install = ["apt-get", "install", "-y", "--no-install-recommends"];
    let task = install.into_iter().chain(packages.split(' ')).fold(prefix, Task::arg);
    task.run()?;
    missing.iter().find(|need| !(need.is_met)()).map_or(Ok(()), |need| {
        Err(format!("{} is still missing after apt-get install {}", need.name, need.packages.join(" ")).into())
    })
}

/// What goes before `apt-get`, where it may be used. systemd then leaves the services alone that a package brings:
/// the chores start servers of their own.
fn installer() -> Option<Task> {
    const QUIETLY: &str = "env DEBIAN_FRONTEND=noninteractive SYSTEMD_OFFLINE=1";
    let on_path = |name| env::split_paths(&env::var_os("PATH").unwrap_or_default()).any(|dir| dir.join(name).is_file());
    if !on_path("apt-get") {
        return None;
    }
    if fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0) {
        return Some(Task::new("env", QUIETLY.trim_start_matches("env ")));
    }
    Task::new("sudo", "-n true").succeeds().then(|| Task::new("sudo", &format!("-n {QUIETLY}")))
}
