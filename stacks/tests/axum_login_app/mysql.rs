//! The application on MariaDB.

use crate::support::Mysql as Db;
use diesel::mysql::MysqlConnection as Conn;

#[path = "app.rs"]
mod app;
#[path = "scenario.rs"]
mod scenario;
#[path = "stored.rs"]
mod stored;
