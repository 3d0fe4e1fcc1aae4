//! `doctor` over indices: those that are missing, those that are not.

use super::super::support::{Db, suite};
use super::{NO_KEY, alter, findings, heads};

suite! {
    indices_that_are_missing_are_found,
    an_index_that_leaves_out_null_alone_is_an_index,
}

fn indices_that_are_missing_are_found<D: Db>(db: &D) {
    let names = ["sessions_expires_at_idx", "sessions_user_id_idx", "sessions_uuid_key", "sessions_previous_uuid_key"];
    for name in names {
        let constraint = format!("ALTER TABLE sessions DROP CONSTRAINT {name}");
        let index = format!("DROP INDEX {name}");
        let postgres = if name.ends_with("_key") { &constraint } else { &index };
        alter(db, [&index, postgres, &format!("ALTER TABLE sessions DROP INDEX {name}")]);
    }
    let (sqlite, plain) = (
        "DROP INDEX session_attributes_expires_at_idx",
        "ALTER TABLE session_attributes DROP INDEX session_attributes_expires_at_idx",
    );
    alter(db, [sqlite, sqlite, plain]);
    let found = findings(&db.url(), &[]);
    let expected = [
        "error index sessions._uuid",
        "warning index sessions._previous_uuid",
        "warning index sessions.expires_at",
        "warning index sessions.user_id",
        "warning index session_attributes.expires_at",
        NO_KEY,
    ];
    assert_eq!(heads(&found), expected);
    let advice = found[2]["advice"].as_str().unwrap();
    let online = ["CREATE INDEX", "CONCURRENTLY", "LOCK = NONE"];
    let place = ["sqlite", "postgres", "mysql"].iter().position(|name| *name == D::NAME).unwrap();
    assert!(advice.contains(online[place]), "{advice}");
    // The advice can be taken.
    D::execute(&mut db.connect(), &found[2]["advice"].as_str().unwrap().replace("name_of_your_choice", "a"));
    assert_eq!(heads(&findings(&db.url(), &[])).len(), expected.len() - 1);
}

fn an_index_that_leaves_out_null_alone_is_an_index<D: Db>(db: &D) {
    if D::NAME == "mysql" {
        // It has no partial indices.
        return;
    }
    let conn = &mut db.connect();
    let replace = |conn: &mut D::Conn, condition: &str| {
        for name in ["sessions_expires_at_idx", "sessions_user_id_idx", "session_attributes_expires_at_idx", "previous"] {
            D::execute(conn, &format!("DROP INDEX IF EXISTS {name}"));
        }
        let indices = [
            ("INDEX sessions_expires_at_idx", "sessions", "expires_at"),
            ("INDEX sessions_user_id_idx", "sessions", "user_id"),
            ("INDEX session_attributes_expires_at_idx", "session_attributes", "expires_at"),
            ("UNIQUE INDEX previous", "sessions", "_previous_uuid"),
        ];
        for (index, table, column) in indices {
            D::execute(conn, &format!("CREATE {index} ON {table} ({column})\n  where {}", condition.replace("COLUMN", column)));
        }
    };
    alter(db, ["DROP INDEX sessions_previous_uuid_key", "ALTER TABLE sessions DROP CONSTRAINT sessions_previous_uuid_key", ""]);
    replace(conn, "\"COLUMN\" IS NOT NULL");
    assert_eq!(heads(&findings(&db.url(), &[])), [NO_KEY]);
    replace(conn, "COLUMN IS NOT NULL AND created_at > '2026-01-01'");
    let expected = [
        "warning index sessions._previous_uuid",
        "warning index sessions.expires_at",
        "warning index sessions.user_id",
        "warning index session_attributes.expires_at",
        NO_KEY,
    ];
    assert_eq!(heads(&findings(&db.url(), &[])), expected);
}
