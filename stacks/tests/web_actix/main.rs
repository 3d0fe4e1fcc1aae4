//! Sessions through actix-web, on every engine: an application, asked without a socket. Our own middleware, and actix-session's
//! over our store.
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

#[path = "../../../tests/support/support.rs"]
mod support;

// The database, its pool and what a reply is are the same under every framework.
#[allow(dead_code, reason = "a part of it is axum's")]
#[path = "../../../tests/web/site.rs"]
mod site;

mod app;
mod cookies;
mod failing;
mod loading;
mod owner;
mod parallel;
mod running;
mod saving;
mod store;
mod superseded;
