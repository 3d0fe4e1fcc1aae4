//! Stores for the sessions of other crates, on every engine.
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]
#![allow(clippy::duplicate_mod, reason = "the tests of tower-sessions are compiled once for each of its versions")]

#[path = "../../../tests/support/support.rs"]
mod support;

mod asking;
mod place;
mod tower_sessions;
