//! What a purge has removed and somebody may still see: entries of an index that every batch would walk past if it began at the front.

use chrono::{DateTime, Utc};
use diesel::PgConnection;

use super::{Db, Postgres};

const INDICES: [&str; 2] = ["sessions_expires_at_idx", "session_attributes_expires_at_idx"];

/// Sessions and attributes that have expired, in a database that is scanned by its indices, and somebody who has seen them.
pub struct LeftBehind {
    rows: u64,
    _reader: PgConnection,
}

impl LeftBehind {
    /// So many of either have expired by that time. For connections that come later.
    pub fn new(db: &Postgres, rows: u64, now: DateTime<Utc>) -> Self {
        let conn = &mut db.connect();
        Postgres::execute(
            conn,
            &format!(
                "DO $$ BEGIN
                     EXECUTE format('ALTER DATABASE %I SET enable_seqscan = off', current_database());
                     EXECUTE format('ALTER DATABASE %I SET enable_bitmapscan = off', current_database());
                 END $$;
                 INSERT INTO sessions (_uuid, created_at, last_seen_at, expires_at)
                 SELECT gen_random_uuid(), '{now}', '{now}', timestamptz '{now}' - make_interval(secs => n)
                 FROM generate_series(1, {rows}) AS n;
                 INSERT INTO sessions (_uuid, created_at, last_seen_at, expires_at)
                 VALUES (gen_random_uuid(), '{now}', '{now}', timestamptz '{now}' + interval '1 day');
                 INSERT INTO session_attributes (session_id, name, value, created_at, updated_at, expires_at)
                 SELECT (SELECT max(id) FROM sessions), n::text, '1', '{now}', '{now}', timestamptz '{now}' - make_interval(secs => n)
                 FROM generate_series(1, {rows}) AS n"
            ),
        );
        let mut reader = db.connect();
        Postgres::execute(&mut reader, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM sessions");
        LeftBehind { rows, _reader: reader }
    }

    /// Checks that the purge that was done on this connection has passed each entry once or little more.
    pub fn check_passed_once(&self, conn: &mut PgConnection) {
        Postgres::execute(conn, "SELECT pg_stat_force_next_flush()");
        for index in INDICES {
            let read =
                Postgres::number(conn, &format!("SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = '{index}'"));
            let read = u64::try_from(read).unwrap();
            assert!((self.rows..self.rows * 2).contains(&read), "{read} entries of {index} for {} rows", self.rows);
        }
    }
}
