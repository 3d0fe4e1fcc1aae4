//! Columns of the application's own, and values in them, of every type: shown as they are, compared whole.

use serde_json::json;

use super::rows::{self, FUTURE};
use super::support::{Db, suite};
use super::tool::{json, print, run};

suite! {
    an_owner_is_compared_whole,
    a_time_that_is_none_is_shown_as_it_is,
}

// SECURITY 14
fn an_owner_is_compared_whole<D: Db>(db: &D) {
    let mut conn = db.connect();
    for (id, sql_type) in (1..).zip(["VARCHAR(3)", "CHAR(3)"]) {
        D::execute(&mut conn, &format!("ALTER TABLE sessions ADD COLUMN owner{id} {sql_type}"));
        rows::session::<D>(&mut conn, id, None, FUTURE);
        D::execute(&mut conn, &format!("UPDATE sessions SET owner{id} = 'abc' WHERE id = {id}"));
    }
    if D::NAME == "postgres" {
        D::execute(
            &mut conn,
            "CREATE DOMAIN short AS VARCHAR(3); CREATE DOMAIN shorter AS short; ALTER TABLE sessions ADD COLUMN owner3 shorter",
        );
        D::execute(
            &mut conn,
            "ALTER TABLE sessions ADD COLUMN owner4 bit(3), ADD COLUMN owner5 name, ADD COLUMN owner6 \"char\"",
        );
        D::execute(&mut conn, "UPDATE sessions SET owner3 = 'abc', owner4 = '101', owner5 = repeat('a', 63), owner6 = 'a'");
    } else {
        D::execute(&mut conn, "ALTER TABLE sessions ADD COLUMN owner3 VARCHAR(3)");
    }
    let there = rows::ids::<D>(&mut conn);
    let long = "a".repeat(64);
    let others = [("owner1", "abcdef"), ("owner2", "abcdef"), ("owner3", "abcdef")];
    let of_postgres = [("owner4", "1010"), ("owner5", long.as_str()), ("owner6", "ab")];
    for (column, other) in others.into_iter().chain(of_postgres.into_iter().filter(|_| D::NAME == "postgres")) {
        let revoked = json(&db.url(), &["--owner-column", column, "revoke", "--owner", other, "--yes"]);
        assert_eq!(revoked, json!({ "revoked": 0 }), "{column}: {other}");
    }
    assert_eq!(rows::ids::<D>(&mut conn), there);
    for (column, id) in [("owner1", 1), ("owner2", 2)] {
        let listed = json(&db.url(), &["--owner-column", column, "list", "--owner", "abc"]);
        assert_eq!(listed.as_array().unwrap().iter().map(|one| &one["id"]).collect::<Vec<_>>(), [id], "{column}");
    }
}

fn a_time_that_is_none_is_shown_as_it_is<D: Db>(db: &D) {
    let mut conn = rows::four(db);
    let (leniently, sql_type, value) = match D::NAME {
        "sqlite" => ("PRAGMA ignore_check_constraints = ON", "TIMESTAMP", "yesterday"),
        "postgres" => ("SET search_path = public", "TIMESTAMPTZ", "infinity"),
        _ => ("SET sql_mode = ''", "DATETIME", "0000-00-00"),
    };
    D::execute(&mut conn, leniently);
    D::execute(&mut conn, &format!("ALTER TABLE sessions ADD COLUMN trial_ends_at {sql_type}"));
    D::execute(&mut conn, &format!("UPDATE sessions SET trial_ends_at = '{value}', last_seen_at = '{value}' WHERE id = 2"));
    let shown = json(&db.url(), &["show", "2"]);
    assert_eq!((&shown["columns"]["trial_ends_at"], &shown["last_seen_at"]), (&json!(value), &json!(value)));
    let listed = json(&db.url(), &["list", "--with", "trial_ends_at"]);
    assert_eq!(listed[2]["trial_ends_at"], value, "{listed}");
    assert!(print(&db.url(), &["list", "--with", "trial_ends_at"]).contains(value));
    let doctor = run(&db.url(), &["doctor"]);
    assert!(doctor.stdout.contains("2 (its times)"), "{}{}", doctor.stdout, doctor.stderr);
}

#[cfg(feature = "postgres")]
#[test]
fn on_postgres_every_type_is_shown_as_the_database_writes_it() {
    use super::support::{Postgres, skipped};
    let Some(db) = Postgres::fresh() else { return skipped("postgres") };
    let mut conn = rows::four(&db);
    Postgres::execute(
        &mut conn,
        "CREATE EXTENSION citext; CREATE TYPE context_name AS ENUM ('web'); CREATE DOMAIN age AS INTEGER",
    );
    let columns = [
        ("nick", "citext", json!("Ada")),
        ("pause", "interval", json!("01:30:00")),
        ("tags", "integer[]", json!("{1,2}")),
        ("labels", "text[]", json!("{a,b}")),
        ("span", "int4range", json!("[1,5)")),
        ("context", "context_name", json!("web")),
        ("letter", "\"char\"", json!("x")),
        ("age", "age", json!(36)),
        ("code", "char(3)", json!("abc")),
        ("share", "numeric(5,2)", json!("0.25")),
        ("photo", "bytea", json!("00ff")),
        ("raw", "jsonb", json!("{\"a\": 1}")),
    ];
    for (name, sql_type, value) in &columns {
        let written = match (*name, value) {
            ("photo", _) => "\\x00ff".to_owned(),
            (_, serde_json::Value::String(text)) => text.clone(),
            (_, other) => other.to_string(),
        };
        let sql =
            format!("ALTER TABLE sessions ADD COLUMN {name} {sql_type}; UPDATE sessions SET {name} = '{written}' WHERE id = 2");
        Postgres::execute(&mut conn, &sql);
    }
    let shown = json(&db.url(), &["show", "2"]);
    for (name, sql_type, value) in columns {
        assert_eq!(shown["columns"][name], value, "{sql_type}");
    }
    let listed = json(&db.url(), &["--owner-column", "nick", "list", "--owner", "ada"]);
    assert_eq!(listed[0]["owner"], "Ada", "{listed}");
}
