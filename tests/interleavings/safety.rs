//! What holds of every run, whatever transactions of the callers' were in it. Where those are not serialisable, no single order
//! of the steps need explain what they saw; these sentences must be true all the same.

use crate::attribute::{Key, Whose};
use crate::check::Run;
use crate::plan::{Change, Step, Verb};
use crate::seen::{Answer, Report, Seen};
use crate::world::State;

/// The sentences that a run has broken.
pub(crate) fn broken(run: &Run<'_>) -> Vec<String> {
    let mut broken = Vec::new();
    ended_sessions_stay_ended(run, &mut broken);
    replaced_tokens_open_nothing(run, &mut broken);
    changes_are_kept(run, &mut broken);
    times_never_go_back(run, &mut broken);
    attributes_need_their_session(run, &mut broken);
    attributes_are_kept(run, &mut broken);
    broken
}

/// A step with its worker's report and its place there.
struct Done<'a> {
    step: &'a Step,
    seen: &'a Seen,
    before: State,
    token_before: Option<u128>,
    /// From when on it may have read: a transaction of the caller's may go on to see what there was when it began.
    begun: u64,
    /// When its effect was there for everybody; none if it was undone.
    effective: Option<u64>,
}

fn steps<'a>(run: &'a Run<'_>) -> Vec<Done<'a>> {
    let mut steps = Vec::new();
    for (program, report) in run.plan.programs.iter().zip(run.reports) {
        let (first_id, first) = &run.plan.rows[0];
        let mut before = if program.loaded { State::Stored(*first_id) } else { State::New };
        let mut token_before = program.loaded.then_some(first.stamp.token);
        for (step, seen) in program.steps.iter().zip(&report.seen) {
            let begun = if step.verb.writes() { seen.start } else { report.span(seen).start };
            steps.push(Done { step, seen, before, token_before, begun, effective: effective(report, seen) });
            before = seen.view.state;
            let opened = match step.verb {
                Verb::Load(_) if seen.result == Ok(Answer::Bool(true)) => seen.presented,
                Verb::Open(_) if seen.result.is_ok() => seen.presented,
                _ => None,
            };
            token_before = seen.view.token.or(opened).or(token_before);
        }
    }
    steps
}

impl Done<'_> {
    /// The attribute that it is about, and whether it changes it.
    fn attribute(&self) -> Option<(Key, bool)> {
        match (self.step.verb, self.before) {
            (Verb::Attribute { whose: Whose::Row(row), name, deed }, _)
            | (Verb::Attribute { whose: Whose::Handle, name, deed }, State::Stored(row)) => Some(((row, name), deed.writes())),
            _ => None,
        }
    }

    /// The value that it gives an attribute.
    fn attribute_value(&self) -> Option<i64> {
        match self.step.verb {
            Verb::Attribute { deed, .. } => deed.value(),
            _ => None,
        }
    }
}

fn effective(report: &Report, seen: &Seen) -> Option<u64> {
    let is_undone = report.is_wrapped(seen) && report.wrapped.is_some_and(|(_, _, committed)| !committed);
    (!is_undone).then(|| report.span(seen).end)
}

/// SECURITY 13
fn ended_sessions_stay_ended(run: &Run<'_>, broken: &mut Vec<String>) {
    let all = steps(run);
    for done in &all {
        let row = match (done.step.verb, &done.seen.result, done.before) {
            (Verb::End, Ok(_), State::Stored(row)) => row,
            (Verb::Revoke { row, .. } | Verb::RevokeRow(row), Ok(Answer::Bool(true)), _) => row,
            _ => continue,
        };
        let Some(ended) = done.effective else { continue };
        if run.rows.contains_key(&row) {
            broken.push(format!("row {row} was ended and is there again"));
        }
        for later in all.iter().filter(|later| later.begun > ended && matches!(later.step.verb, Verb::Load(_) | Verb::Open(_))) {
            if later.seen.view.state == State::Stored(row)
                && later.seen.result != Ok(Answer::Bool(false))
                && later.seen.result.is_ok()
            {
                broken.push(format!("row {row} was ended and is loaded again"));
            }
        }
        let late = |later: &&Done<'_>| later.begun > ended && later.attribute().is_some_and(|((session, _), _)| session == row);
        for later in all.iter().filter(late).filter(|later| later.seen.result.is_ok()) {
            broken.push(format!("row {row} was ended and has attributes: {:?}", later.step.verb));
        }
    }
}

/// SECURITY 10
fn replaced_tokens_open_nothing(run: &Run<'_>, broken: &mut Vec<String>) {
    let all = steps(run);
    for done in all.iter().filter(|done| matches!(done.step.verb, Verb::Rotate | Verb::RevokeOthers) && done.seen.result.is_ok())
    {
        let (Some(replaced), Some(old)) = (done.effective, done.token_before) else { continue };
        if run.rows.values().any(|row| row.stamp.token == old) {
            broken.push("a token that was replaced is in the table again".to_owned());
        }
        for later in all.iter().filter(|later| later.begun > replaced && later.seen.presented == Some(old)) {
            let opens = match later.step.verb {
                Verb::Open(_) => matches!(later.seen.view.state, State::Stored(_)),
                _ => later.seen.result == Ok(Answer::Bool(true)),
            };
            if opens && later.seen.result.is_ok() {
                broken.push("a token that was replaced opens a session".to_owned());
            }
        }
        let by_handle = |later: &&Done<'_>| matches!(later.step.verb, Verb::Attribute { whose: Whose::Handle, .. });
        for later in all.iter().filter(|later| later.begun > replaced && later.token_before == Some(old)).filter(by_handle) {
            if later.seen.result.is_ok() {
                broken.push("a token that was replaced reaches attributes".to_owned());
            }
        }
    }
}

/// S43 S47: what one step alone has set and saved is there; what was undone is not. Values below 10 are used twice.
fn changes_are_kept(run: &Run<'_>, broken: &mut Vec<String>) {
    let all = steps(run);
    for (row, now) in run.rows {
        for (key, value) in now.content.data.iter().enumerate() {
            let writes = |done: &&Done<'_>| {
                let sets = |change: &Change| matches!(change, Change::Set(set, _) | Change::Remove(set) if *set == key);
                done.step.changes.iter().any(sets)
            };
            let writers: Vec<_> = all.iter().filter(writes).collect();
            if let Some(undone) = writers.iter().find(|done| done.effective.is_none() && sets_to(done.step, key, *value)) {
                broken.push(format!("row {row} holds what was undone: {:?}", undone.step));
            }
            let [only] = writers[..] else { continue };
            let saved = only.step.verb == Verb::Save && only.seen.result.is_ok() && only.seen.view.state == State::Stored(*row);
            let kept = Some(only.seen.view.content.data[key]) == Some(*value);
            if saved && only.before == State::Stored(*row) && only.effective.is_some() && !kept {
                broken.push(format!("row {row} has lost {:?}", only.step));
            }
        }
    }
}

fn sets_to(step: &Step, key: usize, value: Option<i64>) -> bool {
    step.changes.iter().any(|change| matches!(change, Change::Set(set, to) if *set == key && Some(*to) == value && *to >= 10))
}

/// S13 SECURITY 20
fn times_never_go_back(run: &Run<'_>, broken: &mut Vec<String>) {
    for (id, before) in &run.plan.rows {
        let Some(after) = run.rows.get(id) else { continue };
        if after.stamp.created != before.stamp.created {
            broken.push(format!("created_at of row {id} has changed"));
        }
        // What anybody was shown as effective bounds it too.
        let all = steps(run);
        let shown = all.iter().filter(|done| done.effective.is_some() && done.seen.view.state == State::Stored(*id));
        let seen = shown.map(|done| done.seen.view.seen).max().unwrap_or(before.stamp.seen);
        if after.stamp.seen < seen {
            broken.push(format!("last_seen_at of row {id} has gone back from {seen} to {}", after.stamp.seen));
        }
    }
}

/// S75
fn attributes_need_their_session(run: &Run<'_>, broken: &mut Vec<String>) {
    for (session, _) in run.attributes.keys().filter(|(session, _)| !run.rows.contains_key(session)) {
        broken.push(format!("an attribute has outlived its session {session}"));
    }
}

/// S66 S67: what one step alone has written is there; what was undone is not. Values below 10 are used twice.
fn attributes_are_kept(run: &Run<'_>, broken: &mut Vec<String>) {
    let all = steps(run);
    for done in all.iter().filter(|done| done.effective.is_none()) {
        let value = done.attribute_value().filter(|value| *value >= 10);
        if run.attributes.values().any(|stored| Some(stored.value) == value) {
            broken.push(format!("an attribute holds what was undone: {:?}", done.step));
        }
    }
    let is_purged = all.iter().any(|done| matches!(done.step.verb, Verb::PurgeBatch(_)));
    for done in all.iter().filter(|done| done.effective.is_some() && done.seen.result.is_ok()) {
        let (Some((key, _)), Some(value)) = (done.attribute(), done.attribute_value()) else { continue };
        let writers = all.iter().filter(|other| other.attribute() == Some((key, true))).count();
        let stored = run.attributes.get(&key).map(|stored| stored.value);
        if writers == 1 && run.rows.contains_key(&key.0) && stored != Some(value) && !(is_purged && stored.is_none()) {
            broken.push(format!("{key:?} holds {stored:?} instead of {value}"));
        }
    }
}
