//! Which Rust type holds a column: the one that Diesel reads what `diesel print-schema` makes of it into.

use crate::database::Engine;

/// A Rust type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RustType {
    /// With its path, like `chrono::NaiveDateTime`.
    pub(crate) path: &'static str,
    /// The crate that the application needs for it, if any.
    pub(crate) package: Option<&'static str>,
}

const fn own(path: &'static str) -> RustType {
    RustType { path, package: None }
}

const fn of(package: &'static str, path: &'static str) -> RustType {
    RustType { path, package: Some(package) }
}

/// The type for a column that is declared as `sql_type`; `None` for one that the model leaves out.
///
/// On SQLite a 64-bit key is an `i32` unless `wide_keys` says that `diesel.toml` has asked for `BigInt`.
pub(crate) fn rust_type(engine: Engine, sql_type: &str, wide_key: bool) -> Option<RustType> {
    let declared = sql_type.trim().to_lowercase();
    match engine {
        Engine::Sqlite => sqlite(&declared, wide_key),
        Engine::Postgres => postgres(&declared),
        Engine::Mysql => mysql(&declared),
    }
}

/// In the order in which diesel_cli looks at the type's name.
fn sqlite(declared: &str, wide_key: bool) -> Option<RustType> {
    let has = |part: &str| declared.contains(part);
    let path = if matches!(declared, "boolean" | "bool") || has("tiny") && has("int") {
        own("bool")
    } else if declared == "int2" || has("small") && has("int") {
        own("i16")
    } else if declared == "int8" || has("big") && has("int") {
        own("i64")
    } else if has("int") {
        own(if wide_key { "i64" } else { "i32" })
    } else if has("char") || has("clob") || has("text") {
        own("String")
    } else if has("blob") || has("binary") || declared.is_empty() {
        own("Vec<u8>")
    } else if has("float") || has("real") {
        own("f32")
    } else if has("double") || has("num") || has("dec") {
        own("f64")
    } else {
        match declared {
            "datetime" | "timestamp" => of("chrono", "chrono::NaiveDateTime"),
            "date" => of("chrono", "chrono::NaiveDate"),
            "time" => of("chrono", "chrono::NaiveTime"),
            _ => return None,
        }
    };
    Some(path)
}

fn postgres(declared: &str) -> Option<RustType> {
    let with_zone = declared.contains("with time zone") || declared.starts_with("timestamptz");
    let word = declared.split('(').next().unwrap_or_default().trim();
    let found = match word {
        "bigint" | "int8" | "bigserial" => own("i64"),
        "integer" | "int" | "int4" | "serial" => own("i32"),
        "smallint" | "int2" | "smallserial" => own("i16"),
        "boolean" | "bool" => own("bool"),
        "text" | "citext" | "character varying" | "varchar" | "character" | "char" | "bpchar" => own("String"),
        "real" | "float4" => own("f32"),
        "double precision" | "float8" => own("f64"),
        "bytea" => own("Vec<u8>"),
        "uuid" => of("uuid", "uuid::Uuid"),
        "date" => of("chrono", "chrono::NaiveDate"),
        "json" | "jsonb" => of("serde_json", "serde_json::Value"),
        _ if word.starts_with("timestamp") && with_zone => of("chrono", "chrono::DateTime<chrono::Utc>"),
        _ if word.starts_with("timestamp") => of("chrono", "chrono::NaiveDateTime"),
        _ => return None,
    };
    Some(found)
}

fn mysql(declared: &str) -> Option<RustType> {
    if declared.starts_with("tinyint(1)") || matches!(declared, "bool" | "boolean") {
        return Some(own("bool"));
    }
    let is_unsigned = declared.contains("unsigned");
    let either = |signed, unsigned| own(if is_unsigned { unsigned } else { signed });
    let found = match declared.split(['(', ' ']).next().unwrap_or_default() {
        "tinyint" => either("i8", "u8"),
        "smallint" => either("i16", "u16"),
        "int" | "integer" => either("i32", "u32"),
        "bigint" => either("i64", "u64"),
        "float" => own("f32"),
        "double" => own("f64"),
        "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" => own("String"),
        "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => own("Vec<u8>"),
        "datetime" | "timestamp" => of("chrono", "chrono::NaiveDateTime"),
        "date" => of("chrono", "chrono::NaiveDate"),
        "time" => of("chrono", "chrono::NaiveTime"),
        "json" => of("serde_json", "serde_json::Value"),
        _ => return None,
    };
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_users_have_their_types() {
        let cases = [
            (Engine::Postgres, "bigint", "i64"),
            (Engine::Postgres, "INTEGER", "i32"),
            (Engine::Postgres, "uuid", "uuid::Uuid"),
            (Engine::Postgres, "character varying(26)", "String"),
            (Engine::Mysql, "bigint(20) unsigned", "u64"),
            (Engine::Mysql, "int(11)", "i32"),
            (Engine::Mysql, "char(36)", "String"),
            (Engine::Sqlite, "INTEGER", "i32"),
            (Engine::Sqlite, "BIGINT", "i64"),
            (Engine::Sqlite, "TEXT", "String"),
        ];
        for (engine, sql_type, path) in cases {
            assert_eq!(rust_type(engine, sql_type, false).unwrap().path, path, "{engine} {sql_type}");
        }
        assert_eq!(rust_type(Engine::Sqlite, "INTEGER", true).unwrap().path, "i64");
        assert_eq!(rust_type(Engine::Postgres, "inet", false), None);
    }

    #[test]
    fn a_time_with_a_zone_is_another_type_than_one_without() {
        let path = |sql_type| rust_type(Engine::Postgres, sql_type, false).unwrap().path;
        assert_eq!(path("timestamp(6) with time zone"), "chrono::DateTime<chrono::Utc>");
        assert_eq!(path("timestamptz"), "chrono::DateTime<chrono::Utc>");
        assert_eq!(path("timestamp without time zone"), "chrono::NaiveDateTime");
    }
}
