//! Statements on SQLite.

use diesel::deserialize::{self, FromSql, QueryableByName};
use diesel::row::{Field as _, NamedRow};
use diesel::sql_types::{BigInt, Binary, Bool, Double, Nullable, Text, Timestamp};
use diesel::sqlite::{Sqlite, SqliteType};
use diesel::{Connection, QueryResult, RunQueryDsl, SqliteConnection, sql_query};

use super::row::{Cell, Row};
use super::statement::{Statement, Value};

/// Writers wait for each other; foreign keys act, as they do in an application.
pub(super) const SETTINGS: &[&str] = &["PRAGMA busy_timeout = 5000", "PRAGMA foreign_keys = ON"];

pub(super) fn begin(conn: &mut SqliteConnection) -> QueryResult<()> {
    type Manager = <SqliteConnection as Connection>::TransactionManager;
    Manager::begin_transaction_sql(conn, "BEGIN IMMEDIATE")
}

macro_rules! bound {
    ($statement:expr) => {{
        let mut query = sql_query(&$statement.sql).into_boxed::<Sqlite>();
        for value in &$statement.values {
            query = match value {
                Value::Null => query.bind::<Nullable<Text>, _>(None::<String>),
                Value::Integer(number) => query.bind::<BigInt, _>(*number),
                Value::Boolean(yes) => query.bind::<Bool, _>(*yes),
                Value::Text(text) => query.bind::<Text, _>(text.as_str()),
                Value::Bytes(bytes) => query.bind::<Binary, _>(bytes.as_slice()),
                Value::Time(time) => query.bind::<Timestamp, _>(*time),
            };
        }
        query
    }};
}

pub(super) fn execute(conn: &mut SqliteConnection, statement: &Statement) -> QueryResult<usize> {
    bound!(statement).execute(conn)
}

pub(super) fn rows(conn: &mut SqliteConnection, statement: &Statement) -> QueryResult<Vec<Row>> {
    bound!(statement).load(conn)
}

impl QueryableByName<Sqlite> for Row {
    fn build<'a>(row: &impl NamedRow<'a, Sqlite>) -> deserialize::Result<Self> {
        let mut read = Row::default();
        for place in 0..row.field_count() {
            let Some(field) = diesel::row::Row::get(row, place) else { continue };
            let cell = match field.value() {
                None => Cell::Null,
                Some(mut value) => match value.value_type() {
                    Some(SqliteType::Integer | SqliteType::Long | SqliteType::SmallInt) => Cell::Integer(value.read_long()),
                    Some(SqliteType::Float | SqliteType::Double) => {
                        Cell::Float(<f64 as FromSql<Double, Sqlite>>::from_sql(value)?)
                    }
                    Some(SqliteType::Binary) => Cell::Bytes(value.read_blob().to_vec()),
                    Some(SqliteType::Text) => match std::str::from_utf8(value.read_blob()) {
                        Ok(text) => Cell::Text(text.to_owned()),
                        Err(_) => Cell::Bytes(value.read_blob().to_vec()),
                    },
                    _ => Cell::Null,
                },
            };
            read.push(field.field_name().unwrap_or_default(), cell);
        }
        Ok(read)
    }
}
