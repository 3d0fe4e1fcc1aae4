//! Verbs that remove rows without looking at tokens.

use diesel_sessions::ErrorKind;

use super::{At, Ending, Part, attributes, refused};
use crate::plan::Verb;
use crate::seen::Answer;
use crate::world::{Row, World};

pub(super) fn endings(mut world: World, at: &At<'_>) -> Vec<Ending> {
    match at.step.verb {
        Verb::Revoke { owner, row } => {
            let mine = world.rows.get(&row).is_some_and(|row| row.content.owner == Some(owner));
            if mine {
                world.remove(row);
            }
            vec![(Ok(Answer::Bool(mine)), world)]
        }
        Verb::RevokeRow(row) => vec![(Ok(Answer::Bool(world.remove(row))), world)],
        Verb::RevokeAll(owner) => removed(world, at, |_, row| row.content.owner == Some(owner)),
        Verb::RevokeExcept { owner, row: kept } => removed(world, at, |id, row| *id != kept && row.content.owner == Some(owner)),
        Verb::RevokeEveryone => removed(world, at, |_, _| true),
        Verb::PurgeBatch(limit) => purge(world, at, usize::try_from(limit).expect("a small number")),
        verb => unreachable!("{verb:?} is no verb of this kind"),
    }
}

/// Removes every row of a kind and counts them.
///
/// Under READ COMMITTED a DELETE that has waited for a lock does not see rows that were inserted while it waited. So a row whose
/// writer was under way at the same time may stay; one that was there before must go.
pub(super) fn removed(world: World, at: &At<'_>, is_meant: impl Fn(&i64, &Row) -> bool) -> Vec<Ending> {
    let meant: Vec<_> = world.rows.iter().filter(|(id, row)| is_meant(id, row)).collect();
    let may_stay = |row: &Row| !at.serialisable && row.writer.is_some_and(|writer| writer != at.id && !(at.settled)(writer));
    let must: Vec<_> = meant.iter().filter(|(_, row)| !may_stay(row)).map(|(id, _)| **id).collect();
    let may: Vec<_> = meant.iter().filter(|(_, row)| may_stay(row)).map(|(id, _)| **id).collect();
    let mut endings = Vec::new();
    for some in subsets(&may) {
        let mut world = world.clone();
        for id in must.iter().chain(&some) {
            world.remove(*id);
        }
        let count = must.len() + some.len();
        endings.extend((count..=count + at.phantoms).map(|count| (Ok(Answer::Count(count)), world.clone())));
    }
    endings
}

/// Removes the longest expired rows, and then attributes: two statements, between which others may be at work. When the second
/// is refused, what the first has removed stays removed.
fn purge(world: World, at: &At<'_>, limit: usize) -> Vec<Ending> {
    match (at.part, &at.seen.result) {
        (Part::First, Ok(Answer::Purged(_, attributes))) => {
            let answer = |sessions| Ok(Answer::Purged(sessions, *attributes));
            purge_rows(world, at, limit).into_iter().map(|(sessions, world)| (answer(sessions), world)).collect()
        }
        (Part::Second, Ok(Answer::Purged(sessions, _))) => {
            let answer = |attributes| Ok(Answer::Purged(*sessions, attributes));
            attributes::purge(world, at, limit).into_iter().map(|(attributes, world)| (answer(attributes), world)).collect()
        }
        (Part::First, Err(ErrorKind::Busy)) if at.refuses => {
            let removed = purge_rows(world.clone(), at, limit).into_iter().map(|(_, world)| world);
            [world].into_iter().chain(removed).map(|world| (Err(ErrorKind::Busy), world)).collect()
        }
        (Part::Second, Err(ErrorKind::Busy)) if at.refuses => refused(world, ErrorKind::Busy),
        _ => Vec::new(),
    }
}

fn purge_rows(world: World, at: &At<'_>, limit: usize) -> Vec<(usize, World)> {
    let mut expired: Vec<_> = world.rows.iter().filter(|(_, row)| row.stamp.expires <= at.now).collect();
    expired.sort_by_key(|(id, row)| (row.stamp.expires, **id));
    let expired: Vec<_> = expired.into_iter().map(|(id, _)| *id).collect();
    let phantoms = if at.contended && !at.serialisable { at.phantoms } else { 0 };
    let mut endings = Vec::new();
    for batch in batches(&expired, at, limit) {
        let mut world = world.clone();
        for id in &batch {
            world.remove(*id);
        }
        endings.extend((batch.len()..=limit.min(batch.len() + phantoms)).map(|count| (count, world.clone())));
    }
    endings
}

/// What a purge may remove of what has expired: the first ones. Where another step is under way, rows that are locked may be left
/// to who has locked them (PostgreSQL), and rows that were written meanwhile may not be seen.
pub(super) fn batches<T: Copy>(expired: &[T], at: &At<'_>, limit: usize) -> Vec<Vec<T>> {
    if at.contended && !at.serialisable {
        subsets(expired).filter(|batch| batch.len() <= limit).collect()
    } else {
        vec![expired[..limit.min(expired.len())].to_vec()]
    }
}

fn subsets<T: Copy>(things: &[T]) -> impl Iterator<Item = Vec<T>> + '_ {
    (0..1_usize << things.len())
        .map(|set| things.iter().enumerate().filter(|(place, _)| set >> place & 1 == 1).map(|(_, thing)| *thing).collect())
}
