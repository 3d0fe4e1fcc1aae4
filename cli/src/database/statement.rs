//! A statement: SQL whose names are quoted already, and the values that are bound to it.

use diesel_sessions::Timestamp6;

/// A value that is bound.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Integer(i64),
    Boolean(bool),
    Text(String),
    Bytes(Vec<u8>),
    Time(Timestamp6),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Integer(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Value::Integer(value.into())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Boolean(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Value::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Value::Text(value)
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Value::Bytes(value)
    }
}

impl From<Timestamp6> for Value {
    fn from(value: Timestamp6) -> Self {
        Value::Time(value)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

/// SQL with a `?` for each value, on every engine. It has no `Debug`, which would print them.
#[derive(Clone)]
pub(crate) struct Statement {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

impl Statement {
    /// Names in it come out of [`Engine::quoted`](super::Engine::quoted).
    pub(crate) fn new(sql: impl Into<String>) -> Self {
        Statement { sql: sql.into(), values: Vec::new() }
    }

    /// Binds the next `?`.
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Binds the next ones.
    pub(crate) fn bind_all(mut self, values: impl IntoIterator<Item = impl Into<Value>>) -> Self {
        self.values.extend(values.into_iter().map(Into::into));
        self
    }

    /// The SQL, with a `?` for each value.
    #[cfg(test)]
    pub(crate) fn sql(&self) -> &str {
        &self.sql
    }

    /// More SQL behind what there is.
    pub(crate) fn and_sql(mut self, sql: &str) -> Self {
        self.sql.push_str(sql);
        self
    }

    /// More SQL in front of what there is; it has no `?`.
    pub(crate) fn after_sql(mut self, sql: &str) -> Self {
        self.sql.insert_str(0, sql);
        self
    }

    /// The SQL with `$1`, `$2`, … as PostgreSQL numbers them. A `?` within quotes stays.
    #[cfg(feature = "postgres")]
    pub(super) fn numbered(&self) -> String {
        let mut numbered = String::with_capacity(self.sql.len() + 8);
        let (mut within, mut count) = (None, 0);
        for letter in self.sql.chars() {
            match (within, letter) {
                (None, '?') => {
                    count += 1;
                    numbered.push_str(&format!("${count}"));
                    continue;
                }
                (None, '"' | '\'') => within = Some(letter),
                (Some(quote), _) if quote == letter => within = None,
                _ => {}
            }
            numbered.push(letter);
        }
        numbered
    }
}

/// So many `?`, separated by commas.
pub(crate) fn marks(count: usize) -> String {
    vec!["?"; count].join(", ")
}

#[cfg(all(test, feature = "postgres"))]
mod tests {
    use super::*;

    // SECURITY 28
    #[test]
    fn a_question_mark_in_a_name_is_no_parameter() {
        let statement = Statement::new(r#"SELECT "wh?t" FROM "a""?" WHERE x = ? AND y = '?' AND z = ?"#);
        assert_eq!(statement.numbered(), r#"SELECT "wh?t" FROM "a""?" WHERE x = $1 AND y = '?' AND z = $2"#);
    }
}
