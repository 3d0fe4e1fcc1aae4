//! Tables of any name: reserved words, capitals, quotes, dots, other schemas; every command that reads or deletes. Attributes of
//! the table that was asked for.

use serde_json::{Value, json};

use super::rows::{self, PAST};
use super::support::{Db, suite};
use super::tool::{json, run};

suite! {
    a_name_is_quoted_whatever_it_is,
    tables_may_be_in_another_schema,
    in_another_schema_without_the_tables_nothing_is_found,
    a_schema_may_be_spelt_out_for_one_of_both_tables,
    attributes_of_another_table_are_left_alone,
    attributes_that_several_tables_could_hold_are_asked_for,
}

/// A name as the engine's SQL writes it.
fn quoted<D: Db>(name: &str) -> String {
    match D::NAME {
        "mysql" => format!("`{}`", name.replace('`', "``")),
        _ => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

/// Lists, shows, counts, checks, revokes and purges.
#[track_caller]
fn every_command_works<D: Db>(db: &D, conn: &mut D::Conn, table: &str, attributes: &str, sessions: &str) {
    let named = ["--table", table, "--attributes-table", attributes];
    let answer = |args: &[&'static str]| json(&db.url(), &[&named, args].concat());
    let ids = |list: Value| -> Vec<i64> { list.as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect() };
    assert_eq!(ids(answer(&["list", "--owner", "7"])), [4, 2], "{table}");
    assert_eq!(answer(&["show", "4"])["attributes"][0]["name"], "code", "{table}");
    assert_eq!(answer(&["stats"])["attributes"], 4, "{table}");
    let doctor = run(&db.url(), &[&named[..], &["doctor", "--fail-on", "error"]].concat());
    assert_eq!(doctor.status, Some(0), "{table}: {}{}", doctor.stdout, doctor.stderr);
    assert_eq!(answer(&["purge"]), json!({ "sessions": 1, "attributes": 1, "complete": true }), "{table}");
    assert_eq!(answer(&["revoke", "2", "--yes"]), json!({ "revoked": 1 }), "{table}");
    assert_eq!(answer(&["revoke", "--owner", "7", "--yes"]), json!({ "revoked": 1 }), "{table}");
    D::execute(conn, &format!("UPDATE {sessions} SET expires_at = '{PAST}'"));
    assert_eq!(answer(&["purge"])["sessions"], 1, "{table}");
    assert_eq!(answer(&["revoke", "--everyone", "--yes"]), json!({ "revoked": 0 }), "{table}");
}

fn a_name_is_quoted_whatever_it_is<D: Db>(db: &D) {
    let mut conn = db.connect();
    let (mut old, mut old_attributes) = ("sessions".to_owned(), "session_attributes".to_owned());
    for name in ["Visits", "order", "who's \"here\" `now`; --", "v1.visits", "séances"] {
        let (new, new_attributes) = (quoted::<D>(name), quoted::<D>(&format!("{name} Attributes")));
        if old != "sessions" {
            D::execute(&mut conn, &format!("ALTER TABLE {old} RENAME TO sessions"));
            D::execute(&mut conn, &format!("ALTER TABLE {old_attributes} RENAME TO session_attributes"));
        }
        rows::four(db);
        D::execute(&mut conn, &format!("ALTER TABLE sessions RENAME TO {new}"));
        D::execute(&mut conn, &format!("ALTER TABLE session_attributes RENAME TO {new_attributes}"));
        every_command_works(db, &mut conn, name, &format!("{name} Attributes"), &new);
        (old, old_attributes) = (new, new_attributes);
    }
}

fn tables_may_be_in_another_schema<D: Db>(db: &D) {
    let mut conn = rows::four(db);
    let schema = match D::NAME {
        "sqlite" => "main".to_owned(),
        "postgres" => {
            D::execute(&mut conn, "CREATE SCHEMA \"Web\"; ALTER TABLE sessions SET SCHEMA \"Web\"");
            D::execute(&mut conn, "ALTER TABLE session_attributes SET SCHEMA \"Web\"");
            "Web".to_owned()
        }
        // The database is the schema; one may name it although it is the connection's own.
        _ => D::text(&mut conn, "SELECT DATABASE()").unwrap(),
    };
    let sessions = format!("{}.sessions", quoted::<D>(&schema));
    let (table, attributes) = (format!("{schema}.sessions"), format!("{schema}.session_attributes"));
    every_command_works(db, &mut conn, &table, &attributes, &sessions);
}

fn in_another_schema_without_the_tables_nothing_is_found<D: Db>(db: &D) {
    run(&db.url(), &["list", "--table", "elsewhere.sessions"]).assert_failed(1, &["`elsewhere.sessions`", "--table"]);
}

fn a_schema_may_be_spelt_out_for_one_of_both_tables<D: Db>(db: &D) {
    let schema = match D::NAME {
        "sqlite" => "main".to_owned(),
        "postgres" => "public".to_owned(),
        _ => D::text(&mut db.connect(), "SELECT DATABASE()").unwrap(),
    };
    let (table, attributes) = (format!("{schema}.sessions"), format!("{schema}.session_attributes"));
    let both = [(table.as_str(), attributes.as_str()), (&table, "session_attributes"), ("sessions", &attributes)];
    for (table, attributes) in both.into_iter().chain([("sessions", "session_attributes")]) {
        let named = ["doctor", "--fail-on", "error", "--table", table, "--attributes-table", attributes];
        let doctor = run(&db.url(), &named);
        assert_eq!(doctor.status, Some(0), "{table}, {attributes}: {}{}", doctor.stdout, doctor.stderr);
        assert!(!doctor.stdout.contains("its rows hold rows"), "{}", doctor.stdout);
    }
}

/// Another model's sessions, the same rows.
fn admin_sessions<D: Db>(conn: &mut D::Conn) {
    let sql = match D::NAME {
        "sqlite" => {
            let sql = D::text(conn, "SELECT sql FROM sqlite_master WHERE name = 'sessions'").unwrap();
            sql.replacen("sessions", "admin_sessions", 1)
        }
        "postgres" => "CREATE TABLE admin_sessions (LIKE sessions INCLUDING ALL)".to_owned(),
        _ => "CREATE TABLE admin_sessions LIKE sessions".to_owned(),
    };
    D::execute(conn, &sql);
    D::execute(conn, "INSERT INTO admin_sessions SELECT * FROM sessions");
}

/// Their attributes.
fn admin_attributes<D: Db>(conn: &mut D::Conn, name: &str) {
    let [id, bytes, time] = match D::NAME {
        "sqlite" => ["INTEGER", "BLOB", "TIMESTAMP"],
        "postgres" => ["BIGINT", "BYTEA", "TIMESTAMPTZ"],
        _ => ["BIGINT", "BLOB", "DATETIME(6)"],
    };
    let sql = format!(
        "CREATE TABLE {name} (session_id {id} NOT NULL, name VARCHAR(191) NOT NULL, value TEXT, sealed {bytes}, \
         created_at {time}, updated_at {time}, expires_at {time}, PRIMARY KEY (session_id, name), \
         FOREIGN KEY (session_id) REFERENCES admin_sessions (id) ON DELETE CASCADE)"
    );
    D::execute(conn, &sql);
    D::execute(
        conn,
        &format!("INSERT INTO {name} (session_id, name, expires_at) VALUES (2, 'badge', '{PAST}'), (2, 'role', NULL)"),
    );
}

// S90, S91
fn attributes_of_another_table_are_left_alone<D: Db>(db: &D) {
    let mut conn = rows::four(db);
    admin_sessions::<D>(&mut conn);
    let admin = |args: &[&str]| json(&db.url(), &[&["--table", "admin_sessions"], args].concat());
    let purged = |attributes| json!({ "sessions": 0, "attributes": attributes, "complete": true });
    assert_eq!(admin(&["show", "2"])["attributes"], Value::Null, "those that there are have another model's ids");
    assert_eq!(admin(&["purge"]), json!({ "sessions": 1, "attributes": 0, "complete": true }));

    admin_attributes::<D>(&mut conn, "admin_attributes");
    let names = |shown: Value| shown["attributes"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect::<Vec<_>>();
    assert_eq!(names(admin(&["show", "2"])), ["badge", "role"]);
    assert_eq!(names(json(&db.url(), &["show", "2"])), ["code", "theme"]);
    assert_eq!(admin(&["purge"]), purged(1));
    assert_eq!(D::number(&mut conn, "SELECT COUNT(*) FROM admin_attributes"), 1);
    assert_eq!(D::number(&mut conn, "SELECT COUNT(*) FROM session_attributes"), 4);
}

fn attributes_that_several_tables_could_hold_are_asked_for<D: Db>(db: &D) {
    let mut conn = rows::four(db);
    admin_sessions::<D>(&mut conn);
    for name in ["badges", "roles"] {
        admin_attributes::<D>(&mut conn, name);
    }
    let asked = ["show", "2", "--table", "admin_sessions"];
    run(&db.url(), &asked).assert_failed(2, &["`badges`", "`roles`", "--attributes-table"]);
    let named = [&asked[..], &["--attributes-table", "roles"]].concat();
    assert_eq!(json(&db.url(), &named)["attributes"].as_array().map(Vec::len), Some(2));
    assert_eq!(json(&db.url(), &[&asked[..], &["--no-attributes"]].concat())["attributes"], Value::Null);
}
