//! Settings that sessions need on every connection of an r2d2 pool.

#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteCustomizer, Synchronous};

#[cfg(feature = "mysql")]
pub use mysql::MysqlCustomizer;

#[cfg(feature = "sqlite")]
mod sqlite {
    use std::time::Duration;

    use diesel::connection::SimpleConnection;
    use diesel::dsl::sql;
    use diesel::r2d2::{CustomizeConnection, Error};
    use diesel::sql_types::Text;
    use diesel::{RunQueryDsl, SqliteConnection};

    /// When SQLite waits for the disk.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel_sessions::Synchronous;
    ///
    /// assert_eq!(Synchronous::default(), Synchronous::Full);
    /// ```
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub enum Synchronous {
        /// At every commit: an acknowledged revoke survives a crash of the machine.
        #[default]
        Full,
        /// At checkpoints: faster, and the last commits before a crash of the machine may be lost. Crashes of the process alone
        /// lose nothing.
        Normal,
    }

    /// Readies SQLite connections: write-ahead log, a busy timeout so that writers wait for each other instead of failing,
    /// foreign keys, and `synchronous` FULL unless it is chosen otherwise.
    ///
    /// A transaction of the application's own that reads first and writes later should begin with
    /// [`immediate_transaction`](SqliteConnection::immediate_transaction): SQLite cannot wait for the upgrade.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel::r2d2::{ConnectionManager, Pool};
    /// use diesel::sqlite::SqliteConnection;
    /// use diesel_sessions::{SqliteCustomizer, Synchronous};
    ///
    /// let customizer = SqliteCustomizer::new().synchronous(Synchronous::Normal);
    /// let manager = ConnectionManager::<SqliteConnection>::new(":memory:");
    /// let pool = Pool::builder().max_size(1).connection_customizer(Box::new(customizer)).build(manager)?;
    /// assert_eq!(pool.state().connections, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Debug, Clone, Copy)]
    pub struct SqliteCustomizer {
        busy_timeout: Duration,
        synchronous: Synchronous,
    }

    impl SqliteCustomizer {
        /// Five seconds of patience, `synchronous` FULL.
        ///
        /// # Example
        ///
        /// ```
        /// # use diesel::{dsl::sql, prelude::*, r2d2::CustomizeConnection, sql_types::Integer};
        /// # use diesel_sessions::SqliteCustomizer;
        /// # let mut conn = SqliteConnection::establish(":memory:")?;
        /// SqliteCustomizer::new().on_acquire(&mut conn)?;
        /// let foreign_keys = sql::<Integer>("SELECT foreign_keys FROM pragma_foreign_keys").get_result::<i32>(&mut conn)?;
        /// assert_eq!(foreign_keys, 1);
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        #[must_use]
        pub fn new() -> Self {
            SqliteCustomizer { busy_timeout: Duration::from_secs(5), synchronous: Synchronous::Full }
        }

        /// How long a writer waits for another, to the millisecond.
        ///
        /// # Example
        ///
        /// ```
        /// # use diesel::{dsl::sql, prelude::*, r2d2::CustomizeConnection, sql_types::Integer};
        /// # use diesel_sessions::SqliteCustomizer;
        /// # let mut conn = SqliteConnection::establish(":memory:")?;
        /// let patience = std::time::Duration::from_secs(2);
        /// SqliteCustomizer::new().busy_timeout(patience).on_acquire(&mut conn)?;
        /// let timeout = sql::<Integer>("SELECT timeout FROM pragma_busy_timeout").get_result::<i32>(&mut conn)?;
        /// assert_eq!(timeout, 2_000);
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        #[must_use]
        pub fn busy_timeout(mut self, timeout: Duration) -> Self {
            self.busy_timeout = timeout;
            self
        }

        /// When SQLite waits for the disk.
        ///
        /// # Example
        ///
        /// ```
        /// # use diesel::{dsl::sql, prelude::*, r2d2::CustomizeConnection, sql_types::Integer};
        /// # use diesel_sessions::{SqliteCustomizer, Synchronous};
        /// # let mut conn = SqliteConnection::establish(":memory:")?;
        /// SqliteCustomizer::new().synchronous(Synchronous::Normal).on_acquire(&mut conn)?;
        /// let synchronous = sql::<Integer>("SELECT synchronous FROM pragma_synchronous").get_result::<i32>(&mut conn)?;
        /// assert_eq!(synchronous, 1, "NORMAL; FULL is 2");
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        #[must_use]
        pub fn synchronous(mut self, synchronous: Synchronous) -> Self {
            self.synchronous = synchronous;
            self
        }
    }

    impl Default for SqliteCustomizer {
        fn default() -> Self {
            Self::new()
        }
    }

    impl CustomizeConnection<SqliteConnection, Error> for SqliteCustomizer {
        fn on_acquire(&self, conn: &mut SqliteConnection) -> Result<(), Error> {
            let synchronous = match self.synchronous {
                Synchronous::Full => "FULL",
                Synchronous::Normal => "NORMAL",
            };
            // The patience comes first: the statements after it may have to wait already.
            conn.batch_execute(&format!("PRAGMA busy_timeout = {}", self.busy_timeout.as_millis())).map_err(Error::QueryError)?;
            let mode: String =
                sql::<Text>("SELECT journal_mode FROM pragma_journal_mode").get_result(conn).map_err(Error::QueryError)?;
            if !matches!(mode.as_str(), "wal" | "memory") {
                conn.batch_execute("PRAGMA journal_mode = WAL").map_err(Error::QueryError)?;
            }
            conn.batch_execute(&format!("PRAGMA synchronous = {synchronous}; PRAGMA foreign_keys = ON"))
                .map_err(Error::QueryError)
        }
    }
}

#[cfg(feature = "mysql")]
mod mysql {
    use diesel::MysqlConnection;
    use diesel::r2d2::{CustomizeConnection, Error};
    use diesel::result::Error as DieselError;

    use crate::backend::mysql::findings;

    /// Refuses MySQL connections without strict mode: the server would cut values off silently.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel::r2d2::{ConnectionManager, Pool};
    /// use diesel::mysql::MysqlConnection;
    /// use diesel_sessions::MysqlCustomizer;
    ///
    /// let manager = ConnectionManager::<MysqlConnection>::new("mysql://root@127.0.0.1:1/none");
    /// let builder = Pool::builder().max_size(1).connection_customizer(Box::new(MysqlCustomizer));
    /// assert_eq!(builder.build_unchecked(manager).state().connections, 0);
    /// ```
    #[derive(Debug, Clone, Copy, Default)]
    pub struct MysqlCustomizer;

    impl CustomizeConnection<MysqlConnection, Error> for MysqlCustomizer {
        fn on_acquire(&self, conn: &mut MysqlConnection) -> Result<(), Error> {
            let refused = findings(conn).map_err(Error::QueryError)?.refused;
            if refused.is_empty() {
                return Ok(());
            }
            Err(Error::QueryError(DieselError::QueryBuilderError(refused.join("; ").into())))
        }
    }
}
