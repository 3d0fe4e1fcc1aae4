//! Verbs that write what a handle holds: create, save, sign_in, authenticate.

use diesel_sessions::{ErrorKind, Saved};

use super::{
    At, Ending, UPDATED, bases, carried, changed_address, drawn, merged, put_new, refused, renew, unchanged, with_handle,
};
use crate::seen::Answer;
use crate::world::{Content, Handle, Remember, Row, Stamp, State, World, expires_at};

/// The one insert.
pub(super) fn insert(world: World, at: &At<'_>, handle: Handle, answer: Answer) -> Vec<Ending> {
    let mut stamp = handle.with_policy(Stamp::new(at.now));
    stamp.created = handle.stamp.created;
    stamp.expires = expires_at(stamp.seen, stamp.idle, stamp.deadline);
    put_new(world, at, stamp, handle.now, answer)
}

pub(super) fn save(world: World, at: &At<'_>, handle: Handle) -> Vec<Ending> {
    let unchanged_answer = |_| Answer::Saved(Saved::Unchanged);
    let id = match handle.state {
        State::New if !handle.changed() => return vec![(Ok(Answer::Saved(Saved::Unchanged)), world)],
        State::New => return insert(world, at, handle, Answer::Saved(Saved::Created)),
        State::Superseded(_) => return refused(world, ErrorKind::Rotated),
        State::Ended => return refused(world, ErrorKind::Gone),
        State::Stored(id) => id,
    };
    if !handle.changed() {
        return renew::touch(world, at, handle, id, unchanged_answer);
    }
    let row = match world.live(id, handle.stamp.token, at.now) {
        Ok(row) => row,
        Err(kind) => return unchanged(&world, at, kind),
    };
    if let (Some(old), Some(new)) = (handle.base.owner, handle.now.owner)
        && old != new
    {
        return replace(world, at, handle, id);
    }
    // Who is up to date writes at once; who is behind lays the changes over the row. Both may find a touch due or not.
    let handles = writers(handle, &row, at);
    if handles.is_empty() {
        return unchanged(&world, at, ErrorKind::Conflict);
    }
    let mut endings = Vec::new();
    for handle in handles {
        if !handle.changed() {
            endings.extend(renew::touch(world.clone(), at, handle, id, unchanged_answer));
        } else if handle.now.owner == handle.base.owner {
            endings.extend(update(world.clone(), at, handle, id, row));
        } else {
            endings.extend(change_owner(world.clone(), at, handle, id, row));
        }
    }
    endings
}

/// The handle that writes: as it is if it is up to date, or with its changes over the row. None of both is a conflict.
fn writers(handle: Handle, row: &Row, at: &At<'_>) -> Vec<Handle> {
    let as_it_is = (row.stamp.version == handle.stamp.version).then_some(handle);
    as_it_is.into_iter().chain(merged(&handle, row, at)).collect()
}

/// One guarded update.
fn update(mut world: World, at: &At<'_>, mut handle: Handle, id: i64, row: Row) -> Vec<Ending> {
    let touches = handle.policy_changed() || handle.stamp.touch_due(at.now);
    let mut stamp = handle.with_policy(handle.stamp);
    stamp.version += 1;
    let mut stored = row;
    stored.stamp.version += 1;
    if touches {
        stamp.see(at.now);
        if row.stamp.seen > stamp.seen {
            return Vec::new();
        }
        stored.stamp =
            Stamp { seen: stamp.seen, expires: stamp.expires, idle: stamp.idle, deadline: stamp.deadline, ..stored.stamp };
    }
    stored.content = handle.now;
    world.put(id, stored);
    handle.stored(id, stamp, handle.now);
    vec![(Ok(UPDATED), with_handle(world, at, handle))]
}

/// An owner gained or cleared: the token is replaced.
fn change_owner(world: World, at: &At<'_>, handle: Handle, id: i64, row: Row) -> Vec<Ending> {
    let mut stamp = handle.with_policy(handle.stamp);
    stamp.see(at.now);
    if handle.now.owner.is_none() {
        stamp.proved = None;
    }
    renew_row(world, at, handle, id, row, stamp, UPDATED)
}

/// Writes everything under a new token.
fn renew_row(
    mut world: World,
    at: &At<'_>,
    mut handle: Handle,
    id: i64,
    row: Row,
    mut stamp: Stamp,
    answer: Answer,
) -> Vec<Ending> {
    let Some(token) = drawn(&world, at) else { return Vec::new() };
    if row.stamp.seen > stamp.seen {
        return Vec::new();
    }
    stamp.rotate(token, at.now);
    let writer = if row.content.owner == handle.now.owner { row.writer } else { Some(at.id) };
    world.put(id, Row { stamp, content: handle.now, writer });
    handle.stored(id, stamp, handle.now);
    vec![(Ok(answer), with_handle(world, at, handle))]
}

/// A save that names another owner: the row ends, and a new session with empty data begins.
fn replace(mut world: World, at: &At<'_>, handle: Handle, id: i64) -> Vec<Ending> {
    world.remove(id);
    let mut stamp = handle.with_policy(Stamp::new(at.now));
    stamp.expires = expires_at(stamp.seen, stamp.idle, stamp.deadline);
    let content = Content { owner: handle.now.owner, address: changed_address(&handle), ..Content::default() };
    put_new(world, at, stamp, content, UPDATED)
}

/// A proof of identity.
pub(super) fn prove(mut world: World, at: &At<'_>, handle: Handle, owner: Option<i64>, remember: Remember) -> Vec<Ending> {
    // Pending limits of its own count where the proof sets none.
    let proved = |mut stamp: Stamp| {
        stamp.prove(at.now, remember);
        if matches!(remember, Remember::AsBefore) {
            stamp = handle.with_policy(stamp);
            stamp.see(at.now);
        }
        stamp
    };
    let fresh = || proved(Stamp::new(at.now));
    let id = match handle.state {
        State::Ended => return refused(world, ErrorKind::Gone),
        State::New | State::Superseded(_) => {
            let stamp = Stamp { created: handle.stamp.created, ..fresh() };
            return put_new(world, at, stamp, Content { owner, ..handle.now }, Answer::Nothing);
        }
        State::Stored(id) => id,
    };
    if handle.base.owner.is_some_and(|stored| owner != Some(stored)) {
        // Over another owner's session: it ends whatever token it has by now.
        world.remove(id);
        let content = Content { owner, address: changed_address(&handle), ..Content::default() };
        return put_new(world, at, fresh(), content, Answer::Nothing);
    }
    // The limits of a remembered session are written as they were read, so the version must be the one that was seen.
    let keeps_limits = matches!(remember, Remember::AsBefore) && handle.stamp.persistent;
    match world.live(id, handle.stamp.token, at.now) {
        Ok(row) if handle.changed() || keeps_limits => {
            let mut pending = handle;
            pending.now.owner = owner;
            let handles = writers(pending, &row, at);
            if handles.is_empty() {
                return unchanged(&world, at, ErrorKind::Conflict);
            }
            let mut endings = Vec::new();
            for mut handle in handles {
                handle.now.owner = owner;
                let stamp = proved(handle.stamp);
                endings.extend(renew_row(world.clone(), at, handle, id, row, stamp, Answer::Nothing));
            }
            endings
        }
        Ok(row) => authenticate(world, at, handle, (id, row), owner, remember),
        // A login sent twice must not fail: a new session begins.
        Err(_) => bases(&world, handle)
            .into_iter()
            .flat_map(|handle| put_new(world.clone(), at, fresh(), carried(&handle, owner), Answer::Nothing))
            .collect(),
    }
}

/// Nothing is pending: neither data nor columns but the owner are written.
fn authenticate(
    mut world: World,
    at: &At<'_>,
    mut handle: Handle,
    (id, row): (i64, Row),
    owner: Option<i64>,
    remember: Remember,
) -> Vec<Ending> {
    let Some(token) = drawn(&world, at) else { return Vec::new() };
    let mut stored = row;
    stored.stamp.prove(at.now, remember);
    stored.stamp.rotate(token, at.now);
    // The handle's own time counts for it. A request that was seen later meanwhile leaves its sign of life, but no later end.
    let seen = handle.stamp.seen.max(at.now);
    stored.stamp.expires = expires_at(seen, stored.stamp.idle, stored.stamp.deadline);
    stored.content.owner = owner;
    if row.content.owner != owner {
        stored.writer = Some(at.id);
    }
    world.put(id, stored);
    // The handle still shows the data that it has read.
    let stamp = Stamp { version: handle.stamp.version + 1, seen, ..stored.stamp };
    let content = Content { owner, ..handle.now };
    handle.stored(id, stamp, content);
    vec![(Ok(Answer::Nothing), with_handle(world, at, handle))]
}
