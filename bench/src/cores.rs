//! Which cores a measurement runs on.

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

/// The cores that this process was given.
#[derive(Debug)]
pub struct Cores(CpuSet);

impl Cores {
    pub fn of_this_process() -> nix::Result<Self> {
        sched_getaffinity(Pid::from_raw(0)).map(Cores)
    }

    /// Keeps this thread, and what it starts from now on, on the last core: for servers.
    ///
    /// A client and a server with a core each are as far apart as two machines without a network between them. Where the system
    /// moves them, an answer takes half or twice its time for seconds on end, whoever asked.
    pub fn last(&self) -> nix::Result<()> {
        self.keep_to(self.all().next_back())
    }

    /// Keeps this thread, and what it starts from now on, on the first core: for clients.
    pub fn first(&self) -> nix::Result<()> {
        self.keep_to(self.all().next())
    }

    /// Lets this thread, and what it starts from now on, run everywhere again.
    pub fn free(&self) -> nix::Result<()> {
        sched_setaffinity(Pid::from_raw(0), &self.0)
    }

    fn all(&self) -> impl DoubleEndedIterator<Item = usize> {
        (0..CpuSet::count()).filter(|core| self.0.is_set(*core).unwrap_or(false))
    }

    fn keep_to(&self, core: Option<usize>) -> nix::Result<()> {
        let mut one = CpuSet::new();
        one.set(core.unwrap_or(0))?;
        sched_setaffinity(Pid::from_raw(0), &one)
    }
}
