//! Verbs that remove rows without looking at tokens.

use super::{At, Ending};
use crate::plan::Verb;
use crate::seen::Answer;
use crate::world::{Row, World};

pub(super) fn endings(mut world: World, at: &At<'_>) -> Vec<Ending> {
    match at.step.verb {
        Verb::Revoke { owner, row } => {
            let mine = world.rows.get(&row).is_some_and(|row| row.content.owner == Some(owner));
            if mine {
                world.rows.remove(&row);
            }
            vec![(Ok(Answer::Bool(mine)), world)]
        }
        Verb::RevokeRow(row) => vec![(Ok(Answer::Bool(world.rows.remove(&row).is_some())), world)],
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
            world.rows.remove(id);
        }
        let count = must.len() + some.len();
        endings.extend((count..=count + at.phantoms).map(|count| (Ok(Answer::Count(count)), world.clone())));
    }
    endings
}

/// Removes the longest expired rows. On PostgreSQL, rows that are locked are left to who has locked them.
fn purge(mut world: World, at: &At<'_>, limit: usize) -> Vec<Ending> {
    let mut expired: Vec<_> = world.rows.iter().filter(|(_, row)| row.stamp.expires <= at.now).collect();
    expired.sort_by_key(|(id, row)| (row.stamp.expires, **id));
    let expired: Vec<_> = expired.into_iter().map(|(id, _)| *id).collect();
    if at.contended && !at.serialisable {
        let mut endings = Vec::new();
        for batch in subsets(&expired).filter(|batch| batch.len() <= limit) {
            let mut world = world.clone();
            world.rows.retain(|id, _| !batch.contains(id));
            let counts = batch.len()..=limit.min(batch.len() + at.phantoms);
            endings.extend(counts.map(|count| (Ok(Answer::Count(count)), world.clone())));
        }
        return endings;
    }
    let batch = &expired[..limit.min(expired.len())];
    world.rows.retain(|id, _| !batch.contains(id));
    vec![(Ok(Answer::Count(batch.len())), world)]
}

fn subsets(ids: &[i64]) -> impl Iterator<Item = Vec<i64>> + '_ {
    (0..1_usize << ids.len())
        .map(|set| ids.iter().enumerate().filter(|(place, _)| set >> place & 1 == 1).map(|(_, id)| *id).collect())
}
