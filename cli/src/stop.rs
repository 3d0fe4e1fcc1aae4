//! Being asked to stop: SIGINT and SIGTERM. The first is heard between two batches, a second ends the process at once.

use std::cell::Cell;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::database::Engine;
use crate::failure::Failure;

/// The longest rest between two batches.
const LONGEST_REST: Duration = Duration::from_secs(1);

/// Whether somebody wants the process to stop.
pub(crate) struct Stop {
    signals: Receiver<u8>,
    asked: Cell<Option<u8>>,
}

impl Stop {
    /// From now on, signals are heard. Where there are none of this kind (Windows), the system ends the process itself.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let (sender, signals) = channel();
        #[cfg(unix)]
        {
            use signal_hook::consts::{SIGINT, SIGTERM};
            let deaf = |error| Failure::io("cannot listen to signals", error);
            let mut incoming = signal_hook::iterator::Signals::new([SIGINT, SIGTERM]).map_err(deaf)?;
            std::thread::spawn(move || {
                let mut is_first = true;
                for number in incoming.forever() {
                    let heard = u8::try_from(number).is_ok_and(|number| sender.send(number).is_ok());
                    if !heard || !is_first {
                        std::process::exit(128 + number);
                    }
                    is_first = false;
                }
            });
        }
        #[cfg(not(unix))]
        drop(sender);
        Ok(Stop { signals, asked: Cell::new(None) })
    }

    /// The signal's number, once one has come.
    pub(crate) fn asked(&self) -> Option<u8> {
        self.wait(Duration::ZERO)
    }

    /// Waits a third as long as a batch took that began then, a second at most, so that a quarter of the time belongs to others, as in
    /// the library's own purge; the signal's number, once one has come.
    pub(crate) fn rest(&self, began: Instant) -> Option<u8> {
        self.wait((began.elapsed() / 3).min(LONGEST_REST))
    }

    /// Between two batches that write, the last one of which began then; the signal's number, once one has come.
    pub(crate) fn between_batches(&self, engine: Engine, began: Instant) -> Option<u8> {
        // SQLite lets one write at a time, and those who wait only look now and then.
        if engine == Engine::Sqlite { self.rest(began) } else { self.asked() }
    }

    /// Waits, but no longer than until a signal comes; its number then.
    pub(crate) fn wait(&self, duration: Duration) -> Option<u8> {
        if self.asked.get().is_none() {
            match self.signals.recv_timeout(duration) {
                Ok(number) => self.asked.set(Some(number)),
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
                // Nobody will ever send one: the time passes all the same.
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => std::thread::park_timeout(duration),
            }
        }
        self.asked.get()
    }
}
