//! The row id is one column.

use diesel::prelude::*;
use diesel_sessions::plain::sqlite::schema::sessions;
use diesel_sessions::{DbSession, SessionCore};

#[derive(Clone, Queryable, Selectable, DbSession)]
#[diesel(table_name = sessions, primary_key(id, user_id), check_for_backend(diesel::sqlite::Sqlite))]
pub struct AppSession {
    pub id: i32,
    #[diesel(embed)]
    pub core: SessionCore<AppSession>,
}

fn main() {}
