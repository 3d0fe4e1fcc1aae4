//! What really differs between the engines, and is not SQL that the derive prints.
//!
//! Diesel reports a kind and a message, but no SQLSTATE and no error number. Where the kind is `Unknown`, the message is all
//! there is; the texts below are those of the engines and their client libraries, compared whole or by their fixed beginning.
//! A PostgreSQL server whose `lc_messages` is not English says them otherwise, and such errors stay `Database`.

use diesel::result::{DatabaseErrorInformation, Error as DieselError};

#[cfg(feature = "mysql")]
pub mod mysql;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "sqlite")]
pub mod sqlite;

/// What a database error of unknown kind turns out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// A lock was not granted in time.
    Busy,
    /// The transaction was ended to resolve a deadlock.
    Deadlock,
    /// The transaction cannot be serialised with another one.
    Serialization,
    /// The server closed the connection, or cannot be reached.
    Disconnected,
}

const WHOLE: &[(&str, Trouble)] = &[
    // sqlite3_errstr of SQLITE_BUSY and SQLITE_LOCKED
    ("database is locked", Trouble::Busy),
    ("database table is locked", Trouble::Busy),
    // PostgreSQL 55P03, 40P01 and 57P01
    ("canceling statement due to lock timeout", Trouble::Busy),
    ("canceling statement due to statement timeout", Trouble::Busy),
    ("deadlock detected", Trouble::Deadlock),
    ("terminating connection due to administrator command", Trouble::Disconnected),
    // MySQL and MariaDB 1205 and 1213
    ("Lock wait timeout exceeded; try restarting transaction", Trouble::Busy),
    (MYSQL_DEADLOCK, Trouble::Deadlock),
    // MariaDB 1969 and MySQL 3024
    ("Query execution was interrupted (max_statement_time exceeded)", Trouble::Busy),
    ("Query execution was interrupted, maximum statement execution time exceeded", Trouble::Busy),
];

const BEGINNINGS: &[(&str, Trouble)] = &[
    // MariaDB 1020, with innodb_snapshot_isolation: the whole transaction is rolled back
    ("Record has changed since last read in table ", Trouble::Serialization),
    // SQLite: a table of a shared cache
    ("database table is locked: ", Trouble::Busy),
    // libpq
    ("server closed the connection unexpectedly", Trouble::Disconnected),
    ("could not receive data from server", Trouble::Disconnected),
    ("could not send data to server", Trouble::Disconnected),
    ("no connection to the server", Trouble::Disconnected),
    // libmariadb and libmysqlclient: 2006, 2013, 4031; the server's 1927
    ("Server has gone away", Trouble::Disconnected),
    ("MySQL server has gone away", Trouble::Disconnected),
    ("Lost connection to ", Trouble::Disconnected),
    ("The client was disconnected by the server", Trouble::Disconnected),
    ("Connection was killed", Trouble::Disconnected),
    ("Can't connect to ", Trouble::Disconnected),
    // mysql_async, of diesel-async: the rest is the operating system's
    ("Driver error: `Connection to the server is closed.", Trouble::Disconnected),
    ("Input/output error: ", Trouble::Disconnected),
];

const MYSQL_DEADLOCK: &str = "Deadlock found when trying to get lock; try restarting transaction";

/// Reads a message of an error whose kind Diesel does not know.
pub(crate) fn trouble(message: &str) -> Option<Trouble> {
    let message = message.trim_end();
    let whole = WHOLE.iter().find(|(text, _)| *text == message);
    let beginning = || BEGINNINGS.iter().find(|(text, _)| message.starts_with(text));
    whole.or_else(beginning).map(|(_, trouble)| *trouble)
}

/// True for error 1213: InnoDB has rolled the whole transaction back.
pub(crate) fn is_mysql_deadlock(message: &str) -> bool {
    message.trim_end() == MYSQL_DEADLOCK
}

/// The constraint that an error is about: PostgreSQL says it, MySQL writes it into the message, SQLite never knows.
pub(crate) fn constraint_name(information: &dyn DatabaseErrorInformation) -> Option<String> {
    if let Some(name) = information.constraint_name() {
        return Some(name.to_owned());
    }
    let (_, rest) = information.message().split_once(" CONSTRAINT `")?;
    let (name, _) = rest.split_once('`')?;
    Some(name.to_owned())
}

/// Takes bound values out of an error: out of its message, where the engine quotes one, and out of its details.
pub(crate) fn without_values(error: DieselError) -> DieselError {
    match error {
        DieselError::DatabaseError(kind, information) => {
            let message = redacted(information.message()).unwrap_or_else(|| information.message().to_owned());
            DieselError::DatabaseError(kind, Box::new(Redacted { message, information }))
        }
        DieselError::RollbackErrorOnCommit { rollback_error, commit_error } => DieselError::RollbackErrorOnCommit {
            rollback_error: Box::new(without_values(*rollback_error)),
            commit_error: Box::new(without_values(*commit_error)),
        },
        other => other,
    }
}

/// A name as an engine prints it, without the quotes.
pub(crate) fn unquoted(printed: &str) -> String {
    printed.replace(['`', '"'], "")
}

/// Where messages quote a value: what stands before it, and what follows it.
const QUOTING: &[(&str, &str)] = &[
    // MySQL and MariaDB 1062, 1366, 1292
    ("Duplicate entry '", "' for key "),
    ("Incorrect ", "' for column "),
    ("Truncated incorrect ", "'"),
    // PostgreSQL 22P02
    ("invalid input ", "\""),
];

fn redacted(message: &str) -> Option<String> {
    let (_, end) = QUOTING.iter().find(|(start, _)| message.starts_with(start))?;
    let quote = if end.starts_with('\'') { '\'' } else { '"' };
    let value = message.find(quote)? + 1;
    let rest = message.rfind(end).filter(|rest| *rest >= value).unwrap_or(message.len());
    Some(format!("{}..{}", &message[..value], &message[rest..]))
}

/// The engine's information with a message that quotes no value, and without details, which show whole rows.
struct Redacted {
    message: String,
    information: Box<dyn DatabaseErrorInformation + Send + Sync>,
}

impl DatabaseErrorInformation for Redacted {
    fn message(&self) -> &str {
        &self.message
    }
    fn details(&self) -> Option<&str> {
        None
    }
    fn hint(&self) -> Option<&str> {
        self.information.hint()
    }
    fn table_name(&self) -> Option<&str> {
        self.information.table_name()
    }
    fn column_name(&self) -> Option<&str> {
        self.information.column_name()
    }
    fn constraint_name(&self) -> Option<&str> {
        self.information.constraint_name()
    }
    fn statement_position(&self) -> Option<i32> {
        self.information.statement_position()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_by_their_fixed_text() {
        assert_eq!(trouble("database is locked"), Some(Trouble::Busy));
        assert_eq!(trouble("deadlock detected\n"), Some(Trouble::Deadlock));
        assert_eq!(trouble("Lost connection to server during query"), Some(Trouble::Disconnected));
        assert_eq!(trouble("Input/output error: Input/output error: Connection reset by peer"), Some(Trouble::Disconnected));
        assert_eq!(trouble("relation \"database is locked\" does not exist"), None);
    }

    // SECURITY 8
    #[test]
    fn a_message_that_quotes_a_value_loses_it() {
        for (message, rest) in [
            ("Duplicate entry 'sec'ret' for key 'users.email'", "Duplicate entry '..' for key 'users.email'"),
            (
                "Incorrect string value: '\\xF0 secret' for column `d`.`t`.`c` at row 1",
                "Incorrect string value: '..' for column `d`.`t`.`c` at row 1",
            ),
            ("Truncated incorrect DOUBLE value: 'secret'", "Truncated incorrect DOUBLE value: '..'"),
            ("invalid input value for enum mood: \"secret\"", "invalid input value for enum mood: \"..\""),
        ] {
            assert_eq!(redacted(message).as_deref(), Some(rest));
        }
        assert_eq!(redacted("duplicate key value violates unique constraint \"users_email_key\""), None);
    }

    #[test]
    fn mysql_names_a_constraint_in_its_message() {
        let message = "Cannot delete or update a parent row: a foreign key constraint fails \
                       (`db`.`orders`, CONSTRAINT `orders_session` FOREIGN KEY (`session_id`) REFERENCES `sessions` (`id`))";
        assert_eq!(constraint_name(&message.to_owned()).as_deref(), Some("orders_session"));
        assert_eq!(constraint_name(&"FOREIGN KEY constraint failed".to_owned()), None);
    }
}
