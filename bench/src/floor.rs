//! The floor: the library's own statements, prepared by hand and sent through the client libraries' C interfaces with nothing
//! around them. What they are bound to is encoded before the clock runs; of an answer every column is looked at.

pub mod mariadb;
pub mod postgres;
pub mod sqlite;

use chrono::{DateTime, Utc};

/// A session as its statements name it.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    pub id: i64,
    /// The digest of its token.
    pub digest: [u8; 16],
}

/// What is measured of the floor, on every engine.
pub trait Floor: Sized {
    /// Connects to the database at `url` and prepares the statements; `keys` are the sessions that will be asked for.
    fn open(url: &str, keys: Vec<Key>, now: DateTime<Utc>) -> Self;

    /// Looks the session up by its digest, which must be there; gives its version.
    fn load(&mut self, session: usize) -> i32;

    /// Stores another `_data`, which must be allowed: the version is the one there.
    fn save(&mut self, session: usize, version: i32, data: &str);

    /// Sets an attribute of the session's to a number.
    fn set(&mut self, session: usize);

    /// Goes on with as much of a cache as SQLite has by default; servers have one of their own.
    fn default_cache(&mut self) {}

    /// Lists an owner's sessions; gives how many.
    fn list(&mut self, owner: i64) -> usize;
}

/// The statement that the golden file of a verb shows, the first one where it shows several.
fn statement(golden: &'static str) -> &'static str {
    let line = golden.lines().find(|line| !line.starts_with("--")).expect("a statement");
    line.strip_suffix(';').expect("it ends")
}

/// What the sealed and the expired attributes lack.
const VALUE: &str = "1";

/// The attribute that is set.
const NAME: &str = "theme";

/// A time as SQLite stores it.
fn text_of(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S%.6f").to_string()
}
