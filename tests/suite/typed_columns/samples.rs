//! Types that columns have, and a few values of each: the first is the declared default, the last ones are at the edges.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Text;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::mixin::text::stored_as_text;

/// How many values [`Sample::sample`] tells apart.
pub(crate) const SAMPLES: usize = 5;

/// Values of a type, by number.
pub(crate) trait Sample {
    fn sample(number: usize) -> Self;
}

impl<T: Sample> Sample for Option<T> {
    fn sample(number: usize) -> Self {
        Some(T::sample(number))
    }
}

macro_rules! samples {
    ($($ty:ty: [$($value:expr),*];)*) => {
        $(impl Sample for $ty {
            fn sample(number: usize) -> Self {
                let values: [$ty; SAMPLES] = [$($value),*];
                values[number].clone()
            }
        })*
    };
}

samples! {
    i16: [1, 0, -1, i16::MIN, i16::MAX];
    i32: [1, 0, -1, i32::MIN, i32::MAX];
    i64: [1, 0, -1, i64::MIN, i64::MAX];
    f64: [0.5, 0.0, -0.1, f64::MAX, 123_456_789.123_456_78];
    String: ["unknown".to_owned(), String::new(), "ä 漢字 🦜 '\"\\;--".to_owned(), " \n\t ".to_owned(), "x".repeat(10_000)];
    bool: [true, false, true, false, true];
    NaiveDateTime: [time(0), time(1), time(86_399), time(315_360_000), time(1_000_000)];
    DateTime<Utc>: [time(0).and_utc(), time(1).and_utc(), time(86_399).and_utc(), time(315_360_000).and_utc(), time(1_000_000).and_utc()];
    Uuid: [Uuid::from_u128(1), Uuid::nil(), Uuid::max(), Uuid::from_u128(u128::MAX / 3), Uuid::from_u128(1 << 127)];
    Code: [Code(Uuid::sample(0)), Code(Uuid::sample(1)), Code(Uuid::sample(2)), Code(Uuid::sample(3)), Code(Uuid::sample(4))];
    Value: [json!({}), json!([1, "a", null]), json!({"b": {"a": [0.1]}}), json!("text"), json!(-7)];
    Document: [Document(json!({})), Document(json!([1, "a", null])), Document(json!({"b": [0.1]})), Document(json!("t")), Document(json!(-7))];
    Vec<u8>: [vec![1], Vec::new(), vec![0, 0xff, 0xc3, 0x28], (0..=255).collect(), vec![0; 10_000]];
    Mood: [Mood::Calm, Mood::Cross, Mood::Calm, Mood::Merry, Mood::Cross];
}

/// Microseconds are what every engine keeps.
fn time(seconds: i64) -> NaiveDateTime {
    DateTime::from_timestamp(1_700_000_000 + seconds, 123_456_000).unwrap().naive_utc()
}

/// A UUID in a text column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub(crate) struct Code(Uuid);

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for Code {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Code)
    }
}

stored_as_text!(Code);

/// JSON in a text column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub(crate) struct Document(Value);

impl std::fmt::Display for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for Document {
    type Err = serde_json::Error;

    fn from_str(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text).map(Document)
    }
}

stored_as_text!(Document);

/// An enumeration of the application's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mood {
    Calm,
    Cross,
    Merry,
}

impl std::fmt::Display for Mood {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Mood::Calm => "calm",
            Mood::Cross => "cross",
            Mood::Merry => "merry",
        })
    }
}

impl std::str::FromStr for Mood {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "calm" => Ok(Mood::Calm),
            "cross" => Ok(Mood::Cross),
            "merry" => Ok(Mood::Merry),
            other => Err(format!("no mood: {other}")),
        }
    }
}

stored_as_text!(Mood);
