//! Where a handle stands: what it knows of its row, what a write has made of that, and what a rollback may have undone.

use std::sync::Arc;

use super::{PolicyChange, Session, State};
use crate::data::{Contents, Entries, JsonText};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Engine, SessionCore, SessionModel, Stamp};
use crate::token::{SessionToken, TokenDigest};

impl<M: SessionModel> Session<M> {
    pub(crate) fn state(&self) -> State<M::RowId> {
        self.state
    }

    pub(crate) fn seen(&self) -> &Stamp {
        &self.seen
    }

    pub(crate) fn model(&self) -> &M {
        &self.model
    }

    /// The version to guard with: one that no row has when a rollback may have taken the known one back.
    pub(crate) fn guard_version(&self) -> i32 {
        const NO_VERSION: i32 = -1;
        if self.version_unsure { NO_VERSION } else { self.seen.version }
    }

    /// The digest that must still be in the row when this handle ends it, if the id alone is not enough.
    pub(crate) fn guard_of_end(&self) -> Option<TokenDigest> {
        self.row_unsure.then_some(self.seen.digest)
    }

    /// A write under the known version has succeeded, inside a caller's transaction that may yet be rolled back or outside.
    pub(crate) fn note_write(&mut self, open: bool) {
        self.version_unsure = open;
        self.read_in_transaction = false;
        self.row_unsure &= open;
    }

    /// The row has just been read.
    pub(crate) fn note_read(&mut self, open: bool) {
        self.version_unsure = false;
        self.read_in_transaction = open;
        self.row_unsure |= open && M::ENGINE == Engine::Sqlite;
    }

    /// The row was read by a query of the application's own, in whatever transaction: SQLite may have given its id again.
    pub(crate) fn note_found_elsewhere(&mut self) {
        self.row_unsure = M::ENGINE == Engine::Sqlite;
    }

    /// The row has just been inserted; under its token there was none before.
    pub(crate) fn note_insert(&mut self, open: bool) {
        self.version_unsure = false;
        self.read_in_transaction = false;
        self.row_unsure = open && M::ENGINE == Engine::Sqlite;
    }

    /// A verb begins: outside of the transaction that the row was read in, that may have been rolled back.
    pub(crate) fn note_verb(&mut self, open: bool) {
        self.version_unsure |= self.read_in_transaction && !open;
    }

    /// Refuses a model whose id or core were replaced.
    pub(crate) fn check_model(&self, deed: &'static str) -> Result<()> {
        let id = match self.state {
            State::Stored(id) => id,
            _ => M::RowId::default(),
        };
        if self.model.id_field() != id || self.model.core_field().stamp != self.seen {
            return Err(Error::new(ErrorKind::StaleModel, deed));
        }
        Ok(())
    }

    /// The same handle once more, pending changes and token included: to go back to when what follows fails.
    #[cfg(any(feature = "axum", feature = "actix-web"))]
    pub(crate) fn copy(&self) -> Self {
        Session {
            model: self.model.clone(),
            stored: self.stored.clone(),
            data: self.data.clone(),
            touched: self.touched.clone(),
            bytes: self.bytes,
            state: self.state,
            seen: self.seen,
            policy: self.policy,
            token: self.token.clone(),
            clock: Arc::clone(&self.clock),
            version_unsure: self.version_unsure,
            read_in_transaction: self.read_in_transaction,
            row_unsure: self.row_unsure,
        }
    }

    /// Takes over what a write of everything has stored.
    pub(crate) fn stored(&mut self, id: M::RowId, stamp: Stamp, data: JsonText) {
        self.model.set_id_field(id);
        *self.model.core_field_mut() = SessionCore::new(stamp, data);
        self.stored = None;
        self.touched.clear();
        self.seen = stamp;
        self.policy = PolicyChange::default();
        self.state = State::Stored(id);
    }

    /// Takes over core columns that a write has stored, leaving changes pending.
    pub(crate) fn stamped(&mut self, stamp: Stamp) {
        self.seen = stamp;
        self.model.core_field_mut().stamp = stamp;
        if let Some(stored) = &mut self.stored {
            stored.core_field_mut().stamp = stamp;
        }
    }

    /// Sets the token that the client must be told.
    pub(crate) fn tell(&mut self, token: SessionToken) {
        self.token = Some(token);
    }

    /// The session was ended: nothing is left to tell or to save.
    pub(crate) fn ended(&mut self) {
        self.revert();
        self.state = State::Ended;
        self.token = None;
        self.model.set_id_field(M::RowId::default());
    }

    /// What a new session in this one's place begins with: all that was read of an anonymous session, or the changes alone
    /// that were made to an owner's. Columns go into `model`; the data is given back.
    pub(crate) fn content_for_new(&self, model: &mut M) -> Contents {
        if self.stored_owner().is_none() {
            (0..M::COLUMNS.len()).for_each(|column| model.copy_column(&self.model, column));
            return self.data.clone();
        }
        self.copy_changed_columns(model);
        let own = self.changed_keys().filter_map(|key| Some((key.clone(), self.data.get(key)?.clone())));
        own.collect::<Entries>().into()
    }

    /// Becomes another session, whose row has just been inserted under this token.
    pub(crate) fn become_new(
        &mut self,
        mut model: M,
        row: M::RowId,
        stamp: Stamp,
        data: JsonText,
        token: SessionToken,
    ) -> Result<()> {
        model.set_id_field(row);
        *model.core_field_mut() = SessionCore::new(stamp, data);
        let mut new = Self::of_row(model, Arc::clone(&self.clock))?;
        new.token = Some(token);
        // The old handle's changes are where they belong, or given up: nothing is left unsaved.
        self.state = State::Ended;
        *self = new;
        Ok(())
    }
}
