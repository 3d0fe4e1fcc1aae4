//! What has been acknowledged to the threads of a race, and what must therefore hold at its end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use diesel_sessions::SessionRepository;

use crate::support::Db;

/// What the threads write down, after each answer.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    rows: BTreeMap<i64, Row>,
    dead: BTreeSet<String>,
}

/// What is known of a row.
#[derive(Debug, Default, Clone)]
struct Row {
    owner: Option<i64>,
    keys: Vec<String>,
    tokens: Vec<String>,
    /// Somebody has begun to end it.
    doomed: bool,
    /// Somebody was told that it has ended.
    ended: bool,
}

impl Ledger {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A row has this token and owner.
    pub(crate) fn row(&self, row: i64, token: &str, owner: Option<i64>) {
        let mut entries = self.entries();
        let known = entries.rows.entry(row).or_default();
        known.tokens.push(token.to_owned());
        known.owner = known.owner.or(owner);
    }

    /// A row holds this key.
    pub(crate) fn key(&self, row: i64, key: &str) {
        self.entries().rows.entry(row).or_default().keys.push(key.to_owned());
    }

    /// A row is about to be ended, perhaps.
    pub(crate) fn doom(&self, row: i64) {
        self.entries().rows.entry(row).or_default().doomed = true;
    }

    /// Rows have ended.
    pub(crate) fn ended(&self, rows: &[i64]) {
        let mut entries = self.entries();
        for row in rows {
            let known = entries.rows.entry(*row).or_default();
            (known.doomed, known.ended) = (true, true);
        }
    }

    /// A token opens nothing any more.
    pub(crate) fn dead(&self, token: &str) {
        self.entries().dead.insert(token.to_owned());
    }

    /// The row that a token was given to.
    pub(crate) fn row_of(&self, token: &str) -> Option<i64> {
        let entries = self.entries();
        entries.rows.iter().find(|(_, known)| known.tokens.iter().any(|given| given == token)).map(|(row, _)| *row)
    }

    /// The rows that an owner is known to have.
    pub(crate) fn rows_of(&self, owner: i64) -> Vec<i64> {
        self.entries().rows.iter().filter(|(_, known)| known.owner == Some(owner)).map(|(row, _)| *row).collect()
    }

    /// Compares all that was written down with what is stored. Rows of `hunted` owners may have ended unasked.
    pub(crate) fn check<D: Db>(&self, conn: &mut D::Conn, sessions: &SessionRepository<D::Model>, hunted: &[i64]) {
        let entries = self.entries();
        let stored = ids::<D>(conn);
        for row in &stored {
            assert!(entries.rows.contains_key(row), "row {row} was told to nobody");
        }
        for token in &entries.dead {
            assert!(sessions.load(conn, token.as_str()).unwrap().is_none(), "a dead token opens a session");
        }
        for (row, known) in &entries.rows {
            let is_hunted = known.owner.is_some_and(|owner| hunted.contains(&owner));
            if !stored.contains(row) {
                assert!(known.doomed || is_hunted, "row {row} is lost: {known:?}");
                assert!(known.tokens.iter().all(|token| !sessions.is_live(conn, token.as_str()).unwrap()));
                continue;
            }
            assert!(!known.ended, "row {row} has come back: {known:?}");
            let opened = known.tokens.iter().filter_map(|token| sessions.load(conn, token.as_str()).unwrap());
            let opened: Vec<_> = opened.collect();
            assert_eq!(opened.len(), 1, "one of its tokens opens row {row}: {known:?}");
            assert_eq!(opened[0].row_id().map(|row| row.to_string()), Some(row.to_string()));
            for key in &known.keys {
                assert!(opened[0].contains_key(key), "row {row} has lost {key}");
            }
        }
    }
}

/// The rows that are stored.
pub(crate) fn ids<D: Db>(conn: &mut D::Conn) -> BTreeSet<i64> {
    D::texts(conn, "SELECT id FROM sessions").into_iter().flatten().map(|id| id.parse().unwrap()).collect()
}
