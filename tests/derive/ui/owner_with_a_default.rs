//! A new session has no owner.

use diesel::prelude::*;
use diesel_sessions::plain::sqlite::schema::sessions;
use diesel_sessions::{DbSession, SessionCore};

#[derive(Clone, Queryable, Selectable, DbSession)]
#[diesel(table_name = sessions, check_for_backend(diesel::sqlite::Sqlite))]
pub struct AppSession {
    pub id: i32,
    #[diesel(embed)]
    pub core: SessionCore<AppSession>,
    #[session(owner, default = Some(1))]
    pub user_id: Option<i64>,
}

fn main() {}
