//! Some rows of the other store: what becomes of each, in one transaction.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use diesel_sessions::Timestamp6;

use crate::database::row::Cell;
use crate::database::statement::{Statement, Value};
use crate::database::{Database, Engine};
use crate::failure::Failure;

use super::fill::{Fill, parameter};
use super::former::Which;
use super::record::FormerRow;
use super::rows::NewRow;
use super::tally::Tally;
use super::transfer::{Mode, Transfer};
use super::unfit::Unfit;

/// What was done with a page of rows.
#[derive(Default)]
pub(super) struct Page {
    /// The other store's ids. They are tokens.
    pub(super) ids: Vec<String>,
    pub(super) tally: Tally,
}

/// A row, and what is known of it without the database.
struct Candidate {
    id: String,
    /// None for an id that is none.
    digest: Option<String>,
    state: State,
}

enum State {
    Fits(NewRow),
    Expired,
    Unfit(Unfit),
}

/// How long the application may take from inserting a session that it moves itself to deleting the other store's row.
const UNDER_WAY: TimeDelta = TimeDelta::seconds(60);

impl Page {
    /// Imports some rows, or counts what that would come to. In a transaction of the caller's, if this writes.
    pub(super) fn carry_out(
        transfer: &Transfer,
        database: &mut Database,
        which: Which<'_>,
        now: DateTime<Utc>,
    ) -> Result<Self, Failure> {
        let found = transfer.former.rows(database, which, transfer.mode != Mode::Dry)?;
        let mut candidates: Vec<Candidate> = found.into_iter().map(|row| Candidate::new(transfer, row, now)).collect();
        let digests: Vec<String> = candidates.iter().filter_map(|one| one.digest.clone()).collect();
        let digests: Vec<&str> = digests.iter().map(String::as_str).collect();
        let known = transfer.rows.known(database, &digests, false)?;
        let marked = transfer.marker.known(database, &digests)?;
        let is_new = |one: &Candidate| match &one.digest {
            Some(digest) => !known.contains_key(digest) && !marked.contains(digest),
            None => false,
        };
        for fill in transfer.fills.iter().enumerate() {
            check_references(database, fill, candidates.iter_mut().filter(|one| is_new(one)))?;
        }
        let inserted = match transfer.mode {
            Mode::Dry => None,
            Mode::Copy | Mode::Move => Some(insert(transfer, database, &mut candidates, is_new)?),
        };

        let mut page = Page::default();
        let (mut handled, mut marks) = (Vec::new(), Vec::new());
        for one in &candidates {
            let digest = one.digest.as_deref();
            let begun = digest.and_then(|digest| known.get(digest));
            match (&one.state, begun) {
                (_, Some(begun)) => {
                    page.tally.present += 1;
                    marks.extend(digest);
                    // The application deletes it itself, unless it was killed before it came to that.
                    if *begun < Timestamp6::from(now - UNDER_WAY) {
                        handled.push(one.id.as_str());
                    }
                }
                (_, None) if digest.is_some_and(|digest| marked.contains(digest)) => {
                    page.tally.ended += 1;
                    handled.push(one.id.as_str());
                }
                (State::Expired, None) => page.tally.expired += 1,
                (State::Unfit(unfit), None) => page.tally.does_not_fit(digest, unfit),
                (State::Fits(_), None) if inserted.as_ref().is_none_or(|ours| digest.is_some_and(|one| ours.contains(one))) => {
                    page.tally.imported += 1;
                    marks.extend(digest);
                    handled.push(one.id.as_str());
                }
                // The application was faster by a moment.
                (State::Fits(_), None) => page.tally.present += 1,
            }
        }
        match transfer.mode {
            Mode::Dry => {}
            Mode::Copy => transfer.marker.add(database, &marks)?,
            Mode::Move => transfer.former.delete(database, &handled)?,
        }
        page.ids = candidates.into_iter().map(|one| one.id).collect();
        Ok(page)
    }
}

impl Candidate {
    fn new(transfer: &Transfer, row: FormerRow, now: DateTime<Utc>) -> Self {
        let Some(token) = row.token() else {
            return Candidate { id: row.id, digest: None, state: State::Unfit(Unfit::Id) };
        };
        let state = match row.session() {
            Ok(former) if former.ends_by <= now => State::Expired,
            Ok(former) => {
                let taken = transfer.fills.iter().filter(|fill| fill.takes_its_key(&former.content));
                let taken: Vec<&str> = taken.map(|fill| fill.column.name.as_str()).collect();
                let fills = transfer.fills.iter().map(|fill| fill.value(&former.content)).collect::<Result<Vec<_>, _>>();
                let row = fills.and_then(|fills| {
                    let moved = transfer.mover.row(&token, former.content, &taken, former.ends_by, now);
                    Ok(NewRow { moved: moved.map_err(|error| Unfit::Library(error.to_string()))?, fills })
                });
                row.map_or_else(State::Unfit, State::Fits)
            }
            Err(unfit) => State::Unfit(unfit),
        };
        Candidate { id: row.id, digest: Some(token.digest().as_uuid().to_string()), state }
    }
}

/// Inserts those that fit and are new; the digests of those that have got their row here and now.
fn insert(
    transfer: &Transfer,
    database: &mut Database,
    candidates: &mut [Candidate],
    is_new: impl Fn(&Candidate) -> bool,
) -> Result<HashSet<String>, Failure> {
    let new = candidates.iter().filter(|one| is_new(one)).filter_map(|one| match &one.state {
        State::Fits(row) => Some((one.digest.as_deref()?, row)),
        _ => None,
    });
    let (digests, rows): (Vec<&str>, Vec<&NewRow>) = new.unzip();
    let Some(now) = rows.first().map(|row| row.moved.created_at) else { return Ok(HashSet::new()) };
    transfer.rows.insert(database, &transfer.fills, &rows)?;
    let there = transfer.rows.known(database, &digests, true)?;
    let missing: HashSet<String> = digests.into_iter().filter(|one| !there.contains_key(*one)).map(str::to_owned).collect();
    for one in candidates.iter_mut().filter(|one| one.digest.as_ref().is_some_and(|digest| missing.contains(digest))) {
        one.state = State::Unfit(Unfit::Database("another row has its value of a unique column".to_owned()));
    }
    Ok(there.into_iter().filter(|(_, begun)| *begun == now).map(|(digest, _)| digest).collect())
}

/// Finds rows whose column refers to what is not there: the database would refuse the whole statement for one of them.
fn check_references<'a>(
    database: &mut Database,
    (at, fill): (usize, &Fill),
    candidates: impl Iterator<Item = &'a mut Candidate>,
) -> Result<(), Failure> {
    let Some((table, column)) = &fill.reference else { return Ok(()) };
    let value = |one: &Candidate| match &one.state {
        State::Fits(row) => row.fills.get(at).and_then(key),
        _ => None,
    };
    let candidates: Vec<&mut Candidate> = candidates.collect();
    let mut wanted: Vec<(String, Value)> = candidates.iter().filter_map(|one| value(one)).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    wanted.sort_by(|one, other| one.0.cmp(&other.0));
    wanted.dedup_by(|one, other| one == other);
    let engine = database.engine();
    let quoted = engine.quoted(column);
    let list = vec![parameter(engine, &fill.column); wanted.len()].join(", ");
    let as_text = if engine == Engine::Postgres { format!("CAST({quoted} AS text)") } else { quoted.clone() };
    let sql = format!("SELECT {as_text} AS found FROM {} WHERE {quoted} IN ({list})", table.quoted(engine));
    let rows = database.rows(&Statement::new(sql).bind_all(wanted.into_iter().map(|(_, value)| value)))?;
    let found = rows.iter().filter_map(|row| match row.cell("found") {
        Ok(Cell::Integer(number)) => Some(number.to_string()),
        Ok(Cell::Text(text)) => Some(comparable(text)),
        _ => None,
    });
    let found: HashSet<String> = found.collect();
    for one in candidates {
        if value(one).is_some_and(|(key, _)| !found.contains(&key)) {
            one.state = State::Unfit(Unfit::Reference { column: fill.column.name.clone(), table: table.to_string() });
        }
    }
    Ok(())
}

/// A value as something to compare by; none for NULL, and for what only the database can compare.
fn key(value: &Value) -> Option<(String, Value)> {
    match value {
        Value::Integer(number) => Some((number.to_string(), value.clone())),
        Value::Text(text) => Some((comparable(text), value.clone())),
        _ => None,
    }
}

/// A text as every collation has it that could find it: where more is found than there is, the foreign key itself objects.
fn comparable(text: &str) -> String {
    text.trim_end().to_lowercase()
}
