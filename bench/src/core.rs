//! Which cores a measurement runs on.

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

/// Keeps this thread, and what it starts from now on, on the last core.
///
/// A client that waits for its server, and a server that waits for its client, are on one core as fast as on two; where they are
/// left to move, an answer takes half or twice its time for seconds on end, whoever asked.
///
/// Gives the cores as they were, for [`free`].
pub fn pin() -> nix::Result<CpuSet> {
    let before = sched_getaffinity(Pid::from_raw(0))?;
    let last = (0..CpuSet::count()).rfind(|core| before.is_set(*core).unwrap_or(false)).unwrap_or(0);
    let mut one = CpuSet::new();
    one.set(last)?;
    sched_setaffinity(Pid::from_raw(0), &one)?;
    Ok(before)
}

/// Lets this thread, and what it starts from now on, run on these cores again.
pub fn free(cores: &CpuSet) -> nix::Result<()> {
    sched_setaffinity(Pid::from_raw(0), cores)
}
