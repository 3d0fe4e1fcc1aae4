//! What differs on MySQL and MariaDB: the connection, the keys, the migrations, and the schema that `diesel print-schema` prints.

use diesel::r2d2::{CustomizeConnection, Error};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

/// The shop's keys.
pub(crate) type Id = i64;
/// The shop's connection.
pub(crate) type Conn = diesel::mysql::MysqlConnection;

/// The shop's tables.
pub(crate) const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/mysql");
/// The database where DATABASE_URL names none.
pub(crate) const DEFAULT_URL: Option<&str> = None;

/// Refuses a connection without strict mode, which would cut values off.
pub(crate) fn customizer() -> Box<dyn CustomizeConnection<Conn, Error>> {
    Box::new(diesel_sessions::MysqlCustomizer)
}

/// What `diesel print-schema` prints.
pub(crate) mod schema {
    diesel::table! {
        order_lines (order_id, product_id) {
            order_id -> Bigint,
            product_id -> Bigint,
            quantity -> Integer,
            price -> Integer,
        }
    }

    diesel::table! {
        orders (id) {
            id -> Bigint,
            user_id -> Bigint,
            placed_at -> Datetime,
            total -> Integer,
        }
    }

    diesel::table! {
        products (id) {
            id -> Bigint,
            #[max_length = 100]
            name -> Varchar,
            #[max_length = 100]
            picture -> Varchar,
            description -> Text,
            price -> Integer,
        }
    }

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

    diesel::table! {
        users (id) {
            id -> Bigint,
            #[max_length = 100]
            name -> Varchar,
            password_hash -> Text,
            is_operator -> Bool,
        }
    }

    diesel::joinable!(order_lines -> orders (order_id));
    diesel::joinable!(order_lines -> products (product_id));
    diesel::joinable!(orders -> users (user_id));
    diesel::joinable!(session_attributes -> sessions (session_id));
    diesel::joinable!(sessions -> users (user_id));

    diesel::allow_tables_to_appear_in_same_query!(order_lines, orders, products, session_attributes, sessions, users,);
}
