//! The tool, run as a program: every command, on every engine.
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

#[path = "../../../tests/support/support.rs"]
mod support;

mod rows;
mod terminal;
mod tool;

mod columns;
mod completions;
mod doctor;
mod failures;
mod help;
mod import;
mod init;
mod keys;
mod list;
mod names;
mod purge;
mod revoke;
mod show;
mod stats;
