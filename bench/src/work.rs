//! The pieces of work, a file for each kind.

pub mod attributes;
pub mod growth;
pub mod load;
pub mod memory;
pub mod profile;
pub mod purge;
pub mod requests;
pub mod save;
pub mod touch;
pub mod verbs;
