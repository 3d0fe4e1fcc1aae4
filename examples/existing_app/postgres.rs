//! What differs on PostgreSQL: the schema, the connection, and how SQL reads JSON.

use diesel::r2d2::{CustomizeConnection, Error};

/// The application's keys.
pub(crate) type Id = i64;
/// The application's connection.
pub(crate) type Conn = diesel::pg::PgConnection;

/// The application's migration.
pub(crate) const UP: &str = include_str!("postgres.sql");

/// Who uses which theme.
pub(crate) const THEMES: &str = "SELECT name AS user_name, _data ->> 'theme' AS theme \
     FROM shop_sessions JOIN shop_users ON shop_users.id = user_id ORDER BY name, theme";

/// PostgreSQL needs no settings.
pub(crate) fn customizer() -> Box<dyn CustomizeConnection<Conn, Error>> {
    Box::new(diesel::r2d2::NopConnectionCustomizer)
}

/// What `diesel print-schema` prints.
pub(crate) mod schema {
    diesel::table! {
        shop_orders (id) {
            id -> Int8,
            user_id -> Int8,
            item -> Text,
        }
    }

    diesel::table! {
        shop_sessions (id) {
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
            device -> Text,
        }
    }

    diesel::table! {
        shop_users (id) {
            id -> Int8,
            name -> Text,
        }
    }

    diesel::joinable!(shop_orders -> shop_users (user_id));
    diesel::joinable!(shop_sessions -> shop_users (user_id));

    diesel::allow_tables_to_appear_in_same_query!(shop_orders, shop_sessions, shop_users,);
}
