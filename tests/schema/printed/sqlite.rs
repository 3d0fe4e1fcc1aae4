// @generated automatically by Diesel CLI.

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
        user_id -> Nullable<Integer>,
        remote_addr -> Nullable<Text>,
        user_agent -> Text,
        geo -> Nullable<Text>,
    }
}

diesel::table! {
    users (id) {
        id -> Integer,
        name -> Text,
    }
}

diesel::joinable!(session_attributes -> sessions (session_id));
diesel::joinable!(sessions -> users (user_id));

diesel::allow_tables_to_appear_in_same_query!(session_attributes, sessions, users,);
