//! All that is wrong is told at once.

use diesel::prelude::*;
use diesel_sessions::plain::sqlite::schema::sessions;
use diesel_sessions::{DbSession, SessionCore};

#[derive(Clone, Queryable, Selectable, DbSession)]
#[diesel(table_name = sessions)]
pub struct AppSession {
    pub id: i32,
    #[diesel(embed)]
    pub core: SessionCore<AppSession>,
    #[session(owner)]
    pub user_id: i64,
    pub remote_addr: String,
    #[diesel(column_name = user_agent)]
    pub deadline_at: Option<String>,
}

fn main() {}
