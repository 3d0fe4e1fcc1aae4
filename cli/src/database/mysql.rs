//! Statements on MySQL and MariaDB.

use diesel::connection::TransactionManager as _;
use diesel::deserialize::{self, FromSql, QueryableByName};
use diesel::mysql::data_types::MysqlTime;
use diesel::mysql::{Mysql, MysqlType, MysqlValue};
use diesel::row::{Field as _, NamedRow};
use diesel::sql_types::{BigInt, Binary, Bool, Datetime, Nullable, Text};
use diesel::{Connection, MysqlConnection, QueryResult, RunQueryDsl, sql_query};
use diesel_sessions::Timestamp6;

use super::row::{Cell, Row};
use super::statement::{Statement, Value};

/// Diesel's own are enough.
pub(super) const SETTINGS: &[&str] = &[];

pub(super) fn begin(conn: &mut MysqlConnection) -> QueryResult<()> {
    <MysqlConnection as Connection>::TransactionManager::begin_transaction(conn)
}

macro_rules! bound {
    ($statement:expr) => {{
        let mut query = sql_query(&$statement.sql).into_boxed::<Mysql>();
        for value in &$statement.values {
            query = match value {
                Value::Null => query.bind::<Nullable<Text>, _>(None::<String>),
                Value::Integer(number) => query.bind::<BigInt, _>(*number),
                Value::Boolean(yes) => query.bind::<Bool, _>(*yes),
                Value::Text(text) => query.bind::<Text, _>(text.as_str()),
                Value::Bytes(bytes) => query.bind::<Binary, _>(bytes.as_slice()),
                Value::Time(time) => query.bind::<Datetime, _>(*time),
            };
        }
        query
    }};
}

pub(super) fn execute(conn: &mut MysqlConnection, statement: &Statement) -> QueryResult<usize> {
    bound!(statement).execute(conn)
}

pub(super) fn rows(conn: &mut MysqlConnection, statement: &Statement) -> QueryResult<Vec<Row>> {
    bound!(statement).load(conn)
}

impl QueryableByName<Mysql> for Row {
    fn build<'a>(row: &impl NamedRow<'a, Mysql>) -> deserialize::Result<Self> {
        let mut read = Row::default();
        for place in 0..row.field_count() {
            let Some(field) = diesel::row::Row::get(row, place) else { continue };
            let cell = field.value().map_or(Ok(Cell::Null), cell)?;
            read.push(field.field_name().unwrap_or_default(), cell);
        }
        Ok(read)
    }
}

fn cell(value: MysqlValue<'_>) -> deserialize::Result<Cell> {
    let bytes = value.as_bytes();
    let signed = |is_negative: bool, bytes: &[u8]| {
        let mut whole = [if is_negative { 0xff } else { 0 }; 8];
        for (to, from) in whole.iter_mut().zip(bytes) {
            *to = *from;
        }
        Cell::Integer(i64::from_le_bytes(whole))
    };
    let is_negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let cell = match value.value_type() {
        MysqlType::Tiny | MysqlType::Short | MysqlType::Long | MysqlType::LongLong => signed(is_negative, bytes),
        MysqlType::UnsignedTiny | MysqlType::UnsignedShort | MysqlType::UnsignedLong => signed(false, bytes),
        MysqlType::UnsignedLongLong => {
            let number = <[u8; 8]>::try_from(bytes).map(u64::from_le_bytes)?;
            i64::try_from(number).map_or_else(|_| Cell::Text(number.to_string()), Cell::Integer)
        }
        MysqlType::Float => Cell::Float(<[u8; 4]>::try_from(bytes).map(f32::from_le_bytes)?.into()),
        MysqlType::Double => Cell::Float(<[u8; 8]>::try_from(bytes).map(f64::from_le_bytes)?),
        MysqlType::DateTime | MysqlType::Timestamp => {
            let raw = <MysqlTime as FromSql<Datetime, Mysql>>::from_sql(value.clone())?;
            // `0000-00-00` is no time.
            match <Timestamp6 as FromSql<Datetime, Mysql>>::from_sql(value) {
                Ok(time) => Cell::Time(time),
                Err(_) => Cell::Text(format!("{:04}-{:02}-{:02}", raw.year, raw.month, raw.day)),
            }
        }
        MysqlType::Numeric | MysqlType::String | MysqlType::Set | MysqlType::Enum | MysqlType::Blob => {
            match std::str::from_utf8(bytes) {
                Ok(text) => Cell::Text(text.to_owned()),
                Err(_) => Cell::Bytes(bytes.to_vec()),
            }
        }
        _ => Cell::Bytes(bytes.to_vec()),
    };
    Ok(cell)
}
