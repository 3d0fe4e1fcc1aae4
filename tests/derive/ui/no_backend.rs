//! A model says which backend it is for.

use diesel::prelude::*;
use diesel_sessions::plain::sqlite::schema::sessions;
use diesel_sessions::{DbSession, SessionCore};

#[derive(Clone, Queryable, Selectable, DbSession)]
#[diesel(table_name = sessions)]
pub struct AppSession {
    pub id: i32,
    #[diesel(embed)]
    pub core: SessionCore<AppSession>,
}

fn main() {}
