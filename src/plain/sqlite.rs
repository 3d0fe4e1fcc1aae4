//! The ready-made model for SQLite.

use diesel::prelude::*;

use crate::{DbSession, SessionCore};

use self::schema::sessions;

/// The tables, as an unconfigured `diesel print-schema` prints them.
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub mod schema {
    diesel::table! {
        session_attributes (session_id, name) {
            session_id -> Integer,
            name -> Text,
            value -> Nullable<Text>,
            sealed -> Nullable<Binary>,
            created_at -> Timestamp,
            updated_at -> Timestamp,
            expires_at -> Nullable<Timestamp>,
        }
    }

    diesel::table! {
        sessions (id) {
            id -> Integer,
            _uuid -> Text,
            _previous_uuid -> Nullable<Text>,
            _data -> Text,
            _version -> Integer,
            created_at -> Timestamp,
            authenticated_at -> Nullable<Timestamp>,
            rotated_at -> Nullable<Timestamp>,
            last_seen_at -> Timestamp,
            expires_at -> Timestamp,
            deadline_at -> Nullable<Timestamp>,
            idle_timeout -> Nullable<Integer>,
            persistent -> Bool,
            user_id -> Nullable<BigInt>,
            remote_addr -> Nullable<Text>,
            user_agent -> Nullable<Text>,
        }
    }

    diesel::joinable!(session_attributes -> sessions (session_id));

    diesel::allow_tables_to_appear_in_same_query!(session_attributes, sessions,);
}

/// A session with an owner, the client's address and its software.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Identifiable, DbSession)]
#[diesel(table_name = sessions, check_for_backend(diesel::sqlite::Sqlite))]
#[session(attributes = schema::session_attributes)]
pub struct PlainSession {
    /// The row id.
    pub id: i32,
    /// The library's columns.
    #[diesel(embed)]
    pub core: SessionCore<PlainSession>,
    /// The user that the session belongs to.
    #[session(owner)]
    pub user_id: Option<i64>,
    /// Where the client came from.
    pub remote_addr: Option<String>,
    /// What software the client says it is.
    pub user_agent: Option<String>,
}
