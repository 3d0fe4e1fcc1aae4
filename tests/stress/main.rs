//! Races of real threads: statement by statement and in callers' transactions, at READ COMMITTED and at REPEATABLE READ.
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

#[path = "../support/support.rs"]
mod support;

mod attribute_batches;
mod attribute_locks;
mod attribute_orders;
mod attributes;
mod clocks;
mod deadlock;
mod keys;
mod ledger;
mod mix;
mod orders;
mod tokens;
mod ways;
