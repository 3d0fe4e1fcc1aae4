//! A model is for the connections of its own backend.

use diesel::PgConnection;
use diesel_sessions::SessionRepository;
use diesel_sessions::plain::sqlite::PlainSession;

fn load(sessions: &SessionRepository<PlainSession>, conn: &mut PgConnection) {
    sessions.load(conn, None).unwrap();
}

fn main() {}
