//! libsqlite3: statements prepared once, bound texts not copied.

use std::ffi::{CStr, CString};
use std::hint::black_box;
use std::os::raw::c_int;
use std::ptr;

use chrono::{DateTime, Utc};
use libsqlite3_sys as sqlite;

use super::{Floor, Key, NAME, VALUE, statement, text_of};

/// A connection with its prepared statements.
#[derive(Debug)]
pub struct SqliteFloor {
    conn: *mut sqlite::sqlite3,
    load: *mut sqlite::sqlite3_stmt,
    save: *mut sqlite::sqlite3_stmt,
    set: *mut sqlite::sqlite3_stmt,
    list: *mut sqlite::sqlite3_stmt,
    keys: Vec<(i64, String)>,
    now: String,
}

/// The columns of a session that are numbers; the others are texts.
const NUMBERS: [c_int; 4] = [0, 4, 12, 13];

impl SqliteFloor {
    fn prepare(conn: *mut sqlite::sqlite3, sql: &str) -> *mut sqlite::sqlite3_stmt {
        let sql = CString::new(sql).expect("no NUL in it");
        let mut prepared = ptr::null_mut();
        // SAFETY: the connection is open, the text ends with NUL and outlives the call.
        let code = unsafe {
            let persistent = sqlite::SQLITE_PREPARE_PERSISTENT as _;
            sqlite::sqlite3_prepare_v3(conn, sql.as_ptr(), -1, persistent, &mut prepared, ptr::null_mut())
        };
        assert_eq!(code, sqlite::SQLITE_OK, "{sql:?}");
        prepared
    }

    fn run(conn: *mut sqlite::sqlite3, sql: &CStr) {
        // SAFETY: the connection is open, the text ends with NUL and outlives the call.
        let code = unsafe { sqlite::sqlite3_exec(conn, sql.as_ptr(), None, ptr::null_mut(), ptr::null_mut()) };
        assert_eq!(code, sqlite::SQLITE_OK, "{sql:?}");
    }

    /// Looks at the columns of the row that the statement is at.
    ///
    /// # Safety
    ///
    /// The statement is at a row of a session.
    unsafe fn look(prepared: *mut sqlite::sqlite3_stmt) {
        for column in 0..16 {
            // SAFETY: a session has 16 columns.
            unsafe {
                if NUMBERS.contains(&column) {
                    black_box(sqlite::sqlite3_column_int64(prepared, column));
                } else {
                    black_box((sqlite::sqlite3_column_text(prepared, column), sqlite::sqlite3_column_bytes(prepared, column)));
                }
            }
        }
    }

    /// Steps to the end of a statement that changes one row.
    ///
    /// # Safety
    ///
    /// The statement is this connection's, and its texts are still there.
    unsafe fn change(&self, prepared: *mut sqlite::sqlite3_stmt) {
        // SAFETY: as the caller says.
        unsafe {
            assert_eq!(sqlite::sqlite3_step(prepared), sqlite::SQLITE_DONE);
            assert_eq!(sqlite::sqlite3_changes(self.conn), 1);
            sqlite::sqlite3_reset(prepared);
        }
    }
}

/// # Safety
///
/// The text must be there until the statement has run.
unsafe fn bind(prepared: *mut sqlite::sqlite3_stmt, index: c_int, text: &str) {
    // SAFETY: as the caller says; SQLite is told not to keep it.
    unsafe {
        sqlite::sqlite3_bind_text(prepared, index, text.as_ptr().cast(), text.len() as c_int, sqlite::SQLITE_STATIC());
    }
}

impl Floor for SqliteFloor {
    fn open(url: &str, keys: Vec<Key>, now: DateTime<Utc>) -> Self {
        let url = CString::new(url).expect("no NUL in it");
        let mut conn = ptr::null_mut();
        // SAFETY: the text ends with NUL and outlives the call.
        let code = unsafe { sqlite::sqlite3_open(url.as_ptr(), &mut conn) };
        assert_eq!(code, sqlite::SQLITE_OK);
        let pragmas =
            c"PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -65536";
        Self::run(conn, pragmas);
        let text = |key: &Key| (key.id, uuid::Uuid::from_bytes(key.digest).to_string());
        SqliteFloor {
            conn,
            load: Self::prepare(conn, statement(include_str!("../../../tests/golden/sqlite/load.sql"))),
            save: Self::prepare(conn, statement(include_str!("../../../tests/golden/sqlite/save_data.sql"))),
            set: Self::prepare(conn, statement(include_str!("../../../tests/golden/sqlite/attribute_set.sql"))),
            list: Self::prepare(conn, statement(include_str!("../../../tests/golden/sqlite/list.sql"))),
            keys: keys.iter().map(text).collect(),
            now: text_of(now),
        }
    }

    fn load(&mut self, session: usize) -> i32 {
        // SAFETY: the statement is this connection's; its texts outlive the step.
        unsafe {
            bind(self.load, 1, &self.keys[session].1);
            bind(self.load, 2, &self.now);
            assert_eq!(sqlite::sqlite3_step(self.load), sqlite::SQLITE_ROW);
            Self::look(self.load);
            let version = sqlite::sqlite3_column_int(self.load, 4);
            assert_eq!(sqlite::sqlite3_step(self.load), sqlite::SQLITE_DONE);
            sqlite::sqlite3_reset(self.load);
            version
        }
    }

    fn save(&mut self, session: usize, version: i32, data: &str) {
        let (id, digest) = &self.keys[session];
        // SAFETY: the statement is this connection's; its texts outlive the step.
        unsafe {
            bind(self.save, 1, data);
            sqlite::sqlite3_bind_int(self.save, 2, 1);
            sqlite::sqlite3_bind_int64(self.save, 3, *id);
            bind(self.save, 4, digest);
            bind(self.save, 5, &self.now);
            sqlite::sqlite3_bind_int(self.save, 6, version);
            self.change(self.save);
        }
    }

    fn set(&mut self, session: usize) {
        let (id, digest) = &self.keys[session];
        // SAFETY: the statement is this connection's; its texts outlive the step.
        unsafe {
            bind(self.set, 1, &self.now);
            bind(self.set, 2, &self.now);
            sqlite::sqlite3_bind_int64(self.set, 3, *id);
            bind(self.set, 4, digest);
            bind(self.set, 5, &self.now);
            bind(self.set, 6, NAME);
            bind(self.set, 7, VALUE);
            self.change(self.set); // the last two are NULL
        }
    }

    fn default_cache(&mut self) {
        Self::run(self.conn, c"PRAGMA cache_size = -2000");
    }

    fn list(&mut self, owner: i64) -> usize {
        let mut rows = 0;
        // SAFETY: the statement is this connection's; its text outlives the steps.
        unsafe {
            sqlite::sqlite3_bind_int64(self.list, 1, owner);
            bind(self.list, 2, &self.now);
            while sqlite::sqlite3_step(self.list) == sqlite::SQLITE_ROW {
                Self::look(self.list);
                rows += 1;
            }
            sqlite::sqlite3_reset(self.list);
        }
        rows
    }
}

impl Drop for SqliteFloor {
    fn drop(&mut self) {
        // SAFETY: nothing uses the statements and the connection any more.
        unsafe {
            for prepared in [self.load, self.save, self.set, self.list] {
                sqlite::sqlite3_finalize(prepared);
            }
            sqlite::sqlite3_close(self.conn);
        }
    }
}
