//! The tool, run as a program: every command, on every engine.
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

#[path = "../../../tests/support/support.rs"]
mod support;

mod tool;

mod failures;
mod import;
mod keys;
