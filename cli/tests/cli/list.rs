//! `list`: what is live, newest first.

use std::io::Read;
use std::process::Stdio;

use serde_json::{Value, json};

use super::rows::{self, FUTURE, PAST};
use super::support::{Db, suite};
use super::tool::{json, print, run, tool};

suite! {
    live_sessions_are_listed_newest_first,
    an_owners_sessions_are_listed_alone,
    a_long_list_is_read_page_by_page,
    no_list_shows_a_digest_data_or_an_attribute,
    tables_and_columns_may_have_other_names,
    an_owner_may_be_a_text,
    what_a_browser_has_sent_steers_no_terminal,
    a_reader_that_leaves_is_no_failure,
}

fn ids(list: &Value) -> Vec<i64> {
    list.as_array().unwrap().iter().map(|session| session["id"].as_i64().unwrap()).collect()
}

// S53, S60
fn live_sessions_are_listed_newest_first<D: Db>(db: &D) {
    assert_eq!(print(&db.url(), &["list"]), "");
    assert_eq!(json(&db.url(), &["list"]), json!([]));
    rows::four(db);

    let list = json(&db.url(), &["list"]);
    assert_eq!(ids(&list), [4, 3, 2]);
    let expected = json!({
        "id": 4, "owner": 7, "created_at": "2001-02-03T04:05:06Z", "authenticated_at": null,
        "last_seen_at": "2001-02-03T04:05:06Z", "expires_at": "2999-01-01T00:00:00Z", "persistent": false,
    });
    assert_eq!(list[0], expected);
    assert_eq!(list[1]["owner"], Value::Null);
    assert_eq!(list[1]["expires_at"], Value::Null);
    assert_eq!(ids(&json(&db.url(), &["list", "--expired"])), [4, 3, 2, 1]);

    let table = print(&db.url(), &["list"]);
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines.len(), 4, "{table}");
    assert!(lines[0].starts_with("ID") && lines[0].contains("LAST SEEN AT"), "{table}");
    assert!(lines[1].contains("2001-02-03 04:05:06Z  2999-01-01 00:00:00Z  no"), "{table}");
    assert!(lines[2].contains("never"), "{table}");
}

fn an_owners_sessions_are_listed_alone<D: Db>(db: &D) {
    rows::four(db);
    assert_eq!(ids(&json(&db.url(), &["list", "--owner", "7"])), [4, 2]);
    assert_eq!(ids(&json(&db.url(), &["list", "--owner=7", "--limit=1"])), [4]);
    assert_eq!(json(&db.url(), &["list", "--owner", "-8"]), json!([]));
    run(&db.url(), &["list", "--owner", "ada"]).assert_failed(2, &["whole numbers", "user_id"]);
    let with = json(&db.url(), &["list", "--with", "remote_addr", "--limit", "1"]);
    assert_eq!(with[0]["remote_addr"], "192.0.2.4");
    run(&db.url(), &["list", "--with", "_data"]).assert_failed(1, &["`_data`", "--with"]);
}

fn a_long_list_is_read_page_by_page<D: Db>(db: &D) {
    rows::expired::<D>(&mut db.connect(), 1_203);
    let all: Vec<i64> = (1..=1_203).rev().collect();
    assert_eq!(ids(&json(&db.url(), &["list", "--expired"])), all);
    assert_eq!(ids(&json(&db.url(), &["list", "--expired", "--limit", "501"])), all[..501]);
    assert_eq!(print(&db.url(), &["list", "--expired"]).lines().count(), 1_204, "one line above all pages");
}

// SECURITY 8
fn no_list_shows_a_digest_data_or_an_attribute<D: Db>(db: &D) {
    rows::four(db);
    for args in [&["list", "--expired"][..], &["show", "2"], &["stats"]] {
        for format in ["table", "json"] {
            let shown = print(&db.url(), &[&["--format", format], args].concat());
            for secret in [rows::SECRET_DATA, rows::SECRET_VALUE, &rows::uuid(2)] {
                assert!(!shown.contains(secret), "{args:?}: {shown}");
            }
        }
    }
}

fn tables_and_columns_may_have_other_names<D: Db>(db: &D) {
    let mut conn = rows::four(db);
    D::execute(&mut conn, "ALTER TABLE sessions RENAME TO visits");
    D::execute(&mut conn, "ALTER TABLE visits RENAME COLUMN id TO number");
    D::execute(&mut conn, "ALTER TABLE visits RENAME COLUMN expires_at TO ends");
    D::execute(&mut conn, "ALTER TABLE visits RENAME COLUMN user_id TO member");
    D::execute(&mut conn, "ALTER TABLE session_attributes RENAME TO visit_attributes");
    let names = ["--table", "visits", "--attributes-table=visit_attributes", "--column", "id=number", "--column=expires_at=ends"];
    let named = |args: &[&'static str]| [&names[..], &["--owner-column", "member"], args].concat();

    assert_eq!(ids(&json(&db.url(), &named(&["list", "--owner", "7"]))), [4, 2]);
    assert_eq!(json(&db.url(), &named(&["show", "4"]))["attributes"][0]["name"], "code");
    assert_eq!(json(&db.url(), &named(&["stats"]))["live"], 3);
    assert_eq!(json(&db.url(), &named(&["revoke", "--owner", "7", "--yes"])), json!({ "revoked": 3 }));
    D::execute(&mut conn, &format!("UPDATE visits SET ends = '{PAST}'"));
    assert_eq!(json(&db.url(), &named(&["purge"]))["sessions"], 1);
}

fn an_owner_may_be_a_text<D: Db>(db: &D) {
    let mut conn = rows::four(db);
    D::execute(&mut conn, "ALTER TABLE sessions ADD COLUMN account VARCHAR(20)");
    D::execute(&mut conn, "UPDATE sessions SET account = 'ada''s' WHERE id = 3");
    let list = json(&db.url(), &["list", "--owner-column", "account", "--owner", "ada's"]);
    assert_eq!((ids(&list), &list[0]["owner"]), (vec![3], &json!("ada's")));
}

fn what_a_browser_has_sent_steers_no_terminal<D: Db>(db: &D) {
    let mut conn = db.connect();
    rows::session::<D>(&mut conn, 1, None, FUTURE);
    D::execute(&mut conn, "UPDATE sessions SET user_agent = 'Mo\u{1b}[2Jzi\u{9b}lla'");
    for format in ["table", "json"] {
        for args in [&["list", "--with", "user_agent"][..], &["show", "1"]] {
            let shown = print(&db.url(), &[&["--format", format], args].concat());
            assert!(!shown.contains(['\u{1b}', '\u{9b}']) && shown.contains("lla"), "{shown}");
        }
    }
}

fn a_reader_that_leaves_is_no_failure<D: Db>(db: &D) {
    rows::expired::<D>(&mut db.connect(), 3_000);
    let folder = tempfile::tempdir().unwrap();
    let mut command = tool(folder.path());
    command.env("DATABASE_URL", db.url()).args(["list", "--expired", "--format=json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 10];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}
