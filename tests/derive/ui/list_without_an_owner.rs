//! Without an owner there is nobody whose sessions could be listed.

use diesel::prelude::*;
use diesel_sessions::plain::sqlite::schema::sessions;
use diesel_sessions::{DbSession, SessionCore, SessionRepository};

#[derive(Clone, Queryable, Selectable, DbSession)]
#[diesel(table_name = sessions, check_for_backend(diesel::sqlite::Sqlite))]
pub struct AppSession {
    pub id: i32,
    #[diesel(embed)]
    pub core: SessionCore<AppSession>,
}

fn list(sessions: &SessionRepository<AppSession>, conn: &mut SqliteConnection) {
    sessions.of(&14).list(conn).unwrap();
}

fn main() {}
