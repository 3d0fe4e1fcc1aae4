//! A few threads that run one closure after the other, in front of a pool that makes threads wait.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

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
    fn add(self: Arc<Self>, job: Box<dyn Job<P::Connection>>)
    where
        P: ConnectionSource;
}

impl<P> Queue<P> for Crew<P::Connection>
where
    P: ConnectionSource,
    P::Connection: 'static,
{
    fn add(self: Arc<Self>, job: Box<dyn Job<P::Connection>>) {
        self.take_on(job);
    }
}

impl<P: ConnectionSource> Crewed<P>
where
    P::Connection: 'static,
{
    pub(crate) fn new(source: P) -> Self {
        let crew = |pool| Arc::new(Crew { pool, state: Mutex::default(), idle: Condvar::new() }) as Arc<dyn Queue<P>>;
        Crewed { crew: source.blocking().map(crew), source }
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
        Arc::clone(crew).add(Box::new(Closure { work: Some(work), result: None, outcome: Some(outcome) }));
        match answer.await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => resume_unwind(panic),
            Err(gone) => {
                Err(Error::new(ErrorKind::Unavailable, "could not run the closure").with_source(gone).into()) // the runtime ends
            }
        }
    }
}

/// The queue, and how many threads take from it.
struct Crew<C> {
    pool: BlockingPool<C>,
    state: Mutex<State<C>>,
    /// Told when the last thread has nothing left to do.
    idle: Condvar,
}

struct State<C> {
    /// Oldest first, and so are their deadlines.
    waiting: VecDeque<Waiting<C>>,
    /// Threads that take closures, at most one for each connection.
    at_work: usize,
    /// Whether a thread looks after those that wait for too long.
    is_watched: bool,
}

impl<C> Default for State<C> {
    fn default() -> Self {
        State { waiting: VecDeque::new(), at_work: 0, is_watched: false }
    }
}

struct Waiting<C> {
    /// When it is refused if nothing was lent; `None` if the clock does not reach that far.
    deadline: Option<Instant>,
    job: Box<dyn Job<C>>,
}

impl<C: 'static> Crew<C> {
    /// Queues a closure, and sees to it that a thread takes it.
    fn take_on(self: &Arc<Self>, job: Box<dyn Job<C>>) {
        let mut state = self.state();
        state.waiting.push_back(Waiting { deadline: Instant::now().checked_add(self.pool.patience()), job });
        if state.at_work < self.pool.size() {
            state.at_work += 1;
            drop(state);
            let duty = Duty { crew: Arc::clone(self), is_over: false };
            tokio::task::spawn_blocking(move || duty.work());
        } else if !state.is_watched {
            state.is_watched = true;
            drop(state);
            let watch = Watch { crew: Arc::clone(self), is_over: false };
            tokio::task::spawn_blocking(move || watch.keep());
        }
    }

    fn run(&self, waiting: Waiting<C>) {
        let Waiting { deadline, mut job } = waiting;
        let patience = deadline.map_or(self.pool.patience(), |deadline| deadline.saturating_duration_since(Instant::now()));
        // A panic unwinds through the pool, which takes the connection for broken.
        let lent = catch_unwind(AssertUnwindSafe(|| self.pool.lend(patience, &mut |conn| job.run(conn))));
        job.end(lent);
    }
}

impl<C> Crew<C> {
    fn state(&self) -> MutexGuard<'_, State<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One thread less. Nobody is left to take what waits when a runtime ends before it has begun with its thread: those
    /// closures are dropped, and their callers learn it.
    fn leave(&self, mut state: MutexGuard<'_, State<C>>) {
        state.at_work -= 1;
        if state.at_work == 0 {
            let abandoned = std::mem::take(&mut state.waiting);
            self.idle.notify_all();
            drop(state);
            drop(abandoned);
        }
    }
}

/// A thread's place among those at work.
struct Duty<C> {
    crew: Arc<Crew<C>>,
    is_over: bool,
}

impl<C: 'static> Duty<C> {
    /// Takes closures until none waits.
    fn work(mut self) {
        loop {
            let mut state = self.crew.state();
            let Some(next) = state.waiting.pop_front() else {
                self.is_over = true;
                self.crew.leave(state);
                return;
            };
            drop(state);
            self.crew.run(next);
        }
    }
}

impl<C> Drop for Duty<C> {
    fn drop(&mut self) {
        if !self.is_over {
            self.crew.leave(self.crew.state());
        }
    }
}

/// Looks after those that wait while all threads are at work for longer than the pool would let anybody wait.
struct Watch<C> {
    crew: Arc<Crew<C>>,
    is_over: bool,
}

impl<C> Watch<C> {
    /// Until nobody is at work.
    fn keep(mut self) {
        let crew = Arc::clone(&self.crew);
        let mut state = crew.state();
        while state.at_work > 0 {
            let now = Instant::now();
            let late = state.waiting.iter().take_while(|waiting| waiting.deadline.is_some_and(|deadline| deadline <= now));
            let late = late.count();
            let late = state.waiting.drain(..late).collect::<Vec<_>>();
            if late.is_empty() {
                let next = state.waiting.front().and_then(|waiting| waiting.deadline);
                let pause = next.map_or(crew.pool.patience(), |deadline| deadline.saturating_duration_since(now));
                state = crew.idle.wait_timeout(state, pause).unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            drop(state);
            for waiting in late {
                waiting.job.refuse();
            }
            state = crew.state();
        }
        state.is_watched = false;
        self.is_over = true;
    }
}

impl<C> Drop for Watch<C> {
    /// Its runtime ended before it began.
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
    fn refuse(self: Box<Self>);
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

    fn refuse(mut self: Box<Self>) {
        self.tell(Ok(Err(Error::new(ErrorKind::PoolTimeout, "could not get a connection").into())));
    }
}

impl<F, T, E> Closure<F, T, E> {
    fn tell(&mut self, outcome: Result<Result<T, E>, Panic>) {
        if let Some(teller) = self.outcome.take() {
            let _ = teller.send(outcome); // whoever gave up waiting does not want it
        }
    }
}
