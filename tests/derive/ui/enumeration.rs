//! A model is a struct.

use diesel_sessions::DbSession;

#[derive(Clone, DbSession)]
pub enum AppSession {
    Anonymous,
    SignedIn(i64),
}

fn main() {}
