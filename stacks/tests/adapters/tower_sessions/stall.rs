//! What the tests of the store share: a store over a place, records made by hand, and sessions as a request has them.

use std::collections::HashMap;
use std::sync::Arc;

use diesel_sessions::adapters::tower_sessions::DieselStore;
use serde_json::Value;
use time::{Duration, OffsetDateTime};

use super::ts::session::{Id, Record};
use super::ts::{Expiry, Session, SessionStore};
use crate::place::{ConnPool, Place, Pooled};

pub(crate) type Store<D> = DieselStore<<D as crate::support::Db>::Model, ConnPool<D>>;

pub(crate) fn store<D: Pooled>(place: &Place<'_, D>) -> Store<D> {
    DieselStore::new(place.sessions.clone(), place.pool.clone())
}

/// The time at which a test's clock begins, as tower-sessions has it.
pub(crate) fn noon() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(crate::support::noon().timestamp()).unwrap()
}

/// A record that ends an hour after noon.
pub(crate) fn record<const N: usize>(entries: [(&str, Value); N]) -> Record {
    let data: HashMap<String, Value> = entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    Record { id: Id::default(), data, expiry_date: noon() + Duration::hours(1) }
}

/// The session of a request that presents this id, or none.
pub(crate) fn session(store: &(impl SessionStore + Clone), id: impl Into<Option<Id>>) -> Session {
    Session::new(id.into(), Arc::new(store.clone()), Some(Expiry::AtDateTime(noon() + Duration::days(30))))
}

/// A stored session with these entries, as its client's next requests find it.
pub(crate) async fn stored<const N: usize>(store: &impl SessionStore, entries: [(&str, Value); N]) -> Id {
    let mut record = record(entries);
    store.create(&mut record).await.unwrap();
    record.id
}

/// Whether an id opens nothing: right after a new id has come in its place, it still stands for an empty session.
pub(crate) async fn opens_nothing(store: &impl SessionStore, id: Id) -> bool {
    store.load(&id).await.unwrap().is_none_or(|record| record.data.is_empty())
}

/// What a record holds but for the reserved entries.
pub(crate) fn content(record: &Record) -> Value {
    record.data.iter().filter(|(key, _)| !key.starts_with('_')).map(|(key, value)| (key.clone(), value.clone())).collect()
}
