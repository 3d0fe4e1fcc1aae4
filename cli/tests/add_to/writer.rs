//! Somebody who writes to the table all the time, and notes how long each write takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::migration::Server;

/// Between two writes: as many as a busy application makes, and time left for the migration, and for other tests.
const PACE: Duration = Duration::from_millis(1);

/// What a writer has seen.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Seen {
    pub(crate) writes: u64,
    /// The longest single write.
    pub(crate) longest: Duration,
    /// The longest that it was seen to wait for a lock, where the server tells.
    pub(crate) longest_lock: Option<Duration>,
}

impl Seen {
    /// The longest wait that can be laid to a lock: no more than a whole write.
    pub(crate) fn waited(&self) -> Duration {
        self.longest_lock.map_or(self.longest, |lock| lock.min(self.longest))
    }
}

/// A thread with a connection of its own: updates of rows here and there, now and then a new row. Another looks how long it
/// waits for locks.
pub(crate) struct Writer {
    thread: JoinHandle<Seen>,
    watcher: Option<JoinHandle<Duration>>,
    is_over: Arc<AtomicBool>,
    /// The writer ends when it is gone.
    going_on: Sender<()>,
    writes: Arc<AtomicU64>,
}

impl Writer {
    pub(crate) fn start<D: Server>(db: &D, rows: u32) -> Self {
        let (is_over, writes) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let (written, mut conn) = (Arc::clone(&writes), db.connect());
        let (going_on, end) = channel::<()>();
        let watcher = D::lock_wait(D::number(&mut conn, D::CONNECTION)).map(|sql| {
            let (over, mut watching) = (Arc::clone(&is_over), db.connect());
            std::thread::spawn(move || {
                let mut longest = 0;
                while !over.load(Ordering::Relaxed) {
                    longest = longest.max(D::number(&mut watching, &sql));
                }
                Duration::from_millis(longest.try_into().unwrap())
            })
        });
        let thread = std::thread::spawn(move || {
            let mut seen = Seen::default();
            let mut place = 1;
            while end.recv_timeout(PACE) == Err(RecvTimeoutError::Timeout) {
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
        Writer { thread, watcher, is_over, going_on, writes }
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
        drop(self.going_on);
        let longest_lock = self.watcher.map(|watcher| watcher.join().unwrap());
        Seen { longest_lock, ..self.thread.join().unwrap() }
    }
}
