//! The model in memory: rows, what each handle holds, and the arithmetic of time. It knows nothing of the library.

use std::collections::BTreeMap;

use diesel_sessions::ErrorKind;

use crate::attribute::{Key, Stored};
use crate::plan::{ABSOLUTE, Change, IDLE};

/// The keys of the data.
pub(crate) const KEYS: [&str; 3] = ["a", "b", "c"];
/// The end of a session that never ends, 9999-12-31, counted as every time here in seconds from the noon of the run.
pub(crate) const NEVER: i64 = 253_402_214_400 - NOON;
/// The noon of the run, in seconds since 1970.
pub(crate) const NOON: i64 = 1_795_262_400;
/// The first id that the database itself gives.
pub(crate) const FIRST_NEW_ROW: i64 = 1_000;
/// For how long a replaced token is still known.
const GRACE: i64 = 60;

/// What an application stores in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Content {
    pub(crate) data: [Option<i64>; 3],
    pub(crate) owner: Option<i64>,
    pub(crate) address: Option<i64>,
}

/// What the library stores besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Stamp {
    pub(crate) token: u128,
    pub(crate) previous: Option<u128>,
    pub(crate) version: i32,
    pub(crate) created: i64,
    pub(crate) proved: Option<i64>,
    pub(crate) rotated: Option<i64>,
    pub(crate) seen: i64,
    pub(crate) expires: i64,
    pub(crate) deadline: Option<i64>,
    pub(crate) idle: Option<i64>,
    pub(crate) persistent: bool,
}

/// A step of a worker's program.
pub(crate) type StepId = (usize, usize);

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Row {
    pub(crate) stamp: Stamp,
    pub(crate) content: Content,
    /// The step that inserted it or changed its owner.
    pub(crate) writer: Option<StepId>,
}

/// Where a handle stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum State {
    New,
    Stored(i64),
    Superseded(i64),
    Ended,
}

/// What a handle holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Handle {
    pub(crate) state: State,
    pub(crate) stamp: Stamp,
    /// What it believes to be stored.
    pub(crate) base: Content,
    /// The same with its own changes.
    pub(crate) now: Content,
    pub(crate) idle: Option<Option<i64>>,
    pub(crate) deadline: Option<Option<i64>>,
}

/// The database and all handles.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) rows: BTreeMap<i64, Row>,
    pub(crate) attributes: BTreeMap<Key, Stored>,
    pub(crate) handles: Vec<Handle>,
    /// Every state that a row has had, for handles that an error has left on the way.
    pub(crate) past: Vec<(i64, Row)>,
}

/// The earlier of the two ends.
pub(crate) fn expires_at(seen: i64, idle: Option<i64>, deadline: Option<i64>) -> i64 {
    let idle_end = idle.map_or(NEVER, |idle| seen + idle);
    deadline.map_or(idle_end, |deadline| idle_end.min(deadline))
}

/// For how long a proof of identity is to be remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remember {
    For(i64),
    No,
    /// A remembered session stays as it is.
    AsBefore,
}

impl Stamp {
    /// The stamp of a session that begins at `now` under the repository's policy.
    pub(crate) fn new(now: i64) -> Self {
        let (idle, deadline) = (Some(IDLE), Some(now + ABSOLUTE));
        Stamp { created: now, seen: now, idle, deadline, expires: expires_at(now, idle, deadline), ..Stamp::default() }
    }

    /// A twentieth of the idle time, at most five minutes; five minutes when there is none.
    pub(crate) fn touch_due(&self, now: i64) -> bool {
        let throttle = self.idle.map_or(300, |idle| (idle / 20).min(300));
        self.seen <= now - throttle && self.seen < now
    }

    /// Seen at `now`; never earlier than before.
    pub(crate) fn see(&mut self, now: i64) {
        self.seen = self.seen.max(now);
        self.expires = expires_at(self.seen, self.idle, self.deadline);
    }

    /// Another token.
    pub(crate) fn rotate(&mut self, token: u128, now: i64) {
        self.previous = Some(self.token);
        self.token = token;
        self.rotated = Some(now);
        self.version += 1;
    }

    /// A proof of identity at `now`: fresh clocks. The limits follow the policy, unless they are to stay as they were remembered.
    pub(crate) fn prove(&mut self, now: i64, remember: Remember) {
        let remembered = match remember {
            Remember::For(seconds) => Some(seconds),
            Remember::No | Remember::AsBefore => None,
        };
        if remember != Remember::AsBefore || !self.persistent {
            self.persistent = remembered.is_some();
            self.idle = Some(remembered.unwrap_or(IDLE));
            self.deadline = Some(now + remembered.unwrap_or(ABSOLUTE));
        }
        self.proved = Some(now);
        self.see(now);
    }
}

impl Handle {
    /// A session without a row.
    pub(crate) fn new(now: i64) -> Self {
        let (base, stamp) = (Content::default(), Stamp::new(now));
        Handle { state: State::New, stamp, base, now: base, idle: None, deadline: None }
    }

    /// A session of a row.
    pub(crate) fn of_row(id: i64, row: &Row) -> Self {
        Handle { state: State::Stored(id), stamp: row.stamp, base: row.content, now: row.content, idle: None, deadline: None }
    }

    /// Makes a change that is not stored yet.
    pub(crate) fn change(&mut self, change: Change) {
        match change {
            Change::Set(key, value) => self.now.data[key] = Some(value),
            Change::Remove(key) => self.now.data[key] = None,
            Change::Address(address) => self.now.address = address,
            Change::Owner(owner) => self.now.owner = owner,
            Change::Idle(idle) => self.idle = Some(idle),
            Change::Deadline(deadline) => self.deadline = Some(deadline),
        }
    }

    /// Whether a timeout or the deadline differs from what is stored.
    pub(crate) fn policy_changed(&self) -> bool {
        self.idle.is_some_and(|idle| idle != self.stamp.idle) || self.deadline.is_some_and(|end| end != self.stamp.deadline)
    }

    /// Whether anything does.
    pub(crate) fn changed(&self) -> bool {
        self.base != self.now || self.policy_changed()
    }

    /// The stamp with the pending timeouts.
    pub(crate) fn with_policy(&self, mut stamp: Stamp) -> Stamp {
        stamp.idle = self.idle.unwrap_or(stamp.idle);
        stamp.deadline = self.deadline.unwrap_or(stamp.deadline);
        stamp
    }

    /// The handle's own changes over another state of its row.
    pub(crate) fn rebased(&self, row: &Row) -> Self {
        let mut now = row.content;
        for key in 0..KEYS.len() {
            if self.now.data[key] != self.base.data[key] {
                now.data[key] = self.now.data[key];
            }
        }
        if self.now.owner != self.base.owner {
            now.owner = self.now.owner;
        }
        if self.now.address != self.base.address {
            now.address = self.now.address;
        }
        Handle { stamp: row.stamp, base: row.content, now, ..*self }
    }

    /// Whether both have changed the same thing, be it to the same.
    pub(crate) fn conflicts_with(&self, row: &Row) -> bool {
        fn both<T: PartialEq>(base: T, theirs: T, ours: T) -> bool {
            ours != base && theirs != base
        }
        let (base, theirs, ours) = (&self.base, &row.content, &self.now);
        let limits = |stamp: &Stamp| (stamp.idle, stamp.deadline);
        (0..KEYS.len()).any(|key| both(base.data[key], theirs.data[key], ours.data[key]))
            || both(base.owner, theirs.owner, ours.owner)
            || both(base.address, theirs.address, ours.address)
            || self.policy_changed() && limits(&row.stamp) != limits(&self.stamp)
    }

    /// What is stored now is what the handle holds.
    pub(crate) fn stored(&mut self, id: i64, stamp: Stamp, content: Content) {
        *self = Handle { state: State::Stored(id), stamp, base: content, now: content, idle: None, deadline: None };
    }
}

impl World {
    /// The row of a handle that is to be continued.
    pub(crate) fn live(&self, id: i64, token: u128, now: i64) -> Result<Row, ErrorKind> {
        let row = self.live_row(id, now)?;
        if row.stamp.token == token { Ok(row) } else { Err(ErrorKind::Rotated) }
    }

    /// A row that has not expired, whatever its token.
    pub(crate) fn live_row(&self, id: i64, now: i64) -> Result<Row, ErrorKind> {
        self.rows.get(&id).filter(|row| row.stamp.expires > now).copied().ok_or(ErrorKind::Gone)
    }

    /// Removes a row, and with it its attributes; false when there is none.
    pub(crate) fn remove(&mut self, id: i64) -> bool {
        self.attributes.retain(|(session, _), _| *session != id);
        self.rows.remove(&id).is_some()
    }

    /// Writes a row.
    pub(crate) fn put(&mut self, id: i64, row: Row) {
        self.past.push((id, row));
        self.rows.insert(id, row);
    }

    /// The row that a token opens.
    pub(crate) fn opened(&self, token: u128, now: i64) -> Option<(i64, Row)> {
        self.rows.iter().find(|(_, row)| row.stamp.token == token && row.stamp.expires > now).map(|(id, row)| (*id, *row))
    }

    /// The live row from which a rotation has just taken a token.
    pub(crate) fn superseded(&self, token: u128, now: i64) -> Option<i64> {
        let replaced = |row: &Row| {
            row.stamp.previous == Some(token) && row.stamp.expires > now && row.stamp.rotated.is_some_and(|at| now < at + GRACE)
        };
        self.rows.iter().find(|(_, row)| replaced(row)).map(|(id, _)| *id)
    }

    /// Whether a row had that id, or a token was in use, at any time.
    pub(crate) fn is_known(&self, id: i64, token: u128) -> bool {
        self.past.iter().any(|(known, row)| *known == id || row.stamp.token == token)
    }
}
