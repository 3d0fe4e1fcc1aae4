//! Sessions that the real tower-sessions-sqlx-store has written, served by a `DieselStore` from then on.
#![cfg(test)]
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

#[path = "../tests/adapters/asking.rs"]
#[allow(dead_code, reason = "it is shared with the tests of the adapters, which use all of it")]
mod asking;
mod importing;
#[path = "../tests/adapters/place.rs"]
#[allow(dead_code, reason = "it is shared with the tests of the adapters, which use all of it")]
mod place;
#[path = "../../tests/support/support.rs"]
mod support;

use axum::Router;
use axum::routing::get;
use diesel_sessions::SystemClock;
use diesel_sessions::adapters::tower_sessions::DieselStore;
use serde_json::json;
use time::{Duration, OffsetDateTime};
use tower_sessions::session::{Id, Record};
use tower_sessions::{Expiry, Session, SessionManagerLayer, SessionStore};

use asking::Browser;
use place::{ConnPool, Place, Pooled, block_on};
use support::{Plain, suite};

suite! {
    a_session_keeps_id_data_end_and_owner,
    a_browser_keeps_its_cookie,
}

/// An engine that the other crate has a store for, too.
trait Former: Pooled {
    type Old: SessionStore + Clone;
    /// The old store's table.
    const TABLE: &'static str;
    /// The old store, in the same database.
    fn old(url: String) -> impl Future<Output = Self::Old>;
}

#[cfg(feature = "sqlite")]
impl Former for support::Sqlite {
    type Old = tower_sessions_sqlx_store::SqliteStore;
    const TABLE: &'static str = "tower_sessions";

    async fn old(url: String) -> Self::Old {
        let pool = tower_sessions_sqlx_store::sqlx::SqlitePool::connect(&format!("sqlite://{url}")).await.unwrap();
        let old = tower_sessions_sqlx_store::SqliteStore::new(pool);
        old.migrate().await.unwrap();
        old
    }
}

#[cfg(feature = "postgres")]
impl Former for support::Postgres {
    type Old = tower_sessions_sqlx_store::PostgresStore;
    const TABLE: &'static str = "tower_sessions.session";

    async fn old(url: String) -> Self::Old {
        let pool = tower_sessions_sqlx_store::sqlx::PgPool::connect(&url).await.unwrap();
        let old = tower_sessions_sqlx_store::PostgresStore::new(pool);
        old.migrate().await.unwrap();
        old
    }
}

#[cfg(feature = "mysql")]
impl Former for support::Mysql {
    type Old = tower_sessions_sqlx_store::MySqlStore;
    const TABLE: &'static str = "session";

    async fn old(url: String) -> Self::Old {
        let schema = url.rsplit_once('/').unwrap().1.to_owned();
        let pool = tower_sessions_sqlx_store::sqlx::MySqlPool::connect(&url).await.unwrap();
        let old = tower_sessions_sqlx_store::MySqlStore::new(pool).with_schema_name(schema).unwrap();
        old.migrate().await.unwrap();
        old
    }
}

fn place<D: Former>(db: &D) -> Place<'_, D> {
    Place::with(db, |builder| builder.clock(SystemClock).idle_timeout(None).absolute_timeout(None))
}

fn rows_there<D: Former>(place: &Place<'_, D>) -> i64 {
    place.number(&format!("SELECT COUNT(*) FROM {}", D::TABLE))
}

fn new_store<D: Former>(place: &Place<'_, D>, old: &D::Old) -> DieselStore<D::Model, ConnPool<D>> {
    DieselStore::new(place.sessions.clone(), place.pool.clone())
        .owner_at(["axum-login.data", "user_id"])
        .migrating_from(old.clone())
}

fn a_session_keeps_id_data_end_and_owner<D: Former>(db: &D) {
    let place = place(db);
    block_on(async {
        let old = D::old(db.url()).await;
        let login = json!({"user_id": 7, "auth_hash": [1, 2, 3]});
        let mut before = Record {
            id: Id::default(),
            data: [("axum-login.data".to_owned(), login), ("cart".to_owned(), json!(["egg", "spam"]))].into(),
            expiry_date: (OffsetDateTime::now_utc() + Duration::days(3)).replace_nanosecond(123_456_000).unwrap(),
        };
        let mut other = Record { id: Id::default(), ..before.clone() };
        old.create(&mut before).await.unwrap();
        old.create(&mut other).await.unwrap();

        let store = new_store(&place, &old);
        let moved = store.load(&before.id).await.unwrap().expect("nobody is signed out");
        assert_eq!((moved.id, moved.expiry_date), (before.id, before.expiry_date));
        for (key, value) in &before.data {
            assert_eq!(&moved.data[key], value);
        }
        let row = place.open(&before.id.to_string()).unwrap();
        assert_eq!(row.to_model().user_id(), Some(7));
        assert_eq!((place.rows(), rows_there(&place)), (1, 1), "the other one is where it was");
        assert!(old.load(&before.id).await.unwrap().is_none());
        store.load(&other.id).await.unwrap().unwrap();

        D::execute(&mut db.connect(), &format!("DROP TABLE {}", D::TABLE));
        assert!(store.load(&before.id).await.unwrap().is_some(), "the old store is not asked again");
        store.load(&Id::default()).await.expect_err("an unknown one is looked for there");
    });
}

async fn visit(session: Session) -> String {
    let visits = session.get::<u32>("visits").await.unwrap().unwrap_or(0) + 1;
    session.insert("visits", visits).await.unwrap();
    visits.to_string()
}

/// The application, on whatever store.
fn app(store: impl SessionStore + Clone) -> Router {
    let layer = SessionManagerLayer::new(store).with_expiry(Expiry::OnInactivity(Duration::days(1)));
    Router::new().route("/", get(visit)).layer(layer)
}

fn a_browser_keeps_its_cookie<D: Former>(db: &D) {
    let place = place(db);
    block_on(async {
        let old = D::old(db.url()).await;
        let before = app(old.clone());
        let mut browser = Browser::default();
        assert_eq!(browser.get(&before, "/").await.body, "1");
        assert_eq!(browser.get(&before, "/").await.body, "2");
        let cookie = browser.cookie.clone();
        let after = app(new_store(&place, &old));
        assert_eq!(browser.get(&after, "/").await.body, "3");
        assert_eq!(browser.cookie, cookie);
        assert_eq!(rows_there(&place), 0);
        assert_eq!(browser.get(&after, "/").await.body, "4");
        let mut stranger = Browser::default();
        assert_eq!(stranger.get(&after, "/").await.body, "1");
    });
    assert_eq!(place.rows(), 2);
}
