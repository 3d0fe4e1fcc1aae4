//! Core columns cannot be reached through keys.

use diesel::prelude::*;
use diesel_sessions::plain::sqlite::schema::sessions;
use diesel_sessions::{DbSession, SessionCore};

#[derive(Clone, Queryable, Selectable, DbSession)]
#[diesel(table_name = sessions, check_for_backend(diesel::sqlite::Sqlite))]
pub struct AppSession {
    pub id: i32,
    #[diesel(embed)]
    pub core: SessionCore<AppSession>,
    #[diesel(column_name = user_id)]
    pub persistent: Option<i64>,
    #[diesel(column_name = remote_addr)]
    pub _address: Option<String>,
}

fn main() {}
