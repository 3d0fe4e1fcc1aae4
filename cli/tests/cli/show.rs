//! `show`: one session.

use serde_json::json;

use super::rows;
use super::support::{Db, suite};
use super::terminal::typed;
use super::tool::{json, print, run, tool};

suite! {
    a_session_is_shown_with_the_names_of_its_attributes,
    data_is_shown_to_those_who_confirm,
    data_that_is_no_json_is_shown_as_it_is,
    a_session_that_is_not_there_is_named,
}

// S91, S92
fn a_session_is_shown_with_the_names_of_its_attributes<D: Db>(db: &D) {
    let mut conn = rows::four(db);
    D::execute(&mut conn, "UPDATE session_attributes SET value = NULL, sealed = 'x' WHERE session_id = 2 AND name = 'theme'");
    let shown = json(&db.url(), &["show", "2"]);
    assert_eq!(shown["id"], 2);
    assert_eq!(shown["owner"], 7);
    assert_eq!(shown["state"], "live");
    assert_eq!(shown["version"], 0);
    assert_eq!(shown["columns"], json!({ "remote_addr": "192.0.2.2", "user_agent": null }));
    let attributes = json!([
        { "name": "code", "encrypted": false, "expired": true, "updated_at": "2001-02-03T04:05:06Z", "expires_at": "2001-02-03T04:05:06Z" },
        { "name": "theme", "encrypted": true, "expired": false, "updated_at": "2001-02-03T04:05:06Z", "expires_at": null },
    ]);
    assert_eq!(shown["attributes"], attributes);
    assert!(shown.get("data").is_none());

    let table = print(&db.url(), &["show", "2"]);
    for line in ["remote_addr       192.0.2.2", "attribute  code, expired 2001-02-03 04:05:06Z", "attribute  theme, encrypted"] {
        assert!(table.lines().any(|shown| shown == line), "no `{line}` in: {table}");
    }
    assert_eq!(json(&db.url(), &["show", "1"])["state"], "expired");
}

fn data_is_shown_to_those_who_confirm<D: Db>(db: &D) {
    rows::four(db);
    run(&db.url(), &["show", "2", "--data"]).assert_failed(2, &["--yes"]);
    assert_eq!(json(&db.url(), &["show", "2", "--data", "--yes"])["data"], json!({ "note": rows::SECRET_DATA }));
    assert!(print(&db.url(), &["show", "2", "--data", "-y"]).contains(rows::SECRET_DATA));

    let folder = tempfile::tempdir().unwrap();
    let ask = |answer| typed(tool(folder.path()).env("DATABASE_URL", db.url()).args(["show", "2", "--data"]), answer);
    let (status, shown) = ask("n\n");
    assert_eq!(status, Some(1), "{shown}");
    assert!(shown.contains("Show it?") && !shown.contains(rows::SECRET_DATA), "{shown}");
    assert!(shown.contains("\u{1b}["), "a terminal shows colours: {shown}");
    let (status, shown) = ask("y\n");
    assert_eq!(status, Some(0), "{shown}");
    assert!(shown.contains(rows::SECRET_DATA), "{shown}");
}

// SECURITY 23
fn data_that_is_no_json_is_shown_as_it_is<D: Db>(db: &D) {
    let mut conn = rows::four(db);
    if D::NAME != "sqlite" {
        // There the type of the column refuses it.
        return;
    }
    D::execute(&mut conn, "UPDATE sessions SET _data = '{\"half' WHERE id = 2");
    assert_eq!(json(&db.url(), &["show", "2", "--data", "--yes"])["data"], "{\"half");
}

fn a_session_that_is_not_there_is_named<D: Db>(db: &D) {
    run(&db.url(), &["show", "12"]).assert_failed(1, &["no session 12", "diesel-sessions list"]);
}
