//! Work that is tried again when the database has ended it in favour of somebody else's.

use diesel_sessions::ErrorKind;

use crate::database::Database;
use crate::failure::Failure;

/// How often, as the library does it.
const TRIES: usize = 10;

/// Does the work, again after a deadlock or a failure to serialise: it changes nothing but the database.
pub(crate) fn retried<T>(database: &mut Database, work: impl Fn(&mut Database) -> Result<T, Failure>) -> Result<T, Failure> {
    for _ in 1..TRIES {
        match work(database) {
            Err(Failure::Database(error)) if matches!(error.kind(), ErrorKind::Deadlock | ErrorKind::Serialization) => {}
            done => return done,
        }
    }
    work(database)
}
