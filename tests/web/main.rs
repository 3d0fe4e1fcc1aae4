//! Sessions through HTTP, on every engine: an axum router, asked without a socket.
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

#[path = "../support/support.rs"]
mod support;

mod cookies;
mod design;
mod failing;
mod loading;
mod owner;
mod parallel;
mod running;
mod saving;
mod site;
mod superseded;
