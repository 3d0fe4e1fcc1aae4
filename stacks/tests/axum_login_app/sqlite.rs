//! The application on SQLite.

use crate::support::Sqlite as Db;
use diesel::sqlite::SqliteConnection as Conn;

#[path = "app.rs"]
mod app;
#[path = "scenario.rs"]
mod scenario;
#[path = "stored.rs"]
mod stored;
