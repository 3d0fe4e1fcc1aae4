//! Private throw-away database servers: for the test run, and for tests that kill a server in the middle of its work.
//!
//! A server listens on 127.0.0.1 only, on a port of its own, and ends with its value, or with the process that started it
//! however that one ends. Several servers run side by side, each in its own directory.
//!
//! # Example
//!
//! ```no_run
//! use xtask::servers::Postgres;
//!
//! let mut server = Postgres::start("target/crash-test".as_ref())?;
//! println!("{}", server.url()); // postgres://postgres@127.0.0.1:24113/postgres
//! server.kill()?; // as a power cut would
//! server.restart()?; // on the same port, with what was committed
//! # Ok::<(), std::io::Error>(())
//! ```

mod account;
mod ground;
mod keeper;
mod log;
mod mariadb;
mod port;
mod postgres;
mod process;
mod program;
mod server;

pub use mariadb::{MariaDb, MariaDbProgram};
pub use postgres::{Postgres, PostgresProgram};
pub use program::Program;
pub use server::{Server, Settings, may_skip};
