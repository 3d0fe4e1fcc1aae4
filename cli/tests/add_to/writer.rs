//! Somebody who writes to the table all the time, and notes how long each write takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::migration::Server;

/// What a writer has seen.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Seen {
    pub(crate) writes: u64,
    /// The longest single write.
    pub(crate) longest: Duration,
}

/// A thread with a connection of its own: updates of rows here and there, now and then a new row.
pub(crate) struct Writer {
    thread: JoinHandle<Seen>,
    is_over: Arc<AtomicBool>,
    writes: Arc<AtomicU64>,
}

impl Writer {
    pub(crate) fn start<D: Server>(db: &D, rows: u32) -> Self {
        let (is_over, writes) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let (over, written, mut conn) = (Arc::clone(&is_over), Arc::clone(&writes), db.connect());
        let thread = std::thread::spawn(move || {
            let mut seen = Seen::default();
            let mut place = 1;
            while !over.load(Ordering::Relaxed) {
                // Coprime to the number of rows: every row is met once, none twice in a row.
                place = (place + 7_919 * 31) % u64::from(rows);
                let sql = match seen.writes % 10 {
                    0 => "INSERT INTO visits (ip) VALUES ('192.0.2.7')".to_owned(),
                    _ => format!("UPDATE visits SET hits = hits + 1 WHERE id = {}", place + 1),
                };
                let began = Instant::now();
                D::execute(&mut conn, &sql);
                seen.longest = seen.longest.max(began.elapsed());
                seen.writes += 1;
                written.store(seen.writes, Ordering::Relaxed);
            }
            seen
        });
        Writer { thread, is_over, writes }
    }

    /// Waits until so many writes were made.
    pub(crate) fn wait_for(&self, writes: u64) {
        let goal = self.writes.load(Ordering::Relaxed) + writes;
        while self.writes.load(Ordering::Relaxed) < goal {
            assert!(!self.thread.is_finished(), "the writer has failed");
            std::thread::yield_now();
        }
    }

    /// Ends it, and gives what it has seen.
    pub(crate) fn stop(self) -> Seen {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }

    /// Ends it after so many writes.
    pub(crate) fn after(self, writes: u64) -> Seen {
        self.wait_for(writes);
        self.stop()
    }
}
