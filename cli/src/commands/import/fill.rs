//! Columns of the application's own, filled from what stands in a record.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel_sessions::__private::moved::Path;
use serde_json::Value as Json;

use crate::catalogue::{Column, Kind, Table, TableName};
use crate::database::Engine;
use crate::database::statement::Value;

use super::unfit::Unfit;

/// A column, and the path to its value in a record.
pub(super) struct Fill {
    pub(super) column: Column,
    /// Dots between the steps; a key may itself have some.
    path: String,
    /// What the column refers to: table and column.
    pub(super) reference: Option<(TableName, String)>,
}

impl Fill {
    pub(super) fn new(table: &Table, column: &Column, path: &str) -> Self {
        let key = table.foreign_keys.iter().find(|key| key.columns.len() == 1 && key.columns[0] == column.name);
        let reference = key.and_then(|key| key.to_columns.first().map(|to| (key.to.clone(), to.clone())));
        Fill { column: column.clone(), path: path.to_owned(), reference }
    }

    /// The column's value for a record; NULL where nothing stands at the path.
    pub(super) fn value(&self, content: &HashMap<String, Json>) -> Result<Value, Unfit> {
        let readings = self.readings(content);
        if readings.is_empty() {
            return if self.column.nullable { Ok(Value::Null) } else { Err(Unfit::Missing { column: self.column.name.clone() }) };
        }
        let value = readings.iter().find_map(|reading| as_kind(self.column.kind, reading));
        value.ok_or_else(|| Unfit::Column { column: self.column.name.clone(), path: self.path.clone() })
    }

    /// Whether the record's key of the column's name says the same as the column, and so is not to stand in the data too.
    pub(super) fn takes_its_key(&self, content: &HashMap<String, Json>) -> bool {
        let own = Path::new([self.column.name.as_str()]).readings(content);
        content.contains_key(&self.column.name) && own == self.readings(content)
    }

    /// How SQL writes its parameter.
    pub(super) fn parameter(&self, engine: Engine) -> String {
        parameter(engine, &self.column)
    }

    fn readings(&self, content: &HashMap<String, Json>) -> Vec<Json> {
        steps(content, &self.path).map(|steps| Path::new(steps).readings(content)).unwrap_or_default()
    }
}

/// A parameter of a column's type. PostgreSQL converts numbers, texts and times to the column's own type, and nothing else.
pub(super) fn parameter(engine: Engine, column: &Column) -> String {
    match column.kind {
        Kind::Uuid | Kind::Json | Kind::Other if engine == Engine::Postgres => {
            format!("CAST(CAST(? AS text) AS {})", column.bare_type)
        }
        _ => "?".to_owned(),
    }
}

/// The steps of a path through a record. Where keys with dots leave several, the longest key that is there counts:
/// `axum-login.data.user_id` finds `user_id` in `axum-login.data`.
fn steps(content: &HashMap<String, Json>, path: &str) -> Option<Vec<String>> {
    fn within(value: &Json, path: &str) -> Option<Vec<String>> {
        let object = value.as_object()?;
        through(path, |key| object.get(key))
    }
    fn through<'a>(path: &str, get: impl Fn(&str) -> Option<&'a Json>) -> Option<Vec<String>> {
        if get(path).is_some() {
            return Some(vec![path.to_owned()]);
        }
        path.rmatch_indices('.').find_map(|(at, _)| {
            let (key, rest) = (&path[..at], &path[at + 1..]);
            let mut steps = vec![key.to_owned()];
            steps.extend(within(get(key)?, rest)?);
            Some(steps)
        })
    }
    through(path, |key| content.get(key))
}

/// A JSON value as a column of that kind takes it.
fn as_kind(kind: Kind, value: &Json) -> Option<Value> {
    match (kind, value) {
        (Kind::Integer, Json::Number(number)) => number.as_i64().map(Value::Integer),
        (Kind::Boolean, Json::Bool(yes)) => Some(Value::Boolean(*yes)),
        (Kind::Text, Json::String(text)) if !text.contains('\0') => Some(Value::Text(text.clone())),
        (Kind::Uuid, Json::String(text)) => text.parse::<uuid::Uuid>().ok().map(|uuid| Value::Text(uuid.to_string())),
        (Kind::Time, Json::String(text)) => text.parse::<DateTime<Utc>>().ok().map(|time| Value::Time(time.into())),
        (Kind::Json, value) => Some(Value::Text(value.to_string())),
        (Kind::Other, Json::String(text)) if !text.contains('\0') => Some(Value::Text(text.clone())),
        (Kind::Other, Json::Number(number)) => Some(Value::Text(number.to_string())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fill(kind: Kind, path: &str) -> Fill {
        let column = Column {
            name: "user_id".to_owned(),
            sql_type: "bigint".to_owned(),
            bare_type: "bigint".to_owned(),
            kind,
            nullable: true,
            default: None,
            collation: None,
            numbered: false,
            generated: false,
        };
        Fill { column, path: path.to_owned(), reference: None }
    }

    fn content(value: Json) -> HashMap<String, Json> {
        serde_json::from_value(value).unwrap()
    }

    fn found(kind: Kind, path: &str, record: Json) -> Option<Value> {
        fill(kind, path).value(&content(record)).ok()
    }

    #[test]
    fn a_path_goes_through_keys_with_dots() {
        let login = json!({"axum-login.data": {"user_id": 7, "a.b": {"c": 8}}, "axum-login": {"data": 1}});
        assert!(found(Kind::Integer, "axum-login.data.user_id", login.clone()) == Some(Value::Integer(7)));
        assert!(found(Kind::Integer, "axum-login.data.a.b.c", login.clone()) == Some(Value::Integer(8)));
        assert!(found(Kind::Integer, "axum-login.data", json!({"axum-login": {"data": 1}})) == Some(Value::Integer(1)));
        for nothing in [json!({}), json!({"axum-login.data": null}), json!({"axum-login.data": {"user_id": null}})] {
            assert!(found(Kind::Integer, "axum-login.data.user_id", nothing) == Some(Value::Null));
        }
    }

    #[test]
    fn an_owner_is_never_guessed() {
        assert!(found(Kind::Integer, "u", json!({"u": "7"})) == Some(Value::Integer(7)));
        assert!(found(Kind::Text, "u", json!({"u": 7})) == Some(Value::Text("7".to_owned())));
        for wrong in [json!("seven"), json!(true), json!({"id": 7}), json!(7.5), json!(u64::MAX)] {
            assert!(found(Kind::Integer, "u", json!({"u": wrong})).is_none());
        }
        assert!(found(Kind::Uuid, "u", json!({"u": "7"})).is_none());
        assert!(found(Kind::Text, "u", json!({"u": "a\u{0}b"})).is_none());
    }

    // S19
    #[test]
    fn a_key_that_the_column_repeats_is_taken() {
        let path = "axum-login.data.user_id";
        let login = json!({"user_id": 7});
        assert!(fill(Kind::Integer, "user_id").takes_its_key(&content(json!({"user_id": 7}))));
        assert!(fill(Kind::Integer, path).takes_its_key(&content(json!({"user_id": 7, "axum-login.data": login.clone()}))));
        assert!(!fill(Kind::Integer, path).takes_its_key(&content(json!({"user_id": 8, "axum-login.data": login}))));
        assert!(!fill(Kind::Integer, path).takes_its_key(&content(json!({}))));
    }
}
