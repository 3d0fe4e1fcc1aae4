//! A session as other crates see it: one map of JSON that is loaded, changed and handed back as a whole.
//!
//! Their store traits say nothing of what a request changed. So [`content_of`] adds a reserved entry with a hash of every value
//! as it was read, the [`Base`]; when the map comes back, [`Changes::between`]
//! tells the keys that this request set or removed
//! from those that it only carried, and [`Changes::lay_over`] makes those changes, and no others, on a session that was loaded
//! anew. The library's own save does the rest. Reserved entries never reach the row.
//!
//! ```text
//! load:  row ── Session ── content_of ──▶ map + `_row_id` + `_base`
//! save:  map ── Changes::between(map, its `_base`) ── lay_over(Session, loaded anew) ── SessionRepository::save
//! ```

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};

use self::hash::Hash;
use super::kept::FormerOwner;
use super::owner_path::OwnerPath;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{RowId, SessionModel};
use crate::session::{OnConflict, Session};

mod hash;

/// The key under which a record names its session's row: an integer, the same as the column `id`.
///
/// It is there once the session has its row, so that `sessions.of(&user).revoke_except(conn, row_id)` is at hand where the
/// framework's session is all there is. It is read-only: what is written to it is ignored, and it never reaches the data.
///
/// # Example
///
/// ```
/// # #[cfg(any(feature = "tower-sessions-0-14", feature = "tower-sessions-0-15"))]
/// use diesel_sessions::adapters::tower_sessions::ROW_ID_KEY;
/// # #[cfg(not(any(feature = "tower-sessions-0-14", feature = "tower-sessions-0-15")))]
/// # const ROW_ID_KEY: &str = "_row_id";
///
/// assert_eq!(ROW_ID_KEY, "_row_id");
/// ```
pub const ROW_ID_KEY: &str = "_row_id";

/// The key of the reserved entry that says what was read.
const BASE_KEY: &str = "_base";

/// A record's keys and values, the reserved ones among them.
pub(crate) type Content = HashMap<String, Value>;

/// What a record held when it was handed out.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Base {
    /// The row.
    pub(crate) row: i64,
    /// The digest that the row was read under; it is no credential.
    pub(crate) digest: uuid::Uuid,
    /// Another one for each time that a session is read: two records of one load are copies of each other.
    pub(crate) load: u64,
    hashes: BTreeMap<String, Hash>,
}

/// A session that has its row, as a record: typed columns that are set, data, and the reserved entries.
///
/// # Errors
///
/// [`ErrorKind::NotSerializable`] when a typed column's `Serialize` fails, [`ErrorKind::NotCreated`] without a row,
/// [`ErrorKind::Unavailable`] when the operating system has no randomness.
pub(crate) fn content_of<M: SessionModel>(session: &Session<M>) -> Result<Content> {
    const DEED: &str = "could not read the session";
    let row = session.row_id().ok_or_else(|| Error::new(ErrorKind::NotCreated, DEED))?;
    let mut content = Content::new();
    for key in session.keys() {
        content.insert(key.to_owned(), session.get(key)?.unwrap_or(Value::Null));
    }
    let hashes = content.iter().map(|(key, value)| (key.clone(), Hash::of(value))).collect();
    let load = getrandom::u64().map_err(|error| Error::new(ErrorKind::Unavailable, DEED).with_source(error))?;
    let base = Base { row: number(row), digest: session.seen().digest.as_uuid(), load, hashes };
    content.insert(ROW_ID_KEY.to_owned(), base.row.into());
    content.insert(BASE_KEY.to_owned(), base.entry());
    Ok(content)
}

/// A row id as the record's number.
pub(crate) fn number<Id: RowId>(row: Id) -> i64 {
    // Row ids are `i32` or `i64`, whose text always reads as one.
    row.to_string().parse().unwrap_or_default()
}

impl Base {
    /// What a record says it was; none after `clear`, in a record made by hand, and where the entry was written over.
    pub(crate) fn of(content: &Content) -> Option<Self> {
        let entry = content.get(BASE_KEY)?;
        let hashes = entry.get("hashes")?.as_object()?.iter();
        Some(Base {
            row: entry.get("row")?.as_i64()?,
            digest: entry.get("digest")?.as_str()?.parse().ok()?,
            load: entry.get("load")?.as_u64()?,
            hashes: hashes.map(|(key, hash)| Some((key.clone(), Hash::parse(hash.as_str()?)?))).collect::<Option<_>>()?,
        })
    }

    /// What the owner of the row that was read has to do with the session's now.
    pub(crate) fn had_owner<M: SessionModel>(&self, session: &Session<M>) -> FormerOwner {
        let Some(column) = M::OWNER else { return FormerOwner::None };
        let name = M::COLUMNS[column].name;
        match (self.hashes.get(name), session.get_value(name)) {
            (None, _) => FormerOwner::None,
            (Some(read), Some(now)) if *read == Hash::of(&now) => FormerOwner::Same,
            (Some(_), _) => FormerOwner::Other,
        }
    }

    /// Whether a later content of the same row has the owner that was read.
    pub(crate) fn has_owner_of<M: SessionModel>(&self, content: &Content) -> bool {
        let name = M::OWNER.map(|column| M::COLUMNS[column].name);
        name.is_none_or(|name| self.is_as_read(name, content))
    }

    /// Whether a content has under a key what was read there, be it nothing.
    fn is_as_read(&self, key: &str, content: &Content) -> bool {
        self.hashes.get(key).copied() == content.get(key).map(Hash::of)
    }

    fn entry(&self) -> Value {
        let hashes: serde_json::Map<_, _> =
            self.hashes.iter().map(|(key, hash)| (key.clone(), hash.to_string().into())).collect();
        json!({ "row": self.row, "digest": self.digest.to_string(), "load": self.load, "hashes": hashes })
    }
}

/// What earlier saves of the same record have stored: of each key the value as the record had it, and as the row has it.
///
/// A record's base is as old as its load. Where the same record is saved twice, this tells what it has changed in between.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Own(BTreeMap<String, (Option<Hash>, Option<Hash>)>);

impl Own {
    /// Adds what a save of `changes` has stored; the session is as saved.
    pub(crate) fn add<M: SessionModel>(&mut self, changes: &Changes<'_>, session: &Session<M>) -> Result<()> {
        for (key, change) in &changes.keys {
            self.0.insert(key.clone(), (change.value.map(Hash::of), hash_in(session, key)?));
        }
        Ok(())
    }
}

/// What a request did to a record.
pub(crate) struct Changes<'a> {
    content: &'a Content,
    base: Option<&'a Base>,
    keys: BTreeMap<String, Change<'a>>,
    /// Every key that the record does not have is removed.
    is_whole: bool,
}

struct Change<'a> {
    /// The new value; none removes the key.
    value: Option<&'a Value>,
    /// What the record was read with, and the row must still have where conflicts are refused.
    expected: Option<Hash>,
}

impl Change<'_> {
    /// True for what the record had when it was read.
    fn is_carried(&self) -> bool {
        self.expected.is_some() && self.value.map(Hash::of) == self.expected
    }
}

impl<'a> Changes<'a> {
    /// A record that means what it says: its keys are set, all others are removed.
    pub(crate) fn whole(content: &'a Content) -> Self {
        Self::whole_since(content, None)
    }

    /// The same for a record that was loaded before: its base still tells what it has only carried.
    pub(crate) fn whole_since(content: &'a Content, base: Option<&'a Base>) -> Self {
        let mine = content.iter().filter(|(key, _)| !is_reserved_entry(key));
        let keys = mine.map(|(key, value)| {
            let expected = base.and_then(|base| base.hashes.get(key)).copied();
            (key.clone(), Change { value: Some(value), expected })
        });
        Changes { content, base, keys: keys.collect(), is_whole: true }
    }

    /// The keys of a record that differ from what it was read as, or from what `own` saves have made of them since.
    pub(crate) fn between(content: &'a Content, base: &'a Base, own: Option<&Own>) -> Self {
        let saved = own.into_iter().flat_map(|own| own.0.keys());
        let candidates = content.keys().filter(|key| !is_reserved_entry(key)).chain(base.hashes.keys()).chain(saved);
        let candidates: BTreeSet<&String> = candidates.collect();
        let keys = candidates.into_iter().filter_map(|key| {
            let value = content.get(key);
            let read = base.hashes.get(key).copied();
            let (said, expected) = own.and_then(|own| own.0.get(key)).copied().unwrap_or((read, read));
            (value.map(Hash::of) != said).then(|| (key.clone(), Change { value, expected }))
        });
        Changes { content, base: Some(base), keys: keys.collect(), is_whole: false }
    }

    /// True for a record that was emptied.
    pub(crate) fn leave_nothing(&self) -> bool {
        self.is_whole && self.keys.is_empty()
    }

    /// True for a record that was read with an owner, and has none now.
    pub(crate) fn clear_the_owner<M: SessionModel>(&self, owner: Option<&OwnerPath>) -> bool {
        let (Some(base), Some(column)) = (self.base, M::OWNER) else { return false };
        let name = M::COLUMNS[column].name;
        let Some(key) = owner.map_or(Some(name), OwnerPath::key) else { return false };
        let is_none = match owner {
            Some(path) => path.find(self.content).is_none(),
            None => self.content.get(name).is_none_or(Value::is_null),
        };
        base.hashes.contains_key(name) && self.keys.contains_key(key) && is_none
    }

    /// Makes the changes on a session, new or loaded since. Where the owner stands at a path of its own, it follows that alone; an
    /// owner that was set without it is carried on, as long as what stands at the path is as it was read.
    ///
    /// # Errors
    ///
    /// Those of [`Session::insert`], the key named; [`ErrorKind::Conflict`] under [`OnConflict::Refuse`] when the session has
    /// another value under a changed key than the record was read with; [`ErrorKind::WrongType`] for an owner that is none;
    /// [`ErrorKind::InvalidArgument`] when the owner's own key is set to another than the path names. The session may then have
    /// some of the changes, and is to be given up.
    pub(crate) fn lay_over<M: SessionModel>(
        &self,
        session: &mut Session<M>,
        owner: Option<&OwnerPath>,
        on_conflict: OnConflict,
    ) -> Result<()> {
        if on_conflict == OnConflict::Refuse && !self.is_whole {
            self.check_conflict(session)?;
        }
        // A column that a path decides is no key of its own.
        let decided = owner.and_then(|owner| M::OWNER.map(|column| (owner, M::COLUMNS[column].name)));
        let is_decided = |key: &str| decided.is_some_and(|(owner, name)| key == name && owner.key() != Some(name));
        // What is removed makes room for what is set.
        let strangers: Vec<String> =
            session.keys().filter(|key| self.is_whole && !self.keys.contains_key(*key)).map(str::to_owned).collect();
        let removed = self.keys.iter().filter(|(_, change)| change.value.is_none()).map(|(key, _)| key);
        for key in removed.chain(&strangers).filter(|key| !is_decided(key)) {
            session.remove(key)?;
        }
        for (key, change) in self.keys.iter().filter(|(key, _)| !is_decided(key)) {
            if let Some(value) = change.value.filter(|_| decided.is_none_or(|(_, name)| name != key)) {
                session.insert(key, value)?;
            }
        }
        let Some((owner, name)) = decided else { return Ok(()) };
        let is_as_read = |key: &str| self.base.is_some_and(|base| base.is_as_read(key, self.content));
        let is_changed = |key: &str| if self.is_whole { !is_as_read(key) } else { self.keys.contains_key(key) };
        if owner.key().map_or(self.is_whole, is_changed) {
            owner.follow(session, self.content)?;
        } else if let Some(carried) = self.content.get(name).filter(|_| self.is_whole && is_as_read(name)) {
            session.insert(name, carried)?;
        }
        match self.keys.get(name) {
            Some(change)
                if is_decided(name)
                    && !(self.is_whole && change.is_carried())
                    && !is_the_same(change.value, session.get_value(name).as_deref()) =>
            {
                let detail = format!("`{name}` follows the owner's path in the record, and was set to something else");
                Err(Error::new(ErrorKind::InvalidArgument, DEED_SAVE).with_detail(detail))
            }
            _ => Ok(()),
        }
    }

    fn check_conflict<M: SessionModel>(&self, session: &Session<M>) -> Result<()> {
        for (key, change) in &self.keys {
            if hash_in(session, key)? != change.expected {
                let detail = format!("another request changed `{key}` too");
                return Err(Error::new(ErrorKind::Conflict, DEED_SAVE).with_detail(detail));
            }
        }
        Ok(())
    }
}

const DEED_SAVE: &str = "could not save the session";

/// What a session has under a key.
fn hash_in<M: SessionModel>(session: &Session<M>, key: &str) -> Result<Option<Hash>> {
    if !session.contains_key(key) {
        return Ok(None);
    }
    Ok(Some(Hash::of(&session.get(key)?.unwrap_or(Value::Null))))
}

pub(super) fn is_reserved_entry(key: &str) -> bool {
    key == ROW_ID_KEY || key == BASE_KEY
}

fn is_the_same(a: Option<&Value>, b: Option<&Value>) -> bool {
    let hash = |value: Option<&Value>| value.filter(|value| !value.is_null()).map(Hash::of);
    hash(a) == hash(b)
}

#[cfg(feature = "sqlite")]
#[cfg(test)]
mod tests;
