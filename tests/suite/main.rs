//! The behaviours of the library, on every engine in one run.
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

#[path = "../support/support.rs"]
mod support;

mod life;
