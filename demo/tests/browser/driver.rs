//! The program that moves the browsers.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::program::Program;
use crate::skipped::skipped;

/// A running chromedriver.
pub(crate) struct Driver {
    _program: Program,
    /// Host and port.
    pub(crate) address: String,
}

impl Driver {
    /// Starts one on a free port; `None`, and a word about it, where it or Chromium is not installed.
    pub(crate) fn start(dir: &Path) -> Option<Driver> {
        for program in ["chromium", "chromedriver"] {
            if !is_installed(program) {
                skipped(&format!("{program} is not installed (Debian: chromium, chromium-driver)"));
                return None;
            }
        }
        let mut command = Command::new("chromedriver");
        let (program, port) =
            Program::start(command.arg("--port=0"), "was started successfully on port ", &dir.join("chromedriver.log"));
        Some(Driver { _program: program, address: format!("127.0.0.1:{port}") })
    }
}

impl Drop for Driver {
    /// Lets the browsers end in peace, which removes what they have below /tmp. What is left of them ends with the group.
    fn drop(&mut self) {
        let Ok(mut stream) = TcpStream::connect(&self.address) else { return };
        let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
        let request = format!("GET /shutdown HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address);
        if stream.write_all(request.as_bytes()).is_ok() {
            // The driver closes the connection when it ends.
            let _ = stream.read_to_end(&mut Vec::new());
        }
    }
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(program).is_file())
}
