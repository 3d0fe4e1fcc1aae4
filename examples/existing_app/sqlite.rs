//! What differs on SQLite: the schema, the connection, and how SQL reads JSON.

use diesel::r2d2::{CustomizeConnection, Error};

/// The application's keys.
pub(crate) type Id = i32;
/// The application's connection.
pub(crate) type Conn = diesel::sqlite::SqliteConnection;

/// The application's migration.
pub(crate) const UP: &str = include_str!("sqlite.sql");

/// Who uses which theme.
pub(crate) const THEMES: &str = "SELECT name AS user_name, json_extract(_data, '$.theme') AS theme \
     FROM shop_sessions JOIN shop_users ON shop_users.id = user_id ORDER BY name, theme";

/// Readies each connection: write-ahead log, patience, and foreign keys, which SQLite leaves off.
pub(crate) fn customizer() -> Box<dyn CustomizeConnection<Conn, Error>> {
    Box::new(diesel_sessions::SqliteCustomizer::new())
}

/// What `diesel print-schema` prints.
pub(crate) mod schema {
    diesel::table! {
        shop_orders (id) {
            id -> Integer,
            user_id -> Integer,
            item -> Text,
        }
    }

    diesel::table! {
        shop_sessions (id) {
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
            device -> Text,
        }
    }

    diesel::table! {
        shop_users (id) {
            id -> Integer,
            name -> Text,
        }
    }

    diesel::joinable!(shop_orders -> shop_users (user_id));
    diesel::joinable!(shop_sessions -> shop_users (user_id));

    diesel::allow_tables_to_appear_in_same_query!(shop_orders, shop_sessions, shop_users,);
}
