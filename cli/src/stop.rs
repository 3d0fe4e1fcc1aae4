//! Being asked to stop: SIGINT and SIGTERM. The first is heard between two batches, a second ends the process at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::database::Engine;
use crate::failure::Failure;

/// How long a wait goes on after a signal, at most.
const TICK: Duration = Duration::from_millis(100);

/// Whether somebody wants the process to stop.
pub(crate) struct Stop {
    signal: Arc<AtomicUsize>,
}

impl Stop {
    /// From now on, signals are heard.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let deaf = |error| Failure::io("cannot listen to signals", error);
        let (signal, again) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        for number in [SIGINT, SIGTERM] {
            // In this order: the second signal finds the flag that the first has set.
            flag::register_conditional_shutdown(number, 128 + number, Arc::clone(&again)).map_err(deaf)?;
            flag::register(number, Arc::clone(&again)).map_err(deaf)?;
            let code = usize::try_from(number).unwrap_or_default();
            flag::register_usize(number, Arc::clone(&signal), code).map_err(deaf)?;
        }
        Ok(Stop { signal })
    }

    /// The signal's number, once one has come.
    pub(crate) fn asked(&self) -> Option<u8> {
        u8::try_from(self.signal.load(Ordering::Relaxed)).ok().filter(|number| *number != 0)
    }

    /// Between two batches that write, the last one of which began then; the signal's number, once one has come.
    pub(crate) fn between_batches(&self, engine: Engine, began: Instant) -> Option<u8> {
        // SQLite lets one write at a time, and those who wait only look now and then: half of the time is theirs.
        self.wait(if engine == Engine::Sqlite { began.elapsed() } else { Duration::ZERO })
    }

    /// Waits, but no longer than until a signal comes; its number then.
    pub(crate) fn wait(&self, duration: Duration) -> Option<u8> {
        let began = Instant::now();
        while self.asked().is_none() && began.elapsed() < duration {
            std::thread::sleep(TICK.min(duration.saturating_sub(began.elapsed())));
        }
        self.asked()
    }
}
