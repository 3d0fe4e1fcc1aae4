//! A terminal of a test's own, on which the tool asks.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::process::{Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Runs the tool on a terminal where somebody types this; its status, and all that the terminal showed.
pub(crate) fn typed(command: &mut Command, answer: &str) -> (Option<i32>, String) {
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&controller).unwrap();
    unlockpt(&controller).unwrap();
    let path = ptsname(&controller, Vec::new()).unwrap().into_string().unwrap();
    let end = || Stdio::from(OpenOptions::new().read(true).write(true).open(&path).unwrap());
    let mut child = command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
    // The command holds ends of its own; while they are open, the terminal has no end.
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut controller = File::from(controller);
    controller.write_all(answer.as_bytes()).unwrap();
    let (mut shown, mut buffer) = (Vec::new(), [0; 1024]);
    // A terminal whose other end is closed gives an error.
    while let Ok(length @ 1..) = controller.read(&mut buffer) {
        shown.extend_from_slice(&buffer[..length]);
    }
    (child.wait().unwrap().code(), String::from_utf8(shown).unwrap())
}
