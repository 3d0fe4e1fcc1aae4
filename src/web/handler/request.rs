//! The session of one request: shared by a framework's layer and by everything that the handler got from it.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::ThreadId;

use http::{HeaderMap, StatusCode};

use crate::error::{Error, ErrorKind, Result};
use crate::model::{DbSession, SessionModel};
use crate::source::ConnectionSource;
use crate::web::{Presented, SessionEdge, Visit};

/// What the layer puts into a request.
pub(crate) struct RequestSession<M: SessionModel, C> {
    pub(crate) edge: SessionEdge<M>,
    pub(crate) sign_in_page: Option<Arc<str>>,
    source: Arc<dyn Source<C>>,
    slot: Mutex<Slot<M>>,
    /// The thread that looks at the session.
    looking: Mutex<Option<ThreadId>>,
    /// Who waits for the session to come back, to end the request.
    closing: Mutex<Option<Waker>>,
}

/// Where the session is.
enum Slot<M: SessionModel> {
    /// Nobody has asked for it.
    Unasked,
    /// It was asked for, and could not be loaded.
    Failed(ErrorKind),
    /// Here.
    Here(Box<Visit<M>>),
    /// With a closure on another thread.
    Away,
    /// Nowhere: the answer has its headers.
    Answered,
}

impl<M: SessionModel> Slot<M> {
    /// Why the session cannot be had.
    fn refusal(&self, deed: &'static str) -> Error {
        match self {
            Slot::Answered => Error::new(ErrorKind::Config, deed)
                .with_detail("its request was answered: a task that outlives it opens the session by its token, or by its row"),
            _ => Error::new(ErrorKind::Busy, deed).with_detail("another `run` of this request has it"),
        }
    }
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
    pub(crate) fn new<P>(edge: SessionEdge<M>, source: P, sign_in_page: Option<Arc<str>>) -> Self
    where
        P: ConnectionSource<Connection = C>,
    {
        RequestSession {
            edge,
            sign_in_page,
            source: Arc::new(source),
            slot: Mutex::new(Slot::Unasked),
            looking: Mutex::new(None),
            closing: Mutex::new(None),
        }
    }

    /// What the request presents, if the session is still to be loaded.
    pub(crate) fn presented(&self, headers: &HeaderMap) -> Presented {
        match &*self.slot() {
            Slot::Unasked | Slot::Failed(_) => self.edge.presented(headers),
            _ => Presented::Nothing,
        }
    }

    /// Loads the session unless that was done. One dead connection is made up for by another.
    pub(crate) async fn load(self: &Arc<Self>, presented: Presented) -> Result<()>
    where
        M: DbSession<C>,
    {
        match &*self.slot() {
            Slot::Unasked | Slot::Failed(_) => {}
            Slot::Here(_) => return Ok(()),
            slot @ (Slot::Away | Slot::Answered) => return Err(slot.refusal("could not load the session")),
        }
        let opened = match self.open(presented.clone()).await {
            Ok(Err(error)) if error.kind() == ErrorKind::Unavailable => self.open(presented).await,
            opened => opened,
        };
        let opened = opened.and_then(|opened| opened);
        if let Err(error) = &opened {
            let mut slot = self.slot();
            if matches!(*slot, Slot::Unasked) {
                *slot = Slot::Failed(error.kind());
            }
        }
        opened
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
            if matches!(*slot, Slot::Unasked | Slot::Failed(_)) {
                *slot = Slot::Here(Box::new(visit));
            }
            Ok(())
        })
        .await
    }

    /// Looks at the session where it is.
    pub(crate) fn look<T, E: From<Error>>(&self, work: impl FnOnce(&mut Visit<M>) -> Result<T, E>) -> Result<T, E> {
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
            slot => Err(slot.refusal("could not look at the session").into()),
        }
    }

    /// Hands the session to a closure on a thread that may block, and puts it back: as the closure left it, or as it was if
    /// the closure fails or panics.
    pub(crate) async fn hand_over<T, E>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut C, &SessionEdge<M>, &mut Visit<M>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let mut taken = self.take()?;
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

    /// Whether somebody has asked for the session.
    #[cfg(feature = "actix-web")]
    pub(crate) fn was_asked(&self) -> bool {
        !matches!(*self.slot(), Slot::Unasked)
    }

    /// Ends the request, whose answer has this status: waits for a closure that still has the session, takes it out, and saves what
    /// was changed, unless that is a server error. Handles that are left have none from then on.
    pub(crate) async fn close(&self, status: StatusCode) -> Closed<M>
    where
        M: DbSession<C>,
    {
        let mut visit = match poll_fn(|context| self.poll_last(context)).await {
            Slot::Here(visit) => visit,
            Slot::Failed(kind) => return Closed::Failed(kind),
            Slot::Unasked | Slot::Away | Slot::Answered => return Closed::Unasked,
        };
        let mut saved = Ok(());
        if self.edge.is_to_be_saved(&visit, status) {
            let is_change = visit.session().was_changed() && !status.is_server_error();
            let shared = Arc::new(Mutex::new(Some(visit)));
            let (edge, inside) = (self.edge.clone(), Arc::clone(&shared));
            let save = move |conn: &mut C| lock(&inside).as_mut().map_or(Ok(()), |visit| edge.save(conn, visit, status));
            saved = self.on_connection(save).await.and_then(|saved| saved);
            if !is_change {
                // A touch or a look-up that found no connection takes nothing from the answer.
                saved = Ok(());
            }
            let Some(back) = lock(&shared).take() else { return Closed::Unasked };
            visit = back;
        }
        visit.give_up();
        Closed::Met { visit, saved }
    }

    /// Takes what is there, once no closure has it.
    fn poll_last(&self, context: &Context<'_>) -> Poll<Slot<M>> {
        // Before the look: whoever puts the session back after it wakes this up.
        *lock(&self.closing) = Some(context.waker().clone());
        let mut slot = self.slot();
        match *slot {
            Slot::Away => Poll::Pending,
            _ => Poll::Ready(std::mem::replace(&mut *slot, Slot::Answered)),
        }
    }

    /// Puts a session back that a closure had.
    fn put_back(&self, visit: Box<Visit<M>>) {
        *self.slot() = Slot::Here(visit);
        if let Some(closing) = lock(&self.closing).take() {
            closing.wake();
        }
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

    fn take(self: &Arc<Self>) -> Result<Taken<M, C>, Error> {
        let mut slot = self.slot();
        match std::mem::replace(&mut *slot, Slot::Away) {
            Slot::Here(visit) => Ok(Taken { request: Arc::clone(self), visit: Some(visit), before: None }),
            other => {
                *slot = other;
                Err(slot.refusal("could not use the session"))
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

/// How a request leaves its session.
pub(crate) enum Closed<M: SessionModel> {
    /// Nobody has asked for it.
    Unasked,
    /// It could not be loaded.
    #[cfg_attr(not(feature = "actix-web"), expect(dead_code, reason = "no extractor of axum's hides it"))]
    Failed(ErrorKind),
    /// The handler had it; and how the save went, if there was one.
    Met { visit: Box<Visit<M>>, saved: Result<()> },
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
