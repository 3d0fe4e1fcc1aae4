//! libmariadb: statements prepared once, parameters and results bound once.

use std::ffi::{CStr, CString};
use std::hint::black_box;
use std::mem::zeroed;
use std::os::raw::{c_char, c_ulong};
use std::ptr;

use chrono::{DateTime, Datelike, Timelike, Utc};
use mysqlclient_sys as mysql;
use mysqlclient_sys::enum_field_types as wire;

use super::{Floor, Key, NAME, VALUE, statement};

/// A connection with its prepared statements.
pub struct MariadbFloor {
    conn: *mut mysql::MYSQL,
    load: Statement<2>,
    save: Statement<6>,
    set: Statement<10>,
    list: Statement<2>,
    keys: Vec<(i64, String)>,
    now: mysql::MYSQL_TIME,
}

/// A value to be bound.
#[derive(Clone, Copy)]
enum Value<'a> {
    Text(&'a str),
    Long(&'a i64),
    Int(&'a i32),
    Time(&'a mysql::MYSQL_TIME),
    Null,
}

/// Room for one column of an answer.
struct Column {
    bytes: Vec<u8>,
    length: c_ulong,
    is_null: c_char,
}

/// A prepared statement with `N` parameters, and, if it answers, room for the answer.
struct Statement<const N: usize> {
    statement: *mut mysql::MYSQL_STMT,
    columns: Vec<Column>,
}

impl<const N: usize> Statement<N> {
    fn new(conn: *mut mysql::MYSQL, sql: &str) -> Self {
        // SAFETY: the connection is open; the text is as long as it says.
        let (statement, columns) = unsafe {
            let statement = mysql::mysql_stmt_init(conn);
            let code = mysql::mysql_stmt_prepare(statement, sql.as_ptr().cast(), sql.len() as c_ulong);
            assert_eq!(code, 0, "{}", CStr::from_ptr(mysql::mysql_error(conn)).to_string_lossy());
            assert_eq!(mysql::mysql_stmt_param_count(statement), N as c_ulong);
            (statement, mysql::mysql_stmt_field_count(statement))
        };
        let column = |number| Column { bytes: vec![0; if number == 3 { 65_536 } else { 512 }], length: 0, is_null: 0 };
        let mut prepared = Statement { statement, columns: (0..columns).map(column).collect() };
        if columns > 0 {
            prepared.bind_columns();
        }
        prepared
    }

    fn bind_columns(&mut self) {
        // SAFETY: zeroes are what the C interface asks for; the columns stay where they are as long as the statement.
        unsafe {
            let mut binds: Vec<mysql::MYSQL_BIND> = (0..self.columns.len()).map(|_| zeroed()).collect();
            for (number, (bind, column)) in binds.iter_mut().zip(&mut self.columns).enumerate() {
                bind.buffer_type = match number {
                    0 | 13 => wire::MYSQL_TYPE_LONGLONG,
                    4 | 11 => wire::MYSQL_TYPE_LONG,
                    12 => wire::MYSQL_TYPE_TINY,
                    5..=10 => wire::MYSQL_TYPE_DATETIME,
                    _ => wire::MYSQL_TYPE_STRING,
                };
                bind.buffer = column.bytes.as_mut_ptr().cast();
                bind.buffer_length = column.bytes.len() as c_ulong;
                bind.length = &mut column.length;
                bind.is_null = &mut column.is_null;
            }
            assert_eq!(mysql::mysql_stmt_bind_result(self.statement, binds.as_mut_ptr()), 0);
        }
    }

    fn execute(&mut self, values: [Value<'_>; N]) {
        // SAFETY: zeroes are what the C interface asks for; what the values refer to outlives the execution.
        unsafe {
            let mut binds: [mysql::MYSQL_BIND; N] = std::array::from_fn(|_| zeroed());
            for (bind, value) in binds.iter_mut().zip(&values) {
                let (kind, buffer, length) = match value {
                    Value::Text(text) => (wire::MYSQL_TYPE_STRING, text.as_ptr().cast_mut().cast(), text.len()),
                    Value::Long(number) => (wire::MYSQL_TYPE_LONGLONG, ptr::from_ref(*number).cast_mut().cast(), 8),
                    Value::Int(number) => (wire::MYSQL_TYPE_LONG, ptr::from_ref(*number).cast_mut().cast(), 4),
                    Value::Time(time) => {
                        (wire::MYSQL_TYPE_DATETIME, ptr::from_ref(*time).cast_mut().cast(), size_of::<mysql::MYSQL_TIME>())
                    }
                    Value::Null => (wire::MYSQL_TYPE_NULL, ptr::null_mut(), 0),
                };
                bind.buffer_type = kind;
                bind.buffer = buffer;
                bind.buffer_length = length as c_ulong;
                bind.length_value = length as c_ulong;
                bind.length = &mut bind.length_value;
            }
            assert_eq!(mysql::mysql_stmt_bind_param(self.statement, binds.as_mut_ptr()), 0);
            let code = mysql::mysql_stmt_execute(self.statement);
            assert_eq!(code, 0, "{}", CStr::from_ptr(mysql::mysql_stmt_error(self.statement)).to_string_lossy());
        }
    }

    /// Fetches all rows and looks at every column; gives how many.
    fn look(&mut self) -> usize {
        let mut rows = 0;
        // SAFETY: the statement has been executed, and its columns are bound.
        unsafe {
            assert_eq!(mysql::mysql_stmt_store_result(self.statement), 0);
            while mysql::mysql_stmt_fetch(self.statement) == 0 {
                for column in &self.columns {
                    black_box((column.is_null, column.length, column.bytes.as_ptr()));
                }
                rows += 1;
            }
            mysql::mysql_stmt_free_result(self.statement);
        }
        rows
    }

    fn changed(&self) -> u64 {
        // SAFETY: the statement has been executed.
        unsafe { mysql::mysql_stmt_affected_rows(self.statement) }
    }
}

impl<const N: usize> Drop for Statement<N> {
    fn drop(&mut self) {
        // SAFETY: it is used no more.
        unsafe {
            mysql::mysql_stmt_close(self.statement);
        }
    }
}

impl Floor for MariadbFloor {
    /// `url` as Diesel takes it: `mysql://root@localhost/database?unix_socket=path`.
    fn open(url: &str, keys: Vec<Key>, now: DateTime<Utc>) -> Self {
        let (before, socket) = url.split_once("?unix_socket=").expect("a socket");
        let database = CString::new(before.rsplit_once('/').expect("a database").1).expect("no NUL in it");
        let socket = CString::new(socket).expect("no NUL in it");
        const FOUND_ROWS: c_ulong = 2; // as Diesel has it
        // SAFETY: the texts end with NUL and outlive the calls.
        let conn = unsafe {
            let conn = mysql::mysql_init(ptr::null_mut());
            mysql::mysql_options(conn, mysql::mysql_option::MYSQL_SET_CHARSET_NAME, c"utf8mb4".as_ptr().cast());
            let (host, user) = (c"localhost".as_ptr(), c"root".as_ptr());
            let opened =
                mysql::mysql_real_connect(conn, host, user, ptr::null(), database.as_ptr(), 0, socket.as_ptr(), FOUND_ROWS);
            assert!(!opened.is_null(), "{}", CStr::from_ptr(mysql::mysql_error(conn)).to_string_lossy());
            conn
        };
        let text = |key: &Key| (key.id, uuid::Uuid::from_bytes(key.digest).to_string());
        // SAFETY: a time of zeroes is one.
        let mut time: mysql::MYSQL_TIME = unsafe { zeroed() };
        (time.year, time.month, time.day) = (now.year().unsigned_abs(), now.month(), now.day());
        (time.hour, time.minute, time.second) = (now.hour(), now.minute(), now.second());
        time.second_part = c_ulong::from(now.timestamp_subsec_micros());
        time.time_type = mysql::enum_mysql_timestamp_type::MYSQL_TIMESTAMP_DATETIME;
        MariadbFloor {
            conn,
            load: Statement::new(conn, statement(include_str!("../../../tests/golden/mysql/load.sql"))),
            save: Statement::new(conn, statement(include_str!("../../../tests/golden/mysql/save_data.sql"))),
            set: Statement::new(conn, statement(include_str!("../../../tests/golden/mysql/attribute_set.sql"))),
            list: Statement::new(conn, statement(include_str!("../../../tests/golden/mysql/list.sql"))),
            keys: keys.iter().map(text).collect(),
            now: time,
        }
    }

    fn load(&mut self, session: usize) -> i32 {
        self.load.execute([Value::Text(&self.keys[session].1), Value::Time(&self.now)]);
        assert_eq!(self.load.look(), 1);
        i32::from_ne_bytes(self.load.columns[4].bytes[..4].try_into().expect("four bytes"))
    }

    fn save(&mut self, session: usize, version: i32, data: &str) {
        let (id, digest) = &self.keys[session];
        let now = Value::Time(&self.now);
        self.save.execute([Value::Text(data), Value::Int(&1), Value::Long(id), Value::Text(digest), now, Value::Int(&version)]);
        assert_eq!(self.save.changed(), 1, "no other was faster");
    }

    fn set(&mut self, session: usize) {
        let (id, digest) = &self.keys[session];
        let (now, null) = (Value::Time(&self.now), Value::Null);
        let (name, value) = (Value::Text(NAME), Value::Text(VALUE));
        self.set.execute([now, now, Value::Long(id), Value::Text(digest), now, Value::Long(&1), name, value, null, null]);
        assert!(self.set.changed() > 0, "the session is live");
    }

    fn list(&mut self, owner: i64) -> usize {
        self.list.execute([Value::Long(&owner), Value::Time(&self.now)]);
        self.list.look()
    }
}

impl Drop for MariadbFloor {
    fn drop(&mut self) {
        // SAFETY: the statements are closed without it; nothing else uses it.
        unsafe { mysql::mysql_close(self.conn) }
    }
}
