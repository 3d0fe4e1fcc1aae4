//! A browser that follows no redirect: it keeps the one cookie, and says what it was answered.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use tower::ServiceExt;

/// A client of a router that is asked without a socket.
#[derive(Default)]
pub(crate) struct Browser {
    /// The value of the cookie `id`.
    pub(crate) id: Option<String>,
}

impl Browser {
    /// Status, then where to go or what to read.
    pub(crate) async fn get(&mut self, app: &Router, path: &str) -> String {
        self.ask(app, Request::get(path), Body::empty()).await
    }

    /// The same for a form that is sent.
    pub(crate) async fn post(&mut self, app: &Router, path: &str, form: &str) -> String {
        let request = Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.ask(app, request, Body::from(form.to_owned())).await
    }

    async fn ask(&mut self, app: &Router, mut request: axum::http::request::Builder, body: Body) -> String {
        if let Some(id) = &self.id {
            request = request.header(COOKIE, format!("id={id}"));
        }
        let (head, body) = app.clone().oneshot(request.body(body).unwrap()).await.unwrap().into_parts();
        if let Some(header) = head.headers.get(SET_COOKIE) {
            let value = header.to_str().unwrap().split(';').next().unwrap().strip_prefix("id=").unwrap();
            self.id = (!value.is_empty()).then(|| value.to_owned());
        }
        let body = String::from_utf8(to_bytes(body, 1 << 16).await.unwrap().to_vec()).unwrap();
        let rest = head.headers.get(LOCATION).map_or(body, |location| location.to_str().unwrap().to_owned());
        format!("{} {rest}", head.status.as_u16())
    }
}
