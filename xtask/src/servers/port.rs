//! A port that nobody uses.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{Ipv4Addr, TcpListener};

/// Ports below those that Linux gives to outgoing connections, so that a killed server finds its own again.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// Picks a free port of 127.0.0.1 at random. Another process may take it first: then try again.
pub(crate) fn free() -> io::Result<u16> {
    let random = RandomState::new();
    for attempt in 0..COUNT {
        let offset = u16::try_from(random.hash_one(attempt) % u64::from(COUNT)).unwrap_or(0);
        let port = FIRST + offset;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    Err(io::Error::new(io::ErrorKind::AddrInUse, format!("no free port from {FIRST} to {}", FIRST + COUNT - 1)))
}
