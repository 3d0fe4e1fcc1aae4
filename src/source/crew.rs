//! A few threads of its own that run one closure after the other, in front of a pool that makes threads wait.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::{BlockingPool, ConnectionSource};
use crate::error::{Error, ErrorKind};

#[cfg(test)]
mod tests;

/// A source whose closures wait in a queue if they would wait on threads otherwise ([`ConnectionSource::blocking`]).
pub(crate) struct Crewed<P> {
    source: P,
    crew: Option<Arc<dyn Queue<P>>>,
}

/// A [`Crew`] over the connections of `P`, so that what holds it need not be bounded by a source.
trait Queue<P>: Send + Sync {
    fn add(&self, job: Box<dyn Job<P::Connection>>)
    where
        P: ConnectionSource;
}

impl<P> Queue<P> for Entrance<P::Connection>
where
    P: ConnectionSource,
    P::Connection: 'static,
{
    fn add(&self, job: Box<dyn Job<P::Connection>>) {
        self.0.take_on(job);
    }
}

impl<P: ConnectionSource> Crewed<P>
where
    P::Connection: 'static,
{
    pub(crate) fn new(source: P) -> Self {
        let entrance = |pool| Arc::new(Entrance(Arc::new(Crew::new(pool)))) as Arc<dyn Queue<P>>;
        Crewed { crew: source.blocking().map(entrance), source }
    }
}

impl<P: Clone> Clone for Crewed<P> {
    fn clone(&self) -> Self {
        Crewed { source: self.source.clone(), crew: self.crew.clone() }
    }
}

impl<P: ConnectionSource> ConnectionSource for Crewed<P>
where
    P::Connection: 'static,
{
    type Connection = P::Connection;

    async fn run<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Self::Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let Some(crew) = &self.crew else { return self.source.run(work).await };
        let (outcome, answer) = oneshot::channel();
        crew.add(Box::new(Closure { work: Some(work), result: None, outcome: Some(outcome) }));
        match answer.await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => resume_unwind(panic),
            Err(gone) => {
                Err(Error::new(ErrorKind::Unavailable, "could not run the closure").with_source(gone).into()) // there was no thread for it
            }
        }
    }
}

/// How long a thread waits for another closure before it ends, as tokio's threads do by default.
const KEPT: Duration = Duration::from_secs(10);

/// The queue, and how many threads take from it. They are its own: those of a runtime may all be busy, and a runtime may end while
/// others go on.
struct Crew<C> {
    pool: BlockingPool<C>,
    /// Whether the last connection that was asked for could not be opened.
    is_unavailable: AtomicBool,
    state: Mutex<State<C>>,
    /// Told that there is something to take, or that nobody will add anything.
    news: Condvar,
    /// Told that nobody will add anything.
    end: Condvar,
}

struct State<C> {
    /// Oldest first, and so are their deadlines.
    waiting: VecDeque<Waiting<C>>,
    /// Threads that take closures, at most one for each connection.
    threads: usize,
    /// Those of them that wait for one.
    idle: usize,
    /// Whether a thread looks after those that wait for too long.
    is_watched: bool,
    /// Whether whoever could add something has gone.
    is_over: bool,
}

impl<C> State<C> {
    fn new() -> Self {
        let waiting = VecDeque::new();
        State { waiting, threads: 0, idle: 0, is_watched: false, is_over: false }
    }
}

struct Waiting<C> {
    /// When it is refused if nothing was lent; `None` if the clock does not reach that far.
    deadline: Option<Instant>,
    /// The runtime whose closure it is, if it is one's.
    runtime: Option<Handle>,
    job: Box<dyn Job<C>>,
}

impl<C: 'static> Crew<C> {
    fn new(pool: BlockingPool<C>) -> Self {
        let (news, end) = (Condvar::new(), Condvar::new());
        Crew { pool, is_unavailable: AtomicBool::new(false), state: Mutex::new(State::new()), news, end }
    }

    /// Queues a closure, and sees to it that a thread takes it.
    fn take_on(self: &Arc<Self>, job: Box<dyn Job<C>>) {
        let deadline = Instant::now().checked_add(self.pool.patience());
        let mut state = self.state();
        state.waiting.push_back(Waiting { deadline, runtime: Handle::try_current().ok(), job });
        if state.waiting.len() <= state.idle {
            drop(state); // whoever is woken needs it
            self.news.notify_one();
        } else if state.threads < self.pool.size() {
            self.hire(state);
        } else if !state.is_watched {
            state.is_watched = true;
            drop(state);
            let watch = Watch { crew: Arc::clone(self), is_over: false };
            let _ = spawn(move || watch.keep()); // if there is no thread for it, its end says so
        }
    }

    /// One thread more. If the system gives none, and nobody is there, nobody will be.
    fn hire(self: &Arc<Self>, mut state: MutexGuard<'_, State<C>>) {
        state.threads += 1;
        drop(state);
        let duty = Duty { crew: Arc::clone(self), is_over: false };
        let _ = spawn(move || duty.work()); // likewise
    }

    fn run(&self, waiting: Waiting<C>) {
        let Waiting { deadline, runtime, mut job } = waiting;
        let _here = runtime.as_ref().map(Handle::enter);
        let patience = deadline.map_or(self.pool.patience(), |deadline| deadline.saturating_duration_since(Instant::now()));
        // A panic unwinds through the pool, which takes the connection for broken.
        let lent = catch_unwind(AssertUnwindSafe(|| self.pool.lend(patience, &mut |conn| job.run(conn))));
        if let Ok(lent) = &lent {
            let is_unavailable = lent.as_ref().is_err_and(|error| error.kind() == ErrorKind::Unavailable);
            self.is_unavailable.store(is_unavailable, Ordering::Relaxed);
        }
        job.end(lent);
    }
}

fn spawn(work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    thread::Builder::new().name("diesel-sessions".to_owned()).spawn(work).map(|_| ())
}

impl<C> Crew<C> {
    fn state(&self) -> MutexGuard<'_, State<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever can add something to the queue. With the last of them the threads that wait end, and let go of the pool.
struct Entrance<C>(Arc<Crew<C>>);

impl<C> Drop for Entrance<C> {
    fn drop(&mut self) {
        self.0.state().is_over = true;
        self.0.news.notify_all();
        self.0.end.notify_all();
    }
}

/// A thread's place among those that take closures.
struct Duty<C: 'static> {
    crew: Arc<Crew<C>>,
    is_over: bool,
}

impl<C> Duty<C> {
    /// Takes closures until none has come for a while.
    fn work(mut self) {
        let crew = Arc::clone(&self.crew);
        let mut state = crew.state();
        loop {
            if let Some(next) = state.waiting.pop_front() {
                drop(state);
                crew.run(next);
                state = crew.state();
                continue;
            }
            let mut has_waited = false;
            if !state.is_over {
                state.idle += 1;
                let (again, timeout) = crew.news.wait_timeout(state, KEPT).unwrap_or_else(PoisonError::into_inner);
                state = again;
                state.idle -= 1;
                has_waited = timeout.timed_out();
            }
            if (state.is_over || has_waited) && state.waiting.is_empty() {
                state.threads -= 1;
                if state.is_over {
                    crew.end.notify_all();
                }
                self.is_over = true;
                return;
            }
        }
    }
}

impl<C: 'static> Drop for Duty<C> {
    /// A panic outside of a closure, or no thread to begin with. What waits is left to the others, or to another.
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let mut state = self.crew.state();
        state.threads -= 1;
        if thread::panicking() {
            if !state.waiting.is_empty() {
                self.crew.hire(state);
            }
        } else if state.threads == 0 {
            let abandoned = std::mem::take(&mut state.waiting);
            drop(state);
            drop(abandoned); // their callers learn it
        }
    }
}

/// Looks after those that wait while all threads are at work for longer than the pool would let anybody wait.
struct Watch<C> {
    crew: Arc<Crew<C>>,
    is_over: bool,
}

impl<C> Watch<C> {
    /// Until nobody waits.
    fn keep(mut self) {
        let crew = Arc::clone(&self.crew);
        let mut state = crew.state();
        loop {
            let now = Instant::now();
            let is_late = |waiting: &&Waiting<C>| waiting.deadline.is_some_and(|deadline| deadline <= now);
            let late = state.waiting.iter().take_while(is_late).count();
            if late > 0 {
                let is_unavailable = crew.is_unavailable.load(Ordering::Relaxed);
                let kind = if is_unavailable { ErrorKind::Unavailable } else { ErrorKind::PoolTimeout };
                let late = state.waiting.drain(..late).collect::<Vec<_>>();
                drop(state);
                late.into_iter().for_each(|waiting| waiting.job.refuse(kind));
                state = crew.state();
                continue;
            }
            let Some(next) = state.waiting.front() else { break };
            let pause = next.deadline.map_or(KEPT, |deadline| deadline.saturating_duration_since(now));
            state = crew.end.wait_timeout(state, pause).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.is_watched = false;
        self.is_over = true;
    }
}

impl<C> Drop for Watch<C> {
    /// No thread to begin with, or a panic.
    fn drop(&mut self) {
        if !self.is_over {
            self.crew.state().is_watched = false;
        }
    }
}

/// A closure whatever it gives back.
trait Job<C>: Send {
    fn run(&mut self, conn: &mut C);
    /// It has run, or the pool lent nothing, or a panic ended it.
    fn end(self: Box<Self>, lent: Result<Result<(), Error>, Panic>);
    /// No thread had time for it.
    fn refuse(self: Box<Self>, kind: ErrorKind);
}

type Panic = Box<dyn Any + Send>;

struct Closure<F, T, E> {
    work: Option<F>,
    result: Option<Result<T, E>>,
    outcome: Option<oneshot::Sender<Result<Result<T, E>, Panic>>>,
}

impl<C, F, T, E> Job<C> for Closure<F, T, E>
where
    F: FnOnce(&mut C) -> Result<T, E> + Send,
    T: Send,
    E: From<Error> + Send,
{
    fn run(&mut self, conn: &mut C) {
        if let Some(work) = self.work.take() {
            self.result = Some(work(conn));
        }
    }

    fn end(mut self: Box<Self>, lent: Result<Result<(), Error>, Panic>) {
        let not_run = || Error::new(ErrorKind::Unavailable, "could not run the closure");
        let outcome = match (lent, self.result.take()) {
            (Err(panic), _) => Err(panic),
            (Ok(_), Some(result)) => Ok(result),
            (Ok(lent), None) => Ok(Err(lent.err().unwrap_or_else(not_run).into())),
        };
        self.tell(outcome);
    }

    fn refuse(mut self: Box<Self>, kind: ErrorKind) {
        self.tell(Ok(Err(Error::new(kind, "could not get a connection").into())));
    }
}

impl<F, T, E> Closure<F, T, E> {
    fn tell(&mut self, outcome: Result<Result<T, E>, Panic>) {
        if let Some(teller) = self.outcome.take() {
            let _ = teller.send(outcome); // whoever gave up waiting does not want it
        }
    }
}
