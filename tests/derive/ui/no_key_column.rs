//! There is a row id.

use diesel::prelude::*;
use diesel_sessions::plain::sqlite::schema::sessions;
use diesel_sessions::{DbSession, SessionCore};

#[derive(Clone, Queryable, Selectable, DbSession)]
#[diesel(table_name = sessions, check_for_backend(diesel::sqlite::Sqlite))]
pub struct AppSession {
    #[diesel(embed)]
    pub core: SessionCore<AppSession>,
}

fn main() {}
