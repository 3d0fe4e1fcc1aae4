//! The shop's models. A session is one of them: an ordinary row, with columns of the shop's own.

use diesel::prelude::*;
use diesel_sessions::{DbSession, SessionCore, SessionRepository, Timestamp6, WebSession};

use crate::engine::Id;
use crate::engine::schema::{orders, products, session_attributes, sessions, users};
use crate::price::Price;

/// Somebody who can sign in.
#[derive(Clone, Queryable, Selectable, Identifiable)]
pub(crate) struct User {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) is_operator: bool,
}

/// Something to buy.
#[derive(Clone, Queryable, Selectable, Identifiable)]
pub(crate) struct Product {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) description: String,
    price: i32,
}

impl Product {
    pub(crate) fn price(&self) -> Price {
        Price(self.price)
    }
}

/// What somebody has bought.
#[derive(Queryable, Selectable, Identifiable, Associations)]
#[diesel(belongs_to(User))]
pub(crate) struct Order {
    pub(crate) id: Id,
    pub(crate) user_id: Id,
    pub(crate) placed_at: Timestamp6,
    total: i32,
}

impl Order {
    pub(crate) fn total(&self) -> Price {
        Price(self.total)
    }
}

/// The shop's session: the library's columns, and beside them whose it is and where it was signed in.
#[derive(Debug, Clone, Queryable, Selectable, Identifiable, Associations, DbSession)]
#[diesel(table_name = sessions, belongs_to(User))]
#[cfg_attr(feature = "mysql", diesel(check_for_backend(diesel::mysql::Mysql)))]
#[cfg_attr(all(feature = "postgres", not(feature = "mysql")), diesel(check_for_backend(diesel::pg::Pg)))]
#[cfg_attr(not(any(feature = "postgres", feature = "mysql")), diesel(check_for_backend(diesel::sqlite::Sqlite)))]
#[session(attributes = session_attributes)]
pub(crate) struct AppSession {
    pub(crate) id: Id,
    #[diesel(embed)]
    pub(crate) core: SessionCore<AppSession>,
    #[session(owner)]
    pub(crate) user_id: Option<Id>,
    pub(crate) remote_addr: Option<String>,
    pub(crate) user_agent: Option<String>,
}

/// The shop's sessions.
pub(crate) type Sessions = SessionRepository<AppSession>;
/// The session of a request.
pub(crate) type Web = WebSession<AppSession>;
