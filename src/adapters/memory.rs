//! What a store remembers of the last requests, because a record is handed over without saying where it comes from.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use super::record::Content;
#[cfg(any(feature = "tower-sessions-0-14", feature = "tower-sessions-0-15"))]
use super::record::Own;
use crate::clock::Timestamp6;
use crate::model::Stamp;

/// Shared by the clones of a store. Losing an entry is safe: a `cycle_id` fails, or goes on without what others have saved last, or a
/// second save merges by the first load.
#[derive(Default)]
pub(crate) struct Memory {
    ended: Mutex<Recent<Uuid, Option<Stamp>, 8_192>>,
    /// Apart, because these may be 64 KiB each.
    last: Mutex<Recent<Uuid, Option<Arc<Content>>, 256>>,
    left: Mutex<Recent<Uuid, Timestamp6, 8_192>>,
    #[cfg(any(feature = "tower-sessions-0-14", feature = "tower-sessions-0-15"))]
    saves: Mutex<Recent<Copy, Own, 1_024>>,
    #[cfg(any(feature = "tower-sessions-0-14", feature = "tower-sessions-0-15"))]
    turns: [tokio::sync::Mutex<()>; 32],
}

/// A row that was deleted by its token: what it was, and what it held, if that is still known.
#[derive(Clone)]
pub(crate) struct Deleted {
    pub(crate) stamp: Stamp,
    pub(crate) content: Option<Arc<Content>>,
}

/// A record in memory: the load that it comes from, and the place it stands at. Another copy of the same load has another place.
///
/// A place is an address: a record that is moved between two saves loses what it has taken back since the first. The sessions of
/// tower-sessions never move theirs.
#[cfg(any(feature = "tower-sessions-0-14", feature = "tower-sessions-0-15"))]
pub(crate) type Copy = (u64, usize);

impl Memory {
    /// `delete` was called under this digest, and deleted the row if there is one here.
    ///
    /// `cycle_id` is a `delete`, later followed by a `create` of the same record. Whoever calls `delete` and meets no row takes
    /// the stamp away from whoever met it, in whichever order the two come to say so: so a stamp that is still there belongs to
    /// the only caller, and a record whose row was ended by anybody else finds none.
    pub(crate) fn note_ended(&self, digest: Uuid, deleted: Option<Deleted>) {
        let mut ended = locked(&self.ended);
        let first = deleted.filter(|_| ended.get(&digest).is_none());
        ended.insert(digest, first.as_ref().map(|deleted| deleted.stamp));
        locked(&self.last).insert(digest, first.and_then(|deleted| deleted.content));
    }

    /// The row that was deleted under this digest, for the record that was loaded from it.
    pub(crate) fn ended(&self, digest: Uuid) -> Option<Deleted> {
        let stamp = locked(&self.ended).get(&digest).copied().flatten()?;
        Some(Deleted { stamp, content: locked(&self.last).get(&digest).cloned().flatten() })
    }

    /// The same, once: false when it was taken, or taken away, before.
    pub(crate) fn take_ended(&self, digest: Uuid) -> bool {
        let mut ended = locked(&self.ended);
        let is_there = ended.get(&digest).is_some_and(Option::is_some);
        ended.insert(digest, None);
        locked(&self.last).insert(digest, None);
        is_there
    }

    /// The client is about to leave this digest: to sign out, or for another.
    pub(crate) fn note_left(&self, digest: Uuid, now: Timestamp6) {
        locked(&self.left).insert(digest, now);
    }

    /// When the client left this digest.
    pub(crate) fn left_at(&self, digest: Uuid) -> Option<Timestamp6> {
        locked(&self.left).get(&digest).copied()
    }

    /// Whether the id was given up: a session that begins under it would open for whoever still has it.
    #[cfg(any(feature = "tower-sessions-0-14", feature = "tower-sessions-0-15"))]
    pub(crate) fn is_given_up(&self, digest: Uuid) -> bool {
        locked(&self.ended).get(&digest).is_some()
    }

    /// The lock that moves and deletions under one digest share. Others may share it too: there are few.
    #[cfg(any(feature = "tower-sessions-0-14", feature = "tower-sessions-0-15"))]
    pub(crate) fn turn(&self, digest: Uuid) -> &tokio::sync::Mutex<()> {
        &self.turns[usize::from(digest.as_bytes()[0]) % self.turns.len()]
    }

    /// What earlier saves of this copy have stored.
    #[cfg(any(feature = "tower-sessions-0-14", feature = "tower-sessions-0-15"))]
    pub(crate) fn saved(&self, copy: Copy) -> Option<Own> {
        locked(&self.saves).get(&copy).cloned()
    }

    /// A save of this copy has stored `own`, all that came before it included.
    #[cfg(any(feature = "tower-sessions-0-14", feature = "tower-sessions-0-15"))]
    pub(crate) fn note_saved(&self, copy: Copy, own: Own) {
        locked(&self.saves).insert(copy, own);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while one is held.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The newest entries of a map, at most so many.
struct Recent<K, V, const MOST: usize> {
    map: HashMap<K, V>,
    order: VecDeque<K>,
}

impl<K, V, const MOST: usize> Default for Recent<K, V, MOST> {
    fn default() -> Self {
        Recent { map: HashMap::new(), order: VecDeque::new() }
    }
}

impl<K: Hash + Eq + std::marker::Copy, V, const MOST: usize> Recent<K, V, MOST> {
    fn insert(&mut self, key: K, value: V) {
        if self.map.insert(key, value).is_some() {
            return;
        }
        self.order.push_back(key);
        if self.order.len() > MOST {
            if let Some(oldest) = self.order.pop_front() {
                self.map.remove(&oldest);
            }
        }
    }

    fn get(&self, key: &K) -> Option<&V> {
        self.map.get(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::TokenDigest;

    #[test]
    fn the_oldest_entry_goes_first_and_one_written_again_stays_in_its_place() {
        let mut recent = Recent::<_, _, 3>::default();
        for key in 0..3 {
            recent.insert(key, key);
        }
        recent.insert(0, 7);
        assert_eq!((recent.get(&0), recent.map.len()), (Some(&7), 3));
        recent.insert(3, 3);
        assert_eq!((recent.get(&0), recent.get(&1), recent.map.len()), (None, Some(&1), 3));
    }

    fn deleted(digest: Uuid) -> Deleted {
        let noon = Timestamp6::from(chrono::DateTime::UNIX_EPOCH);
        let stamp = Stamp {
            digest: TokenDigest::from(digest),
            previous: None,
            version: 0,
            created_at: noon,
            authenticated_at: None,
            rotated_at: None,
            last_seen_at: noon,
            expires_at: Timestamp6::NEVER,
            deadline_at: None,
            idle_timeout: None,
            persistent: false,
        };
        Deleted { stamp, content: Some(Arc::default()) }
    }

    // SECURITY 13
    #[test]
    fn a_second_deletion_takes_the_row_away_whichever_is_told_first() {
        for met_row_first in [true, false] {
            let (memory, digest) = (Memory::default(), Uuid::from_u128(7));
            memory.note_ended(digest, met_row_first.then(|| deleted(digest)));
            assert_eq!(memory.ended(digest).is_some(), met_row_first);
            memory.note_ended(digest, (!met_row_first).then(|| deleted(digest)));
            assert!(memory.ended(digest).is_none() && !memory.take_ended(digest), "{met_row_first}");
        }
    }

    // SECURITY 13
    #[test]
    fn a_deleted_row_is_taken_once_and_by_nobody_after_a_second_deletion() {
        let (memory, digest) = (Memory::default(), Uuid::from_u128(7));
        memory.note_ended(digest, Some(deleted(digest)));
        assert!(memory.ended(digest).is_some_and(|deleted| deleted.content.is_some()), "looking takes nothing");
        memory.note_ended(digest, None);
        assert!(!memory.take_ended(digest), "it was there at the look, and no longer afterwards");
        let other = Uuid::from_u128(8);
        memory.note_ended(other, Some(deleted(other)));
        assert!(memory.take_ended(other) && !memory.take_ended(other));
        assert!(memory.ended(other).is_none());
    }
}
