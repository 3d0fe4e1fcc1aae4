// @generated automatically by Diesel CLI.

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
        user_agent -> Text,
        geo -> Nullable<Text>,
    }
}

diesel::table! {
    users (id) {
        id -> Int8,
        name -> Text,
    }
}

diesel::joinable!(session_attributes -> sessions (session_id));
diesel::joinable!(sessions -> users (user_id));

diesel::allow_tables_to_appear_in_same_query!(session_attributes, sessions, users,);
