//! How the library's values are bound and read on SQLite.

use chrono::NaiveDateTime;
use diesel::deserialize::{self, FromSql};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{Json, Text, Timestamp, TimestamptzSqlite};
use diesel::sqlite::{Sqlite, SqliteValue};
use uuid::Uuid;

use crate::clock::Timestamp6;
use crate::data::JsonText;
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
        Ok(JsonText(value.read_text().to_owned()))
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
        out.set_value(self.to_string());
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
