//! An axum-login application with the routes of that crate's own example, written for any store: as it was, in memory, and with
//! the one line changed that the README names. On every engine.
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]
#![allow(clippy::duplicate_mod, reason = "the application is compiled once for each engine")]

#[path = "../../../tests/support/support.rs"]
mod support;

mod browser;
#[cfg(feature = "mysql")]
mod mysql;
#[path = "../adapters/place.rs"]
#[allow(dead_code, reason = "this target does not use all of it")]
mod place;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
