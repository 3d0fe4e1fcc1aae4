//! The purge task: when it works, what it does after an error, how it stops, and that one process works at a time.

use std::future::{pending, ready};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel_sessions::{
    Clock, ConnectionSource, DbSession, Error, ErrorKind, ManualClock, PurgeTask, Purged, SessionRepository, WriteOptions,
};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::life::steps::{created, kind, rows};
use crate::support::said::on_this_thread;
use crate::support::{Db, noon, repository_with, seconds, suite};
#[cfg(feature = "postgres")]
use crate::support::{Postgres, left_behind::LeftBehind, run};

suite! {
    rounds_come_an_interval_apart_and_remove_all_that_has_expired,
    a_round_that_fails_is_told_and_the_next_one_works,
    a_panic_is_told_and_the_next_round_works,
    a_batch_under_way_at_shutdown_is_waited_for_and_none_follows,
    a_task_that_is_stopped_before_its_first_round_sends_nothing,
    an_interval_out_of_bounds_and_an_empty_batch_are_refused,
}

const HOUR: Duration = Duration::from_secs(3_600);

/// What happens before the batch of that number.
type Before<D> = Box<dyn FnMut(usize, &mut <D as Db>::Conn) + Send>;

/// One connection, and a note of when each batch came.
struct Source<D: Db> {
    conn: Arc<Mutex<D::Conn>>,
    before: Arc<Mutex<Before<D>>>,
    batches: Arc<Mutex<Vec<Instant>>>,
}

impl<D: Db> Source<D> {
    fn new(db: &D, before: impl FnMut(usize, &mut D::Conn) + Send + 'static) -> Self {
        Source {
            conn: Arc::new(Mutex::new(db.connect())),
            before: Arc::new(Mutex::new(Box::new(before))),
            batches: Arc::default(),
        }
    }

    fn batches(&self) -> Vec<Instant> {
        self.batches.lock().unwrap().clone()
    }
}

impl<D: Db> Clone for Source<D> {
    fn clone(&self) -> Self {
        Source { conn: Arc::clone(&self.conn), before: Arc::clone(&self.before), batches: Arc::clone(&self.batches) }
    }
}

impl<D: Db> ConnectionSource for Source<D> {
    type Connection = D::Conn;

    async fn run<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut D::Conn) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let number = self.batches().len();
        self.batches.lock().unwrap().push(Instant::now());
        let mut conn = self.conn.lock().unwrap();
        self.before.lock().unwrap()(number, &mut conn);
        work(&mut conn)
    }
}

/// A repository whose sessions end after ten seconds, and its task.
fn set_up<D: Db>() -> (SessionRepository<D::Model>, ManualClock, PurgeTask<D::Model>) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(10)));
    let task = sessions.purge_every(HOUR).unwrap();
    (sessions, clock, task)
}

/// Runs a future where time passes as soon as nothing else is to be done.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(future)
}

// S63 PERFORMANCE P9
fn rounds_come_an_interval_apart_and_remove_all_that_has_expired<D: Db>(db: &D) {
    let (sessions, clock, task) = set_up::<D>();
    let conn = &mut db.connect();
    for _ in 0..5 {
        created::<D>(&sessions, conn);
    }
    clock.advance(seconds(10));
    let live = created::<D>(&sessions, conn);
    let brief = WriteOptions::new().expires_in(seconds(1));
    sessions.attributes(&live).set_with(conn, "otp", "123456", brief).unwrap();
    clock.advance(seconds(1));

    let stop = Arc::new(Notify::new());
    let source = Source::new(db, {
        let stop = Arc::clone(&stop);
        move |number, conn: &mut D::Conn| match number {
            3 => {
                assert_eq!(rows::<D>(conn), 1, "the first round went on until nothing was left");
                created::<D>(&sessions, conn);
                clock.advance(seconds(10));
            }
            5 => stop.notify_one(),
            _ => {}
        }
    });
    let begin = Arc::new(Mutex::new(None));
    let purged = block_on(async {
        *begin.lock().unwrap() = Some(Instant::now());
        task.batches_of(2).unwrap().run_until(source.clone(), stop.notified()).await
    });
    assert_eq!(purged, Purged { sessions: 7, attributes: 1 });

    let batches = source.batches();
    assert_eq!(batches.len(), 6);
    assert!(batches[0] - begin.lock().unwrap().unwrap() <= HOUR + seconds(1));
    // Time stands still while a batch runs, so that what passes is the pause after it.
    let leaves_time = |one: usize| (Duration::from_millis(1)..=seconds(1)).contains(&(batches[one + 1] - batches[one]));
    assert!(leaves_time(0) && leaves_time(1), "batches of one round follow each other, and leave time to others");
    let pauses = [batches[3] - batches[2], batches[5] - batches[4]];
    assert!(leaves_time(3), "a full batch may have left some");
    for pause in pauses {
        assert!((HOUR * 9 / 10..=HOUR * 11 / 10 + seconds(1)).contains(&pause), "{pause:?}");
    }
}

// SECURITY 30
fn a_round_that_fails_is_told_and_the_next_one_works<D: Db>(db: &D) {
    let (sessions, clock, task) = set_up::<D>();
    created::<D>(&sessions, &mut db.connect());
    clock.advance(seconds(10));
    let stop = Arc::new(Notify::new());
    let source = Source::new(db, {
        let stop = Arc::clone(&stop);
        move |number, conn: &mut D::Conn| match number {
            0 => D::execute(conn, "ALTER TABLE sessions RENAME TO elsewhere"),
            1 => {
                D::execute(conn, "ALTER TABLE elsewhere RENAME TO sessions");
                stop.notify_one();
            }
            _ => unreachable!("it was stopped"),
        }
    });
    let (purged, said) = on_this_thread(|| block_on(task.run_until(source.clone(), stop.notified())));
    assert_eq!(purged, Purged { sessions: 1, attributes: 0 });
    assert_eq!(said.matches("purge failed").count(), 1, "{said}");
    assert!(said.contains("ERROR diesel_sessions: purge failed"), "{said}");
    let batches = source.batches();
    assert!(batches[1] - batches[0] >= HOUR * 9 / 10, "a failure is no reason to hurry");
}

fn a_panic_is_told_and_the_next_round_works<D: Db>(db: &D) {
    /// A clock that stands still at first, and then breaks.
    #[derive(Clone)]
    struct Breaking(ManualClock, Arc<AtomicBool>);
    impl Clock for Breaking {
        fn now(&self) -> DateTime<Utc> {
            assert!(!self.1.load(Ordering::Relaxed), "the clock is broken");
            self.0.now()
        }
    }
    let broken = Arc::new(AtomicBool::new(false));
    let clock = ManualClock::new(noon());
    let breaking = Breaking(clock.clone(), Arc::clone(&broken));
    let (sessions, _) = repository_with::<D>(|builder| builder.idle_timeout(seconds(10)).clock(breaking));
    created::<D>(&sessions, &mut db.connect());
    clock.advance(seconds(10));
    let stop = Arc::new(Notify::new());
    let source = Source::new(db, {
        let (stop, mut another) = (Arc::clone(&stop), Some(db.connect()));
        move |number, conn: &mut D::Conn| {
            broken.store(number == 0, Ordering::Relaxed);
            if number == 1 {
                // As a pool does, which keeps no connection that was in the middle of something.
                assert!(D::Model::transaction_depth(conn).is_err(), "it is marked as broken");
                *conn = another.take().unwrap();
                stop.notify_one();
            }
        }
    });
    let task = sessions.purge_every(HOUR).unwrap();
    let (purged, said) = on_this_thread(|| block_on(task.run_until(source, stop.notified())));
    assert_eq!(purged, Purged { sessions: 1, attributes: 0 });
    assert!(said.contains("ERROR diesel_sessions: purge failed") && said.contains("it panicked"), "{said}");
}

// PERFORMANCE P9
#[cfg(feature = "postgres")]
#[test]
fn a_batch_of_a_task_goes_on_where_the_one_before_it_ended() {
    run(|db: &Postgres| {
        let (_, clock, task) = set_up::<Postgres>();
        let left_behind = LeftBehind::new(db, 2_000, clock.now());
        let stop = Arc::new(Notify::new());
        let source = Source::new(db, {
            let stop = Arc::clone(&stop);
            move |number, _: &mut diesel::PgConnection| {
                if number == 20 {
                    stop.notify_one();
                }
            }
        });
        let purged = block_on(task.batches_of(100).unwrap().run_until(source.clone(), stop.notified()));
        assert_eq!(purged, Purged { sessions: 2_000, attributes: 2_000 });
        left_behind.check_passed_once(&mut source.conn.lock().unwrap());
    });
}

fn a_batch_under_way_at_shutdown_is_waited_for_and_none_follows<D: Db>(db: &D) {
    let (sessions, clock, task) = set_up::<D>();
    let conn = &mut db.connect();
    for _ in 0..3 {
        created::<D>(&sessions, conn);
    }
    clock.advance(seconds(10));
    let stop = Arc::new(Notify::new());
    let source = Source::new(db, {
        let stop = Arc::clone(&stop);
        move |_, _: &mut D::Conn| stop.notify_one()
    });
    let purged = block_on(task.batches_of(1).unwrap().run_until(source.clone(), stop.notified()));
    assert_eq!(purged, Purged { sessions: 1, attributes: 0 });
    assert_eq!((source.batches().len(), rows::<D>(conn)), (1, 2));
}

fn a_task_that_is_stopped_before_its_first_round_sends_nothing<D: Db>(db: &D) {
    let (_, _, task) = set_up::<D>();
    let source = Source::new(db, |_, _: &mut D::Conn| {});
    assert_eq!(block_on(task.run_until(source.clone(), ready(()))), Purged::default());
    assert!(source.batches().is_empty());
}

fn an_interval_out_of_bounds_and_an_empty_batch_are_refused<D: Db>(_: &D) {
    let (sessions, _, task) = set_up::<D>();
    for interval in [Duration::ZERO, Duration::from_micros(999_999), Duration::from_secs(1 << 31), Duration::MAX] {
        assert_eq!(kind(sessions.purge_every(interval)), ErrorKind::InvalidArgument, "{interval:?}");
    }
    assert!(sessions.purge_every(seconds(1)).is_ok());
    assert!(sessions.purge_every(Duration::from_secs((1 << 31) - 1)).is_ok());
    assert_eq!(kind(task.batches_of(0)), ErrorKind::InvalidArgument);
}

#[cfg(feature = "postgres")]
mod one_at_a_time {
    use diesel::connection::{AnsiTransactionManager, TransactionManager};

    use super::*;

    suite! { @ postgres "postgres" Postgres:
        a_round_leaves_the_work_to_the_process_that_is_at_it
        the_lock_ends_with_the_batch
    }

    fn a_round_leaves_the_work_to_the_process_that_is_at_it(db: &Postgres) {
        let (sessions, clock, task) = set_up::<Postgres>();
        for _ in 0..3 {
            created::<Postgres>(&sessions, &mut db.connect());
        }
        clock.advance(seconds(10));

        // The one process is in the middle of its batch: the transaction around it is still open.
        let stop = Arc::new(Notify::new());
        let at_work = Source::new(db, {
            let stop = Arc::clone(&stop);
            move |_, conn: &mut diesel::PgConnection| {
                AnsiTransactionManager::begin_transaction(conn).unwrap();
                stop.notify_one();
            }
        });
        let batch = task.clone().batches_of(1).unwrap().run_until(at_work.clone(), stop.notified());
        assert_eq!(block_on(batch), Purged { sessions: 1, attributes: 0 });

        let stop = Arc::new(Notify::new());
        let other = Source::new(db, {
            let (stop, at_work) = (Arc::clone(&stop), at_work.clone());
            move |number, _: &mut diesel::PgConnection| {
                if number == 1 {
                    AnsiTransactionManager::rollback_transaction(&mut *at_work.conn.lock().unwrap()).unwrap();
                    stop.notify_one();
                }
            }
        });
        let (purged, said) = on_this_thread(|| block_on(task.run_until(other.clone(), stop.notified())));
        assert_eq!(said.matches("purge left alone").count(), 1, "{said}");
        assert_eq!((purged.sessions, other.batches().len()), (3, 2), "once the other has given up, nothing is left behind");
    }

    fn the_lock_ends_with_the_batch(db: &Postgres) {
        let (_, _, task) = set_up::<Postgres>();
        let stop = Arc::new(Notify::new());
        let source = Source::new(db, {
            let stop = Arc::clone(&stop);
            move |_, _: &mut diesel::PgConnection| stop.notify_one()
        });
        block_on(task.run_until(source.clone(), stop.notified()));
        let conn = &mut *source.conn.lock().unwrap();
        let held = "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
                    WHERE locktype = 'advisory' AND datname = current_database()";
        assert_eq!(Postgres::number(conn, held), 0);
    }
}

/// A task that nothing stops is a future that never ends.
#[test]
fn a_task_can_be_spawned() {
    fn spawnable(_: impl Future<Output = ()> + Send + 'static) {}
    #[cfg(feature = "sqlite")]
    {
        use crate::support::Sqlite;
        let (_, _, task) = set_up::<Sqlite>();
        let source = Source::new(&Sqlite::fresh().unwrap(), |_, _: &mut diesel::SqliteConnection| {});
        spawnable(task.clone().run(source.clone()));
        spawnable(async { assert_eq!(task.run_until(source, pending()).await, Purged::default()) });
    }
}
