//! What every pool owes to who borrows from it: an answer, its own errors, and never a broken connection.

use std::sync::mpsc;
use std::time::Duration;

use diesel::connection::{Connection, SimpleConnection};
use diesel_sessions::{Error, ErrorKind, SignIn};
use tokio::sync::oneshot;

use crate::sources::{Source, backend};
use crate::support::{Db, Libpq as Postgres, repository, skipped, token_of};

/// Each test over each pool, with a database of its own. The runtime is that of one thread, which has to suffice.
macro_rules! lending {
    ($($test:ident)*) => {
        $crate::lending::lending! { @ deadpool_diesel DeadpoolDiesel: $($test)* }
        $crate::lending::lending! { @ bb8 Bb8: $($test)* }
        $crate::lending::lending! { @ deadpool Deadpool: $($test)* }
    };
    (@ $module:ident $pool:ident: $($test:ident)*) => {
        mod $module {
            $(#[test]
            fn $test() {
                $crate::lending::over(async |db| super::$test::<$crate::sources::$pool>(db).await);
            })*
        }
    };
}
pub(crate) use lending;

pub(crate) fn over(test: impl AsyncFnOnce(&Postgres)) {
    let Some(db) = Postgres::fresh() else { return skipped("postgres") };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(test(&db));
}

lending! {
    verbs_work_with_what_a_pool_lends
    a_closures_own_error_comes_back
    a_pool_without_a_free_connection_says_that_it_timed_out
    a_server_that_cannot_be_reached_is_unavailable
    a_closures_panic_is_passed_on_and_the_pool_lends_no_such_connection
    what_was_begun_runs_to_its_end_when_nobody_waits
    a_connection_that_the_server_closed_is_not_lent_again
    a_transaction_left_open_is_not_lent_to_the_next
}

const PATIENT: Duration = Duration::from_secs(30);

fn pool<P: Source>(db: &Postgres, size: usize) -> P {
    P::new(db.url(), size, PATIENT)
}

/// Which connection the pool lends.
async fn lent<P: Source>(pool: &P) -> i32 {
    pool.run(|conn| backend(conn).map_err(Error::from)).await.unwrap()
}

/// All that an error says, and what it comes from.
fn everything(error: &Error) -> String {
    let mut text = format!("{error:?} {error}");
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text += &format!(" {error:?} {error}");
        source = error.source();
    }
    text
}

// DESIGN section 4: one way to run a closure, whatever the pool; S2 S62 S66 over each
async fn verbs_work_with_what_a_pool_lends<P: Source>(db: &Postgres) {
    let (sessions, _) = repository::<Postgres>();
    let pool = pool::<P>(db, 1);
    let verbs = sessions.clone();
    let (token, listed) = pool
        .run(move |conn| {
            let mut session = verbs.open(conn, None)?;
            session.insert("a", 1)?;
            verbs.save(conn, &mut session)?;
            verbs.sign_in(conn, &mut session, SignIn::new(7))?;
            conn.transaction(|conn| verbs.extend(conn, &mut session))?;
            verbs.attributes(&session).set(conn, "theme", "dark")?;
            verbs.check(conn)?;
            Ok::<_, Error>((token_of(&session), verbs.of(&7).list(conn)?.len()))
        })
        .await
        .unwrap();
    assert_eq!(listed, 1);
    let found = sessions.load(&mut db.connect(), token.as_str()).unwrap().unwrap();
    assert_eq!((found.user_id, found.get("a").unwrap()), (Some(7), Some(1)));
}

// DESIGN section 4: E: From<Error>
async fn a_closures_own_error_comes_back<P: Source>(db: &Postgres) {
    let pool = pool::<P>(db, 1);
    let own = pool.run(|_| Err::<(), _>(Box::<dyn std::error::Error + Send + Sync>::from("the closure's own"))).await;
    assert_eq!(own.unwrap_err().to_string(), "the closure's own");
    assert_eq!(pool.run(|_| Ok::<_, Error>(7)).await.unwrap(), 7);
}

// SECURITY 30
async fn a_pool_without_a_free_connection_says_that_it_timed_out<P: Source>(db: &Postgres) {
    let pool = P::new(db.url(), 1, Duration::from_millis(100));
    // bb8 counts the time that it takes to open one.
    let mut tries = 0;
    while pool.run(|_| Ok::<_, Error>(())).await.is_err() {
        tries += 1;
        assert!(tries < 300, "no connection could be opened in half a minute");
    }
    let (go, wait) = mpsc::channel();
    let (began, begun) = oneshot::channel();
    let holder = tokio::spawn(hold(pool.clone(), began, wait));
    begun.await.unwrap();
    let error = pool.run(|_| Ok::<_, Error>(())).await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::PoolTimeout, true), "{error:?}");
    assert!(std::error::Error::source(&error).is_some());
    go.send(()).unwrap();
    holder.await.unwrap();
    pool.run(|_| Ok::<_, Error>(())).await.unwrap();
}

/// Keeps a connection until it is told to give it back.
async fn hold<P: Source>(pool: P, began: oneshot::Sender<()>, until: mpsc::Receiver<()>) {
    let held = pool.run(move |_| {
        began.send(()).unwrap();
        until.recv().unwrap();
        Ok::<_, Error>(())
    });
    held.await.unwrap();
}

// SECURITY 30 SECURITY 8
async fn a_server_that_cannot_be_reached_is_unavailable<P: Source>(db: &Postgres) {
    let stranger = db.url().replacen("postgres://", "postgres://nobody:quiet@", 1).replacen("postgres@", "", 1);
    for url in ["postgres://nobody:quiet@127.0.0.1:1/none", &(stranger + "_that_is_not_there")] {
        let pool = P::new(url.to_owned(), 1, Duration::from_secs(1));
        let error = pool.run(|_| Ok::<_, Error>(())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        assert!(std::error::Error::source(&error).is_some());
        assert!(!everything(&error).contains("quiet"), "{}", everything(&error));
    }
}

// DESIGN rule 13
async fn a_closures_panic_is_passed_on_and_the_pool_lends_no_such_connection<P: Source>(db: &Postgres) {
    let pool = pool::<P>(db, 1);
    let before = lent(&pool).await;
    assert_eq!(lent(&pool).await, before, "the pool has one");
    let panicking = tokio::spawn({
        let pool = pool.clone();
        async move { pool.run(|_| -> Result<(), Error> { panic!("the closure's own") }).await }
    });
    let panic = panicking.await.unwrap_err().into_panic();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"the closure's own"));
    assert_ne!(lent(&pool).await, before);
}

// DESIGN section 4: a request that is given up leaves nothing half-done
async fn what_was_begun_runs_to_its_end_when_nobody_waits<P: Source>(db: &Postgres) {
    let pool = pool::<P>(db, 1);
    let (go, wait) = mpsc::channel::<()>();
    let (began, begun) = oneshot::channel();
    let holder = tokio::spawn({
        let pool = pool.clone();
        async move {
            let work = pool.run(move |conn| {
                began.send(()).unwrap();
                wait.recv().unwrap();
                conn.batch_execute("CREATE TABLE done ()")?;
                Ok::<_, Error>(())
            });
            work.await
        }
    });
    begun.await.unwrap();
    holder.abort();
    assert!(holder.await.unwrap_err().is_cancelled());
    go.send(()).unwrap();
    // The one connection is lent again only when the work has given it back.
    let done = pool.run(|conn| Ok::<_, Error>(conn.batch_execute("SELECT * FROM done")?)).await;
    assert!(done.is_ok(), "{done:?}");
}

// DESIGN rule 13
async fn a_connection_that_the_server_closed_is_not_lent_again<P: Source>(db: &Postgres) {
    let (sessions, _) = repository::<Postgres>();
    let mut session = sessions.new_session();
    sessions.create(&mut db.connect(), &mut session).unwrap();
    let token = token_of(&session);
    let pool = pool::<P>(db, 1);
    let before = lent(&pool).await;
    Postgres::texts(&mut db.connect(), &format!("SELECT pg_terminate_backend({before}, 60000)"));
    let is_live = move |conn: &mut P::Connection| sessions.is_live(conn, token.as_str());
    let first = pool.run(is_live.clone()).await;
    // A pool that has noticed lends another at once; one that has not learns it from the first error.
    match first {
        Ok(live) => assert!(live),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}"),
    }
    assert_ne!(lent(&pool).await, before);
    assert!(pool.run(is_live).await.unwrap());
}

// DESIGN rule 13
async fn a_transaction_left_open_is_not_lent_to_the_next<P: Source>(db: &Postgres) {
    use diesel::connection::TransactionManager;

    let pool = pool::<P>(db, 1);
    let left = pool
        .run(|conn| {
            <P::Connection as Connection>::TransactionManager::begin_transaction(conn)?;
            conn.batch_execute("CREATE TABLE half ()")?;
            Ok::<_, Error>(backend(conn)?)
        })
        .await
        .unwrap();
    assert_ne!(lent(&pool).await, left);
    assert_eq!(Postgres::number(&mut db.connect(), "SELECT count(*) FROM pg_tables WHERE tablename = 'half'"), 0);
}
