//! MySQL and MariaDB: who waits is in `innodb_trx` with the state LOCK WAIT.

use std::time::Duration;

use diesel::MysqlConnection;
use diesel::connection::{AnsiTransactionManager, TransactionManager};

use super::Engine;
use crate::support::{Db, Mysql};

impl Engine for Mysql {
    const WAITS: bool = true;
    const SERIALISABLE: bool = false;
    const INSERTS_IN_TWO: bool = true;
    const CLEARS_FIRST: bool = true;
    /// InnoDB shows `innodb_trx` from a cache until nobody has read it for 100 ms.
    const PATIENCE: Duration = Duration::from_millis(105);
    const WRAPPING: usize = 12;
    const HASTE: usize = 75;
    const ROWS: &'static str = "SELECT concat(id, '|', _uuid, '|', coalesce(_previous_uuid, ''), '|', _data, '|', _version, \
        '|', timestampdiff(SECOND, '1970-01-01', created_at), '|', coalesce(timestampdiff(SECOND, '1970-01-01', authenticated_at), ''), \
        '|', coalesce(timestampdiff(SECOND, '1970-01-01', rotated_at), ''), '|', timestampdiff(SECOND, '1970-01-01', last_seen_at), \
        '|', timestampdiff(SECOND, '1970-01-01', expires_at), '|', coalesce(timestampdiff(SECOND, '1970-01-01', deadline_at), ''), \
        '|', coalesce(idle_timeout, ''), '|', persistent, '|', coalesce(user_id, ''), '|', coalesce(remote_addr, '')) FROM sessions";
    const ATTRIBUTES: &'static str = "SELECT concat(session_id, '|', name, '|', value, \
        '|', timestampdiff(SECOND, '1970-01-01', created_at), '|', timestampdiff(SECOND, '1970-01-01', updated_at), \
        '|', coalesce(timestampdiff(SECOND, '1970-01-01', expires_at), '')) FROM session_attributes";

    fn row_id(id: i64) -> i64 {
        id
    }

    fn begin(conn: &mut MysqlConnection) {
        Self::execute(conn, "ALTER TABLE sessions AUTO_INCREMENT = 1000");
    }

    fn tidy(_: &mut MysqlConnection) {}

    fn worker_connection(&self) -> MysqlConnection {
        self.connect()
    }

    fn connection_id(conn: &mut MysqlConnection) -> String {
        Self::text(conn, "SELECT connection_id()").expect("a connection id")
    }

    fn waits(observer: &mut MysqlConnection, connection: &str) -> bool {
        let sql = "SELECT count(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT' AND trx_mysql_thread_id = ";
        Self::number(observer, &format!("{sql}{connection}")) > 0
    }

    /// After a deadlock in a caller's transaction the library marks the connection as broken. A pool would drop it.
    fn recover(conn: &mut MysqlConnection) {
        if AnsiTransactionManager::transaction_manager_status_mut(conn).transaction_depth().is_err() {
            *AnsiTransactionManager::transaction_manager_status_mut(conn) = Default::default();
            Self::execute(conn, "ROLLBACK");
        }
    }
}
