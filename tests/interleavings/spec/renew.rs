//! Verbs that keep a session alive or give it a new token: touch, extend, rotate, revoke_others.

use diesel_sessions::ErrorKind;

use super::{At, Ending, bulk, drawn, refused, with_handle};
use crate::seen::Answer;
use crate::world::{Handle, Row, World};

/// Sends a touch when the handle finds one due; the row then decides.
pub(super) fn touch(mut world: World, at: &At<'_>, mut handle: Handle, id: i64, answer: impl Fn(bool) -> Answer) -> Vec<Ending> {
    if !handle.stamp.touch_due(at.now) {
        let world = with_handle(world, at, handle);
        return vec![(Ok(answer(false)), world)];
    }
    let mut row = match world.live(id, handle.stamp.token, at.now) {
        Ok(row) => row,
        Err(kind) => return refused(with_handle(world, at, handle), kind),
    };
    let due = row.stamp.touch_due(at.now);
    if due {
        row.stamp.see(at.now);
        world.put(id, row);
    }
    take_over(&mut handle, &row);
    vec![(Ok(answer(due)), with_handle(world, at, handle))]
}

pub(super) fn extend(mut world: World, at: &At<'_>, mut handle: Handle, id: i64) -> Vec<Ending> {
    let mut row = match world.live(id, handle.stamp.token, at.now) {
        Ok(row) => row,
        Err(kind) => return refused(world, kind),
    };
    row.stamp.see(at.now);
    world.put(id, row);
    take_over(&mut handle, &row);
    vec![(Ok(Answer::Time(row.stamp.expires)), with_handle(world, at, handle))]
}

/// The handle knows when the row was last seen, and nothing else of it that is new.
fn take_over(handle: &mut Handle, row: &Row) {
    handle.stamp.seen = row.stamp.seen;
    handle.stamp.expires = row.stamp.expires;
}

pub(super) fn rotate(world: World, at: &At<'_>, handle: Handle, id: i64) -> Vec<Ending> {
    match rotated(world.clone(), at, handle, id) {
        Ok(world) => world.map(|world| (Ok(Answer::Nothing), world)).into_iter().collect(),
        Err(kind) => refused(world, kind),
    }
}

/// The others are revoked and this one is rotated, or neither.
pub(super) fn revoke_others(world: World, at: &At<'_>, handle: Handle, id: i64) -> Vec<Ending> {
    let Some(owner) = handle.base.owner else { return refused(world, ErrorKind::NotFound) };
    match rotated(world.clone(), at, handle, id) {
        Ok(Some(world)) => bulk::removed(world, at, |other, row| *other != id && row.content.owner == Some(owner)),
        Ok(None) => Vec::new(),
        Err(kind) => refused(world, kind),
    }
}

/// The world after a rotation; `None` when the token that was seen is not new.
fn rotated(mut world: World, at: &At<'_>, mut handle: Handle, id: i64) -> Result<Option<World>, ErrorKind> {
    let mut row = world.live(id, handle.stamp.token, at.now)?;
    let Some(token) = drawn(&world, at) else { return Ok(None) };
    row.stamp.rotate(token, at.now);
    world.put(id, row);
    handle.stamp.rotate(token, at.now);
    Ok(Some(with_handle(world, at, handle)))
}
