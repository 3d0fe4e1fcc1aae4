//! The library's columns are embedded.

use diesel::prelude::*;
use diesel_sessions::DbSession;
use diesel_sessions::plain::sqlite::schema::sessions;

#[derive(Clone, Queryable, Selectable, DbSession)]
#[diesel(table_name = sessions, check_for_backend(diesel::sqlite::Sqlite))]
pub struct AppSession {
    pub id: i32,
}

fn main() {}
