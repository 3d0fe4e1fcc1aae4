//! How the shop starts, and what it does without its database.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use diesel::prelude::*;
use diesel::r2d2::ConnectionManager;
use diesel_migrations::MigrationHarness;

use super::Site;
use super::database::{Database, ENGINE};
use crate::engine::schema::users;
use crate::engine::{self, MIGRATIONS};
use crate::shop::{Pool, set_up};

/// More than a connection takes on a busy machine: no test waits that long unless it fails.
const LONG: Duration = Duration::from_secs(30);
/// How long a request waits for a connection that does not come.
const SHORT: Duration = Duration::from_millis(50);

#[test]
fn the_migrations_can_be_undone_and_done_again() {
    let Some(site) = Site::open() else { return };
    let conn = &mut site.shop.pool.get().unwrap();
    conn.revert_all_migrations(MIGRATIONS).unwrap();
    conn.run_pending_migrations(MIGRATIONS).unwrap();
    assert_eq!(crate::catalogue::all(conn).unwrap().len(), 10);
    site.shop.sessions.check(conn).unwrap();
}

#[test]
fn of_several_that_set_the_shop_up_at_once_one_does_and_the_others_wait() {
    const STARTS: u32 = 4;
    let Some(database) = Database::fresh() else { return };
    let pool: Pool = Pool::builder()
        .max_size(STARTS)
        .connection_timeout(LONG)
        .connection_customizer(engine::customizer())
        .build(ConnectionManager::new(&database.url))
        .unwrap();
    std::thread::scope(|scope| {
        for _ in 0..STARTS {
            scope.spawn(|| set_up(&mut pool.get().unwrap()).unwrap());
        }
    });
    let conn = &mut pool.get().unwrap();
    assert_eq!(users::table.count().get_result(conn), Ok(2_i64));
    assert_eq!(crate::catalogue::all(conn).unwrap().len(), 10);
}

// S103 SECURITY 30
#[tokio::test]
async fn an_empty_pool_is_an_error_page_and_the_cookie_stays() {
    let Some(database) = Database::fresh() else { return };
    let site = Site::over(Arc::new(database), [7; 32], SHORT);
    let (_, cookie) = site.signed_in("shopper");
    let pool = &site.shop.pool;
    let taken: Vec<_> = (0..pool.max_size()).map(|_| pool.get_timeout(LONG).unwrap()).collect();
    let answer = site.get("/account", &cookie).await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::SERVICE_UNAVAILABLE, "text/html; charset=utf-8"));
    assert!(answer.text.contains("Back in a moment") && !answer.headers.contains_key("set-cookie"));
    drop(taken);
    assert_eq!(site.get("/account", &cookie).await.status, StatusCode::OK, "{ENGINE}");
}

// S103 SECURITY 30
#[cfg(all(feature = "postgres", not(feature = "mysql")))]
#[tokio::test]
async fn a_database_that_is_away_is_an_error_page_and_the_cookie_stays() {
    let Some(database) = Database::fresh() else { return };
    let site = Site::over(Arc::new(database), [7; 32], SHORT);
    let (_, cookie) = site.signed_in("shopper");
    let (_, name) = site.database.url.rsplit_once('/').unwrap();
    // Closes the pool's connections, and lets no new one in.
    let admin = &mut engine::Conn::establish(&std::env::var("TEST_POSTGRES_URL").unwrap()).unwrap();
    diesel::sql_query(format!("DROP DATABASE {name} WITH (FORCE)")).execute(admin).unwrap();
    let answer = site.get("/account", &cookie).await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::SERVICE_UNAVAILABLE, "text/html; charset=utf-8"));
    assert!(!answer.headers.contains_key("set-cookie"));
    assert!(!answer.text.contains(name), "the page names no detail");
}
