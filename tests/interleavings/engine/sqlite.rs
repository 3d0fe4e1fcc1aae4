//! SQLite: nobody waits; with a busy timeout of zero, SQLITE_BUSY comes at once.

use std::time::Duration;

use diesel::SqliteConnection;
use diesel::connection::SimpleConnection;

use super::Engine;
use crate::support::{Db, Sqlite};

impl Engine for Sqlite {
    const WAITS: bool = false;
    const SERIALISABLE: bool = true;
    const INSERTS_IN_TWO: bool = false;
    const CLEARS_FIRST: bool = false;
    const PATIENCE: Duration = Duration::from_millis(50);
    const WRAPPING: usize = 30;
    const HASTE: usize = 0;
    const ROWS: &'static str = "SELECT id || '|' || _uuid || '|' || coalesce(_previous_uuid, '') || '|' || _data || '|' || _version \
        || '|' || strftime('%s', created_at) || '|' || coalesce(strftime('%s', authenticated_at), '') \
        || '|' || coalesce(strftime('%s', rotated_at), '') || '|' || strftime('%s', last_seen_at) \
        || '|' || strftime('%s', expires_at) || '|' || coalesce(strftime('%s', deadline_at), '') \
        || '|' || coalesce(idle_timeout, '') || '|' || persistent || '|' || coalesce(user_id, '') \
        || '|' || coalesce(remote_addr, '') FROM sessions";
    const ATTRIBUTES: &'static str = "SELECT session_id || '|' || name || '|' || value || '|' || strftime('%s', created_at) \
        || '|' || strftime('%s', updated_at) || '|' || coalesce(strftime('%s', expires_at), '') FROM session_attributes";

    fn row_id(id: i64) -> i32 {
        i32::try_from(id).expect("a small number")
    }

    fn begin(conn: &mut SqliteConnection) {
        Self::execute(
            conn,
            "INSERT INTO sessions (id, _uuid, created_at, last_seen_at, expires_at) \
             VALUES (999, 'none', '2026-11-21 12:00:00', '2026-11-21 12:00:00', '2026-11-21 12:00:00')",
        );
    }

    fn tidy(_: &mut SqliteConnection) {}

    fn worker_connection(&self) -> SqliteConnection {
        let mut conn = self.connect();
        conn.batch_execute("PRAGMA busy_timeout = 0").unwrap();
        conn
    }

    fn connection_id(_: &mut SqliteConnection) -> String {
        String::new()
    }

    fn waits(_: &mut SqliteConnection, _: &str) -> bool {
        false
    }

    fn recover(_: &mut SqliteConnection) {}
}
