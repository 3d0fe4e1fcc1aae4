//! What differs on SQLite: the connection, the keys, the migrations, and the schema that `diesel print-schema` prints.

use diesel::r2d2::{CustomizeConnection, Error};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

/// The shop's keys.
pub(crate) type Id = i32;
/// The shop's connection.
pub(crate) type Conn = diesel::sqlite::SqliteConnection;

/// The shop's tables.
pub(crate) const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
/// The database where DATABASE_URL names none.
pub(crate) const DEFAULT_URL: Option<&str> = Some("demo.sqlite3");

/// Readies each connection: write-ahead log, patience, and foreign keys, which SQLite leaves off.
pub(crate) fn customizer() -> Box<dyn CustomizeConnection<Conn, Error>> {
    Box::new(diesel_sessions::SqliteCustomizer::new())
}

/// What `diesel print-schema` prints.
pub(crate) mod schema {
    diesel::table! {
        order_lines (order_id, product_id) {
            order_id -> Integer,
            product_id -> Integer,
            quantity -> Integer,
            price -> Integer,
        }
    }

    diesel::table! {
        orders (id) {
            id -> Integer,
            user_id -> Integer,
            placed_at -> Timestamp,
            total -> Integer,
        }
    }

    diesel::table! {
        products (id) {
            id -> Integer,
            name -> Text,
            picture -> Text,
            description -> Text,
            price -> Integer,
        }
    }

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
            user_agent -> Nullable<Text>,
        }
    }

    diesel::table! {
        users (id) {
            id -> Integer,
            name -> Text,
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
