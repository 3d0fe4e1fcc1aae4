//! A run whose memory is watched.

use std::io::{Read, Seek};
use std::process::Stdio;
use std::sync::mpsc::channel;
use std::time::Duration;

use super::tool::tool;

/// Runs the tool; the most memory that it had, in KiB, and the end of what it printed.
pub(crate) fn watched(url: &str, args: &[&str]) -> (u64, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut printed = tempfile::tempfile().unwrap();
    let mut command = tool(folder.path());
    command.env("DATABASE_URL", url).args(args).stdout(Stdio::from(printed.try_clone().unwrap()));
    let mut child = command.spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let (sender, ended) = channel();
    let waiting = std::thread::spawn(move || sender.send(child.wait().unwrap()).unwrap());
    let mut peak = 0;
    let exit = loop {
        peak = peak.max(high_water_mark(&std::fs::read_to_string(&status).unwrap_or_default()));
        if let Ok(exit) = ended.recv_timeout(Duration::from_millis(2)) {
            break exit;
        }
    };
    waiting.join().unwrap();
    assert!(exit.success(), "{args:?}");
    assert!(peak > 0, "it was seen while it ran");
    let end = printed.metadata().unwrap().len().saturating_sub(1_000);
    printed.seek(std::io::SeekFrom::Start(end)).unwrap();
    let mut last = Vec::new();
    printed.read_to_end(&mut last).unwrap();
    (peak, String::from_utf8_lossy(&last).into_owned())
}

/// `VmHWM:     12345 kB`: it never goes down while a process lives.
fn high_water_mark(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}
