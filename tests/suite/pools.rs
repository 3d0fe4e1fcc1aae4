//! Pools: settings of every connection, verbs on pooled ones, and asynchronous code that borrows one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use diesel::r2d2::{ConnectionManager, Pool, PooledConnection, R2D2Connection};
use diesel_sessions::{ConnectionSource, DbOwnedSession, Error, ErrorKind, Saved, SignIn};

use crate::life::steps::{kind, loaded, opens_nothing};
use crate::support::{Db, Plain, repository, suite, token_of};

#[cfg(feature = "mysql")]
mod mysql_pool;
mod purge_task;
#[cfg(feature = "sqlite")]
mod sqlite_pool;

suite! {
    verbs_work_on_a_pooled_connection,
    a_closures_result_and_error_come_back,
    a_closures_panic_is_passed_on,
    an_exhausted_pool_says_that_it_timed_out,
    a_server_that_cannot_be_reached_is_unavailable,
}

type Pooled<D> = PooledConnection<ConnectionManager<<D as Db>::Conn>>;

fn pool<D: Db>(url: String, timeout: Duration) -> Pool<ConnectionManager<D::Conn>>
where
    D::Conn: R2D2Connection,
{
    Pool::builder().max_size(1).min_idle(Some(0)).connection_timeout(timeout).build_unchecked(ConnectionManager::new(url))
}

/// Runs a future to its end on a runtime of its own.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

const PATIENT: Duration = Duration::from_secs(30);

fn verbs_work_on_a_pooled_connection<D: Db>(db: &D)
where
    D::Conn: R2D2Connection,
    D::Model: DbOwnedSession<Pooled<D>, Owner = i64>,
{
    let (sessions, _) = repository::<D>();
    let pool = pool::<D>(db.url(), PATIENT);
    let conn: &mut Pooled<D> = &mut pool.get().unwrap();
    let mut session = sessions.open(conn, None).unwrap();
    session.insert("a", 1).unwrap();
    assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Created);
    sessions.sign_in(conn, &mut session, SignIn::new(7)).unwrap();
    sessions.rotate(conn, &mut session).unwrap();
    diesel::Connection::transaction(conn, |conn| sessions.extend(conn, &mut session)).unwrap();
    assert_eq!(sessions.of(&7).list(conn).unwrap().len(), 1);
    assert_eq!(sessions.revoke_others(conn, &mut session).unwrap(), 0);
    sessions.check(conn).unwrap();
    let token = token_of(&session);
    assert_eq!(loaded::<D>(&sessions, &mut db.connect(), &token).user_id(), Some(7));
    sessions.end(conn, &mut session).unwrap();
    assert!(opens_nothing::<D>(&sessions, &mut db.connect(), &token));
}

fn a_closures_result_and_error_come_back<D: Db>(db: &D)
where
    D::Conn: R2D2Connection,
{
    let (sessions, _) = repository::<D>();
    let pool = pool::<D>(db.url(), PATIENT);
    let session = block_on(pool.run({
        let sessions = sessions.clone();
        move |conn| {
            let mut session = sessions.new_session();
            sessions.sign_in(conn, &mut session, SignIn::new(7))?;
            Ok::<_, Error>(session)
        }
    }))
    .unwrap();
    assert_eq!(loaded::<D>(&sessions, &mut db.connect(), &token_of(&session)).user_id(), Some(7));

    let row = session.row_id();
    let failed = block_on(pool.run(move |conn| sessions.create(conn, &mut { session }).map(|()| row)));
    assert_eq!(kind(failed), ErrorKind::AlreadyExists);
    let own = block_on(pool.run(|_| Err::<(), _>(Box::<dyn std::error::Error + Send + Sync>::from("the closure's own"))));
    assert_eq!(own.unwrap_err().to_string(), "the closure's own");
}

fn a_closures_panic_is_passed_on<D: Db>(db: &D)
where
    D::Conn: R2D2Connection,
{
    let pool = pool::<D>(db.url(), PATIENT);
    let panicking = || block_on(pool.run(|_| -> Result<(), Error> { panic!("the closure's own") }));
    let panic = catch_unwind(AssertUnwindSafe(panicking)).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"the closure's own"));
    assert_eq!(block_on(pool.run(|_| Ok::<_, Error>(7))).unwrap(), 7, "the pool is still good");
}

// SECURITY 30
fn an_exhausted_pool_says_that_it_timed_out<D: Db>(db: &D)
where
    D::Conn: R2D2Connection,
{
    let pool = pool::<D>(db.url(), Duration::from_millis(100));
    let held = pool.get_timeout(PATIENT).unwrap();
    let error = block_on(pool.run(|_| Ok::<_, Error>(()))).unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::PoolTimeout, true), "{error:?}");
    assert!(std::error::Error::source(&error).is_some());
    drop(held);
    block_on(pool.run(|_| Ok::<_, Error>(()))).unwrap();
}

// SECURITY 30
fn a_server_that_cannot_be_reached_is_unavailable<D: Db>(db: &D)
where
    D::Conn: R2D2Connection,
{
    let url = match D::NAME {
        "sqlite" => format!("{}/no/such/directory", db.url()),
        "postgres" => "postgres://nobody@127.0.0.1:1/none".to_owned(),
        _ => "mysql://nobody@127.0.0.1:1/none".to_owned(),
    };
    let pool = pool::<D>(url, Duration::from_secs(1));
    let error = block_on(pool.run(|_| Ok::<_, Error>(()))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(std::error::Error::source(&error).is_some());
}
