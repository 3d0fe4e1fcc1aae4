//! Laying a handle's own changes over what another request has stored meanwhile.

use super::Session;
use crate::data::{Contents, same};
use crate::error::{Error, ErrorKind, Result};
use crate::model::SessionModel;

/// What a save does when another request was faster.
///
/// # Example
///
/// ```
/// # use diesel::prelude::*;
/// # use diesel_sessions::{ErrorKind, OnConflict, SessionRepository, migrations, plain::sqlite::PlainSession};
/// # let mut conn = SqliteConnection::establish(":memory:")?;
/// # migrations::run(&mut conn)?;
/// # let sessions = SessionRepository::<PlainSession>::builder().build()?;
/// let sessions = SessionRepository::<PlainSession>::builder().on_conflict(OnConflict::Refuse).build()?;
/// let mut first = sessions.new_session();
/// sessions.create(&mut conn, &mut first)?;
/// let cookie = first.new_token().expect("created").reveal().to_owned();
/// let mut second = sessions.load(&mut conn, cookie.as_str())?.expect("live");
/// first.insert("theme", "dark")?;
/// second.insert("theme", "light")?;
/// sessions.save(&mut conn, &mut first)?;
/// assert_eq!(sessions.save(&mut conn, &mut second).unwrap_err().kind(), ErrorKind::Conflict);
/// # second.revert();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnConflict {
    /// Different keys both survive; of the same key, the last save wins.
    #[default]
    Merge,
    /// Different keys both survive; a key that both have changed is [`ErrorKind::Conflict`], to the same value too: what this
    /// handle has read is no longer there. So with typed columns, and with timeouts and deadline, which count as one.
    Refuse,
}

impl<M: SessionModel> Session<M> {
    /// Takes a newer row as what is stored, and keeps this handle's own changes over it.
    ///
    /// On an error the handle is as it was.
    pub(crate) fn rebase(&mut self, row: M, on_conflict: OnConflict) -> Result<()> {
        let theirs = Contents::of(&row.core_field().data)?;
        if on_conflict == OnConflict::Refuse {
            self.check_conflict(&row, &theirs)?;
        }
        let mut touched = std::collections::BTreeMap::new();
        let mut data = theirs;
        for key in self.changed_keys() {
            touched.insert(key.clone(), data.entry(key).cloned());
            match self.data.get(key) {
                Some(value) => data.insert(key.clone(), value.clone()),
                None => drop(data.remove(key)),
            }
        }
        let mut model = row.clone();
        for column in self.changed_columns() {
            model.copy_column(&self.model, column);
        }
        self.seen = row.core_field().stamp;
        self.model = model;
        self.stored = Some(Box::new(row));
        self.data = data;
        self.touched = touched;
        self.bytes = None;
        Ok(())
    }

    fn check_conflict(&self, row: &M, theirs: &Contents) -> Result<()> {
        let conflict = |key: &str| {
            Err(Error::new(ErrorKind::Conflict, "could not save the session")
                .with_detail(format!("another request changed `{key}` too")))
        };
        for key in self.changed_keys() {
            let stored = self.touched[key].as_ref().map(|entry| self.data.value(entry));
            if !same_option(stored, theirs.get(key)) {
                return conflict(key);
            }
        }
        if let Some(stored) = &self.stored {
            for column in self.changed_columns() {
                if !row.same_column(stored, column) {
                    return conflict(M::COLUMNS[column].name);
                }
            }
        }
        if self.policy_changed() {
            let theirs = row.core_field().stamp;
            if theirs.idle_timeout != self.seen.idle_timeout || theirs.deadline_at != self.seen.deadline_at {
                return conflict("idle_timeout");
            }
        }
        Ok(())
    }
}

fn same_option(a: Option<&serde_json::Value>, b: Option<&serde_json::Value>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => same(a, b),
        (None, None) => true,
        _ => false,
    }
}
