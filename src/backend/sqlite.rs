//! How the library's values are bound and read on SQLite.

use chrono::NaiveDateTime;
use diesel::connection::{Connection, LoadConnection};
use diesel::deserialize::{self, FromSql};
use diesel::dsl::sql;
use diesel::query_builder::{QueryBuilder, QueryFragment};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{Integer, Json, Nullable, Text, Timestamp, TimestamptzSqlite};
use diesel::sqlite::{Sqlite, SqliteValue, query_builder::SqliteQueryBuilder};
use diesel::{QueryResult, QuerySource, RunQueryDsl};
use uuid::Uuid;

use crate::clock::Timestamp6;
use crate::data::JsonText;
use crate::model::Findings;
use crate::statement::attributes::Dialect;
use crate::token::TokenDigest;

impl ToSql<Text, Sqlite> for TokenDigest {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        let mut buffer = Uuid::encode_buffer();
        out.set_value(self.as_uuid().hyphenated().encode_lower(&mut buffer).to_owned());
        Ok(IsNull::No)
    }
}

impl FromSql<Text, Sqlite> for TokenDigest {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(TokenDigest::from(Uuid::try_parse(value.read_text())?))
    }
}

impl ToSql<Text, Sqlite> for JsonText {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.as_str());
        Ok(IsNull::No)
    }
}

impl FromSql<Text, Sqlite> for JsonText {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        // Diesel's `read_text` would put replacement characters where a column holds other bytes, and a save would keep them.
        Ok(std::str::from_utf8(value.read_blob()).map_or_else(|_| JsonText::unreadable(), JsonText::new))
    }
}

impl ToSql<Json, Sqlite> for JsonText {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        <Self as ToSql<Text, Sqlite>>::to_sql(self, out)
    }
}

impl FromSql<Json, Sqlite> for JsonText {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        <Self as FromSql<Text, Sqlite>>::from_sql(value)
    }
}

impl ToSql<Timestamp, Sqlite> for Timestamp6 {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.text());
        Ok(IsNull::No)
    }
}

impl FromSql<Timestamp, Sqlite> for Timestamp6 {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        match Timestamp6::parse_exact(value.read_text().as_bytes()) {
            Some(time) => Ok(time),
            None => <NaiveDateTime as FromSql<Timestamp, Sqlite>>::from_sql(value).map(|time| time.and_utc().into()),
        }
    }
}

impl ToSql<TimestamptzSqlite, Sqlite> for Timestamp6 {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        <Self as ToSql<Timestamp, Sqlite>>::to_sql(self, out)
    }
}

impl FromSql<TimestamptzSqlite, Sqlite> for Timestamp6 {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        <Self as FromSql<Timestamp, Sqlite>>::from_sql(value)
    }
}

impl Dialect for Sqlite {
    const ON_CONFLICT: bool = true;
    const UPDATE_FROM: bool = true;
}

/// A table's name in the database, with its schema where `table!` declares one.
///
/// # Errors
///
/// Diesel's own, when the name cannot be printed.
pub fn table_name<T>(table: T) -> QueryResult<String>
where
    T: QuerySource,
    T::FromClause: QueryFragment<Sqlite>,
{
    let mut printed = SqliteQueryBuilder::new();
    table.from_clause().to_sql(&mut printed, &Sqlite)?;
    Ok(super::unquoted(&printed.finish()))
}

/// What SQLite's settings on this connection mean for sessions.
///
/// # Errors
///
/// The database's own, when a pragma cannot be read.
pub fn findings<C>(conn: &mut C) -> QueryResult<Findings>
where
    C: Connection<Backend = Sqlite> + LoadConnection,
{
    let mut findings = Findings::default();
    let foreign_keys: i32 = sql::<Integer>("SELECT foreign_keys FROM pragma_foreign_keys").get_result(conn)?;
    if foreign_keys == 0 {
        findings.advised.push("PRAGMA foreign_keys is off: deleting a user leaves the sessions; set it ON".to_owned());
    }
    let busy_timeout: i32 = sql::<Integer>("SELECT timeout FROM pragma_busy_timeout").get_result(conn)?;
    if busy_timeout == 0 {
        findings.advised.push("PRAGMA busy_timeout is 0: concurrent writers fail instead of waiting; set it to 5000".to_owned());
    }
    let journal_mode: String = sql::<Text>("SELECT journal_mode FROM pragma_journal_mode").get_result(conn)?;
    if !matches!(journal_mode.as_str(), "wal" | "memory") {
        findings
            .advised
            .push(format!("PRAGMA journal_mode is {journal_mode}: readers and writers block each other; set it to WAL"));
    }
    let synchronous: i32 = sql::<Integer>("SELECT synchronous FROM pragma_synchronous").get_result(conn)?;
    if synchronous == 0 {
        findings
            .advised
            .push("PRAGMA synchronous is OFF: an acknowledged revoke may be lost in a crash; set it to FULL".to_owned());
    }
    Ok(findings)
}

/// The foreign keys that can block the deletion of a row of `table`, as `child(column)`: SQLite's error names none.
/// The table's name is what it prints in SQL, whatever the application's Rust calls it.
///
/// # Errors
///
/// The database's own.
pub fn blocking_references<C, T>(conn: &mut C, table: T) -> QueryResult<Option<String>>
where
    C: Connection<Backend = Sqlite> + LoadConnection,
    T: QuerySource,
    T::FromClause: QueryFragment<Sqlite>,
{
    let table = table_name(table)?;
    let table = table.rsplit('.').next().unwrap_or_default();
    sql::<Nullable<Text>>(
        "SELECT group_concat(child.name || '(' || reference.\"from\" || ')', ', ') \
         FROM sqlite_master AS child, pragma_foreign_key_list(child.name) AS reference \
         WHERE child.type = 'table' AND reference.on_delete IN ('NO ACTION', 'RESTRICT') AND reference.\"table\" = ",
    )
    .bind::<Text, _>(table)
    .sql(" COLLATE NOCASE")
    .get_result(conn)
}
