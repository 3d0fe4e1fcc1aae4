//! What was changed since the session was read, and taking it back.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Session;
use crate::clock::Timestamp6;
use crate::data::{self, JsonText, check_key, check_value, same};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{SessionModel, Stamp};
use crate::policy;

/// Timeouts of its own that a session was given and that are not saved yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PolicyChange {
    pub(crate) idle: Option<Option<Duration>>,
    pub(crate) deadline: Option<Option<DateTime<Utc>>>,
}

impl PolicyChange {
    /// Lays the change over core columns.
    pub(crate) fn apply(&self, stamp: &mut Stamp) -> Result<()> {
        if let Some(idle) = self.idle {
            stamp.idle_timeout = idle.map(policy::whole_seconds).transpose()?;
        }
        if let Some(deadline) = self.deadline {
            stamp.deadline_at = deadline.map(Timestamp6::from);
        }
        Ok(())
    }

    fn differs_from(&self, stamp: &Stamp) -> bool {
        let mut changed = *stamp;
        // A timeout out of bounds differs too, so that the save refuses it.
        self.apply(&mut changed).is_err() || changed != *stamp
    }
}

/// What the pending changes do to the owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OwnerChange {
    /// Nothing.
    None,
    /// An anonymous session gets an owner.
    Gained,
    /// The owner is cleared.
    Cleared,
    /// Another owner takes the place of the first.
    Replaced,
}

impl<M: SessionModel> Session<M> {
    /// True when saving would write: a key, a typed column, a timeout or the deadline differs from what was read.
    ///
    /// Setting an equal value is no change. A whole float equals its integer, `true` does not equal `1`.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel_sessions::{SessionRepository, plain::sqlite::PlainSession};
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// session.insert("a", 1)?;
    /// assert!(session.was_changed());
    /// session.remove("a")?;
    /// assert!(!session.was_changed());
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    #[must_use]
    pub fn was_changed(&self) -> bool {
        self.data_changed() || self.columns_changed() || self.policy_changed()
    }

    /// Takes back every change that was not saved. A session without a row is empty again.
    ///
    /// # Example
    ///
    /// ```
    /// # use diesel_sessions::{SessionRepository, plain::sqlite::PlainSession};
    /// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
    /// # let mut session = sessions.new_session();
    /// session.insert("a", 1)?;
    /// session.user_id = Some(7);
    /// session.revert();
    /// assert!(session.is_empty() && !session.was_changed());
    /// # Ok::<(), diesel_sessions::Error>(())
    /// ```
    pub fn revert(&mut self) {
        if let Some(stored) = self.stored.take() {
            self.model = *stored;
        }
        for (key, entry) in std::mem::take(&mut self.touched) {
            self.data.restore(key, entry);
        }
        self.bytes = None;
        self.policy = PolicyChange::default();
    }

    /// The model, to be changed; what was stored is kept aside.
    pub(crate) fn model_mut(&mut self) -> &mut M {
        if self.stored.is_none() {
            self.stored = Some(Box::new(self.model.clone()));
        }
        &mut self.model
    }

    /// Notes the stored entry of a key before it is written to.
    pub(super) fn touch_key(&mut self, key: &str) {
        if !self.touched.contains_key(key) {
            self.touched.insert(key.to_owned(), self.data.entry(key).cloned());
        }
    }

    pub(crate) fn data_changed(&self) -> bool {
        self.changed_keys().next().is_some()
    }

    pub(crate) fn columns_changed(&self) -> bool {
        self.changed_columns().next().is_some()
    }

    pub(crate) fn policy_changed(&self) -> bool {
        self.policy.differs_from(&self.seen)
    }

    pub(crate) fn policy_change(&self) -> PolicyChange {
        self.policy
    }

    /// Keys whose value differs from the stored one; removed ones too.
    pub(super) fn changed_keys(&self) -> impl Iterator<Item = &String> {
        self.touched
            .iter()
            .filter(|(key, stored)| match (stored, self.data.get(key)) {
                (None, None) => false,
                (Some(stored), Some(value)) => !same(self.data.value(stored), value),
                _ => true,
            })
            .map(|(key, _)| key)
    }

    /// Typed columns that differ from the stored ones, by number.
    pub(super) fn changed_columns(&self) -> impl Iterator<Item = usize> {
        let stored = self.stored.as_deref();
        (0..M::COLUMNS.len()).filter(move |column| stored.is_some_and(|stored| !self.model.same_column(stored, *column)))
    }

    /// The owner as stored, not as changed.
    pub(crate) fn stored_owner(&self) -> Option<&M::Owner> {
        self.stored.as_deref().unwrap_or(&self.model).owner_field()
    }

    /// What the pending changes do to the owner.
    pub(crate) fn owner_change(&self) -> OwnerChange {
        match (self.stored_owner(), self.model.owner_field()) {
            (None, Some(_)) => OwnerChange::Gained,
            (Some(_), None) => OwnerChange::Cleared,
            (Some(stored), Some(owner)) if stored != owner => OwnerChange::Replaced,
            _ => OwnerChange::None,
        }
    }

    /// The text of the data to store, after the checks that could not be made earlier. A key that was set to an equal value is what it
    /// was from now on.
    pub(crate) fn text_to_store(&mut self) -> Result<JsonText> {
        let changed: Vec<&String> = self.changed_keys().collect();
        let equal = self.touched.iter().filter(|(key, _)| !changed.contains(key));
        for (key, entry) in equal.map(|(key, entry)| (key.clone(), entry.clone())).collect::<Vec<_>>() {
            self.data.restore(key, entry);
            self.bytes = None;
        }
        for key in self.changed_keys() {
            if let Some(value) = self.data.get(key) {
                check_value(key, value)?;
            }
        }
        data::check_count(self.data.len())?;
        self.data.to_text()
    }

    /// Checks typed columns that were set as fields, past the checks of `insert`.
    pub(crate) fn check_columns(&self) -> Result<()> {
        for column in self.changed_columns().filter(|column| M::COLUMNS[*column].by_key) {
            let name = M::COLUMNS[column].name;
            let value = self.model.column_value(column).map_err(|_| not_serializable(name))?;
            check_key(name)?;
            check_value(name, &value)?;
        }
        Ok(())
    }

    /// Copies typed columns that were changed onto another model, the owner not among them.
    pub(crate) fn copy_changed_columns(&self, target: &mut M) {
        for column in self.changed_columns().filter(|column| Some(*column) != M::OWNER) {
            target.copy_column(&self.model, column);
        }
    }
}

pub(super) fn not_serializable(key: &str) -> Error {
    Error::new(ErrorKind::NotSerializable, "could not serialise the value")
        .with_detail(format!("the `Serialize` of `{key}` fails"))
}
