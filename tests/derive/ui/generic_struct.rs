//! A model is for one table.

use diesel_sessions::{DbSession, SessionCore};

#[derive(Clone, DbSession)]
#[diesel(table_name = sessions, check_for_backend(diesel::sqlite::Sqlite))]
pub struct AppSession<T> {
    pub id: i32,
    #[diesel(embed)]
    pub core: SessionCore<AppSession<T>>,
    pub user_agent: Option<T>,
}

fn main() {}
