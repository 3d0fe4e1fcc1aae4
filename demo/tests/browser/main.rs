//! What the shop does in a real browser: its own program, over HTTP, with no route that is there for tests.
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

mod browser;
mod cookies;
#[path = "../support/database.rs"]
mod database;
mod devices;
mod driver;
mod leaving;
mod looks;
mod parallel;
mod program;
mod shopping;
#[path = "../support/skipped.rs"]
mod skipped;
mod stage;
