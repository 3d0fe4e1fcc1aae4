//! What is said while the store works: neither ids nor values.

use std::sync::{Arc, Mutex};

use diesel_sessions::adapters::tower_sessions::DieselStore;
use diesel_sessions::{ConnectionSource, Error, OnConflict};
use serde_json::json;

use super::stall::{record, session};
use super::ts::SessionStore;
use super::ts::session::Id;
use crate::place::{Place, Pooled};
use crate::support::{said, suite};

suite! {
    neither_ids_nor_values_are_said,
}

/// One connection, used on the thread that asks for it: whatever is said, is said there.
struct Here<C>(Arc<Mutex<C>>);

impl<C> Clone for Here<C> {
    fn clone(&self) -> Self {
        Here(Arc::clone(&self.0))
    }
}

impl<C: Send + 'static> ConnectionSource for Here<C> {
    type Connection = C;

    fn run<T, E, F>(&self, work: F) -> impl Future<Output = Result<T, E>> + Send
    where
        F: FnOnce(&mut C) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let result = work(&mut self.0.lock().unwrap());
        async { result }
    }
}

// SECURITY 8
fn neither_ids_nor_values_are_said<D: Pooled>(db: &D) {
    let place = Place::with(db, |builder| builder.on_conflict(OnConflict::Refuse));
    let conn = Here(Arc::new(Mutex::new(db.connect())));
    let (ids, text) = said::on_this_thread(|| {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
            let store = DieselStore::new(place.sessions.clone(), conn);
            let mut first = record([("a", json!("a spoken value"))]);
            let mut twin = first.clone();
            store.create(&mut first).await.unwrap();
            store.create(&mut twin).await.unwrap();
            let mut errors = Vec::new();
            let (one, other) = (session(&store, first.id), session(&store, first.id));
            for (session, value) in [(&one, "another spoken value"), (&other, "one more spoken value")] {
                session.load().await.unwrap();
                session.insert("a", value).await.unwrap();
            }
            one.save().await.unwrap();
            errors.push(other.save().await.unwrap_err().to_string());
            one.cycle_id().await.unwrap();
            one.insert("user_id", 7).await.unwrap();
            one.save().await.unwrap();
            other.cycle_id().await.unwrap();
            errors.push(other.save().await.unwrap_err().to_string());
            let unknown = Id::default();
            assert!(store.load(&unknown).await.unwrap().is_none());
            errors.push(store.save(&record([("_a", json!("a spoken value"))])).await.unwrap_err().to_string());
            errors.push(store.create(&mut record([("user_id", json!("a spoken value"))])).await.unwrap_err().to_string());
            store.delete(&twin.id).await.unwrap();
            tracing::info!(?errors, ?store, "what an application may log");
            [first.id, twin.id, one.id().unwrap(), unknown]
        })
    });
    assert!(text.contains("created") && text.contains("DieselStore"), "{text}");
    assert!(!text.contains("spoken value"), "{text}");
    for id in ids {
        assert!(!text.contains(&id.to_string()) && !text.contains(&id.0.to_string()), "{text}");
    }
}
