//! A crew over a pool that hands out numbers.

use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
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
fn hold(crewed: &Crewed<Pool>, runtime: &tokio::runtime::Handle) -> Hold {
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
    let held = hold(&crewed, &tokio::runtime::Handle::current());
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
    let held = hold(&crewed, &tokio::runtime::Handle::current());
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
fn a_runtime_that_has_ended_abandons_nobody_of_another() {
    let crewed = Crewed::new(Pool::of(1));
    let ended = Builder::new_current_thread().build().unwrap();
    let handle = ended.handle().clone();
    ended.shutdown_background();
    let lasting = Builder::new_current_thread().build().unwrap();
    let mut early = Box::pin(crewed.run(|_conn| Ok::<_, Error>(1)));
    let polled = {
        let _here = handle.enter();
        early.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    };
    let Poll::Ready(abandoned) = polled else { panic!("nobody is left to run it") };
    assert_eq!(abandoned.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(lasting.block_on(crewed.run(|_conn| Ok::<_, Error>(2))).unwrap(), 2);
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
