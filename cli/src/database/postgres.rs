//! Statements on PostgreSQL.

use diesel::connection::TransactionManager as _;
use diesel::deserialize::{self, FromSql, QueryableByName};
use diesel::pg::{Pg, PgValue};
use diesel::row::{Field as _, NamedRow};
use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text, Timestamptz};
use diesel::{Connection, PgConnection, QueryResult, RunQueryDsl, sql_query, sql_types};
use diesel_sessions::Timestamp6;

use super::row::{Cell, Row};
use super::statement::{Statement, Value};

/// Notices are no concern of whoever runs the tool.
pub(super) const SETTINGS: &[&str] = &["SET client_min_messages = warning"];

pub(super) fn begin(conn: &mut PgConnection) -> QueryResult<()> {
    <PgConnection as Connection>::TransactionManager::begin_transaction(conn)
}

macro_rules! bound {
    ($statement:expr) => {{
        let mut query = sql_query($statement.numbered()).into_boxed::<Pg>();
        for value in &$statement.values {
            query = match value {
                Value::Null => query.bind::<Nullable<Text>, _>(None::<String>),
                Value::Integer(number) => query.bind::<BigInt, _>(*number),
                Value::Boolean(yes) => query.bind::<Bool, _>(*yes),
                Value::Text(text) => query.bind::<Text, _>(text.as_str()),
                Value::Bytes(bytes) => query.bind::<Binary, _>(bytes.as_slice()),
                Value::Time(time) => query.bind::<Timestamptz, _>(*time),
            };
        }
        query
    }};
}

pub(super) fn execute(conn: &mut PgConnection, statement: &Statement) -> QueryResult<usize> {
    bound!(statement).execute(conn)
}

pub(super) fn rows(conn: &mut PgConnection, statement: &Statement) -> QueryResult<Vec<Row>> {
    bound!(statement).load(conn)
}

impl QueryableByName<Pg> for Row {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> deserialize::Result<Self> {
        let mut read = Row::default();
        for place in 0..row.field_count() {
            let Some(field) = diesel::row::Row::get(row, place) else { continue };
            let cell = field.value().map_or(Ok(Cell::Null), cell)?;
            read.push(field.field_name().unwrap_or_default(), cell);
        }
        Ok(read)
    }
}

/// Numbers are those of `pg_type`, which never change. Of other types than these, a statement asks for text. A time that no calendar has is a text.
fn cell(value: PgValue<'_>) -> deserialize::Result<Cell> {
    let cell = match value.get_oid().get() {
        16 => Cell::Boolean(<bool as FromSql<Bool, Pg>>::from_sql(value)?),
        20 => Cell::Integer(<i64 as FromSql<BigInt, Pg>>::from_sql(value)?),
        21 => Cell::Integer(<i16 as FromSql<sql_types::SmallInt, Pg>>::from_sql(value)?.into()),
        23 => Cell::Integer(<i32 as FromSql<sql_types::Integer, Pg>>::from_sql(value)?.into()),
        26 => Cell::Integer(<u32 as FromSql<sql_types::Oid, Pg>>::from_sql(value)?.into()),
        700 => Cell::Float(<f32 as FromSql<sql_types::Float, Pg>>::from_sql(value)?.into()),
        701 => Cell::Float(<f64 as FromSql<sql_types::Double, Pg>>::from_sql(value)?),
        // timestamp and timestamptz
        1114 | 1184 => {
            let raw = <[u8; 8]>::try_from(value.as_bytes()).map(i64::from_be_bytes)?;
            match (raw, <Timestamp6 as FromSql<Timestamptz, Pg>>::from_sql(value)) {
                (_, Ok(time)) => Cell::Time(time),
                (i64::MAX, Err(_)) => Cell::Text("infinity".to_owned()),
                (i64::MIN, Err(_)) => Cell::Text("-infinity".to_owned()),
                (_, Err(_)) => Cell::Text("beyond the calendar".to_owned()),
            }
        }
        2950 => Cell::Text(<uuid::Uuid as FromSql<sql_types::Uuid, Pg>>::from_sql(value)?.to_string()),
        // name, text, json, char, varchar
        19 | 25 | 114 | 1042 | 1043 => Cell::Text(<String as FromSql<Text, Pg>>::from_sql(value)?),
        // jsonb: a byte for its version, then text
        3802 => match value.as_bytes().split_first() {
            Some((1, text)) => Cell::Text(String::from_utf8(text.to_vec())?),
            _ => return Err("unknown version of binary jsonb".into()),
        },
        _ => Cell::Bytes(value.as_bytes().to_vec()),
    };
    Ok(cell)
}
