//! A browser's few habits, for routers that are asked without a socket.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use axum::http::{Request, StatusCode};
use tower::ServiceExt;

/// A client that keeps the one cookie it is given.
#[derive(Clone, Default)]
pub(crate) struct Browser {
    pub(crate) cookie: Option<String>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) set_cookie: Option<String>,
    pub(crate) body: String,
}

impl Browser {
    /// A client that presents this value.
    pub(crate) fn with(value: impl std::fmt::Display) -> Self {
        Browser { cookie: Some(value.to_string()) }
    }

    pub(crate) async fn get(&mut self, app: &Router, path: &str) -> Reply {
        self.ask(app, Request::get(path), Body::empty()).await
    }

    /// Sends a form.
    pub(crate) async fn post(&mut self, app: &Router, path: &str, form: &str) -> Reply {
        let request = Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.ask(app, request, Body::from(form.to_owned())).await
    }

    async fn ask(&mut self, app: &Router, mut request: axum::http::request::Builder, body: Body) -> Reply {
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, format!("id={cookie}"));
        }
        let (head, body) = app.clone().oneshot(request.body(body).unwrap()).await.unwrap().into_parts();
        let mut set = head.headers.get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap().to_owned());
        let set_cookie = set.next();
        assert!(set.next().is_none(), "one cookie at most");
        if let Some(header) = &set_cookie {
            let value = header.split(';').next().unwrap().strip_prefix("id=").unwrap();
            self.cookie = (!value.is_empty()).then(|| value.to_owned());
        }
        let body = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap();
        Reply { status: head.status, set_cookie, body }
    }
}
