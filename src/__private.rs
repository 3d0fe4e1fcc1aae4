//! What the derive's code calls. It is no part of the public interface and changes with every release.

pub use chrono::{DateTime, Utc};
pub use diesel;
pub use serde_json::{Error as JsonError, Value};

pub use crate::model::{
    Findings, Guard, NewAttribute, Place, Reached, Replaced, RowIdOf, SaveShape, SealedValue, StoredAttribute, StoredExpiry,
    Write,
};
pub use crate::statement;

#[cfg(feature = "mysql")]
pub use crate::backend::mysql;
#[cfg(feature = "postgres")]
pub use crate::backend::postgres;
#[cfg(feature = "sqlite")]
pub use crate::backend::sqlite;

use diesel::QueryResult;
use diesel::connection::{Connection, TransactionManager};
use serde::Serialize;
use serde::de::DeserializeOwned;

#[cfg(any(feature = "tower-sessions-0-14", feature = "tower-sessions-0-15"))]
pub use crate::adapters::moved;

/// Sealing and opening without a database: for the fuzz target, and for the command-line tool, which knows tables at run time
/// alone.
pub mod sealing {
    use crate::crypto::{Address, Keyring};

    fn address([table, row, name]: [&str; 3]) -> Address<'_> {
        Address { table, row, name }
    }

    /// Seals a text for a place: table, row id and name.
    pub fn seal(keyring: &Keyring, place: [&str; 3], text: &[u8]) -> Result<Vec<u8>, crate::Error> {
        keyring.seal(address(place), text)
    }

    /// What every value that was sealed with the first key begins with.
    #[must_use]
    pub fn beginning(keyring: &Keyring) -> Vec<u8> {
        keyring.beginning()
    }

    /// The name of the key that a value says it was sealed with; none when it is no sealed value.
    #[must_use]
    pub fn key_of(sealed: &[u8]) -> Option<&str> {
        Keyring::key_of(sealed)
    }

    /// Seals a value with the first key that was sealed with whichever, for the same place. The inner error says why it does not
    /// open.
    pub fn seal_anew(keyring: &Keyring, place: [&str; 3], sealed: &[u8]) -> Result<Result<Vec<u8>, String>, crate::Error> {
        Ok(keyring.seal_anew(address(place), sealed)?.map_err(|reason| reason.to_string()))
    }

    /// Opens what was sealed for a place; an error says why not.
    pub fn open(keyring: &Keyring, place: [&str; 3], sealed: &[u8]) -> Result<Vec<u8>, String> {
        keyring.open(address(place), sealed).map(|text| text.to_vec()).map_err(|reason| reason.to_string())
    }
}

/// A typed column that is read and written by key. A trait of the library's own, so that the compiler says what to do instead of
/// listing what else serde knows.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read and written by key",
    label = "without serde's traits",
    note = "a typed column needs `serde::Serialize` and `serde::Deserialize`: derive them, or switch on `serde` in the crate that has the type",
    note = "`#[session(skip)]` does without them, and without access by key"
)]
pub trait ByKey: Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> ByKey for T {}

/// Writes a typed column's value.
pub fn to_value<T: ByKey>(column: &T) -> Result<Value, JsonError> {
    serde_json::to_value(column)
}

/// Reads a typed column's value.
pub fn from_value<T: ByKey>(value: &Value) -> Result<T, JsonError> {
    T::deserialize(value)
}

/// How many transactions and savepoints are open.
pub fn transaction_depth<C: Connection>(conn: &mut C) -> QueryResult<u32> {
    let status = C::TransactionManager::transaction_manager_status_mut(conn);
    Ok(status.transaction_depth()?.map_or(0, std::num::NonZeroU32::get))
}

/// Marks the connection as broken.
pub fn set_in_error<C: Connection>(conn: &mut C) {
    C::TransactionManager::transaction_manager_status_mut(conn).set_in_error();
}

/// Columns are numbered by the library alone.
#[track_caller]
pub fn no_such_column(column: usize) -> ! {
    unreachable!("the model has no typed column {column}")
}
