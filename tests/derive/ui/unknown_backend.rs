//! The backend is one that the library knows.

use diesel_sessions::plain::sqlite::schema::sessions;
use diesel_sessions::{DbSession, SessionCore};

pub struct Oracle;

#[derive(Clone, DbSession)]
#[diesel(table_name = sessions, check_for_backend(Oracle))]
pub struct AppSession {
    pub id: i32,
    #[diesel(embed)]
    pub core: SessionCore<AppSession>,
}

fn main() {}
