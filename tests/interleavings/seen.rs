//! What a worker reports of each step: the verb's answer, and what the handle shows afterwards.

use std::ops::Range;

use diesel_sessions::{ErrorKind, Saved};

use crate::world::{Content, State};

/// A verb's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Nothing,
    Saved(Saved),
    Bool(bool),
    Count(usize),
    /// Sessions and attributes.
    Purged(usize, usize),
    /// An attribute's value.
    Value(Option<i64>),
    Time(i64),
    Rows(Vec<(i64, Content)>),
}

/// What a handle shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) state: State,
    pub(crate) token: Option<u128>,
    pub(crate) content: Content,
    pub(crate) created: i64,
    pub(crate) proved: Option<i64>,
    pub(crate) seen: i64,
    pub(crate) expires: i64,
    pub(crate) deadline: Option<i64>,
    pub(crate) idle: Option<i64>,
    pub(crate) persistent: bool,
    pub(crate) changed: bool,
}

/// A step that is over. `start` and `end` are moments in the order of all workers' moments.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) presented: Option<u128>,
    pub(crate) result: Result<Answer, ErrorKind>,
    pub(crate) view: View,
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// The times that the clock showed meanwhile, by their place in the run.
    pub(crate) times: (usize, usize),
    pub(crate) statements: usize,
}

impl Seen {
    /// The outcome in a word, for the tally.
    pub(crate) fn outcome(&self) -> String {
        match &self.result {
            Ok(Answer::Nothing) => "done".to_owned(),
            Ok(Answer::Saved(saved)) => format!("{saved:?}"),
            Ok(Answer::Bool(bool)) => bool.to_string(),
            Ok(Answer::Count(0) | Answer::Purged(0, 0) | Answer::Value(None)) => "none".to_owned(),
            Ok(Answer::Count(_) | Answer::Value(_)) => "some".to_owned(),
            Ok(Answer::Purged(_, 0)) => "sessions".to_owned(),
            Ok(Answer::Purged(..)) => "attributes".to_owned(),
            Ok(Answer::Time(_)) => "a time".to_owned(),
            Ok(Answer::Rows(rows)) if rows.is_empty() => "none".to_owned(),
            Ok(Answer::Rows(_)) => "some".to_owned(),
            Err(kind) => format!("{kind:?}"),
        }
    }
}

/// What a worker reports of its program.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) worker: usize,
    pub(crate) seen: Vec<Seen>,
    /// Of a caller's transaction: the moments of its beginning and end, and whether it was committed.
    pub(crate) wrapped: Option<(u64, u64, bool)>,
    /// What a panic said.
    pub(crate) panic: Option<String>,
}

impl Report {
    /// From when to when a step was under way for others: to the end of the caller's transaction that it was in.
    pub(crate) fn span(&self, seen: &Seen) -> Range<u64> {
        match self.wrapped {
            Some((start, end, _)) if (start..end).contains(&seen.start) => start..end,
            _ => seen.start..seen.end,
        }
    }

    /// Whether a step was in a transaction of the caller's.
    pub(crate) fn is_wrapped(&self, seen: &Seen) -> bool {
        self.wrapped.is_some_and(|(start, end, _)| (start..end).contains(&seen.start))
    }
}
