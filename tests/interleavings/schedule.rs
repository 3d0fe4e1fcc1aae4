//! The schedule: one statement at a time, in an order that the seed decides.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use chrono::DateTime;
use diesel_sessions::{KnownTokens, ManualClock, OnConflict, SessionRepository};

use crate::attribute::{Key, Stored};
use crate::engine::Engine;
use crate::gate::{Before, Gate, Place, WORKERS};
use crate::plan::{ABSOLUTE, IDLE, Plan};
use crate::random::Random;
use crate::rows;
use crate::seen::Report;
use crate::tally::Tally;
use crate::worker::{self, Job, Shared, Worker};
use crate::world::{NOON, Row};

/// How long a run may stand still before it is given up as a failure.
const STANDSTILL: Duration = Duration::from_secs(60);

/// The workers of an engine, and who directs them.
pub(crate) struct Stage<D: Engine> {
    shared: Arc<Shared<D>>,
    clock: ManualClock,
    workers: Vec<Worker>,
    reports: Receiver<Report>,
    observer: D::Conn,
    next_token: u64,
}

/// What a run has shown.
pub(crate) struct Shown {
    pub(crate) reports: Vec<Report>,
    /// Every time that the clock has shown.
    pub(crate) times: Vec<i64>,
    pub(crate) rows: BTreeMap<i64, Row>,
    pub(crate) attributes: BTreeMap<Key, Stored>,
}

impl<D: Engine> Stage<D> {
    /// Starts the workers.
    pub(crate) fn new(db: &D) -> Self {
        let clock = ManualClock::new(DateTime::from_timestamp(NOON, 0).expect("within the calendar"));
        let tokens = KnownTokens::counting();
        let repository = |on_conflict| {
            SessionRepository::builder()
                .clock(clock.clone())
                .token_source(tokens.clone())
                .idle_timeout(Duration::from_secs(IDLE.unsigned_abs()))
                .absolute_timeout(Duration::from_secs(ABSOLUTE.unsigned_abs()))
                .on_conflict(on_conflict)
                .build()
                .unwrap()
        };
        let (sessions, refusing) = (repository(OnConflict::Merge), repository(OnConflict::Refuse));
        let shared = Arc::new(Shared { sessions, refusing, gate: Gate::new(), ticks: AtomicUsize::new(0) });
        let mut observer = db.connect();
        D::begin(&mut observer);
        let (sender, reports) = channel();
        let workers = (0..WORKERS).map(|number| worker::start(number, &shared, db.worker_connection(), sender.clone())).collect();
        Stage { shared, clock, workers, reports, observer, next_token: 1 << 40 }
    }

    /// Carries out a plan.
    pub(crate) fn run(&mut self, plan: &mut Plan, random: &mut Random, tally: &mut Tally) -> Shown {
        self.clock.set(DateTime::from_timestamp(NOON, 0).expect("within the calendar"));
        self.shared.ticks.store(0, Ordering::SeqCst);
        let mut first = String::new();
        for (place, (_, row)) in plan.rows.iter_mut().enumerate() {
            let token = KnownTokens::numbered(self.next_token);
            self.next_token += 1;
            row.stamp.token = rows::digest(token.reveal());
            if place == 0 {
                first = token.reveal().to_owned();
            }
        }
        rows::set_up::<D>(&mut self.observer, &plan.rows, &plan.attributes);
        let count = plan.programs.len();
        for (worker, program) in self.workers.iter().zip(&plan.programs) {
            worker
                .jobs
                .send(Job { program: program.clone(), refuses_conflicts: plan.refuses_conflicts, first: first.clone() })
                .unwrap();
        }
        for worker in &self.workers[..count] {
            worker.ready.recv().unwrap();
        }
        self.shared.gate.arm(true, count);
        for worker in &self.workers[..count] {
            worker.start.send(()).unwrap();
        }
        let times = self.direct(count, random, tally);
        self.shared.gate.arm(false, 0);
        let mut reports: Vec<_> = (0..count).map(|_| self.reports.recv().unwrap()).collect();
        reports.sort_by_key(|report| report.worker);
        let (rows, attributes) = (rows::read::<D>(&mut self.observer), rows::read_attributes::<D>(&mut self.observer));
        Shown { reports, times, rows, attributes }
    }

    /// Lets one worker after the other through, until all are done.
    fn direct(&mut self, count: usize, random: &mut Random, tally: &mut Tally) -> Vec<i64> {
        let mut times = vec![0];
        let (mut blocked, mut open) = ([false; WORKERS], [false; WORKERS]);
        for worker in 0..count {
            assert!(self.shared.gate.is_back(worker, STANDSTILL), "worker {worker} has not started");
        }
        let mut still = Duration::ZERO;
        loop {
            let places = self.shared.gate.places();
            let waiting: Vec<_> = (0..count).filter(|worker| matches!(places[*worker], Place::Waiting { .. })).collect();
            if waiting.is_empty() {
                let Some(running) = (0..count).find(|worker| places[*worker] == Place::Running) else { return times };
                // All that are left wait for each other, until the engine resolves it.
                self.shared.gate.is_back(running, D::PATIENCE);
                still += D::PATIENCE;
                assert!(still < STANDSTILL, "nobody moves: {places:?}");
                self.look_at_blocked(count, &mut blocked);
                continue;
            }
            still = Duration::ZERO;
            if random.chance(7) {
                let step = random.one_of(&[1, 4, 5, 5, 6, 6, 30, 59, 61, 100]);
                times.push(times[times.len() - 1] + step);
                self.clock.advance(Duration::from_secs(step.unsigned_abs()));
                self.shared.ticks.fetch_add(1, Ordering::SeqCst);
            }
            let hurried = waiting.iter().copied().find(|worker| open[*worker]).filter(|_| random.chance(D::HASTE));
            let chosen = hurried.unwrap_or_else(|| random.one_of(&waiting));
            let before = |kind| places[chosen] == Place::Waiting { before: kind };
            let releases = before(Before::End);
            open[chosen] = !releases && (open[chosen] || before(Before::Begin));
            self.shared.gate.open(chosen);
            if !self.settle(chosen) {
                blocked[chosen] = true;
                tally.blocked += 1;
            }
            if releases || self.shared.gate.has_failed() {
                self.look_at_blocked(count, &mut blocked);
            }
        }
    }

    /// Waits until a worker is back at the gate, or waits for a lock; says which.
    fn settle(&mut self, worker: usize) -> bool {
        let mut waited = Duration::ZERO;
        while !self.shared.gate.is_back(worker, D::PATIENCE) {
            if D::waits(&mut self.observer, &self.workers[worker].connection) {
                return false;
            }
            waited += D::PATIENCE;
            assert!(waited < STANDSTILL, "worker {worker} neither comes back nor waits for a lock");
        }
        true
    }

    /// Locks were released: who waits no longer comes back, and may release others' in turn.
    fn look_at_blocked(&mut self, count: usize, blocked: &mut [bool; WORKERS]) {
        let mut moved = true;
        while moved {
            moved = false;
            for worker in (0..count).filter(|worker| blocked[*worker]).collect::<Vec<_>>() {
                if self.settle(worker) {
                    blocked[worker] = false;
                    moved = true;
                }
            }
        }
    }

    /// Clears away what deleted rows leave behind.
    pub(crate) fn tidy(&mut self) {
        D::tidy(&mut self.observer);
    }
}
