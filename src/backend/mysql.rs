//! How the library's values are bound and read on MySQL and MariaDB.

use std::io::Write as _;

use chrono::NaiveDateTime;
use diesel::connection::{Connection, LoadConnection};
use diesel::deserialize::{self, FromSql};
use diesel::dsl::sql;
use diesel::mysql::{Mysql, MysqlQueryBuilder, MysqlValue};
use diesel::query_builder::{QueryBuilder, QueryFragment};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{BigInt, Datetime, Json, Text, Timestamp};
use diesel::{QueryResult, QuerySource, RunQueryDsl};
use uuid::Uuid;

use crate::clock::Timestamp6;
use crate::data::JsonText;
use crate::model::Findings;
use crate::statement::attributes::Dialect;
use crate::token::TokenDigest;

impl ToSql<Text, Mysql> for TokenDigest {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Mysql>) -> serialize::Result {
        let mut buffer = Uuid::encode_buffer();
        out.write_all(self.as_uuid().hyphenated().encode_lower(&mut buffer).as_bytes())?;
        Ok(IsNull::No)
    }
}

impl FromSql<Text, Mysql> for TokenDigest {
    fn from_sql(value: MysqlValue<'_>) -> deserialize::Result<Self> {
        Ok(TokenDigest::from(Uuid::try_parse_ascii(value.as_bytes())?))
    }
}

impl ToSql<Json, Mysql> for JsonText {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Mysql>) -> serialize::Result {
        out.write_all(self.as_str().as_bytes())?;
        Ok(IsNull::No)
    }
}

impl FromSql<Json, Mysql> for JsonText {
    fn from_sql(value: MysqlValue<'_>) -> deserialize::Result<Self> {
        Ok(JsonText::new(std::str::from_utf8(value.as_bytes())?))
    }
}

impl ToSql<Text, Mysql> for JsonText {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Mysql>) -> serialize::Result {
        <Self as ToSql<Json, Mysql>>::to_sql(self, out)
    }
}

impl FromSql<Text, Mysql> for JsonText {
    fn from_sql(value: MysqlValue<'_>) -> deserialize::Result<Self> {
        <Self as FromSql<Json, Mysql>>::from_sql(value)
    }
}

impl ToSql<Datetime, Mysql> for Timestamp6 {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Mysql>) -> serialize::Result {
        <NaiveDateTime as ToSql<Datetime, Mysql>>::to_sql(&self.to_utc().naive_utc(), &mut out.reborrow())
    }
}

impl FromSql<Datetime, Mysql> for Timestamp6 {
    fn from_sql(value: MysqlValue<'_>) -> deserialize::Result<Self> {
        <NaiveDateTime as FromSql<Datetime, Mysql>>::from_sql(value).map(|time| time.and_utc().into())
    }
}

impl ToSql<Timestamp, Mysql> for Timestamp6 {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Mysql>) -> serialize::Result {
        <NaiveDateTime as ToSql<Timestamp, Mysql>>::to_sql(&self.to_utc().naive_utc(), &mut out.reborrow())
    }
}

impl FromSql<Timestamp, Mysql> for Timestamp6 {
    fn from_sql(value: MysqlValue<'_>) -> deserialize::Result<Self> {
        <NaiveDateTime as FromSql<Timestamp, Mysql>>::from_sql(value).map(|time| time.and_utc().into())
    }
}

/// A parameter in a derived table has no type of its own: each says which it is.
impl Dialect for Mysql {
    const ON_CONFLICT: bool = false;
    const UPDATE_FROM: bool = false;
    const BY_KEY: &'static str = " FORCE INDEX (PRIMARY)";
    const TEXT: [&'static str; 2] = ["CAST(", " AS CHAR)"];
    const BYTES: [&'static str; 2] = ["CAST(", " AS BINARY)"];
    const TIME: [&'static str; 2] = ["CAST(", " AS DATETIME(6))"];
}

/// A table's name in the database, with its schema where `table!` declares one.
///
/// # Errors
///
/// Diesel's own, when the name cannot be printed.
pub fn table_name<T>(table: T) -> QueryResult<String>
where
    T: QuerySource,
    T::FromClause: QueryFragment<Mysql>,
{
    let mut printed = MysqlQueryBuilder::new();
    table.from_clause().to_sql(&mut printed, &Mysql)?;
    Ok(super::unquoted(&printed.finish()))
}

/// What MySQL's settings mean for sessions.
///
/// # Errors
///
/// The database's own, when a variable cannot be read.
pub fn findings<C>(conn: &mut C) -> QueryResult<Findings>
where
    C: Connection<Backend = Mysql> + LoadConnection,
{
    let mut findings = Findings::default();
    let modes: String = sql::<Text>("SELECT @@SESSION.sql_mode").get_result(conn)?;
    if !modes.split(',').any(|mode| matches!(mode, "STRICT_TRANS_TABLES" | "STRICT_ALL_TABLES")) {
        findings.refused.push("sql_mode is not strict: the server would cut values off; add STRICT_TRANS_TABLES".to_owned());
    }
    let flush: i64 = sql::<BigInt>("SELECT @@GLOBAL.innodb_flush_log_at_trx_commit").get_result(conn)?;
    if flush != 1 {
        findings
            .advised
            .push("innodb_flush_log_at_trx_commit is not 1: an acknowledged revoke may be lost in a crash".to_owned());
    }
    Ok(findings)
}
