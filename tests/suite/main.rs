//! The behaviours of the library, on every engine in one run.
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

#[path = "../support/support.rs"]
mod support;

mod attributes;
mod bad_database;
mod concurrency;
mod data;
mod ending;
mod expiry;
mod life;
mod mapping;
mod mixin;
mod pools;
mod properties;
mod purging;
mod rotation;
mod secrets;
mod transactions;
mod typed_columns;
