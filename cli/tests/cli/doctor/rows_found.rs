//! `doctor` over rows: what waits for a purge, what does not decode, what no key opens.

use diesel_sessions::{Keyring, SessionRepository, WriteOptions};
use serde_json::Value;

use super::super::rows;
use super::super::support::{Db, suite};
use super::super::tool::{answer, run, tool};
use super::{NO_KEY, findings, heads};

suite! {
    a_backlog_says_that_nothing_purges,
    a_row_that_does_not_decode_is_named,
    attributes_under_a_key_that_is_not_there_are_found,
    a_damaged_attribute_keeps_no_other_from_being_looked_at,
    no_more_attributes_are_looked_at_than_asked_for,
}

// S63
fn a_backlog_says_that_nothing_purges<D: Db>(db: &D) {
    let mut conn = rows::four(db);
    let found = findings(&db.url(), &[]);
    assert_eq!(heads(&found), ["warning backlog sessions", "warning backlog session_attributes", NO_KEY]);
    let what = found[0]["finding"].as_str().unwrap();
    assert!(what.starts_with("1 have expired") && what.contains("days"), "{what}");
    let answer = run(&db.url(), &["doctor", "--format", "json"]);
    let told: Value = serde_json::from_str(&answer.stdout).unwrap();
    assert_eq!(told["backlog"]["sessions"], 1);
    assert_eq!(told["backlog"]["oldest_expired_at"], "2001-02-03T04:05:06Z");
    let people = run(&db.url(), &["doctor"]).stdout;
    let line = "waiting for a purge: 1 sessions, the oldest since 2001-02-03 04:05:06Z; 1 attributes";
    assert!(people.lines().any(|there| there == line), "no `{line}` in {people}");

    D::execute(&mut conn, "DELETE FROM session_attributes");
    D::execute(&mut conn, "DELETE FROM sessions WHERE id = 1");
    assert_eq!(heads(&findings(&db.url(), &[])), [NO_KEY]);
}

// SECURITY 23
fn a_row_that_does_not_decode_is_named<D: Db>(db: &D) {
    let mut conn = db.connect();
    for id in 1..=3 {
        rows::session::<D>(&mut conn, id, None, rows::FUTURE);
    }
    D::execute(&mut conn, "UPDATE sessions SET _data = '[1]' WHERE id = 2");
    let found = findings(&db.url(), &[]);
    assert_eq!(heads(&found), ["error decode sessions", NO_KEY]);
    let what = found[0]["finding"].as_str().unwrap();
    assert!(what.contains("2 (_data)") && !what.contains("[1]"), "{what}");
    assert_eq!(heads(&findings(&db.url(), &["--sample", "1"])), [NO_KEY], "only the newest row is read");
    if D::NAME == "sqlite" {
        // Elsewhere the type of the column refuses it.
        rows::attribute::<D>(&mut conn, 3, "theme", None);
        D::execute(&mut conn, "UPDATE session_attributes SET value = '{\"half'");
        assert_eq!(heads(&findings(&db.url(), &["--sample", "1"])), ["error decode session_attributes", NO_KEY]);
    }
}

// S83 S85
fn attributes_under_a_key_that_is_not_there_are_found<D: Db>(db: &D) {
    let conn = &mut db.connect();
    let keyring = Keyring::new("2026-05", [3; 32]).unwrap();
    let sessions = SessionRepository::<D::Model>::builder().keyring(keyring).build().unwrap();
    let mut session = sessions.new_session();
    sessions.create(conn, &mut session).unwrap();
    for name in ["a", "b"] {
        sessions.attributes(&session).set_with(conn, name, 7, WriteOptions::new().encrypted()).unwrap();
    }
    let (new, old) =
        ("2026-11:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=", "2026-05:AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=");
    let with = |keys: Option<&str>| -> Vec<Value> {
        let folder = tempfile::tempdir().unwrap();
        let mut doctor = tool(folder.path());
        doctor.env("DATABASE_URL", db.url()).args(["doctor", "--format", "json"]);
        doctor.envs(keys.map(|keys| ("SESSION_KEYS", keys)));
        let told: Value = serde_json::from_str(&answer(&mut doctor).stdout).unwrap();
        told["findings"].as_array().unwrap().iter().filter(|finding| finding["check"] == "key").cloned().collect()
    };
    let unknown = with(Some(new));
    assert_eq!(heads(&unknown), ["error key session_attributes"]);
    let what = unknown[0]["finding"].as_str().unwrap();
    assert!(what.starts_with("2 of") && what.contains("`2026-05`"), "{what}");
    assert_eq!(with(Some(&format!("{new},{old}"))), [] as [Value; 0]);
    let untold = with(None);
    assert_eq!(heads(&untold), ["advice key session_attributes"]);
    assert!(untold[0]["finding"].as_str().unwrap().contains("2026-05 (2)"), "{untold:?}");
    // SECURITY 8
    let mistaken = run(&db.url(), &["doctor", "--format", "json", "--keys-from", new]);
    assert!(mistaken.stdout.contains("2026-05 (2)") && !format!("{}{}", mistaken.stdout, mistaken.stderr).contains("BwcH"));
    assert!(!format!("{unknown:?}{untold:?}").contains("AwMD"));
}

/// An attribute that something is sealed in.
fn sealed<D: Db>(conn: &mut D::Conn, session: i64, name: &str, hexadecimal: &str) {
    rows::attribute::<D>(conn, session, name, None);
    let bytes = if D::NAME == "postgres" { format!("'\\x{hexadecimal}'") } else { format!("x'{hexadecimal}'") };
    let set = format!("value = NULL, sealed = {bytes}");
    D::execute(conn, &format!("UPDATE session_attributes SET {set} WHERE session_id = {session} AND name = '{name}'"));
}

// S83, SECURITY 23
fn a_damaged_attribute_keeps_no_other_from_being_looked_at<D: Db>(db: &D) {
    let mut conn = db.connect();
    rows::session::<D>(&mut conn, 1, None, rows::FUTURE);
    sealed::<D>(&mut conn, 1, "key-a", "01016100ff00");
    // Bytes that are no text, a name that is too long, a name with a control character, no name.
    for (name, bytes) in [("b", "0104ff80fffe00"), ("c", "01ff00"), ("d", "01021b5b00"), ("e", "010000"), ("f", "01")] {
        sealed::<D>(&mut conn, 1, name, bytes);
    }
    let found = findings(&db.url(), &[]);
    let keys: Vec<&Value> = found.iter().filter(|finding| finding["check"] == "key").collect();
    let said = |finding: &Value| finding["finding"].as_str().unwrap().to_owned();
    assert!(said(keys[0]).starts_with("5 of the newest attributes name no key"), "{found:?}");
    assert!(said(keys[1]).contains("sealed under a (1),"), "{found:?}");
}

fn no_more_attributes_are_looked_at_than_asked_for<D: Db>(db: &D) {
    let mut conn = db.connect();
    for id in 1..=3 {
        rows::session::<D>(&mut conn, id, None, rows::FUTURE);
        sealed::<D>(&mut conn, id, "code", &format!("010161{id:02}ff00"));
    }
    sealed::<D>(&mut conn, 1, "more", "01016200ff00");
    let of_keys = |sample: &str| {
        let found = findings(&db.url(), &["--sample", sample]);
        found.iter().find(|finding| finding["check"] == "key").map(|finding| finding["finding"].as_str().unwrap().to_owned())
    };
    assert!(of_keys("9").unwrap().contains("under a (3), b (1),"));
    assert!(of_keys("2").unwrap().contains("under a (2),"), "the newest sessions' first");
    assert_eq!(of_keys("0"), None);
}
