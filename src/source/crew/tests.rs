//! A crew over a pool that hands out numbers.

use std::sync::mpsc;
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::task::JoinSet;

use super::*;

/// A pool of `size` connections that never refuses, and what was seen of it.
#[derive(Clone)]
struct Pool {
    size: usize,
    patience: Duration,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default, PartialEq)]
struct Seen {
    lent: usize,
    most_lent: usize,
    /// Lendings that were ended by a panic.
    broken: usize,
}

/// A connection on loan.
struct Loan<'a>(&'a Mutex<Seen>);

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        let mut seen = self.0.lock().unwrap();
        seen.lent -= 1;
        seen.broken += usize::from(std::thread::panicking());
    }
}

impl Pool {
    fn of(size: usize) -> Self {
        Pool { size, patience: Duration::from_secs(600), seen: Arc::default() }
    }
}

impl ConnectionSource for Pool {
    type Connection = u32;

    async fn run<T, E, F>(&self, _work: F) -> Result<T, E>
    where
        F: FnOnce(&mut u32) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        unreachable!("closures of a crew go through its threads")
    }

    fn blocking(&self) -> Option<BlockingPool<u32>> {
        let seen = Arc::clone(&self.seen);
        Some(BlockingPool::new(self.size, self.patience, move |_patience, work: &mut dyn FnMut(&mut u32)| {
            {
                let mut seen = seen.lock().unwrap();
                seen.lent += 1;
                seen.most_lent = seen.most_lent.max(seen.lent);
            }
            let _loan = Loan(&seen);
            work(&mut 7);
            Ok(())
        }))
    }
}

/// Closures that have begun say so and wait until they are let go.
struct Hold {
    begun: mpsc::Receiver<()>,
    let_go: mpsc::Sender<()>,
}

/// Takes one connection of the pool, and keeps it.
fn hold(crewed: &Crewed<Pool>, runtime: &Handle) -> Hold {
    let ((begin, begun), (let_go, wait)) = (mpsc::channel(), mpsc::channel());
    let crewed = crewed.clone();
    runtime.spawn(async move {
        let work = move |_conn: &mut u32| {
            begin.send(()).unwrap();
            wait.recv().unwrap();
            Ok::<_, Error>(())
        };
        crewed.run(work).await.unwrap();
    });
    Hold { begun, let_go }
}

// PERFORMANCE P11
#[tokio::test(flavor = "multi_thread")]
async fn no_more_threads_wait_than_there_are_connections() {
    let pool = Pool::of(3);
    let crewed = Crewed::new(pool.clone());
    let mut all = JoinSet::new();
    for number in 0..500_u32 {
        let crewed = crewed.clone();
        all.spawn(async move { crewed.run(move |conn| Ok::<_, Error>(number * *conn)).await.unwrap() });
    }
    assert_eq!(all.join_all().await.into_iter().sum::<u32>(), 7 * (0..500).sum::<u32>());
    let seen = pool.seen.lock().unwrap();
    assert!(seen.lent == 0 && (1..=3).contains(&seen.most_lent), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_run_at_once_as_there_are_connections() {
    let crewed = Crewed::new(Pool::of(3));
    let meeting = Arc::new(std::sync::Barrier::new(3)); // opens when all three are there
    let mut all = JoinSet::new();
    for _ in 0..3 {
        let (crewed, meeting) = (crewed.clone(), Arc::clone(&meeting));
        all.spawn(async move { crewed.run(move |_conn| Ok::<_, Error>(meeting.wait().is_leader())).await.unwrap() });
    }
    assert_eq!(all.join_all().await.into_iter().filter(|leads| *leads).count(), 1);
}

// SECURITY 30
#[tokio::test(flavor = "multi_thread")]
async fn who_waits_longer_than_the_pool_would_let_it_wait_is_told() {
    let crewed = Crewed::new(Pool { patience: Duration::from_millis(20), ..Pool::of(1) });
    let held = hold(&crewed, &Handle::current());
    held.begun.recv().unwrap();
    for _ in 0..3 {
        let late = crewed.run(|_conn| -> Result<(), Error> { unreachable!("it was refused") }).await.unwrap_err();
        assert_eq!(late.kind(), ErrorKind::PoolTimeout);
    }
    held.let_go.send(()).unwrap();
    // Until the thread has come back the next may be refused as well.
    while let Err(error) = crewed.run(|_conn| Ok::<_, Error>(())).await {
        assert_eq!(error.kind(), ErrorKind::PoolTimeout);
    }
}

#[tokio::test]
async fn what_the_pool_refuses_is_told() {
    #[derive(Clone)]
    struct Shut;
    impl ConnectionSource for Shut {
        type Connection = ();
        async fn run<T, E, F>(&self, _work: F) -> Result<T, E>
        where
            F: FnOnce(&mut ()) -> Result<T, E> + Send + 'static,
            T: Send + 'static,
            E: From<Error> + Send + 'static,
        {
            unreachable!("closures of a crew go through its threads")
        }
        fn blocking(&self) -> Option<BlockingPool<()>> {
            let refuse = |_patience, _work: &mut dyn FnMut(&mut ())| Err(Error::new(ErrorKind::Unavailable, "in a test"));
            Some(BlockingPool::new(2, Duration::from_secs(1), refuse))
        }
    }
    let crewed = Crewed::new(Shut);
    for _ in 0..5 {
        let refused = crewed.run(|_conn| -> Result<(), Error> { unreachable!("no connection") }).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unavailable);
    }
}

#[tokio::test]
async fn a_panic_goes_on_in_its_caller_and_breaks_its_connection_alone() {
    let pool = Pool::of(1);
    let crewed = Crewed::new(pool.clone());
    let panicking = {
        let crewed = crewed.clone();
        tokio::spawn(async move { crewed.run(|_conn| -> Result<(), Error> { panic!("in a test") }).await })
    };
    let panic = panicking.await.unwrap_err().into_panic();
    assert_eq!(panic.downcast_ref(), Some(&"in a test"));
    assert_eq!(crewed.run(|conn| Ok::<_, Error>(*conn)).await.unwrap(), 7);
    assert_eq!(*pool.seen.lock().unwrap(), Seen { lent: 0, most_lent: 1, broken: 1 });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closure_whose_caller_has_gone_still_runs_to_its_end() {
    let crewed = Crewed::new(Pool::of(1));
    let held = hold(&crewed, &Handle::current());
    held.begun.recv().unwrap();
    let (end, ended) = mpsc::channel();
    {
        let given_up = crewed.run(move |_conn| {
            end.send(()).unwrap();
            Ok::<_, Error>(())
        });
        // Polled once, so that it waits, and dropped.
        assert!(tokio::time::timeout(Duration::ZERO, given_up).await.is_err());
    }
    held.let_go.send(()).unwrap();
    ended.recv().unwrap();
}

#[test]
fn a_closure_outlives_the_runtime_that_it_comes_from() {
    let crewed = Crewed::new(Pool::of(1));
    let ending = Builder::new_current_thread().build().unwrap();
    let mut early = Box::pin(crewed.run(|_conn| {
        let (begin, begun) = mpsc::channel();
        Handle::current().spawn_blocking(move || begin.send(1)); // its own runtime is there for it, ended or not
        Ok::<_, Error>(begun.recv().unwrap_or(0))
    }));
    let held = hold(&crewed, ending.handle());
    ending.block_on(tokio::task::yield_now()); // the one that holds the connection is under way
    held.begun.recv().unwrap();
    let polled = {
        let _here = ending.enter();
        early.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    };
    assert!(polled.is_pending());
    ending.shutdown_background();
    held.let_go.send(()).unwrap();
    let lasting = Builder::new_current_thread().build().unwrap();
    assert_eq!(lasting.block_on(early).unwrap(), 0, "a runtime that has ended runs nothing");
    assert_eq!(lasting.block_on(crewed.run(|_conn| Ok::<_, Error>(2))).unwrap(), 2);
}

// PERFORMANCE P11
#[test]
fn the_threads_of_a_runtime_are_left_alone() {
    let runtime = Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    let (let_go, wait) = mpsc::channel::<()>();
    runtime.spawn_blocking(move || wait.recv());
    let crewed = Crewed::new(Pool::of(1));
    for number in 0..3 {
        assert_eq!(runtime.block_on(crewed.run(move |_conn| Ok::<_, Error>(number))).unwrap(), number);
    }
    drop(let_go);
}

#[tokio::test]
async fn the_pool_is_let_go_of_with_the_last_who_could_ask_it() {
    let pool = Pool::of(2);
    let crewed = Crewed::new(pool.clone());
    let other = crewed.clone();
    crewed.run(|_conn| Ok::<_, Error>(())).await.unwrap();
    drop(crewed);
    other.run(|_conn| Ok::<_, Error>(())).await.unwrap();
    let held = pool.seen;
    drop((other, pool.size));
    while Arc::strong_count(&held) > 1 {
        std::thread::yield_now(); // until its threads have ended
    }
}

#[tokio::test]
async fn a_pool_that_lends_nobody_time_refuses_whoever_would_wait() {
    let crewed = Crewed::new(Pool { patience: Duration::ZERO, ..Pool::of(1) });
    let held = hold(&crewed, &Handle::current());
    tokio::task::yield_now().await;
    held.begun.recv().unwrap();
    let late = crewed.run(|_conn| -> Result<(), Error> { unreachable!("it was refused") }).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::PoolTimeout);
    held.let_go.send(()).unwrap();
}

#[tokio::test]
async fn a_source_that_waits_asynchronously_is_asked_itself() {
    #[derive(Clone)]
    struct Waits;
    impl ConnectionSource for Waits {
        type Connection = u32;
        async fn run<T, E, F>(&self, work: F) -> Result<T, E>
        where
            F: FnOnce(&mut u32) -> Result<T, E> + Send + 'static,
            T: Send + 'static,
            E: From<Error> + Send + 'static,
        {
            work(&mut 9)
        }
    }
    assert_eq!(Crewed::new(Waits).run(|conn| Ok::<_, Error>(*conn)).await.unwrap(), 9);
}
