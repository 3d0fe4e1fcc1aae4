#![doc = include_str!("../README.md")]

#[cfg(not(any(feature = "sqlite", feature = "postgres", feature = "mysql")))]
compile_error!("diesel-sessions-cli needs a database: switch on its feature `sqlite`, `postgres` or `mysql`");

mod args;
mod catalogue;
mod commands;
mod context;
mod database;
mod failure;
#[cfg(test)]
mod golden;
mod layout;
mod output;
mod program;
mod stop;
mod terminal;

pub use crate::program::{command, run};
