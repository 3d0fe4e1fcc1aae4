//! A model without an attribute table has no attributes.

use diesel::prelude::*;
use diesel_sessions::plain::sqlite::schema::sessions;
use diesel_sessions::{DbSession, Session, SessionCore, SessionRepository};

#[derive(Clone, Queryable, Selectable, DbSession)]
#[diesel(table_name = sessions, check_for_backend(diesel::sqlite::Sqlite))]
pub struct AppSession {
    pub id: i32,
    #[diesel(embed)]
    pub core: SessionCore<AppSession>,
}

fn set(sessions: &SessionRepository<AppSession>, session: &Session<AppSession>, conn: &mut SqliteConnection) {
    sessions.attributes(session).set(conn, "theme", "dark").unwrap();
}

fn main() {}
