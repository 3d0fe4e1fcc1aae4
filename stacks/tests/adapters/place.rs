//! Where a store is tested: a database behind a pool, a repository, and a clock moved by hand.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Pool, R2D2Connection};
use diesel_sessions::{ManualClock, Session, SessionRepository, SessionRepositoryBuilder};

use crate::support::{Db, repository_with};

/// An engine whose connections pools can hold.
pub(crate) trait Pooled: Db<Conn: R2D2Connection> {}

impl<D: Db<Conn: R2D2Connection>> Pooled for D {}

pub(crate) type ConnPool<D> = Pool<ConnectionManager<<D as Db>::Conn>>;

/// A database behind a pool, and the clock of its sessions.
pub(crate) struct Place<'a, D: Pooled> {
    pub(crate) db: &'a D,
    pub(crate) sessions: SessionRepository<D::Model>,
    pub(crate) clock: ManualClock,
    pub(crate) pool: ConnPool<D>,
}

impl<'a, D: Pooled> Place<'a, D> {
    pub(crate) fn new(db: &'a D) -> Self {
        Self::with(db, |builder| builder)
    }

    /// The same with a repository that is set up further.
    pub(crate) fn with(
        db: &'a D,
        set_up: impl FnOnce(SessionRepositoryBuilder<D::Model>) -> SessionRepositoryBuilder<D::Model>,
    ) -> Self {
        let (sessions, clock) = repository_with::<D>(set_up);
        Place { db, sessions, clock, pool: pool::<D>(db.url()) }
    }

    pub(crate) fn number(&self, sql: &str) -> i64 {
        D::number(&mut self.db.connect(), sql)
    }

    pub(crate) fn text(&self, sql: &str) -> Option<String> {
        D::text(&mut self.db.connect(), sql)
    }

    pub(crate) fn rows(&self) -> i64 {
        self.number("SELECT COUNT(*) FROM sessions")
    }

    /// The session that a token opens, without the store.
    pub(crate) fn open(&self, token: &str) -> Option<Session<D::Model>> {
        self.sessions.load(&mut self.db.connect(), token).unwrap()
    }
}

#[derive(Debug)]
struct Patient;

impl<C: SimpleConnection> CustomizeConnection<C, diesel::r2d2::Error> for Patient {
    fn on_acquire(&self, conn: &mut C) -> Result<(), diesel::r2d2::Error> {
        // SQLite alone knows it; the servers refuse it, and need none.
        let _ = conn.batch_execute("PRAGMA busy_timeout = 30000");
        Ok(())
    }
}

/// A pool that checks nothing of its own accord.
pub(crate) fn pool<D: Pooled>(url: String) -> ConnPool<D> {
    Pool::builder()
        .max_size(8)
        .min_idle(Some(0))
        .test_on_check_out(false)
        .connection_timeout(Duration::from_secs(30))
        .connection_customizer(Box::new(Patient))
        .build_unchecked(ConnectionManager::new(url))
}

/// A pool whose server nobody reaches.
pub(crate) fn unreachable<D: Pooled>(db: &D) -> ConnPool<D> {
    let url = match D::NAME {
        "sqlite" => format!("{}/no/such/directory", db.url()),
        "postgres" => "postgres://nobody@127.0.0.1:1/none".to_owned(),
        _ => "mysql://nobody@127.0.0.1:1/none".to_owned(),
    };
    Pool::builder()
        .max_size(1)
        .min_idle(Some(0))
        .connection_timeout(Duration::from_millis(300))
        .build_unchecked(ConnectionManager::new(url))
}

/// Runs a test's requests to their end, on several threads.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap().block_on(future)
}
