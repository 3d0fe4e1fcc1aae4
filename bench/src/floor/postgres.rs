//! libpq: statements prepared once, parameters and results in the binary format, on a blocking connection.

use std::ffi::{CStr, CString};
use std::hint::black_box;
use std::os::raw::{c_char, c_int};
use std::ptr;

use chrono::{DateTime, Utc};
use pq_sys as pq;

use super::{Floor, Key, NAME, VALUE, statement};

const LOAD: &CStr = c"load";
const SAVE: &CStr = c"save";
const SET: &CStr = c"set";
const LIST: &CStr = c"list";

/// The parameters of an attribute's statement: times, the session, a time, then arrays of text, jsonb, bytea and timestamptz.
const ATTRIBUTE: [pq::Oid; 9] = [1184, 1184, 20, 2950, 1184, 1009, 3807, 1001, 1185];

/// A connection with its prepared statements.
#[derive(Debug)]
pub struct PostgresFloor {
    conn: *mut pq::PGconn,
    keys: Vec<Key>,
    now: [u8; 8],
    jsonb: Vec<u8>,
    attribute: [Vec<u8>; 4],
}

/// A parameter in the binary format; `None` is NULL.
type Parameter<'a> = Option<&'a [u8]>;

impl PostgresFloor {
    /// Prepares a statement; where the server cannot tell the types of the first parameters, they are given.
    fn prepare(&self, name: &CStr, sql: &str, types: &[pq::Oid]) {
        let sql = CString::new(sql).expect("no NUL in it");
        // SAFETY: the connection is open, both texts end with NUL, and they and the types outlive the call.
        unsafe {
            let result = pq::PQprepare(self.conn, name.as_ptr(), sql.as_ptr(), types.len() as c_int, types.as_ptr());
            self.expect(result, pq::ExecStatusType::PGRES_COMMAND_OK);
            pq::PQclear(result);
        }
    }

    /// Executes a prepared statement; the answer is the caller's to clear.
    fn execute<const N: usize>(
        &self,
        name: &CStr,
        parameters: [Parameter<'_>; N],
        expected: pq::ExecStatusType,
    ) -> *mut pq::PGresult {
        let values = parameters.map(|parameter| parameter.map_or(ptr::null(), |bytes| bytes.as_ptr().cast::<c_char>()));
        let lengths = parameters.map(|parameter| parameter.map_or(0, |bytes| bytes.len() as c_int));
        let formats = [1; N];
        // SAFETY: the connection is open; there are N values, lengths and formats, and what they point at outlives the call.
        unsafe {
            let result =
                pq::PQexecPrepared(self.conn, name.as_ptr(), N as c_int, values.as_ptr(), lengths.as_ptr(), formats.as_ptr(), 1);
            self.expect(result, expected);
            result
        }
    }

    /// # Safety
    ///
    /// The result is one of this connection's, not cleared yet.
    unsafe fn expect(&self, result: *mut pq::PGresult, expected: pq::ExecStatusType) {
        // SAFETY: as the caller says.
        unsafe {
            if pq::PQresultStatus(result) != expected {
                panic!("{}", CStr::from_ptr(pq::PQerrorMessage(self.conn)).to_string_lossy());
            }
        }
    }

    /// Looks at every column of every row; gives the number of rows.
    ///
    /// # Safety
    ///
    /// The result is one of this connection's, not cleared yet.
    unsafe fn look(result: *mut pq::PGresult) -> usize {
        // SAFETY: rows and columns are within their numbers.
        unsafe {
            let (rows, columns) = (pq::PQntuples(result), pq::PQnfields(result));
            for row in 0..rows {
                for column in 0..columns {
                    if pq::PQgetisnull(result, row, column) == 0 {
                        black_box((pq::PQgetvalue(result, row, column), pq::PQgetlength(result, row, column)));
                    }
                }
            }
            rows as usize
        }
    }
}

impl Floor for PostgresFloor {
    fn open(url: &str, keys: Vec<Key>, now: DateTime<Utc>) -> Self {
        let url = CString::new(url).expect("no NUL in it");
        // SAFETY: the text ends with NUL and outlives the call.
        let conn = unsafe { pq::PQconnectdb(url.as_ptr()) };
        // SAFETY: libpq takes what it has just given, NULL included.
        assert_eq!(unsafe { pq::PQstatus(conn) }, pq::ConnStatusType::CONNECTION_OK, "PostgreSQL answers");
        let value = [b"\x01", VALUE.as_bytes()].concat();
        let attribute = [
            array(25, Some(NAME.as_bytes())), // text
            array(3802, Some(&value)),        // jsonb
            array(17, None),                  // bytea
            array(1184, None),                // timestamptz
        ];
        let floor = PostgresFloor { conn, keys, now: binary(now), jsonb: Vec::new(), attribute };
        floor.prepare(LOAD, statement(include_str!("../../../tests/golden/postgres/load.sql")), &[]);
        floor.prepare(SAVE, statement(include_str!("../../../tests/golden/postgres/save_data.sql")), &[]);
        floor.prepare(SET, statement(include_str!("../../../tests/golden/postgres/attribute_set.sql")), &ATTRIBUTE);
        floor.prepare(LIST, statement(include_str!("../../../tests/golden/postgres/list.sql")), &[]);
        floor
    }

    fn load(&mut self, session: usize) -> i32 {
        let parameters = [Some(&self.keys[session].digest[..]), Some(&self.now[..])];
        let result = self.execute(LOAD, parameters, pq::ExecStatusType::PGRES_TUPLES_OK);
        // SAFETY: the result is live until it is cleared, and the fifth column of its only row is an int4.
        unsafe {
            assert_eq!(Self::look(result), 1);
            let version = pq::PQgetvalue(result, 0, 4).cast::<[u8; 4]>().read_unaligned();
            pq::PQclear(result);
            i32::from_be_bytes(version)
        }
    }

    fn save(&mut self, session: usize, version: i32, data: &str) {
        let mut jsonb = std::mem::take(&mut self.jsonb);
        jsonb.clear();
        jsonb.push(1); // the version of its binary format
        jsonb.extend_from_slice(data.as_bytes());
        let Key { id, digest } = self.keys[session];
        let (one, id, version) = (1_i32.to_be_bytes(), id.to_be_bytes(), version.to_be_bytes());
        let parameters = [Some(&jsonb[..]), Some(&one), Some(&id), Some(&digest), Some(&self.now), Some(&version)];
        let result = self.execute(SAVE, parameters, pq::ExecStatusType::PGRES_COMMAND_OK);
        // SAFETY: the result is live until it is cleared.
        unsafe {
            assert_eq!(CStr::from_ptr(pq::PQcmdTuples(result)), c"1", "no other was faster");
            pq::PQclear(result);
        }
        self.jsonb = jsonb;
    }

    fn set(&mut self, session: usize) {
        let Key { id, digest } = self.keys[session];
        let (id, now) = (id.to_be_bytes(), Some(&self.now[..]));
        let [names, values, sealed, expiries] = self.attribute.each_ref().map(|array| Some(&array[..]));
        let parameters = [now, now, Some(&id[..]), Some(&digest[..]), now, names, values, sealed, expiries];
        let result = self.execute(SET, parameters, pq::ExecStatusType::PGRES_COMMAND_OK);
        // SAFETY: the result is live until it is cleared.
        unsafe {
            assert_eq!(CStr::from_ptr(pq::PQcmdTuples(result)), c"1", "the session is live");
            pq::PQclear(result);
        }
    }

    fn list(&mut self, owner: i64) -> usize {
        let owner = owner.to_be_bytes();
        let result = self.execute(LIST, [Some(&owner[..]), Some(&self.now[..])], pq::ExecStatusType::PGRES_TUPLES_OK);
        // SAFETY: the result is live until it is cleared.
        unsafe {
            let rows = Self::look(result);
            pq::PQclear(result);
            rows
        }
    }
}

impl Drop for PostgresFloor {
    fn drop(&mut self) {
        // SAFETY: nothing uses the connection any more.
        unsafe { pq::PQfinish(self.conn) }
    }
}

/// A timestamptz: microseconds since 2000.
fn binary(time: DateTime<Utc>) -> [u8; 8] {
    (time.timestamp_micros() - 946_684_800_000_000).to_be_bytes()
}

/// An array of one element, or of one NULL.
fn array(element_type: u32, element: Option<&[u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in [1, i32::from(element.is_none()), element_type as i32, 1, 1] {
        bytes.extend(number.to_be_bytes()); // dimensions, whether there are NULLs, the type, the length, the lower bound
    }
    bytes.extend(element.map_or(-1, |element| element.len() as i32).to_be_bytes());
    bytes.extend(element.unwrap_or_default());
    bytes
}
