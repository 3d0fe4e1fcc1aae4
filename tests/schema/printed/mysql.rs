// @generated automatically by Diesel CLI.

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
        user_agent -> Text,
        geo -> Nullable<Text>,
    }
}

diesel::table! {
    users (id) {
        id -> Bigint,
        name -> Text,
    }
}

diesel::joinable!(session_attributes -> sessions (session_id));
diesel::joinable!(sessions -> users (user_id));

diesel::allow_tables_to_appear_in_same_query!(session_attributes, sessions, users,);
