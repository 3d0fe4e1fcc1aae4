//! How the library's values are bound and read on PostgreSQL.

use std::io::Write as _;

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::connection::{Connection, LoadConnection};
use diesel::deserialize::{self, FromSql};
use diesel::dsl::sql;
use diesel::pg::data_types::PgTimestamp;
use diesel::pg::{Pg, PgQueryBuilder, PgValue};
use diesel::query_builder::{QueryBuilder, QueryFragment};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{BigInt, Json, Jsonb, Text, Timestamp, Timestamptz};
use diesel::{QueryResult, QuerySource, RunQueryDsl};
use sha2::{Digest, Sha256};

use crate::clock::Timestamp6;
use crate::data::JsonText;
use crate::model::{Findings, Reached};
use crate::statement::attributes::Dialect;
use crate::token::TokenDigest;

impl ToSql<diesel::sql_types::Uuid, Pg> for TokenDigest {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.as_uuid().as_bytes())?;
        Ok(IsNull::No)
    }
}

impl FromSql<diesel::sql_types::Uuid, Pg> for TokenDigest {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        <uuid::Uuid as FromSql<diesel::sql_types::Uuid, Pg>>::from_sql(value).map(TokenDigest::from)
    }
}

/// The version byte that opens every binary `jsonb`.
const JSONB_VERSION: u8 = 1;

impl ToSql<Jsonb, Pg> for JsonText {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(&[JSONB_VERSION])?;
        out.write_all(self.as_str().as_bytes())?;
        Ok(IsNull::No)
    }
}

impl FromSql<Jsonb, Pg> for JsonText {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        match value.as_bytes().split_first() {
            Some((&JSONB_VERSION, text)) => Ok(JsonText::of_jsonb(std::str::from_utf8(text)?)),
            _ => Err("unknown version of binary jsonb".into()),
        }
    }
}

impl ToSql<Json, Pg> for JsonText {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.as_str().as_bytes())?;
        Ok(IsNull::No)
    }
}

impl FromSql<Json, Pg> for JsonText {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(JsonText::new(std::str::from_utf8(value.as_bytes())?))
    }
}

impl ToSql<Text, Pg> for JsonText {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        <Self as ToSql<Json, Pg>>::to_sql(self, out)
    }
}

impl FromSql<Text, Pg> for JsonText {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        <Self as FromSql<Json, Pg>>::from_sql(value)
    }
}

impl ToSql<Timestamptz, Pg> for Timestamp6 {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        <NaiveDateTime as ToSql<Timestamptz, Pg>>::to_sql(&self.to_utc().naive_utc(), &mut out.reborrow())
    }
}

impl FromSql<Timestamptz, Pg> for Timestamp6 {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        <DateTime<Utc> as FromSql<Timestamptz, Pg>>::from_sql(value).map(Timestamp6::from)
    }
}

impl ToSql<Timestamp, Pg> for Timestamp6 {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        <NaiveDateTime as ToSql<Timestamp, Pg>>::to_sql(&self.to_utc().naive_utc(), &mut out.reborrow())
    }
}

impl FromSql<Timestamp, Pg> for Timestamp6 {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        <NaiveDateTime as FromSql<Timestamp, Pg>>::from_sql(value).map(|time| time.and_utc().into())
    }
}

/// `-infinity`, as PostgreSQL sends it: before every time that there is.
const BEFORE_ALL_TIME: PgTimestamp = PgTimestamp(i64::MIN);

impl ToSql<Timestamptz, Pg> for Reached {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        match &self.0 {
            Some(time) => <Timestamp6 as ToSql<Timestamptz, Pg>>::to_sql(time, out),
            None => <PgTimestamp as ToSql<Timestamptz, Pg>>::to_sql(&BEFORE_ALL_TIME, out),
        }
    }
}

impl FromSql<Timestamptz, Pg> for Reached {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        if <PgTimestamp as FromSql<Timestamptz, Pg>>::from_sql(value)? == BEFORE_ALL_TIME {
            return Ok(Reached(None));
        }
        <Timestamp6 as FromSql<Timestamptz, Pg>>::from_sql(value).map(|time| Reached(Some(time)))
    }
}

impl ToSql<Timestamp, Pg> for Reached {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        <Self as ToSql<Timestamptz, Pg>>::to_sql(self, out)
    }
}

impl FromSql<Timestamp, Pg> for Reached {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        <Self as FromSql<Timestamptz, Pg>>::from_sql(value)
    }
}

impl Dialect for Pg {
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
    T::FromClause: QueryFragment<Pg>,
{
    let mut printed = PgQueryBuilder::new();
    table.from_clause().to_sql(&mut printed, &Pg)?;
    Ok(super::unquoted(&printed.finish()))
}

/// What PostgreSQL's settings mean for sessions.
///
/// # Errors
///
/// The database's own, when a setting cannot be read.
pub fn findings<C>(conn: &mut C) -> QueryResult<Findings>
where
    C: Connection<Backend = Pg> + LoadConnection,
{
    let mut findings = Findings::default();
    let read_only: String = sql::<Text>("SELECT current_setting('transaction_read_only')").get_result(conn)?;
    if read_only == "on" {
        findings.refused.push("transactions are read-only: connect to the primary".to_owned());
    }
    let flush: String = sql::<Text>("SELECT current_setting('synchronous_commit')").get_result(conn)?;
    if flush == "off" {
        findings.advised.push("synchronous_commit is off: an acknowledged revoke may be lost in a crash".to_owned());
    }
    Ok(findings)
}

#[diesel::declare_sql_function]
extern "SQL" {
    /// Takes an advisory lock that ends with its transaction, if nobody else has it.
    fn pg_try_advisory_xact_lock(key: BigInt) -> Bool;
}

/// Takes the purge of a table until the transaction ends; whether nobody else has it.
///
/// # Errors
///
/// The database's own.
pub fn try_purge_lock<C, T>(conn: &mut C, table: T) -> QueryResult<bool>
where
    C: Connection<Backend = Pg> + LoadConnection,
    T: QuerySource,
    T::FromClause: QueryFragment<Pg>,
{
    diesel::select(pg_try_advisory_xact_lock(purge_key(&table_name(table)?))).get_result(conn)
}

/// The key of the advisory lock, for a table's name as [`table_name`] has it. PostgreSQL has one space of them for each database, which the application may use too: 64 bits
/// of a hash stay out of its way.
#[must_use]
pub fn purge_key(table: &str) -> i64 {
    let hash = Sha256::digest(format!("diesel-sessions: purge of {table}"));
    hash.iter().take(8).fold(0, |key, byte| key << 8 | i64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    // S84, SECURITY 25
    #[test]
    fn tables_of_two_schemas_have_two_names() {
        diesel::table! {
            tenant_a.session_attributes (session_id) {
                session_id -> BigInt,
            }
        }
        assert_eq!(table_name(session_attributes::table).unwrap(), "tenant_a.session_attributes");
        let plain = crate::plain::postgres::schema::session_attributes::table;
        assert_eq!(table_name(plain).unwrap(), "session_attributes");
    }

    #[test]
    fn each_table_has_a_purge_lock_of_its_own() {
        assert_eq!(purge_key("sessions"), purge_key("sessions"));
        assert_ne!(purge_key("sessions"), purge_key("visits"));
    }
}
