//! A record as a row of a table whose names are known at run time alone: for the command-line tool, which has no model.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::owner_path::{OwnerPath, readings};
use super::record::is_reserved_entry;
use crate::clock::Timestamp6;
use crate::data::{self, Contents, Entries, check_count, check_key};
use crate::error::{Error, ErrorKind, Result};
use crate::policy::Timeouts;
use crate::repository::stamp_of_moved;
use crate::session::check_reserved;
use crate::token::SessionToken;

/// The library's columns of a session that comes from another store.
#[derive(Debug, Clone)]
pub struct Moved {
    /// `_uuid`.
    pub digest: Uuid,
    /// `_data`, as text.
    pub data: String,
    /// `created_at` and `last_seen_at`: nobody knows when it began elsewhere, or who its owner was last proved to be.
    pub created_at: Timestamp6,
    /// `expires_at`.
    pub expires_at: Timestamp6,
    /// `deadline_at`.
    pub deadline_at: Option<Timestamp6>,
    /// `idle_timeout`, in seconds.
    pub idle_timeout: Option<i32>,
}

/// How records become rows.
#[derive(Debug, Clone)]
pub struct Mover {
    /// The names of the library's columns in the table.
    pub core: Vec<String>,
    /// The names of the application's columns.
    pub typed: Vec<String>,
    /// When a session ends that begins now.
    pub timeouts: Timeouts,
}

/// Where a value stands in a record: a key, and the members to follow from there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(OwnerPath);

impl Path {
    /// A path of these steps.
    pub fn new(steps: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Path(OwnerPath::new(steps))
    }

    /// The first step.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.0.key()
    }

    /// What stands there, in every meaning that it may have, the likeliest first; nothing for JSON null and a missing member.
    #[must_use]
    pub fn readings(&self, content: &HashMap<String, Value>) -> Vec<Value> {
        self.0.find(content).map(readings).unwrap_or_default()
    }
}

impl Mover {
    /// The columns of a record's row. `taken` are the keys that stand in typed columns of their name, and not in the data.
    ///
    /// # Errors
    ///
    /// Those of [`Session::insert`](crate::Session::insert), and [`ErrorKind::ReservedKey`] for a key that names a typed column and
    /// is not taken.
    pub fn row(
        &self,
        token: &SessionToken,
        content: HashMap<String, Value>,
        taken: &[&str],
        ends_by: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Moved> {
        let core: Vec<&str> = self.core.iter().map(String::as_str).collect();
        let mut entries = Entries::new();
        for (key, value) in content {
            if is_reserved_entry(&key) || taken.contains(&key.as_str()) {
                continue;
            }
            check_key(&key)?;
            check_reserved(&key, &core)?;
            if self.typed.contains(&key) {
                let detail = format!("`{key}` names a typed column, which is to be filled from it");
                return Err(Error::new(ErrorKind::ReservedKey, "could not use the key").with_detail(detail));
            }
            let value = data::to_value(&key, value)?;
            entries.insert(key, value);
        }
        check_count(entries.len())?;
        let stamp = stamp_of_moved(now.into(), self.timeouts, ends_by)?;
        Ok(Moved {
            digest: token.digest().as_uuid(),
            data: Contents::from(entries).to_text()?.as_str().to_owned(),
            created_at: stamp.created_at,
            expires_at: stamp.expires_at,
            deadline_at: stamp.deadline_at,
            idle_timeout: stamp.idle_timeout,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn mover() -> Mover {
        Mover { core: vec!["payload".to_owned()], typed: vec!["user_agent".to_owned()], timeouts: Timeouts::NEVER }
    }

    fn row(content: Value, taken: &[&str]) -> Result<Moved> {
        let now = "2026-11-21T12:00:00Z".parse().unwrap();
        let ends_by = "2026-12-21T12:00:00.1234567Z".parse().unwrap();
        let token = SessionToken::from_bytes(&[7; 16]).unwrap();
        mover().row(&token, serde_json::from_value(content).unwrap(), taken, ends_by, now)
    }

    // S25
    #[test]
    fn what_a_session_could_not_hold_is_refused() {
        for key in ["_base_", "id", "payload", "user_agent", " a", ""] {
            assert!(row(json!({ key: 1 }), &[]).is_err(), "{key}");
        }
        assert_eq!(row(json!({"user_agent": "Lynx", "a": 1}), &["user_agent"]).unwrap().data, r#"{"a":1}"#);
        assert_eq!(row(json!({"a": "x".repeat(70_000)}), &[]).unwrap_err().kind(), ErrorKind::Limit);
    }

    // S57
    #[test]
    fn it_ends_when_the_record_does() {
        let moved = row(json!({"_row_id": 7, "b": [1]}), &[]).unwrap();
        assert_eq!(moved.data, r#"{"b":[1]}"#);
        assert_eq!(moved.expires_at.to_string(), "2026-12-21 12:00:00.123456");
        assert_eq!((moved.deadline_at, moved.idle_timeout), (Some(moved.expires_at), None));
    }
}
