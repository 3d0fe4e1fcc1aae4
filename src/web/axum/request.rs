//! The session of one request: shared by the layer and by everything that the handler got from it.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;

use crate::error::{Error, ErrorKind, Result};
use crate::model::{DbSession, SessionModel};
use crate::source::ConnectionSource;
use crate::web::{Presented, SessionEdge, Visit};

/// What the layer puts into a request.
pub(super) struct RequestSession<M: SessionModel, C> {
    pub(super) edge: SessionEdge<M>,
    pub(super) sign_in_page: Option<Arc<str>>,
    source: Arc<dyn Source<C>>,
    slot: Mutex<Slot<M>>,
    /// The thread that looks at the session.
    looking: Mutex<Option<ThreadId>>,
}

/// Where the session is.
enum Slot<M: SessionModel> {
    /// Nobody has asked for it.
    Unasked,
    /// Here.
    Here(Box<Visit<M>>),
    /// With a closure on another thread.
    Away,
}

type Work<C> = Box<dyn FnOnce(&mut C) + Send>;

/// A [`ConnectionSource`] whatever its type.
trait Source<C>: Send + Sync {
    fn run(&self, work: Work<C>) -> Pin<Box<dyn Future<Output = Result<()>> + Send>>;
}

impl<P: ConnectionSource> Source<P::Connection> for P {
    fn run(&self, work: Work<P::Connection>) -> Pin<Box<dyn Future<Output = Result<()>> + Send>> {
        let source = self.clone();
        Box::pin(async move {
            ConnectionSource::run(&source, move |conn| {
                work(conn);
                Ok(())
            })
            .await
        })
    }
}

impl<M: SessionModel, C: 'static> RequestSession<M, C> {
    pub(super) fn new<P>(edge: SessionEdge<M>, source: P, sign_in_page: Option<Arc<str>>) -> Self
    where
        P: ConnectionSource<Connection = C>,
    {
        RequestSession {
            edge,
            sign_in_page,
            source: Arc::new(source),
            slot: Mutex::new(Slot::Unasked),
            looking: Mutex::new(None),
        }
    }

    /// Loads the session unless that was done. One dead connection is made up for by another.
    pub(super) async fn load(self: &Arc<Self>, presented: Presented) -> Result<()>
    where
        M: DbSession<C>,
    {
        match *self.slot() {
            Slot::Unasked => {}
            Slot::Here(_) => return Ok(()),
            Slot::Away => return Err(busy("could not load the session")),
        }
        let opened = self.open(presented.clone()).await?;
        match opened {
            Err(error) if error.kind() == ErrorKind::Unavailable => self.open(presented).await?,
            opened => opened,
        }
    }

    /// The outer error is the pool's.
    async fn open(self: &Arc<Self>, presented: Presented) -> Result<Result<()>>
    where
        M: DbSession<C>,
    {
        let request = Arc::clone(self);
        self.on_connection(move |conn| {
            let visit = request.edge.open(conn, &presented)?;
            let mut slot = request.slot();
            if matches!(*slot, Slot::Unasked) {
                *slot = Slot::Here(Box::new(visit));
            }
            Ok(())
        })
        .await
    }

    /// Looks at the session where it is.
    pub(super) fn look<T, E: From<Error>>(&self, work: impl FnOnce(&mut Visit<M>) -> Result<T, E>) -> Result<T, E> {
        let me = std::thread::current().id();
        if *lock(&self.looking) == Some(me) {
            return Err(Error::new(ErrorKind::Busy, "could not look at the session")
                .with_detail("this closure is inside another")
                .into());
        }
        let mut slot = self.slot();
        *lock(&self.looking) = Some(me);
        let _looking = Looking(&self.looking);
        match &mut *slot {
            Slot::Here(visit) => work(visit),
            Slot::Unasked | Slot::Away => Err(busy("could not look at the session").into()),
        }
    }

    /// Hands the session to a closure on a thread that may block, and puts it back: as the closure left it, or as it was if
    /// the closure fails or panics.
    pub(super) async fn hand_over<T, E>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut C, &SessionEdge<M>, &mut Visit<M>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let mut taken = self.take().ok_or_else(|| busy("could not use the session"))?;
        let result = self
            .on_connection(move |conn| {
                let request = Arc::clone(&taken.request);
                taken.before = taken.visit.as_deref().map(|visit| Box::new(visit.copy()));
                let result = match &mut taken.visit {
                    Some(visit) => work(conn, &request.edge, visit),
                    None => unreachable!("it was taken"),
                };
                if result.is_ok() {
                    taken.keep();
                }
                result
            })
            .await;
        result?
    }

    /// Takes the session out at the end of the request.
    pub(super) fn leave(&self) -> Left<M> {
        match std::mem::replace(&mut *self.slot(), Slot::Away) {
            Slot::Unasked => Left::Unasked,
            Slot::Here(visit) => Left::Here(visit),
            Slot::Away => Left::Away,
        }
    }

    /// Puts a session back that was taken out at the end of the request.
    pub(super) fn put_back(&self, visit: Box<Visit<M>>) {
        *self.slot() = Slot::Here(visit);
    }

    async fn on_connection<T: Send + 'static>(&self, work: impl FnOnce(&mut C) -> T + Send + 'static) -> Result<T> {
        let answer = Arc::new(Mutex::new(None));
        let into = Arc::clone(&answer);
        let done = self.source.run(Box::new(move |conn| {
            let answer = work(conn);
            *lock(&into) = Some(answer);
        }));
        done.await?;
        let answer = lock(&answer).take();
        answer.ok_or_else(|| Error::new(ErrorKind::Unavailable, "could not run the closure"))
    }

    fn take(self: &Arc<Self>) -> Option<Taken<M, C>> {
        let mut slot = self.slot();
        match std::mem::replace(&mut *slot, Slot::Away) {
            Slot::Here(visit) => Some(Taken { request: Arc::clone(self), visit: Some(visit), before: None }),
            other => {
                *slot = other;
                None
            }
        }
    }

    fn slot(&self) -> MutexGuard<'_, Slot<M>> {
        lock(&self.slot)
    }
}

/// Notes, however the closure ends, that its thread no longer looks.
struct Looking<'a>(&'a Mutex<Option<ThreadId>>);

impl Drop for Looking<'_> {
    fn drop(&mut self) {
        *lock(self.0) = None;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the layer finds after the handler.
pub(super) enum Left<M: SessionModel> {
    Unasked,
    Here(Box<Visit<M>>),
    Away,
}

/// A session that was taken out, and goes back however the closure ends, or never begins.
struct Taken<M: SessionModel, C: 'static> {
    request: Arc<RequestSession<M, C>>,
    visit: Option<Box<Visit<M>>>,
    /// As it was, while a closure is at work that may fail.
    before: Option<Box<Visit<M>>>,
}

impl<M: SessionModel, C> Taken<M, C> {
    /// The closure has succeeded: what it left goes back.
    fn keep(&mut self) {
        if let Some(mut before) = self.before.take() {
            before.give_up();
        }
    }
}

impl<M: SessionModel, C> Drop for Taken<M, C> {
    fn drop(&mut self) {
        let (visit, before) = (self.visit.take(), self.before.take());
        let back = match (visit, before) {
            (Some(mut visit), Some(before)) => {
                visit.give_up();
                Some(before)
            }
            (visit, before) => visit.or(before),
        };
        if let Some(visit) = back {
            self.request.put_back(visit);
        }
    }
}

fn busy(deed: &'static str) -> Error {
    Error::new(ErrorKind::Busy, deed).with_detail("another `run` of this request has it")
}
