//! What differs on PostgreSQL: the connection, the keys, the migrations, and the schema that `diesel print-schema` prints.

use diesel::r2d2::{CustomizeConnection, Error};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

/// The shop's keys.
pub(crate) type Id = i64;
/// The shop's connection.
pub(crate) type Conn = diesel::pg::PgConnection;

/// The shop's tables.
pub(crate) const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/postgres");
/// The database where DATABASE_URL names none.
pub(crate) const DEFAULT_URL: Option<&str> = None;

/// PostgreSQL needs no settings.
pub(crate) fn customizer() -> Box<dyn CustomizeConnection<Conn, Error>> {
    Box::new(diesel::r2d2::NopConnectionCustomizer)
}

/// What `diesel print-schema` prints.
pub(crate) mod schema {
    diesel::table! {
        order_lines (order_id, product_id) {
            order_id -> Int8,
            product_id -> Int8,
            quantity -> Int4,
            price -> Int4,
        }
    }

    diesel::table! {
        orders (id) {
            id -> Int8,
            user_id -> Int8,
            placed_at -> Timestamptz,
            total -> Int4,
        }
    }

    diesel::table! {
        products (id) {
            id -> Int8,
            name -> Text,
            picture -> Text,
            description -> Text,
            price -> Int4,
        }
    }

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

    diesel::table! {
        users (id) {
            id -> Int8,
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
