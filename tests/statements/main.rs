//! What is sent: golden SQL, counts, cached plans.
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

#[path = "../support/support.rs"]
mod support;

mod binds;
mod counts;
mod golden;
mod order;
mod plans;
mod recorder;
mod scenes;
mod shapes;
mod stage;
