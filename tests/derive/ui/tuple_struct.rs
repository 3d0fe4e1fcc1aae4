//! Keys are field names.

use diesel_sessions::{DbSession, SessionCore};

#[derive(Clone, DbSession)]
pub struct AppSession(i32, SessionCore<AppSession>);

fn main() {}
