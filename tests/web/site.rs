//! A site under test: a pool, a router below the layer, and a browser's few habits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode};
use diesel::connection::{Connection, InstrumentationEvent};
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Pool, R2D2Connection};
use diesel_sessions::{ManualClock, Session, SessionLayer, SessionModel, SessionRepository, SignIn, WebSession};
use tower::ServiceExt;

use crate::support::{Db, repository, token_of};

/// The name of the cookie, by default.
pub(crate) const NAME: &str = "__Host-id";

/// An engine whose connections pools can hold.
pub(crate) trait Web: Db<Conn: R2D2Connection, Model: SessionModel<Connection = <Self as Db>::Conn>> {}

impl<D> Web for D
where
    D: Db<Model: SessionModel<Connection = <D as Db>::Conn>>,
    D::Conn: R2D2Connection,
{
}

/// What handlers ask for.
pub(crate) type Handle<D> = WebSession<<D as Db>::Model, <D as Db>::Conn>;
pub(crate) type ConnPool<D> = Pool<ConnectionManager<<D as Db>::Conn>>;
pub(crate) type Layer<D> = SessionLayer<<D as Db>::Model, ConnPool<D>>;

/// A database behind a pool, and the clock of its sessions.
pub(crate) struct Site<'a, D: Web> {
    pub(crate) db: &'a D,
    pub(crate) sessions: SessionRepository<D::Model>,
    pub(crate) clock: ManualClock,
    pub(crate) pool: ConnPool<D>,
    /// Statements that were sent through the pool.
    pub(crate) statements: Arc<AtomicUsize>,
}

impl<'a, D: Web> Site<'a, D> {
    pub(crate) fn new(db: &'a D) -> Self {
        let (sessions, clock) = repository::<D>();
        Self::of(db, sessions, clock)
    }

    pub(crate) fn of(db: &'a D, sessions: SessionRepository<D::Model>, clock: ManualClock) -> Self {
        let statements = Arc::new(AtomicUsize::new(0));
        let pool = pool::<D>(db.url(), 8, Duration::from_secs(30), Arc::clone(&statements));
        Site { db, sessions, clock, pool, statements }
    }

    pub(crate) fn layer(&self) -> Layer<D> {
        SessionLayer::new(self.sessions.clone(), self.pool.clone())
    }

    /// A router below the layer.
    pub(crate) fn app(&self, router: Router) -> Router {
        router.layer(self.layer())
    }

    /// A stored session that was signed in, and the token its client has.
    pub(crate) fn signed_in(&self) -> (Session<D::Model>, String) {
        let mut session = self.sessions.new_session();
        self.sessions.sign_in(&mut self.db.connect(), &mut session, SignIn::new(7)).unwrap();
        let token = token_of(&session);
        (session, token)
    }

    /// A stored anonymous session, and the token its client has.
    pub(crate) fn created(&self) -> (Session<D::Model>, String) {
        let mut session = self.sessions.new_session();
        self.sessions.create(&mut self.db.connect(), &mut session).unwrap();
        let token = token_of(&session);
        (session, token)
    }

    /// The session that a token opens.
    pub(crate) fn load(&self, token: &str) -> Option<Session<D::Model>> {
        self.sessions.load(&mut self.db.connect(), token).unwrap()
    }

    pub(crate) fn rows(&self) -> i64 {
        D::number(&mut self.db.connect(), "SELECT COUNT(*) FROM sessions")
    }

    pub(crate) fn sent(&self) -> usize {
        self.statements.load(Ordering::Relaxed)
    }
}

#[derive(Debug)]
struct Counted(Arc<AtomicUsize>);

impl<C: Connection + diesel::connection::SimpleConnection> CustomizeConnection<C, diesel::r2d2::Error> for Counted {
    fn on_acquire(&self, conn: &mut C) -> Result<(), diesel::r2d2::Error> {
        let statements = Arc::clone(&self.0);
        // SQLite alone knows it; the servers refuse it, and need none.
        let _ = conn.batch_execute("PRAGMA busy_timeout = 30000");
        conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if matches!(event, InstrumentationEvent::StartQuery { .. }) {
                statements.fetch_add(1, Ordering::Relaxed);
            }
        });
        Ok(())
    }
}

/// A pool that checks nothing of its own accord.
pub(crate) fn pool<D: Web>(url: String, size: u32, timeout: Duration, statements: Arc<AtomicUsize>) -> ConnPool<D> {
    Pool::builder()
        .max_size(size)
        .min_idle(Some(0))
        .test_on_check_out(false)
        .connection_timeout(timeout)
        .connection_customizer(Box::new(Counted(statements)))
        .build_unchecked(ConnectionManager::new(url))
}

/// A pool whose server nobody reaches.
pub(crate) fn unreachable<D: Web>(db: &D) -> ConnPool<D> {
    let url = match D::NAME {
        "sqlite" => format!("{}/no/such/directory", db.url()),
        "postgres" => "postgres://nobody@127.0.0.1:1/none".to_owned(),
        _ => "mysql://nobody@127.0.0.1:1/none".to_owned(),
    };
    pool::<D>(url, 1, Duration::from_millis(300), Arc::default())
}

/// Runs a test's requests to their end, on several threads.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap().block_on(future)
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Reply {
    /// The `Set-Cookie` header; there is one at most.
    pub(crate) fn set_cookie(&self) -> Option<&str> {
        let mut all = self.headers.get_all(SET_COOKIE).iter();
        let first = all.next().map(|value| value.to_str().unwrap());
        assert!(all.next().is_none(), "one cookie at most");
        first
    }

    /// The value in it.
    pub(crate) fn token(&self) -> Option<String> {
        let (pair, _) = self.set_cookie()?.split_once(';').unwrap();
        Some(pair.split_once('=').unwrap().1.to_owned())
    }

    /// What is in it beside name and value.
    pub(crate) fn attributes(&self) -> Vec<String> {
        let header = self.set_cookie().unwrap();
        header.split("; ").skip(1).map(str::to_owned).collect()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn location(&self) -> Option<&str> {
        self.header(LOCATION.as_str())
    }
}

/// Asks without a cookie.
pub(crate) async fn ask(app: &Router, path: &str) -> Reply {
    ask_with(app, path, Vec::<&str>::new()).await
}

/// Asks with this token in the cookie.
pub(crate) async fn ask_as(app: &Router, path: &str, token: &str) -> Reply {
    ask_with(app, path, [format!("{NAME}={token}")]).await
}

/// Asks with these `Cookie` headers.
pub(crate) async fn ask_with<H: AsRef<[u8]>>(app: &Router, path: &str, cookies: impl IntoIterator<Item = H>) -> Reply {
    let mut request = Request::get(path).body(Body::empty()).unwrap();
    for cookie in cookies {
        request.headers_mut().append(COOKIE, HeaderValue::from_bytes(cookie.as_ref()).unwrap());
    }
    let answer = app.clone().oneshot(request).await.unwrap();
    let (head, body) = answer.into_parts();
    let body = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap();
    Reply { status: head.status, headers: head.headers, body }
}
