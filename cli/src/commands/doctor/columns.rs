//! Columns: that they are there, of a type that holds what sessions store, and NULL where sessions store it.

use super::finding::Findings;
use crate::catalogue::{Column, Kind, Table};
use crate::database::Engine;
use crate::layout::Layout;

/// What a column has to be.
struct Needed {
    kinds: &'static [Kind],
    /// As a new column would be declared.
    declaration: &'static str,
    is_nullable: bool,
}

/// Looks at the columns of both tables.
pub(super) fn check(layout: &Layout, findings: &mut Findings) {
    let is_there = |core: &&str| layout.table.column(layout.core.get(core)).is_some();
    if !["uuid", "data", "version", "last_seen_at"].iter().any(is_there) {
        let what = "it is no table of sessions: it has none of their columns";
        let advice = format!("name yours with --table; `diesel-sessions init --add-to {}` would add them", layout.table.name);
        return findings.error("column", &layout.table.name, what, advice);
    }
    for (core, name) in layout.core.iter() {
        let needed = of_session(layout.engine, core);
        let renaming = format!("name yours with --column {core}=NAME, or");
        column(layout.engine, &layout.table, name, &needed, &renaming, findings);
    }
    if let Some(id) = layout.table.column(layout.core.get("id")) {
        key(layout, id, findings);
    }
    if let Some(owner) = layout.owner.as_ref().filter(|owner| !owner.nullable) {
        findings.error(
            "column",
            format!("{}.{}", layout.table.name, owner.name),
            "the owner is NOT NULL, and a session begins before anybody signs in",
            "let it be NULL",
        );
    }
    if let Some(attributes) = &layout.attributes {
        for name in ["session_id", "name", "value", "sealed", "created_at", "updated_at", "expires_at"] {
            column(layout.engine, attributes, name, &of_attribute(layout.engine, name), "", findings);
        }
        collation(layout.engine, attributes, findings);
    }
}

fn by_engine<T>(engine: Engine, [sqlite, postgres, mysql]: [T; 3]) -> T {
    match engine {
        Engine::Sqlite => sqlite,
        Engine::Postgres => postgres,
        Engine::Mysql => mysql,
    }
}

fn of_session(engine: Engine, core: &str) -> Needed {
    let digest: &[Kind] = by_engine(engine, [&[Kind::Text], &[Kind::Uuid], &[Kind::Text]]);
    let json: &[Kind] = by_engine(engine, [&[Kind::Text], &[Kind::Json], &[Kind::Json, Kind::Text]]);
    let digest_type = by_engine(engine, ["TEXT", "UUID", "CHAR(36) CHARACTER SET ascii COLLATE ascii_bin"]);
    let (kinds, declaration, is_nullable): (&[Kind], _, _) = match core {
        "id" => (&[Kind::Integer], by_engine(engine, ["INTEGER", "BIGINT", "BIGINT"]), false),
        "uuid" => (digest, digest_type, false),
        "previous_uuid" => (digest, digest_type, true),
        "data" => (json, by_engine(engine, ["TEXT", "JSONB", "JSON"]), false),
        "version" => (&[Kind::Integer], "INTEGER", false),
        "idle_timeout" => (&[Kind::Integer], "INTEGER", true),
        "persistent" => (&[Kind::Boolean], "BOOLEAN", false),
        _ => {
            let is_nullable = matches!(core, "authenticated_at" | "rotated_at" | "deadline_at");
            (&[Kind::Time], by_engine(engine, ["TIMESTAMP", "TIMESTAMPTZ", "DATETIME(6)"]), is_nullable)
        }
    };
    Needed { kinds, declaration, is_nullable }
}

fn of_attribute(engine: Engine, name: &str) -> Needed {
    match name {
        "session_id" => of_session(engine, "id"),
        "name" => Needed {
            kinds: &[Kind::Text],
            declaration: by_engine(
                engine,
                ["TEXT", "VARCHAR(191) COLLATE \"C\"", "VARCHAR(191) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"],
            ),
            is_nullable: false,
        },
        "value" => Needed { is_nullable: true, ..of_session(engine, "data") },
        "sealed" => {
            Needed { kinds: &[Kind::Bytes], declaration: by_engine(engine, ["BLOB", "BYTEA", "LONGBLOB"]), is_nullable: true }
        }
        "expires_at" => of_session(engine, "deadline_at"),
        _ => of_session(engine, "created_at"),
    }
}

fn column(engine: Engine, table: &Table, name: &str, needed: &Needed, renaming: &str, findings: &mut Findings) {
    let about = format!("{}.{name}", table.name);
    let Some(found) = table.column(name) else {
        let null = if needed.is_nullable { "" } else { " NOT NULL" };
        let advice = format!("{renaming} add it: {}{null}; migrations/README.md of the library says how", needed.declaration);
        return findings.error("column", about, "there is no such column", advice.trim());
    };
    let sql_type = &found.sql_type;
    if !needed.kinds.contains(&found.kind) {
        let advice = format!("sessions need {}", needed.declaration);
        return findings.error("type", about, format!("it is {sql_type}"), advice);
    }
    // SQLite declares a key NOT NULL or not; it is never NULL.
    let is_key =
        engine == Engine::Sqlite && table.indices.iter().any(|index| index.primary && index.columns == [Some(name.to_owned())]);
    match (found.nullable, needed.is_nullable) {
        (true, false) if !is_key => {
            findings.error(
                "null",
                about.clone(),
                "it may be NULL, which no session is",
                "make it NOT NULL, as the schema of the model has it",
            );
        }
        (false, true) => {
            findings.error("null", about.clone(), "it is NOT NULL, and sessions store NULL", "let it be NULL");
        }
        _ => {}
    }
    narrow(engine, found, needed, about, findings);
}

/// Types of the right kind that hold too little.
fn narrow(engine: Engine, found: &Column, needed: &Needed, about: String, findings: &mut Findings) {
    let lower = found.sql_type.to_ascii_lowercase();
    let word = lower.split(['(', ' ']).next().unwrap_or_default();
    let length: Option<u32> = lower.split_once('(').and_then(|(_, rest)| rest.split([')', ',']).next()?.trim().parse().ok());
    let advice = format!("sessions need {}", needed.declaration);
    match needed.kinds {
        [Kind::Time] if engine == Engine::Mysql && length != Some(6) => {
            findings.error(
                "type",
                about,
                format!("{} cuts microseconds off, by which sessions are compared", found.sql_type),
                advice,
            );
        }
        [Kind::Time] if engine == Engine::Mysql && word == "timestamp" => {
            findings.warning("type", about, "a TIMESTAMP ends in 2038", advice);
        }
        [Kind::Time] if engine == Engine::Postgres && !lower.contains("with time zone") => {
            findings.advice("type", about, "it has no time zone: read it as UTC, whatever the session's zone is", advice);
        }
        [Kind::Bytes] if matches!(word, "blob" | "tinyblob" | "varbinary" | "binary") && engine == Engine::Mysql => {
            findings.error("type", about, format!("{} holds less than a sealed value may have", found.sql_type), advice);
        }
        [Kind::Json, Kind::Text] if matches!(word, "text" | "tinytext" | "varchar" | "char") => {
            findings.error("type", about, format!("{} holds less than 64 KiB", found.sql_type), advice);
        }
        // SQLite takes no notice of a length.
        [Kind::Text]
            if engine != Engine::Sqlite
                && length.is_some_and(|length| length < if needed.declaration.contains("191") { 191 } else { 36 }) =>
        {
            findings.error("type", about, format!("{} is too short", found.sql_type), advice);
        }
        [Kind::Integer] if matches!(word, "smallint" | "tinyint" | "mediumint") || lower.contains("unsigned") => {
            findings.error("type", about, format!("the library knows no {}", found.sql_type), advice);
        }
        _ => {}
    }
}

/// The key: one column, numbered by the database, and by SQLite never the same number twice.
fn key(layout: &Layout, id: &Column, findings: &mut Findings) {
    let about = format!("{}.{}", layout.table.name, id.name);
    let is_key = |index: &crate::catalogue::Index| index.primary && index.columns == [Some(id.name.clone())];
    if !layout.table.indices.iter().any(is_key) {
        findings.error("key", about.clone(), "it is not the primary key", "make it the primary key");
    }
    match layout.engine {
        _ if id.numbered => {}
        Engine::Sqlite => findings.advice(
            "key",
            about,
            "it is not AUTOINCREMENT: the id of the newest row is given again once that is deleted",
            "declare it INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT when the table is built anew",
        ),
        _ => findings.error("key", about, "the database does not number the rows", "make it an identity or AUTO_INCREMENT"),
    }
}

/// Names of attributes are compared byte for byte.
fn collation(engine: Engine, attributes: &Table, findings: &mut Findings) {
    let Some(name) = attributes.column("name") else { return };
    let Some(collation) = name.collation.as_deref() else { return };
    let about = format!("{}.name", attributes.name);
    match engine {
        Engine::Mysql if !collation.ends_with("_bin") && collation != "binary" => findings.error(
            "collation",
            about,
            format!("under {collation} two attributes may be one, like `A` and `a`"),
            "give it COLLATE utf8mb4_bin",
        ),
        Engine::Postgres if !matches!(collation, "C" | "POSIX" | "C.UTF-8" | "C.utf8" | "ucs_basic") => findings.warning(
            "collation",
            about,
            format!("under {collation} names come in another order than elsewhere, and look-ups cost more"),
            "give it COLLATE \"C\"",
        ),
        _ => {}
    }
}
