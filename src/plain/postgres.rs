//! The ready-made model for PostgreSQL.

use diesel::prelude::*;

use crate::{DbSession, SessionCore};

use self::schema::sessions;

/// The tables, as an unconfigured `diesel print-schema` prints them.
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub mod schema {
    diesel::table! {
        session_attributes (session_id, name) {
            session_id -> Int8,
            #[max_length = 191]
            name -> Varchar,
            value -> Nullable<Jsonb>,
            sealed -> Nullable<Bytea>,
            created_at -> Timestamptz,
            updated_at -> Timestamptz,
            expires_at -> Nullable<Timestamptz>,
        }
    }

    diesel::table! {
        sessions (id) {
            id -> Int8,
            _uuid -> Uuid,
            _previous_uuid -> Nullable<Uuid>,
            _data -> Jsonb,
            _version -> Int4,
            created_at -> Timestamptz,
            authenticated_at -> Nullable<Timestamptz>,
            rotated_at -> Nullable<Timestamptz>,
            last_seen_at -> Timestamptz,
            expires_at -> Timestamptz,
            deadline_at -> Nullable<Timestamptz>,
            idle_timeout -> Nullable<Int4>,
            persistent -> Bool,
            user_id -> Nullable<Int8>,
            remote_addr -> Nullable<Text>,
            user_agent -> Nullable<Text>,
        }
    }

    diesel::joinable!(session_attributes -> sessions (session_id));

    diesel::allow_tables_to_appear_in_same_query!(session_attributes, sessions,);
}

/// A session with an owner, the client's address and its software.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Identifiable, DbSession)]
#[diesel(table_name = sessions, check_for_backend(diesel::pg::Pg))]
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
