//! Verbs over attributes: each needs a live session, and sees no attribute that has expired.

use diesel_sessions::ErrorKind;

use super::{At, Ending, Part, bulk, refused, stored};
use crate::attribute::{Deed, Given, Key, Stored, Whose};
use crate::seen::Answer;
use crate::world::{Handle, World};

pub(super) fn endings(world: World, at: &At<'_>, handle: Handle, whose: Whose, name: usize, deed: Deed) -> Vec<Ending> {
    let part = |world: World, id, token: Option<u128>| {
        let live = token.map_or_else(|| world.live_row(id, at.now), |token| world.live(id, token, at.now));
        match (at.part, live) {
            (Part::First, live) => clearing(world, at, (id, name), live.is_ok()),
            (_, Err(kind)) => refused(world, kind),
            (_, Ok(_)) => done(world, at.now, (id, name), deed),
        }
    };
    match whose {
        Whose::Handle => stored(world, handle, |world, id| part(world, id, Some(handle.stamp.token))),
        Whose::Row(id) => part(world, id, None),
    }
}

/// What a deed does in a live session.
fn done(mut world: World, now: i64, key: Key, deed: Deed) -> Vec<Ending> {
    let live = world.attributes.get(&key).copied().filter(|stored| !stored.has_expired(now));
    let fresh = |value, given: Given| Stored { value, created: now, updated: now, expires: end(given, None, now) };
    let written =
        |old: Stored, value, given| Stored { value, updated: now, expires: end(given, old.expires, now), created: old.created };
    let (answer, after) = match (deed, live) {
        (Deed::Set(value, given), Some(old)) | (Deed::Update(value, given), Some(old)) => {
            (Answer::Nothing, Some(written(old, value, given)))
        }
        (Deed::Set(value, given), None) | (Deed::Create(value, given), None) => (Answer::Nothing, Some(fresh(value, given))),
        (Deed::SetExpiry(given), Some(old)) => (Answer::Nothing, Some(Stored { expires: end(Some(given), None, now), ..old })),
        (Deed::Take, Some(old)) => (Answer::Value(Some(old.value)), None),
        (Deed::Delete, Some(_)) => (Answer::Count(1), None),
        // From here on nothing is written.
        (Deed::Get, live) => return vec![(Ok(Answer::Value(live.map(|stored| stored.value))), world)],
        (Deed::Take, None) => return vec![(Ok(Answer::Value(None)), world)],
        (Deed::Delete, None) => return vec![(Ok(Answer::Count(0)), world)],
        (Deed::Create(..), Some(_)) => return refused(world, ErrorKind::AlreadyExists),
        (Deed::Update(..) | Deed::SetExpiry(_), None) => return refused(world, ErrorKind::NotFound),
    };
    match after {
        Some(stored) => drop(world.attributes.insert(key, stored)),
        None => drop(world.attributes.remove(&key)),
    }
    vec![(Ok(answer), world)]
}

/// The end of an attribute: as asked for, or else as it is stored.
fn end(given: Given, stored: Option<i64>, now: i64) -> Option<i64> {
    given.map_or(stored, |expiry| expiry.map(|seconds| now + seconds))
}

/// MySQL clears an expired attribute away in a statement of its own before it creates one of that name. A refusal after that
/// does not bring it back.
fn clearing(world: World, at: &At<'_>, key: Key, live: bool) -> Vec<Ending> {
    let mut worlds = vec![world];
    if live && worlds[0].attributes.get(&key).is_some_and(|stored| stored.has_expired(at.now)) {
        let mut world = worlds[0].clone();
        world.attributes.remove(&key);
        worlds.push(world);
    }
    worlds.into_iter().map(|world| (at.seen.result.clone(), world)).collect()
}

/// The second half of a purge: the longest expired attributes of live sessions.
pub(super) fn purge(world: World, at: &At<'_>, limit: usize) -> Vec<(usize, World)> {
    let contended = at.contended && !at.serialisable;
    let in_live = |id: i64| contended || world.live_row(id, at.now).is_ok();
    let mut expired: Vec<_> =
        world.attributes.iter().filter(|(key, stored)| stored.has_expired(at.now) && in_live(key.0)).collect();
    expired.sort_by_key(|(key, stored)| (stored.expires, **key));
    let expired: Vec<_> = expired.into_iter().map(|(key, _)| *key).collect();
    bulk::batches(&expired, at, limit)
        .into_iter()
        .map(|batch| {
            let mut world = world.clone();
            world.attributes.retain(|key, _| !batch.contains(key));
            (batch.len(), world)
        })
        .collect()
}
