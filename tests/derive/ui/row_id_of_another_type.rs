//! A row id is an i32 or an i64.

use diesel_sessions::plain::sqlite::schema::sessions;
use diesel_sessions::{DbSession, SessionCore};

#[derive(Clone, DbSession)]
#[diesel(table_name = sessions, check_for_backend(diesel::sqlite::Sqlite))]
pub struct AppSession {
    pub id: String,
    #[diesel(embed)]
    pub core: SessionCore<AppSession>,
}

fn main() {}
