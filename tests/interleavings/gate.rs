//! The gate at which every worker waits before each statement, until the schedule lets it through.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// The most workers of a run.
pub(crate) const WORKERS: usize = 3;

/// What a worker that waits is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Before {
    /// A verb, or a statement of no interest to the schedule.
    Anything,
    /// It opens a transaction.
    Begin,
    /// It ends a transaction, and so releases its locks.
    End,
}

/// Where a worker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Not in this run, or at the end of its program.
    Away,
    /// Before a verb, or before a statement.
    Waiting { before: Before },
    /// Let through, and not back yet.
    Running,
}

#[derive(Debug)]
struct Inner {
    places: [Place; WORKERS],
    granted: [bool; WORKERS],
    statements: [usize; WORKERS],
    /// A statement failed since the schedule last asked.
    failed: bool,
    armed: bool,
}

/// The gate.
#[derive(Debug)]
pub(crate) struct Gate {
    inner: Mutex<Inner>,
    arrived: Condvar,
    opened: [Condvar; WORKERS],
    moments: AtomicU64,
}

impl Gate {
    /// A gate with nobody at it.
    pub(crate) fn new() -> Self {
        let inner = Inner {
            places: [Place::Away; WORKERS],
            granted: [false; WORKERS],
            statements: [0; WORKERS],
            failed: false,
            armed: false,
        };
        Gate {
            inner: Mutex::new(inner),
            arrived: Condvar::new(),
            opened: [Condvar::new(), Condvar::new(), Condvar::new()],
            moments: AtomicU64::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// The next moment: moments are ordered as what happens in them.
    pub(crate) fn moment(&self) -> u64 {
        self.moments.fetch_add(1, Ordering::SeqCst)
    }

    /// From now on workers wait at it, or no longer. Those who take part are on their way.
    pub(crate) fn arm(&self, armed: bool, workers: usize) {
        let mut inner = self.lock();
        inner.armed = armed;
        for worker in 0..workers {
            inner.places[worker] = Place::Running;
        }
    }

    /// Waits before a verb.
    pub(crate) fn before_verb(&self, worker: usize) {
        self.wait(worker, Before::Anything);
    }

    /// Waits before a statement.
    pub(crate) fn before_statement(&self, worker: usize, sql: &str) {
        if self.lock().armed {
            let before = match sql {
                "BEGIN" => Before::Begin,
                "COMMIT" | "ROLLBACK" => Before::End,
                _ => Before::Anything,
            };
            self.wait(worker, before);
            self.lock().statements[worker] += 1;
        }
    }

    /// Notes that a statement failed: that may have ended a transaction too.
    pub(crate) fn failed(&self) {
        self.lock().failed = true;
    }

    /// How many statements a worker has sent in all runs.
    pub(crate) fn statements(&self, worker: usize) -> usize {
        self.lock().statements[worker]
    }

    fn wait(&self, worker: usize, before: Before) {
        let mut inner = self.lock();
        inner.places[worker] = Place::Waiting { before };
        self.arrived.notify_all();
        while !inner.granted[worker] {
            inner = self.opened[worker].wait(inner).unwrap();
        }
        inner.granted[worker] = false;
    }

    /// The worker's program is over.
    pub(crate) fn leave(&self, worker: usize) {
        self.lock().places[worker] = Place::Away;
        self.arrived.notify_all();
    }

    /// Where everybody is.
    pub(crate) fn places(&self) -> [Place; WORKERS] {
        self.lock().places
    }

    /// Whether a statement has failed since the last call.
    pub(crate) fn has_failed(&self) -> bool {
        std::mem::take(&mut self.lock().failed)
    }

    /// Lets a worker through.
    pub(crate) fn open(&self, worker: usize) {
        let mut inner = self.lock();
        inner.granted[worker] = true;
        inner.places[worker] = Place::Running;
        self.opened[worker].notify_all();
    }

    /// Waits until a worker is back; false when it is not within `patience`, which says nothing yet of why.
    pub(crate) fn is_back(&self, worker: usize, patience: Duration) -> bool {
        let inner = self.lock();
        let running = |inner: &mut Inner| inner.places[worker] == Place::Running;
        let (inner, _) = self.arrived.wait_timeout_while(inner, patience, running).unwrap();
        inner.places[worker] != Place::Running
    }
}
