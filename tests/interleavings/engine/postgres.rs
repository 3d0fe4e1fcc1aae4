//! PostgreSQL: who waits has a lock in `pg_locks` that is not granted.

use std::time::Duration;

use diesel::PgConnection;

use super::Engine;
use crate::support::{Db, Postgres};

impl Engine for Postgres {
    const WAITS: bool = true;
    const SERIALISABLE: bool = false;
    const INSERTS_IN_TWO: bool = false;
    const CLEARS_FIRST: bool = false;
    const PATIENCE: Duration = Duration::from_millis(2);
    const WRAPPING: usize = 30;
    const HASTE: usize = 0;
    const ROWS: &'static str = "SELECT concat(id, '|', _uuid, '|', _previous_uuid, '|', _data, '|', _version, \
        '|', extract(epoch FROM created_at), '|', extract(epoch FROM authenticated_at), '|', extract(epoch FROM rotated_at), \
        '|', extract(epoch FROM last_seen_at), '|', extract(epoch FROM expires_at), '|', extract(epoch FROM deadline_at), \
        '|', idle_timeout, '|', persistent, '|', user_id, '|', remote_addr) FROM sessions";
    const ATTRIBUTES: &'static str = "SELECT concat(session_id, '|', name, '|', value, '|', extract(epoch FROM created_at), \
        '|', extract(epoch FROM updated_at), '|', extract(epoch FROM expires_at)) FROM session_attributes";

    fn row_id(id: i64) -> i64 {
        id
    }

    fn begin(conn: &mut PgConnection) {
        Self::execute(conn, "ALTER TABLE sessions ALTER COLUMN id RESTART WITH 1000");
    }

    fn tidy(conn: &mut PgConnection) {
        Self::execute(conn, "VACUUM sessions, session_attributes");
    }

    fn worker_connection(&self) -> PgConnection {
        self.connect()
    }

    fn connection_id(conn: &mut PgConnection) -> String {
        Self::text(conn, "SELECT pg_backend_pid()").expect("a process id")
    }

    fn waits(observer: &mut PgConnection, connection: &str) -> bool {
        Self::number(observer, &format!("SELECT count(*) FROM pg_locks WHERE pid = {connection} AND NOT granted")) > 0
    }

    fn recover(_: &mut PgConnection) {}
}
