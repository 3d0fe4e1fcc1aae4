//! An application under test, and the few habits of its client.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use actix_web::body::to_bytes;
use actix_web::http::header::{COOKIE, HeaderValue};
use actix_web::test::TestRequest;
use actix_web::web::ServiceConfig;
use actix_web::{App, HttpResponse};
use axum::http::{HeaderMap, HeaderName, HeaderValue as ReplyValue, StatusCode};
use diesel_sessions::SessionMiddleware;

use crate::site::{ConnPool, NAME, Reply, Site, Web};

pub(crate) type Middleware<D> = SessionMiddleware<<D as crate::support::Db>::Model, ConnPool<D>>;

/// An answer of no interest.
pub(crate) fn done<T>(_: T) -> &'static str {
    "done"
}

impl<D: Web> Site<'_, D> {
    pub(crate) fn middleware(&self) -> Middleware<D> {
        SessionMiddleware::new(self.sessions.clone(), self.pool.clone())
    }

    /// An application with these routes below the middleware.
    pub(crate) async fn open(&self, routes: impl FnOnce(&mut ServiceConfig)) -> Client {
        open::<D>(self.middleware(), routes).await
    }
}

type Asked = Pin<Box<dyn Future<Output = Reply>>>;

/// Asks one application.
#[derive(Clone)]
pub(crate) struct Client(Rc<dyn Fn(TestRequest) -> Asked>);

/// Asks an application, whatever is wrapped around it.
macro_rules! client {
    ($app:expr) => {{
        let app = std::rc::Rc::new(actix_web::test::init_service($app).await);
        $crate::app::Client::new(move |request| {
            let app = std::rc::Rc::clone(&app);
            async move {
                let answer = actix_web::dev::Service::call(&*app, request.to_request()).await;
                // The server makes an answer of an error that reaches it.
                answer.map_or_else(actix_web::HttpResponse::from_error, |answer| answer.into_parts().1.map_into_boxed_body())
            }
        })
    }};
}
pub(crate) use client;

/// An application with these routes below a middleware.
pub(crate) async fn open<D: Web>(middleware: Middleware<D>, routes: impl FnOnce(&mut ServiceConfig)) -> Client {
    client!(App::new().configure(routes).wrap(middleware))
}

/// An application with these routes and no middleware.
pub(crate) async fn open_bare(routes: impl FnOnce(&mut ServiceConfig)) -> Client {
    client!(App::new().configure(routes))
}

async fn reply(answer: HttpResponse) -> Reply {
    let status = StatusCode::from_u16(answer.status().as_u16()).unwrap();
    let mut headers = HeaderMap::new();
    for (name, value) in answer.headers() {
        let name = HeaderName::from_bytes(name.as_ref()).unwrap();
        headers.append(name, ReplyValue::from_bytes(value.as_bytes()).unwrap());
    }
    let body = String::from_utf8(to_bytes(answer.into_body()).await.unwrap().to_vec()).unwrap();
    Reply { status, headers, body }
}

impl Client {
    pub(crate) fn new<F: Future<Output = HttpResponse> + 'static>(ask: impl Fn(TestRequest) -> F + 'static) -> Self {
        Client(Rc::new(move |request| {
            let answering = ask(request);
            Box::pin(async move { reply(answering.await).await })
        }))
    }

    /// Asks without a cookie.
    pub(crate) async fn ask(&self, path: &str) -> Reply {
        self.ask_with(path, Vec::<&str>::new()).await
    }

    /// Asks with this token in the cookie.
    pub(crate) async fn ask_as(&self, path: &str, token: &str) -> Reply {
        self.ask_with(path, [format!("{NAME}={token}")]).await
    }

    /// Asks with these `Cookie` headers.
    pub(crate) async fn ask_with<H: AsRef<[u8]>>(&self, path: &str, cookies: impl IntoIterator<Item = H>) -> Reply {
        let mut request = TestRequest::with_uri(path);
        for cookie in cookies {
            request = request.append_header((COOKIE, HeaderValue::from_bytes(cookie.as_ref()).unwrap()));
        }
        (self.0)(request).await
    }
}

/// Runs a test's requests to their end, as a worker of the server does: on one thread, database work aside.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    actix_web::rt::System::new().block_on(future)
}
