//! The migrations of `migrations/`, embedded.
//!
//! An application that has migrations of its own should rather copy the folder for its engine into its own tree: then
//! `diesel migration revert` and `redo` know it, and columns can be added in the same place. `migrations/README.md` says how.
//! Embedded, they serve tests, examples, and applications without a tree.

use diesel::backend::Backend;
use diesel::connection::{Connection, LoadConnection};
use diesel::result::Error as DieselError;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};

use crate::error::{Error, Result};

/// An engine with migrations of its own, and a lock around them.
pub trait Migrations: Backend {
    /// The embedded folder.
    const FOLDER: EmbeddedMigrations;

    /// Runs `work` while no other process runs it.
    ///
    /// # Errors
    ///
    /// The closure's own, and the database's when the lock is not to be had.
    fn alone<C>(conn: &mut C, work: impl FnOnce(&mut C) -> Result<()>) -> Result<()>
    where
        C: Connection<Backend = Self> + LoadConnection;
}

const DEED: &str = "could not run the migrations";

/// Makes the tables, if they are not there. Several processes may call it together: one works, the others wait.
///
/// On PostgreSQL and SQLite it is one transaction. MySQL commits with every DDL statement; there it holds the lock of a name, so
/// the connection must not come from a proxy that shares server sessions.
///
/// # Errors
///
/// [`ErrorKind::Busy`](crate::ErrorKind::Busy) when another process holds the lock for too long, and the database's own.
///
/// # Example
///
/// ```
/// use diesel::prelude::*;
///
/// let mut conn = SqliteConnection::establish(":memory:")?;
/// diesel_sessions::migrations::run(&mut conn)?;
/// diesel_sessions::migrations::run(&mut conn)?;   // nothing left to do
/// assert_eq!(diesel_sessions::plain::sqlite::schema::sessions::table.count().get_result(&mut conn), Ok(0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn run<C>(conn: &mut C) -> Result<()>
where
    C: Connection + LoadConnection + MigrationHarness<<C as Connection>::Backend>,
    C::Backend: Migrations,
{
    C::Backend::alone(conn, |conn| {
        conn.run_pending_migrations(C::Backend::FOLDER).map(|_| ()).map_err(|error| match error.downcast::<DieselError>() {
            Ok(error) => Error::from_database(DEED, *error),
            Err(error) => Error::new(crate::ErrorKind::Database, DEED).with_source(error),
        })
    })
}

#[cfg(feature = "sqlite")]
impl Migrations for diesel::sqlite::Sqlite {
    const FOLDER: EmbeddedMigrations = diesel_migrations::embed_migrations!("migrations/sqlite");

    fn alone<C>(conn: &mut C, work: impl FnOnce(&mut C) -> Result<()>) -> Result<()>
    where
        C: Connection<Backend = Self> + LoadConnection,
    {
        // The first statement is a write: a read that is upgraded later fails at once when another process was faster.
        const TAKE_THE_WRITE_LOCK: &str = "CREATE TABLE _diesel_sessions_lock (x INTEGER); DROP TABLE _diesel_sessions_lock";
        conn.transaction(|conn| {
            conn.batch_execute(TAKE_THE_WRITE_LOCK).map_err(|error| Error::from_database(DEED, error))?;
            work(conn)
        })
    }
}

#[cfg(feature = "postgres")]
impl Migrations for diesel::pg::Pg {
    const FOLDER: EmbeddedMigrations = diesel_migrations::embed_migrations!("migrations/postgres");

    fn alone<C>(conn: &mut C, work: impl FnOnce(&mut C) -> Result<()>) -> Result<()>
    where
        C: Connection<Backend = Self> + LoadConnection,
    {
        // A snapshot that is taken while waiting for the lock would not show what was done meanwhile.
        let own = crate::__private::transaction_depth(conn).map_err(|error| Error::from_database(DEED, error))? == 0;
        let isolation = if own { "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; " } else { "" };
        conn.transaction(|conn| {
            // The key is the version of the first migration; the lock ends with the transaction.
            conn.batch_execute(&format!("{isolation}SELECT pg_advisory_xact_lock(20261121000000)"))
                .map_err(|error| Error::from_database(DEED, error))?;
            work(conn)
        })
    }
}

#[cfg(feature = "mysql")]
impl Migrations for diesel::mysql::Mysql {
    const FOLDER: EmbeddedMigrations = diesel_migrations::embed_migrations!("migrations/mysql");

    fn alone<C>(conn: &mut C, work: impl FnOnce(&mut C) -> Result<()>) -> Result<()>
    where
        C: Connection<Backend = Self> + LoadConnection,
    {
        use diesel::RunQueryDsl;
        use diesel::dsl::sql;
        use diesel::sql_types::{Integer, Nullable};

        // Names of locks are the server's, so the database's name is part of it; 64 characters are allowed.
        let lock = sql::<Nullable<Integer>>("SELECT GET_LOCK(CONCAT('diesel_sessions.', MD5(DATABASE())), 60)");
        let got: Option<i32> = lock.get_result(conn).map_err(|error| Error::from_database(DEED, error))?;
        if got != Some(1) {
            return Err(Error::new(crate::ErrorKind::Busy, DEED).with_detail("another process holds the lock for a minute"));
        }
        let done = work(conn);
        let free = sql::<Nullable<Integer>>("SELECT RELEASE_LOCK(CONCAT('diesel_sessions.', MD5(DATABASE())))");
        let freed = free.get_result::<Option<i32>>(conn).map_err(|error| Error::from_database(DEED, error));
        done.and(freed.map(|_| ()))
    }
}
