//! For each engine, every type of column three times: nullable, with a default, skipped.

use diesel_sessions::{DbSession, SessionModel};

use crate::support::Db;

/// A model whose columns are filled by name.
pub(crate) trait Wide: SessionModel + PartialEq + std::fmt::Debug {
    const TABLE: &'static str;
    /// Sets a column to a sample.
    fn fill(&mut self, column: &str, sample: usize);
}

/// The three models of an engine.
pub(crate) trait Types: Db {
    type Nullable: DbSession<Self::Conn> + Wide;
    type Defaulted: DbSession<Self::Conn> + Wide;
    type Skipped: DbSession<Self::Conn> + Wide;
    /// Names and SQL types of the columns.
    const DDL: &'static [(&'static str, &'static str)];
}

macro_rules! types {
    ($feature:literal $engine:ident $db:ident $id:ty, ($($backend:tt)*) { $($name:ident: $ty:ty = $sql:ident $ddl:literal;)* }) => {
        #[cfg(feature = $feature)]
        mod $engine {
            use chrono::NaiveDateTime;
            use diesel::prelude::*;
            use diesel_sessions::{DbSession, SessionCore};

            #[allow(unused_imports, reason = "each engine takes some of them")]
            use super::super::samples::{Code, Document, Mood, Sample};
            use super::{Types, Wide};
            use crate::mixin::table::session_table;
            use crate::support::$db;

            session_table! { $engine nullable_columns { $($name -> Nullable<$sql>,)* } }
            session_table! { $engine defaulted_columns { $($name -> $sql,)* } }
            session_table! { $engine skipped_columns { $($name -> $sql,)* } }

            #[derive(Debug, Clone, PartialEq, Queryable, Selectable, DbSession)]
            #[diesel(table_name = nullable_columns, check_for_backend($($backend)*))]
            pub(crate) struct Nullable {
                id: $id,
                #[diesel(embed)]
                core: SessionCore<Nullable>,
                $($name: Option<$ty>,)*
            }

            #[derive(Debug, Clone, PartialEq, Queryable, Selectable, DbSession)]
            #[diesel(table_name = defaulted_columns, check_for_backend($($backend)*))]
            pub(crate) struct Defaulted {
                id: $id,
                #[diesel(embed)]
                core: SessionCore<Defaulted>,
                $(#[session(default = Sample::sample(0))]
                $name: $ty,)*
            }

            #[derive(Debug, Clone, PartialEq, Queryable, Selectable, DbSession)]
            #[diesel(table_name = skipped_columns, check_for_backend($($backend)*))]
            pub(crate) struct Skipped {
                id: $id,
                #[diesel(embed)]
                core: SessionCore<Skipped>,
                $(#[session(skip, default = Sample::sample(0))]
                $name: $ty,)*
            }

            $crate::typed_columns::models::types! { @ Nullable "nullable_columns" $($name)* }
            $crate::typed_columns::models::types! { @ Defaulted "defaulted_columns" $($name)* }
            $crate::typed_columns::models::types! { @ Skipped "skipped_columns" $($name)* }

            impl Types for $db {
                type Nullable = Nullable;
                type Defaulted = Defaulted;
                type Skipped = Skipped;
                const DDL: &'static [(&'static str, &'static str)] = &[$((stringify!($name), $ddl)),*];
            }
        }
    };
    (@ $model:ident $table:literal $($name:ident)*) => {
        impl Wide for $model {
            const TABLE: &'static str = $table;

            fn fill(&mut self, column: &str, sample: usize) {
                match column {
                    $(stringify!($name) => self.$name = Sample::sample(sample),)*
                    other => unreachable!("no column {other}"),
                }
            }
        }
    };
}
pub(crate) use types;

types! { "sqlite" sqlite Sqlite i32, (diesel::sqlite::Sqlite) {
    small: i16 = SmallInt "SMALLINT";
    whole: i32 = Integer "INTEGER";
    big: i64 = BigInt "BIGINT";
    ratio: f64 = Double "DOUBLE";
    text: String = Text "TEXT";
    flag: bool = Bool "BOOLEAN";
    at: NaiveDateTime = Timestamp "TIMESTAMP";
    instant: chrono::DateTime<chrono::Utc> = TimestamptzSqlite "TIMESTAMP";
    code: Code = Text "TEXT";
    json: Document = Text "TEXT";
    bytes: Vec<u8> = Binary "BLOB";
    mood: Mood = Text "TEXT";
} }

types! { "postgres" postgres Postgres i64, (diesel::pg::Pg) {
    small: i16 = Int2 "SMALLINT";
    whole: i32 = Int4 "INTEGER";
    big: i64 = Int8 "BIGINT";
    ratio: f64 = Float8 "DOUBLE PRECISION";
    text: String = Text "TEXT";
    flag: bool = Bool "BOOLEAN";
    at: NaiveDateTime = Timestamp "TIMESTAMP";
    instant: chrono::DateTime<chrono::Utc> = Timestamptz "TIMESTAMPTZ";
    code: uuid::Uuid = Uuid "UUID";
    json: serde_json::Value = Jsonb "JSONB";
    bytes: Vec<u8> = Bytea "BYTEA";
    mood: Mood = Text "TEXT";
} }

types! { "mysql" mysql Mysql i64, (diesel::mysql::Mysql) {
    small: i16 = Smallint "SMALLINT";
    whole: i32 = Integer "INTEGER";
    big: i64 = Bigint "BIGINT";
    ratio: f64 = Double "DOUBLE";
    text: String = Text "TEXT";
    flag: bool = Bool "BOOLEAN";
    at: NaiveDateTime = Datetime "DATETIME(6)";
    instant: NaiveDateTime = Timestamp "TIMESTAMP(6)";
    code: Code = Char "CHAR(36)";
    json: Document = Longtext "JSON";
    bytes: Vec<u8> = Blob "BLOB";
    mood: Mood = Varchar "VARCHAR(10)";
} }
