//! tower-sessions-sqlx-store: what one would take otherwise.

use serde_json::{Map, Value};
use tokio::runtime::{Builder, Runtime};
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};

use crate::engine::{Engine, IDLE};
use crate::ground::Ground;
use crate::payload::CHANGED;

/// The store with some records, on a runtime of its own.
pub struct Rival<E: Engine> {
    runtime: Runtime,
    store: E::Rival,
    /// The values of the records' cookies.
    pub cookies: Vec<String>,
}

impl<E: Engine> Rival<E> {
    /// Opens the store in a database, on one connection, and writes `count` records of a document.
    pub fn fill(ground: &Ground, name: &str, document: &Map<String, Value>, count: usize) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (store, cookies) = runtime.block_on(async {
            let store = E::rival(ground, name, 1).await;
            let mut cookies = Vec::new();
            for _ in 0..count {
                let expiry_date = time::OffsetDateTime::now_utc() + IDLE;
                let data = document.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
                let mut record = Record { id: Id::default(), data, expiry_date };
                store.create(&mut record).await.expect("it can be stored");
                cookies.push(record.id.to_string());
            }
            (store, cookies)
        });
        Rival { runtime, store, cookies }
    }

    /// Loads records by their cookies, as often as asked.
    pub fn load(&self, times: u64, mut which: impl FnMut() -> usize) {
        self.runtime.block_on(async {
            for _ in 0..times {
                let id: Id = self.cookies[which()].parse().expect("an id");
                self.store.load(&id).await.expect("it answers").expect("it is live");
            }
        });
    }

    /// Loads records, changes one key of each and saves them.
    pub fn change(&self, times: u64, mut which: impl FnMut() -> usize, mut value: impl FnMut() -> u64) {
        self.runtime.block_on(async {
            for _ in 0..times {
                let id: Id = self.cookies[which()].parse().expect("an id");
                let mut record = self.store.load(&id).await.expect("it answers").expect("it is live");
                record.data.insert(CHANGED.to_owned(), value().into());
                self.store.save(&record).await.expect("it can be stored");
            }
        });
    }
}
