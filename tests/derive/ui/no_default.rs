//! A column that is NOT NULL says what a new session holds.

use diesel_sessions::plain::sqlite::schema::sessions;
use diesel_sessions::{DbSession, SessionCore};

#[derive(Clone, DbSession)]
#[diesel(table_name = sessions, check_for_backend(diesel::sqlite::Sqlite))]
pub struct AppSession {
    pub id: i32,
    #[diesel(embed)]
    pub core: SessionCore<AppSession>,
    pub user_agent: String,
}

fn main() {}
