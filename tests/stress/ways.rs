//! The ways in which an application calls the library: statement by statement or in transactions of its own, at each level.

use std::fmt;
use std::sync::Barrier;
use std::thread;

use diesel::connection::{Connection, SimpleConnection, TransactionManager};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_sessions::{Error, ErrorKind};

use crate::support::Db;

/// A way of calling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Way {
    level: &'static str,
    /// Whether each piece of work is a transaction of the caller's.
    pub(crate) in_transaction: bool,
}

const fn way(level: &'static str, in_transaction: bool) -> Way {
    Way { level, in_transaction }
}

const READ_COMMITTED: &str = "READ COMMITTED";
const REPEATABLE_READ: &str = "REPEATABLE READ";

/// Both levels, with transactions of the caller's and without.
const FOUR: &[Way] =
    &[way(READ_COMMITTED, false), way(READ_COMMITTED, true), way(REPEATABLE_READ, false), way(REPEATABLE_READ, true)];

/// An engine with its isolation levels.
pub(crate) trait Levels: Db {
    /// The ways that there are on it.
    const WAYS: &'static [Way];
    /// Makes every later transaction of the connection run at a level.
    fn set_level(conn: &mut Self::Conn, level: &str);
    /// A transaction of the caller's; it is rolled back after an error.
    fn transaction<T>(conn: &mut Self::Conn, work: impl FnOnce(&mut Self::Conn) -> Result<T, Failure>) -> Result<T, Failure> {
        conn.transaction(work)
    }

    /// Those that are transactions of the caller's.
    fn transactions() -> impl Iterator<Item = Way> {
        Self::WAYS.iter().copied().filter(|way| way.in_transaction)
    }
}

#[cfg(feature = "sqlite")]
impl Levels for crate::support::Sqlite {
    const WAYS: &'static [Way] = &[way("", false), way("", true)];

    fn set_level(_: &mut Self::Conn, _: &str) {}

    fn transaction<T>(conn: &mut Self::Conn, work: impl FnOnce(&mut Self::Conn) -> Result<T, Failure>) -> Result<T, Failure> {
        conn.immediate_transaction(work) // SQLite cannot wait where a read becomes a write
    }
}

#[cfg(feature = "postgres")]
impl Levels for crate::support::Postgres {
    const WAYS: &'static [Way] = FOUR;

    fn set_level(conn: &mut Self::Conn, level: &str) {
        conn.batch_execute(&format!("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL {level}")).unwrap();
    }
}

#[cfg(feature = "mysql")]
impl Levels for crate::support::Mysql {
    const WAYS: &'static [Way] = FOUR;

    fn set_level(conn: &mut Self::Conn, level: &str) {
        conn.batch_execute(&format!("SET SESSION TRANSACTION ISOLATION LEVEL {level}")).unwrap();
    }
}

/// What made a piece of work fail.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The library.
    Session(Error),
    /// A statement of the application's own, or its commit.
    Database(DieselError),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Session(error)
    }
}

impl From<DieselError> for Failure {
    fn from(error: DieselError) -> Self {
        Failure::Database(error)
    }
}

impl Failure {
    /// Whether the database asks for the whole transaction again.
    pub(crate) fn asks_again(&self) -> bool {
        match self {
            Failure::Session(error) => matches!(error.kind(), ErrorKind::Busy | ErrorKind::Deadlock | ErrorKind::Serialization),
            Failure::Database(DieselError::DatabaseError(kind, _)) => matches!(kind, DatabaseErrorKind::SerializationFailure),
            Failure::Database(_) => false,
        }
    }
}

/// One thread of the application's, with its connection.
pub(crate) struct Caller<'a, D: Levels> {
    db: &'a D,
    way: Way,
    /// The connection, as it is outside of a piece of work.
    pub(crate) conn: D::Conn,
}

impl<'a, D: Levels> Caller<'a, D> {
    pub(crate) fn new(db: &'a D, way: Way) -> Self {
        let mut conn = db.connect();
        D::set_level(&mut conn, way.level);
        Caller { db, way, conn }
    }

    /// Does a piece of work. In a transaction of the caller's it is rolled back and done again while the database asks for
    /// that, and the library must have called such an error retryable. Without one the library must not show it.
    ///
    /// A connection that is broken afterwards is replaced, as a pool does.
    // SECURITY 31
    pub(crate) fn run<T>(&mut self, mut work: impl FnMut(&mut D::Conn) -> Result<T, Failure>) -> Result<T, Failure> {
        loop {
            let failure = match self.try_once(&mut work) {
                Err(failure) if failure.asks_again() => failure,
                done => return done,
            };
            assert!(self.way.in_transaction, "{:?} shows {failure:?}", self.way);
            if let Failure::Session(error) = &failure {
                assert!(error.is_retryable(), "{error:?}");
            }
        }
    }

    /// The same where threads are so many at the same rows that the library may use its tries up: PostgreSQL at REPEATABLE READ
    /// refuses whoever has waited, and waiting is all that most of them do. Nothing but that is shown without a transaction.
    pub(crate) fn run_on<T>(&mut self, mut work: impl FnMut(&mut D::Conn) -> Result<T, Failure>) -> Result<T, Failure> {
        loop {
            let way = self.way;
            match self.try_once(&mut work) {
                Err(Failure::Session(error)) if error.kind() == ErrorKind::Serialization && !way.in_transaction => {
                    assert!(error.is_retryable() && way.level == REPEATABLE_READ, "{way:?} shows {error:?}");
                }
                Err(failure) if failure.asks_again() => assert!(way.in_transaction, "{way:?} shows {failure:?}"),
                done => return done,
            }
        }
    }

    fn try_once<T>(&mut self, work: &mut impl FnMut(&mut D::Conn) -> Result<T, Failure>) -> Result<T, Failure> {
        let done = if self.way.in_transaction { D::transaction(&mut self.conn, work) } else { work(&mut self.conn) };
        if done.is_err() && self.is_broken() {
            self.conn = Caller::new(self.db, self.way).conn;
        }
        done
    }

    fn is_broken(&mut self) -> bool {
        <D::Conn as Connection>::TransactionManager::is_broken_transaction_manager(&mut self.conn)
    }
}

impl<D: Levels> fmt::Debug for Caller<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", D::NAME, self.way)
    }
}

/// Runs the same work in many threads that begin at once; gives their answers in the threads' order.
pub(crate) fn together<'a, D: Levels, T: Send>(
    db: &'a D,
    way: Way,
    threads: usize,
    work: impl Fn(usize, &mut Caller<'a, D>) -> T + Sync,
) -> Vec<T> {
    at_once(&mut callers(db, way, threads), work)
}

/// Threads to be, each with its connection.
pub(crate) fn callers<D: Levels>(db: &D, way: Way, threads: usize) -> Vec<Caller<'_, D>> {
    (0..threads).map(|_| Caller::new(db, way)).collect()
}

/// Runs the same work once in each thread, all beginning at once; gives their answers in the threads' order.
pub(crate) fn at_once<'a, D: Levels, T: Send>(
    callers: &mut [Caller<'a, D>],
    work: impl Fn(usize, &mut Caller<'a, D>) -> T + Sync,
) -> Vec<T> {
    let (start, work) = (&Barrier::new(callers.len()), &work);
    thread::scope(|scope| {
        let running: Vec<_> = (callers.iter_mut().enumerate())
            .map(|(number, caller)| {
                scope.spawn(move || {
                    start.wait();
                    work(number, caller)
                })
            })
            .collect();
        running.into_iter().map(|thread| thread.join().expect("the thread above panicked")).collect()
    })
}
