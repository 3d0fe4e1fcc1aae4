//! The core names its own model.

use diesel::prelude::*;
use diesel_sessions::plain::sqlite::{PlainSession, schema::sessions};
use diesel_sessions::{DbSession, SessionCore};

#[derive(Clone, Queryable, Selectable, DbSession)]
#[diesel(table_name = sessions, check_for_backend(diesel::sqlite::Sqlite))]
pub struct AppSession {
    pub id: i32,
    #[diesel(embed)]
    pub core: SessionCore<PlainSession>,
}

fn main() {}
