//! The engine that this build of the shop is for. A real application has one, and names it where this file chooses.

#[cfg(feature = "mysql")]
mod mysql;
#[cfg(all(feature = "postgres", not(feature = "mysql")))]
mod postgres;
#[cfg(not(any(feature = "postgres", feature = "mysql")))]
mod sqlite;

#[cfg(feature = "mysql")]
pub(crate) use mysql::*;
#[cfg(all(feature = "postgres", not(feature = "mysql")))]
pub(crate) use postgres::*;
#[cfg(not(any(feature = "postgres", feature = "mysql")))]
pub(crate) use sqlite::*;
