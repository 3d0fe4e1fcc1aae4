//! The three pools under test, set up alike: they look at nothing but the connection's own state when they lend it.

use std::time::Duration;

use deadpool_diesel::Runtime;
use diesel::PgConnection;
use diesel::connection::LoadConnection;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Integer;
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod, bb8, deadpool};
use diesel_sessions::ConnectionSource;

/// A pool on PostgreSQL.
pub(crate) trait Source: ConnectionSource<Connection: Connection<Backend = Pg> + LoadConnection> {
    /// At most so many connections; a caller waits no longer than this for one. To be made within a runtime.
    fn new(url: String, size: usize, patience: Duration) -> Self;
}

/// deadpool-diesel's.
pub(crate) type DeadpoolDiesel = deadpool_diesel::Pool<deadpool_diesel::Manager<PgConnection>>;
/// diesel-async's with bb8.
pub(crate) type Bb8 = bb8::Pool<AsyncPgConnection>;
/// diesel-async's with deadpool.
pub(crate) type Deadpool = deadpool::Pool<AsyncPgConnection>;

impl Source for DeadpoolDiesel {
    fn new(url: String, size: usize, patience: Duration) -> Self {
        // Without the query that its own look begins with.
        let config = deadpool_diesel::ManagerConfig {
            recycling_method: deadpool_diesel::RecyclingMethod::CustomFunction(Box::new(|_| Ok(()))),
        };
        let manager = deadpool_diesel::Manager::from_config(url, Runtime::Tokio1, config);
        let pool = deadpool_diesel::Pool::builder(manager).max_size(size).runtime(Runtime::Tokio1);
        pool.wait_timeout(Some(patience)).build().unwrap()
    }
}

fn manager(url: String) -> AsyncDieselConnectionManager<AsyncPgConnection> {
    let mut config = ManagerConfig::default();
    config.recycling_method = RecyclingMethod::Fast;
    AsyncDieselConnectionManager::new_with_config(url, config)
}

impl Source for Bb8 {
    fn new(url: String, size: usize, patience: Duration) -> Self {
        let size = u32::try_from(size).unwrap();
        bb8::Pool::builder().max_size(size).test_on_check_out(false).connection_timeout(patience).build_unchecked(manager(url))
    }
}

impl Source for Deadpool {
    fn new(url: String, size: usize, patience: Duration) -> Self {
        let pool = deadpool::Pool::builder(manager(url)).max_size(size).runtime(Runtime::Tokio1);
        pool.wait_timeout(Some(patience)).build().unwrap()
    }
}

/// The server's number for a connection.
pub(crate) fn backend<C>(conn: &mut C) -> QueryResult<i32>
where
    C: Connection<Backend = Pg> + LoadConnection,
{
    diesel::select(diesel::dsl::sql::<Integer>("pg_backend_pid()")).get_result(conn)
}
