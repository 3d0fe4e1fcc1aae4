//! What differs on MySQL and MariaDB: the schema, the connection, and how SQL reads JSON.

use diesel::r2d2::{CustomizeConnection, Error};

/// The application's keys.
pub(crate) type Id = i64;
/// The application's connection.
pub(crate) type Conn = diesel::mysql::MysqlConnection;

/// The application's migration.
pub(crate) const UP: &str = include_str!("mysql.sql");

/// Who uses which theme.
pub(crate) const THEMES: &str = "SELECT name AS user_name, JSON_UNQUOTE(JSON_EXTRACT(_data, '$.theme')) AS theme \
     FROM shop_sessions JOIN shop_users ON shop_users.id = user_id ORDER BY name, theme";

/// Refuses a connection without strict mode, which would cut values off.
pub(crate) fn customizer() -> Box<dyn CustomizeConnection<Conn, Error>> {
    Box::new(diesel_sessions::MysqlCustomizer)
}

/// What `diesel print-schema` prints.
pub(crate) mod schema {
    diesel::table! {
        shop_orders (id) {
            id -> Bigint,
            user_id -> Bigint,
            item -> Text,
        }
    }

    diesel::table! {
        shop_sessions (id) {
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
            device -> Text,
        }
    }

    diesel::table! {
        shop_users (id) {
            id -> Bigint,
            #[max_length = 100]
            name -> Varchar,
        }
    }

    diesel::joinable!(shop_orders -> shop_users (user_id));
    diesel::joinable!(shop_sessions -> shop_users (user_id));

    diesel::allow_tables_to_appear_in_same_query!(shop_orders, shop_sessions, shop_users,);
}
