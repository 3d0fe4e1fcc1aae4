//! Without an owner nobody can be signed in.

use diesel::prelude::*;
use diesel_sessions::plain::sqlite::schema::sessions;
use diesel_sessions::{DbSession, SessionCore, SessionRepository, SignIn};

#[derive(Clone, Queryable, Selectable, DbSession)]
#[diesel(table_name = sessions, check_for_backend(diesel::sqlite::Sqlite))]
pub struct AppSession {
    pub id: i32,
    #[diesel(embed)]
    pub core: SessionCore<AppSession>,
}

fn sign_in(sessions: &SessionRepository<AppSession>, conn: &mut SqliteConnection) {
    let mut session = sessions.new_session();
    sessions.sign_in(conn, &mut session, SignIn::new(14)).unwrap();
}

fn main() {}
