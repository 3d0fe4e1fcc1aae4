//! The other pools, on PostgreSQL: what they lend and take back, and the suite's behaviours over diesel-async's two.
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

mod lending;
mod sources;
mod support;
mod web;

/// The suite's own files. What `crate::support` is to them lends its connections from a pool.
#[path = "../../../tests/suite"]
#[allow(dead_code, reason = "one engine of three is asked for")]
mod suite {
    pub(crate) mod attributes;
    pub(crate) mod bad_database;
    pub(crate) mod concurrency;
    pub(crate) mod data;
    pub(crate) mod ending;
    pub(crate) mod expiry;
    pub(crate) mod life;
    pub(crate) mod mapping;
    pub(crate) mod mixin;
    pub(crate) mod properties;
    pub(crate) mod purging;
    pub(crate) mod rotation;
    pub(crate) mod secrets;
    pub(crate) mod transactions;
    pub(crate) mod typed_columns;
}
// As they name each other.
#[allow(unused_imports, reason = "not every file is named by another")]
use suite::{
    attributes, bad_database, concurrency, data, ending, expiry, life, mapping, mixin, properties, purging, rotation, secrets,
    transactions, typed_columns,
};
