//! Migrations, and the schema that the real diesel_cli prints.
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

#[path = "../support/support.rs"]
mod support;

mod application;
mod command;
mod printed;
mod starters;
mod trees;
