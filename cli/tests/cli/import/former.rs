//! The other store's table, and rows as that store writes them.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use diesel_sessions::{Clock, SystemClock, Timestamp6};
use serde_json::Value;
use time::OffsetDateTime;
use tower_sessions_core::session::{Id, Record};

use crate::support::Db;

/// The table, in a test's database.
pub(crate) struct FormerStore<'a, D> {
    db: &'a D,
    table: &'static str,
}

impl<'a, D: Db> FormerStore<'a, D> {
    /// Called as the store calls it, but for the schema.
    pub(crate) fn new(db: &'a D) -> Self {
        Self::called(db, if D::NAME == "sqlite" { "tower_sessions" } else { "session" })
    }

    pub(crate) fn called(db: &'a D, table: &'static str) -> Self {
        let columns = match D::NAME {
            "sqlite" => "id text primary key not null, data blob not null, expiry_date integer not null",
            "postgres" => "id text primary key not null, data bytea not null, expiry_date timestamptz not null",
            _ => "id char(22) primary key not null, data blob not null, expiry_date timestamp(6) not null",
        };
        D::execute(&mut db.connect(), &format!("create table {table} ({columns})"));
        FormerStore { db, table }
    }

    /// A new session; its cookie.
    pub(crate) fn add(&self, data: &Value, ends_by: DateTime<Utc>) -> String {
        let cookie = next_id().to_string();
        self.put_back(&cookie, data, ends_by);
        cookie
    }

    /// So many sessions.
    pub(crate) fn add_many(&self, count: usize) {
        let ends_by = in_days(1);
        for some in (0..count).collect::<Vec<_>>().chunks(500) {
            let rows: Vec<String> =
                some.iter().map(|_| self.session(next_id(), &Value::Object([].into_iter().collect()), ends_by)).collect();
            self.insert(&rows);
        }
    }

    /// A session under a cookie that there was before.
    pub(crate) fn put_back(&self, cookie: &str, data: &Value, ends_by: DateTime<Utc>) {
        self.insert(&[self.session(cookie.parse().unwrap(), data, ends_by)]);
    }

    /// The row of a session, as SQL.
    fn session(&self, id: Id, data: &Value, ends_by: DateTime<Utc>) -> String {
        let expiry = OffsetDateTime::from_unix_timestamp_nanos(ends_by.timestamp_nanos_opt().unwrap().into()).unwrap();
        let record = Record { id, data: serde_json::from_value(data.clone()).unwrap(), expiry_date: expiry };
        self.row(&id.to_string(), &rmp_serde::to_vec(&record).unwrap(), ends_by)
    }

    /// A row whose data is something else.
    pub(crate) fn add_bytes(&self, data: &[u8], ends_by: DateTime<Utc>) -> String {
        let cookie = next_id().to_string();
        self.insert(&[self.row(&cookie, data, ends_by)]);
        cookie
    }

    /// The table's name.
    pub(crate) fn table(&self) -> &'static str {
        self.table
    }

    pub(crate) fn rows(&self) -> i64 {
        D::number(&mut self.db.connect(), &format!("SELECT COUNT(*) FROM {}", self.table))
    }

    fn row(&self, cookie: &str, data: &[u8], ends_by: DateTime<Utc>) -> String {
        let hex: String = data.iter().map(|byte| format!("{byte:02x}")).collect();
        let bytes = if D::NAME == "postgres" { format!("'\\x{hex}'") } else { format!("x'{hex}'") };
        let expiry = match D::NAME {
            "sqlite" => ends_by.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
            "postgres" => ends_by.to_rfc3339(),
            _ => Timestamp6::from(ends_by).to_string(),
        };
        format!("('{cookie}', {bytes}, '{expiry}')")
    }

    fn insert(&self, rows: &[String]) {
        D::execute(&mut self.db.connect(), &format!("INSERT INTO {} VALUES {}", self.table, rows.join(", ")));
    }
}

/// An id that no other session has, and that is not in any order.
fn next_id() -> Id {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = u128::from(NEXT.fetch_add(1, Ordering::Relaxed));
    Id(i128::from_le_bytes(number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_le_bytes()))
}

/// So many days from now, in whole microseconds.
pub(crate) fn in_days(days: i64) -> DateTime<Utc> {
    Timestamp6::from(SystemClock.now() + TimeDelta::days(days)).to_utc()
}

/// Users with these ids, whom the sessions belong to.
pub(crate) fn with_users<D: Db>(db: &D, ids: &[i64]) {
    let mut conn = db.connect();
    let key = "FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE";
    match D::NAME {
        "sqlite" => {
            D::execute(&mut conn, "CREATE TABLE users (id INTEGER NOT NULL PRIMARY KEY)");
            rebuilt(db, |sql| format!("{}, {key})", sql.trim_end().strip_suffix(')').unwrap()));
        }
        _ => {
            D::execute(&mut conn, "CREATE TABLE users (id BIGINT NOT NULL PRIMARY KEY)");
            D::execute(&mut conn, &format!("ALTER TABLE sessions ADD CONSTRAINT sessions_user_id_fkey {key}"));
        }
    }
    for id in ids {
        D::execute(&mut conn, &format!("INSERT INTO users VALUES ({id})"));
    }
}

/// Creates SQLite's table of sessions anew, with something else in it: there, a table cannot be altered so.
pub(crate) fn rebuilt<D: Db>(db: &D, change: impl Fn(&str) -> String) {
    let mut conn = db.connect();
    let sql = D::text(&mut conn, "SELECT sql FROM sqlite_master WHERE name = 'sessions'").unwrap();
    let changed = change(&sql);
    assert_ne!(sql, changed);
    let index = "CREATE UNIQUE INDEX sessions_uuid_key ON sessions (_uuid)";
    D::execute(&mut conn, &format!("DROP TRIGGER sessions_delete_attributes; DROP TABLE sessions; {changed}; {index}"));
}
