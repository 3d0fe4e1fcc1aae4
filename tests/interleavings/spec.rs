//! What each verb does when nobody else is at work, written from the design: all ways in which it may end.

use diesel_sessions::{ErrorKind, Saved};

use crate::plan::{REMEMBERED, Step, Verb};
use crate::seen::{Answer, Seen};
use crate::world::{Content, Handle, KEYS, Remember, Row, Stamp, State, StepId, World};

mod attributes;
mod bulk;
mod renew;
mod write;

/// A way in which a verb may end.
pub(super) type Ending = (Result<Answer, ErrorKind>, World);

/// How much of a verb happens at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Whole,
    /// The first of two statements that are not in one transaction.
    First,
    Second,
}

/// A step at one moment of its interval.
pub(crate) struct At<'a> {
    /// Whose step it is, and which.
    pub(crate) id: StepId,
    pub(crate) step: &'a Step,
    /// How much of it.
    pub(crate) part: Part,
    /// What was seen of it: new tokens and row ids are taken from there, since nobody can foretell them.
    pub(crate) seen: &'a Seen,
    /// The time it took from the clock.
    pub(crate) now: i64,
    /// Whether the step that inserted a row was over before this one began.
    pub(crate) settled: &'a dyn Fn(StepId) -> bool,
    /// Whether a statement over many rows sees all of them as they are at one moment.
    pub(crate) serialisable: bool,
    /// Whether another step was under way meanwhile.
    pub(crate) contended: bool,
    /// Whether two changes of the same key are a conflict.
    pub(crate) refuses_conflicts: bool,
    /// Whether the engine refuses a statement that would have to wait.
    pub(crate) refuses: bool,
    /// Whether it stands in a transaction of the caller's.
    pub(crate) wrapped: bool,
    /// How many rows that nobody was told of may have been there meanwhile.
    pub(crate) phantoms: usize,
}

/// The worlds that a step may leave behind, given what was seen of it.
pub(crate) fn after(world: &World, at: &At<'_>) -> Vec<World> {
    let mut changed = world.clone();
    for change in &at.step.changes {
        changed.handles[at.id.0].change(*change);
    }
    match at.seen.result {
        // Refused: nothing is stored, and the changes are still pending.
        Err(kind @ ErrorKind::Busy) if at.refuses && at.part == Part::Whole => {
            return matching(unchanged(&changed, at, kind), at);
        }
        // In a caller's transaction a deadlock is not tried again; all of the transaction is undone.
        Err(kind @ ErrorKind::Deadlock) if at.wrapped => return matching(unchanged(&changed, at, kind), at),
        _ => {}
    }
    matching(endings(changed, at), at)
}

fn endings(world: World, at: &At<'_>) -> Vec<Ending> {
    let handle = world.handles[at.id.0];
    match at.step.verb {
        Verb::Load(_) => load(world, at),
        Verb::Open(_) => vec![open(world, at)],
        Verb::NewSession => {
            let fresh = Handle::new(at.seen.view.created);
            done(world, at, fresh)
        }
        Verb::Create => match handle.state {
            State::New => write::insert(world, at, handle, Answer::Nothing),
            State::Stored(_) => refused(world, ErrorKind::AlreadyExists),
            State::Superseded(_) => refused(world, ErrorKind::Rotated),
            State::Ended => refused(world, ErrorKind::Gone),
        },
        Verb::Save => write::save(world, at, handle),
        Verb::Touch => stored(world, handle, |world, id| renew::touch(world, at, handle, id, Answer::Bool)),
        Verb::Extend => stored(world, handle, |world, id| renew::extend(world, at, handle, id)),
        Verb::Rotate => stored(world, handle, |world, id| renew::rotate(world, at, handle, id)),
        Verb::RevokeOthers => stored(world, handle, |world, id| renew::revoke_others(world, at, handle, id)),
        Verb::SignIn { owner, remember } => {
            let remember = if remember { Remember::For(REMEMBERED) } else { Remember::No };
            write::prove(world, at, handle, Some(owner), remember)
        }
        Verb::Authenticate => write::prove(world, at, handle, handle.now.owner, Remember::AsBefore),
        Verb::End => end(world, at, handle),
        Verb::Attribute { whose, name, deed } => attributes::endings(world, at, handle, whose, name, deed),
        Verb::IsLive(_) => {
            let live = at.seen.presented.is_some_and(|token| world.opened(token, at.now).is_some());
            vec![(Ok(Answer::Bool(live)), world)]
        }
        Verb::Count(owner) => {
            let count = live_of(&world, owner, at.now).count();
            (count..=count + at.phantoms).map(|count| (Ok(Answer::Count(count)), world.clone())).collect()
        }
        Verb::List(owner) => {
            let mut rows: Vec<_> = live_of(&world, owner, at.now).map(|(id, row)| (*id, row.content)).collect();
            rows.reverse();
            add_phantoms(&mut rows, at);
            vec![(Ok(Answer::Rows(rows)), world)]
        }
        _ => bulk::endings(world, at),
    }
}

/// Those endings that fit what was seen.
fn matching(endings: Vec<Ending>, at: &At<'_>) -> Vec<World> {
    let mut worlds: Vec<World> = Vec::new();
    for (result, world) in endings {
        if result == at.seen.result && shows(&world.handles[at.id.0], at.seen) && !worlds.contains(&world) {
            worlds.push(world);
        }
    }
    worlds
}

/// Whether a handle shows what was seen.
fn shows(handle: &Handle, seen: &Seen) -> bool {
    let view = &seen.view;
    let same_state = match (handle.state, view.state) {
        (State::Superseded(_), State::Superseded(_)) => true,
        (a, b) => a == b,
    };
    let limits = handle.with_policy(handle.stamp);
    same_state
        && handle.now == view.content
        && (!matches!(handle.state, State::Stored(_))
            || handle.changed() == view.changed
                && view.token.is_none_or(|token| token == handle.stamp.token)
                && (handle.stamp.created, handle.stamp.proved) == (view.created, view.proved)
                && (handle.stamp.seen, handle.stamp.expires) == (view.seen, view.expires)
                && (limits.deadline, limits.idle, limits.persistent) == (view.deadline, view.idle, view.persistent))
}

/// The handle is as it was, or has laid its changes over a state that its row has had meanwhile: both are right after an error.
fn bases(world: &World, handle: Handle) -> Vec<Handle> {
    let mut handles = vec![handle];
    if let State::Stored(id) = handle.state {
        for (_, row) in world.past.iter().filter(|(row, past)| *row == id && past.stamp.token == handle.stamp.token) {
            let rebased = handle.rebased(row);
            if !handles.contains(&rebased) {
                handles.push(rebased);
            }
        }
    }
    handles
}

/// The handle's changes over a newer state of its row; `None` if that is a conflict, and conflicts are refused.
fn merged(handle: &Handle, row: &Row, at: &At<'_>) -> Option<Handle> {
    (!at.refuses_conflicts || !handle.conflicts_with(row)).then(|| handle.rebased(row))
}

fn unchanged(world: &World, at: &At<'_>, kind: ErrorKind) -> Vec<Ending> {
    let merges = matches!(at.step.verb, Verb::Save | Verb::SignIn { .. } | Verb::Authenticate);
    let handle = world.handles[at.id.0];
    let handles = if merges { bases(world, handle) } else { vec![handle] };
    handles.into_iter().map(|handle| (Err(kind), with_handle(world.clone(), at, handle))).collect()
}

fn with_handle(mut world: World, at: &At<'_>, handle: Handle) -> World {
    world.handles[at.id.0] = handle;
    world
}

fn done(world: World, at: &At<'_>, handle: Handle) -> Vec<Ending> {
    vec![(Ok(Answer::Nothing), with_handle(world, at, handle))]
}

fn refused(world: World, kind: ErrorKind) -> Vec<Ending> {
    vec![(Err(kind), world)]
}

/// A verb that continues a session needs one that has a row.
fn stored(world: World, handle: Handle, verb: impl FnOnce(World, i64) -> Vec<Ending>) -> Vec<Ending> {
    match handle.state {
        State::Stored(id) => verb(world, id),
        State::New => refused(world, ErrorKind::NotCreated),
        State::Superseded(_) => refused(world, ErrorKind::Rotated),
        State::Ended => refused(world, ErrorKind::Gone),
    }
}

fn live_of(world: &World, owner: i64, now: i64) -> impl Iterator<Item = (&i64, &Row)> {
    world.rows.iter().filter(move |(_, row)| row.content.owner == Some(owner) && row.stamp.expires > now)
}

/// Adds listed rows that nobody was told of, as many as there may have been.
fn add_phantoms(rows: &mut Vec<(i64, Content)>, at: &At<'_>) {
    let Ok(Answer::Rows(seen)) = &at.seen.result else { return };
    let unknown: Vec<_> = seen.iter().filter(|row| !rows.iter().any(|known| known.0 == row.0)).copied().collect();
    if !unknown.is_empty() && unknown.len() <= at.phantoms {
        rows.extend(unknown);
        rows.sort_by_key(|row| std::cmp::Reverse(row.0));
    }
}

fn load(world: World, at: &At<'_>) -> Vec<Ending> {
    match at.seen.presented.and_then(|token| world.opened(token, at.now)) {
        Some((id, row)) => vec![(Ok(Answer::Bool(true)), with_handle(world, at, Handle::of_row(id, &row)))],
        None => vec![(Ok(Answer::Bool(false)), world)],
    }
}

fn open(world: World, at: &At<'_>) -> Ending {
    let token = at.seen.presented;
    let handle = if let Some((id, row)) = token.and_then(|token| world.opened(token, at.now)) {
        Handle::of_row(id, &row)
    } else if let Some(id) = token.and_then(|token| world.superseded(token, at.now)) {
        Handle { state: State::Superseded(id), ..Handle::new(at.seen.view.created) }
    } else {
        Handle::new(at.seen.view.created)
    };
    (Ok(Answer::Nothing), with_handle(world, at, handle))
}

/// Ending beats rotation: the row's id alone counts.
fn end(mut world: World, at: &At<'_>, handle: Handle) -> Vec<Ending> {
    if let State::Stored(id) | State::Superseded(id) = handle.state {
        world.remove(id);
    }
    let ended = Handle { state: State::Ended, now: handle.base, idle: None, deadline: None, ..handle };
    done(world, at, ended)
}

/// The row id and the token of a row that this step inserts, if what was seen is new indeed.
fn inserted(world: &World, at: &At<'_>) -> Option<(i64, u128)> {
    match (at.seen.view.state, at.seen.view.token) {
        (State::Stored(id), Some(token)) if !world.is_known(id, token) => Some((id, token)),
        _ => None,
    }
}

/// The token that this step has drawn, if it is new indeed.
fn drawn(world: &World, at: &At<'_>) -> Option<u128> {
    at.seen.view.token.filter(|token| world.past.iter().all(|(_, row)| row.stamp.token != *token))
}

/// Inserts a row and gives it to the handle.
fn put_new(mut world: World, at: &At<'_>, mut stamp: Stamp, content: Content, answer: Answer) -> Vec<Ending> {
    let Some((id, token)) = inserted(&world, at) else { return Vec::new() };
    stamp.token = token;
    let row = Row { stamp, content, writer: Some(at.id) };
    world.put(id, row);
    vec![(Ok(answer), with_handle(world, at, Handle::of_row(id, &row)))]
}

/// What remains of a handle's content in a session that begins in place of one that is gone or rotated: everything that an
/// anonymous visitor had, or a user's own changes alone.
fn carried(handle: &Handle, owner: Option<i64>) -> Content {
    let mut content = Content { owner, ..handle.now };
    if handle.base.owner.is_some() {
        for key in 0..KEYS.len() {
            if handle.now.data[key] == handle.base.data[key] {
                content.data[key] = None;
            }
        }
        content.address = changed_address(handle);
    }
    content
}

/// A typed column that was changed through the handle.
fn changed_address(handle: &Handle) -> Option<i64> {
    handle.now.address.filter(|_| handle.now.address != handle.base.address)
}

/// The answer of a save that has stored the changes.
const UPDATED: Answer = Answer::Saved(Saved::Updated);
