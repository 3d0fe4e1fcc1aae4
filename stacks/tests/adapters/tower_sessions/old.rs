//! A store in memory, as an application may come from.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tokio::sync::Notify;

use super::ts::session::{Id, Record};
use super::ts::session_store::{Error, Result};
use super::ts::{ExpiredDeletion, SessionStore};

/// A store in memory, as somebody else's: it counts its loads, and fails where it is told to.
#[derive(Clone, Default)]
pub(crate) struct Old(Arc<Inner>);

#[derive(Default)]
struct Inner {
    records: Mutex<HashMap<Id, Record>>,
    loads: AtomicUsize,
    failing: Mutex<&'static str>,
    /// What the next deletion says when it begins, and waits for.
    held: Mutex<Option<Arc<(Notify, Notify)>>>,
    /// Is removed once it was loaded.
    lost: Mutex<Option<Id>>,
}

impl std::fmt::Debug for Old {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Old")
    }
}

impl Old {
    pub(crate) fn holding(records: &[&Record]) -> Self {
        let old = Old::default();
        *old.0.records.lock().unwrap() = records.iter().map(|record| (record.id, (*record).clone())).collect();
        old
    }

    pub(crate) fn len(&self) -> usize {
        self.0.records.lock().unwrap().len()
    }

    pub(crate) fn loads(&self) -> usize {
        self.0.loads.load(Ordering::SeqCst)
    }

    pub(crate) fn fail_at(&self, verb: &'static str) {
        *self.0.failing.lock().unwrap() = verb;
    }

    fn check(&self, verb: &str) -> Result<()> {
        let is_failing = *self.0.failing.lock().unwrap() == verb;
        if is_failing { Err(Error::Backend("the id of a user is 7".to_owned())) } else { Ok(()) }
    }

    /// Somebody else takes this one away right after it was loaded for the first time.
    pub(crate) fn lose_after_first_load(&self, id: Id) {
        *self.0.lost.lock().unwrap() = Some(id);
    }

    /// The next deletion notifies the first of these when it begins, and waits for the second.
    pub(crate) fn hold_delete(&self) -> Arc<(Notify, Notify)> {
        let held = Arc::<(Notify, Notify)>::default();
        *self.0.held.lock().unwrap() = Some(Arc::clone(&held));
        held
    }

    fn remove(&self, id: Id) {
        self.0.records.lock().unwrap().remove(&id);
    }
}

#[async_trait]
impl SessionStore for Old {
    async fn create(&self, record: &mut Record) -> Result<()> {
        self.save(record).await
    }

    async fn save(&self, record: &Record) -> Result<()> {
        self.0.records.lock().unwrap().insert(record.id, record.clone());
        Ok(())
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        self.check("load")?;
        self.0.loads.fetch_add(1, Ordering::SeqCst);
        let found = self.0.records.lock().unwrap().get(id).cloned();
        if let Some(lost) = self.0.lost.lock().unwrap().take() {
            self.remove(lost);
        }
        Ok(found)
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.check("delete")?;
        let held = self.0.held.lock().unwrap().take();
        if let Some(held) = held {
            held.0.notify_one();
            held.1.notified().await;
        }
        self.remove(*id);
        Ok(())
    }
}

#[async_trait]
impl ExpiredDeletion for Old {
    async fn delete_expired(&self) -> Result<()> {
        Ok(())
    }
}
