//! What is embedded is the core.

use diesel::prelude::*;
use diesel_sessions::DbSession;
use diesel_sessions::plain::sqlite::schema::sessions;

#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub struct Client {
    pub remote_addr: Option<String>,
    pub user_agent: Option<String>,
}

#[derive(Clone, Queryable, Selectable, DbSession)]
#[diesel(table_name = sessions, check_for_backend(diesel::sqlite::Sqlite))]
pub struct AppSession {
    pub id: i32,
    #[diesel(embed)]
    pub client: Client,
}

fn main() {}
