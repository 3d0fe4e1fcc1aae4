//! The ready-made model for MySQL and MariaDB.

use diesel::prelude::*;

use crate::{DbSession, SessionCore};

use self::schema::sessions;

/// The tables, as an unconfigured `diesel print-schema` prints them.
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub mod schema {
    diesel::table! {
        session_attributes (session_id, name) {
            session_id -> Bigint,
            #[max_length = 191]
            name -> Varchar,
            value -> Nullable<Longtext>,
            sealed -> Nullable<Longblob>,
            created_at -> Datetime,
            updated_at -> Datetime,
            expires_at -> Nullable<Datetime>,
        }
    }

    diesel::table! {
        sessions (id) {
            id -> Bigint,
            #[max_length = 36]
            _uuid -> Char,
            #[max_length = 36]
            _previous_uuid -> Nullable<Char>,
            _data -> Longtext,
            _version -> Integer,
            created_at -> Datetime,
            authenticated_at -> Nullable<Datetime>,
            rotated_at -> Nullable<Datetime>,
            last_seen_at -> Datetime,
            expires_at -> Datetime,
            deadline_at -> Nullable<Datetime>,
            idle_timeout -> Nullable<Integer>,
            persistent -> Bool,
            user_id -> Nullable<Bigint>,
            remote_addr -> Nullable<Text>,
            user_agent -> Nullable<Text>,
        }
    }

    diesel::joinable!(session_attributes -> sessions (session_id));

    diesel::allow_tables_to_appear_in_same_query!(session_attributes, sessions,);
}

/// A session with an owner, the client's address and its software.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Identifiable, DbSession)]
#[diesel(table_name = sessions, check_for_backend(diesel::mysql::Mysql))]
#[session(attributes = schema::session_attributes)]
pub struct PlainSession {
    /// The row id.
    pub id: i64,
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
