//! The application on PostgreSQL.

use crate::support::Postgres as Db;
use diesel::pg::PgConnection as Conn;

#[path = "app.rs"]
mod app;
#[path = "scenario.rs"]
mod scenario;
#[path = "stored.rs"]
mod stored;
