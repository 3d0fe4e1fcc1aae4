//! Models of an application's own: without an owner, with an owner that is text; and what both versions share.

use std::time::Duration;

use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool};
use diesel_sessions::adapters::tower_sessions::{DieselStore, ROW_ID_KEY};
use diesel_sessions::plain::sqlite::schema::sessions;
use diesel_sessions::{DbSession, SessionCore, SessionRepository};
use serde_json::json;
use tower_sessions_0_14::{Session, SessionStore};

use super::v0_14::stall::{content, record};
use crate::place::block_on;
use crate::support::{Db, Sqlite, repository};

#[derive(Debug, Clone, Queryable, Selectable, Identifiable, DbSession)]
#[diesel(table_name = sessions, check_for_backend(diesel::sqlite::Sqlite))]
struct Ownerless {
    id: i32,
    #[diesel(embed)]
    core: SessionCore<Ownerless>,
    user_id: Option<i64>,
}

#[derive(Debug, Clone, Queryable, Selectable, Identifiable, DbSession)]
#[diesel(table_name = sessions, check_for_backend(diesel::sqlite::Sqlite))]
struct NamedOwner {
    id: i32,
    #[diesel(embed)]
    core: SessionCore<NamedOwner>,
    #[session(owner)]
    remote_addr: Option<String>,
}

type SqlitePool = Pool<ConnectionManager<SqliteConnection>>;

fn pool(db: &Sqlite) -> SqlitePool {
    Pool::builder().min_idle(Some(0)).build_unchecked(ConnectionManager::new(db.url()))
}

fn session(store: &(impl SessionStore + Clone), id: Option<tower_sessions_0_14::session::Id>) -> Session {
    Session::new(id, std::sync::Arc::new(store.clone()), None)
}

// S16 SECURITY 13
#[test]
fn a_model_without_an_owner_keeps_every_rule_but_the_owners() {
    let db = Sqlite::fresh().unwrap();
    let sessions = SessionRepository::<Ownerless>::builder().build().unwrap();
    let store = DieselStore::new(sessions.clone(), pool(&db));
    block_on(async {
        let one = session(&store, None);
        one.insert("user_id", 7).await.unwrap();
        one.insert("a", 1).await.unwrap();
        one.save().await.unwrap();
        let other = session(&store, one.id());
        other.insert("user_id", 8).await.unwrap();
        one.insert("a", 2).await.unwrap();
        other.save().await.unwrap();
        one.save().await.unwrap();
        one.cycle_id().await.unwrap();
        one.save().await.unwrap();
        other.cycle_id().await.unwrap();
        other.save().await.unwrap_err();
        let row_id: i32 = one.get(ROW_ID_KEY).await.unwrap().unwrap();
        assert!(sessions.revoke_row(&mut db.connect(), row_id).unwrap());
        one.cycle_id().await.unwrap();
        one.save().await.unwrap_err();
    });
    assert_eq!(Sqlite::number(&mut db.connect(), "SELECT COUNT(*) FROM sessions"), 0);
}

// S26
#[test]
fn an_owner_that_is_text_may_be_a_number_in_the_record() {
    let db = Sqlite::fresh().unwrap();
    let sessions = SessionRepository::<NamedOwner>::builder().build().unwrap();
    let store = DieselStore::new(sessions.clone(), pool(&db)).owner_at(["user"]);
    block_on(async {
        for owner in [json!("ada"), json!(14)] {
            let session = session(&store, None);
            session.insert("user", owner).await.unwrap();
            session.save().await.unwrap();
        }
    });
    let conn = &mut db.connect();
    for owner in ["ada", "14"] {
        assert_eq!(sessions.of(&owner.to_owned()).count(conn).unwrap(), 1);
    }
}

// S61
#[test]
fn the_stores_of_both_versions_are_one_type_over_one_table() {
    let db = Sqlite::fresh().unwrap();
    let (sessions, _) = repository::<Sqlite>();
    let store = DieselStore::new(sessions, pool(&db));
    block_on(async {
        let mut created = record([("a", json!(1))]);
        SessionStore::create(&store, &mut created).await.unwrap();
        let id = tower_sessions_0_15::session::Id(created.id.0);
        let loaded = tower_sessions_0_15::SessionStore::load(&store, &id).await.unwrap().unwrap();
        assert_eq!(loaded.data["a"], content(&created)["a"]);
        tower_sessions_0_15::SessionStore::delete(&store, &id).await.unwrap();
        assert!(SessionStore::load(&store, &created.id).await.unwrap().is_none());
    });
}

// SECURITY 30
#[test]
fn an_empty_pool_is_an_error() {
    let db = Sqlite::fresh().unwrap();
    let (sessions, _) = repository::<Sqlite>();
    let pool = Pool::builder()
        .max_size(1)
        .min_idle(Some(0))
        .connection_timeout(Duration::from_millis(50))
        .build_unchecked(ConnectionManager::<SqliteConnection>::new(db.url()));
    let held = pool.get().unwrap();
    let store = DieselStore::new(sessions, pool);
    block_on(async {
        let error = SessionStore::load(&store, &tower_sessions_0_14::session::Id(14)).await.unwrap_err();
        assert!(error.to_string().contains("no free connection"), "{error}");
    });
    drop(held);
}
