//! Sealed values in rows that they were not sealed for, and rows that hold no value or two.

use diesel_sessions::{ErrorKind, WriteOptions};
use serde_json::Value;

use super::raw::{answers, begin, drop_checks, hex, key, literal, put_sealed, row_of, sealed, sealed_in};
use super::twin::Twin;
use crate::life::steps::created;
use crate::support::{Db, suite};

suite! {
    sealed_bytes_open_under_no_other_name,
    sealed_bytes_open_in_no_other_session,
    sealed_bytes_open_in_no_other_table,
    sealed_bytes_in_the_clear_column_never_become_the_plaintext,
    a_row_of_two_values_or_none_is_undecodable,
    a_clear_value_that_is_no_json_is_undecodable,
}

fn encrypted() -> WriteOptions {
    WriteOptions::new().encrypted()
}

// S84 SECURITY 25
fn sealed_bytes_open_under_no_other_name<D: Db>(db: &D) {
    let (sessions, mut conn, session) = begin(db);
    let (attributes, conn, row) = (sessions.attributes(&session), &mut conn, session.row_id().unwrap());
    for name in ["role", "Role", "rol", "role2"] {
        attributes.set_with(conn, name, format!("the value of {name}"), encrypted()).unwrap();
    }
    let bytes = sealed::<D>(conn, row, "role");
    for name in ["Role", "rol", "role2"] {
        put_sealed::<D>(conn, row, name, &bytes);
        let error = attributes.get_value(conn, name).unwrap_err();
        assert_eq!((error.kind(), error.attribute_name()), (ErrorKind::Decrypt, Some(name)));
        assert_eq!(answers(&error), ["swapped"]);
    }
    D::execute(conn, &format!("UPDATE session_attributes SET name = 'moved' WHERE {}", row_of::<D>(row, "role")));
    assert_eq!(answers(&attributes.get_value(conn, "moved").unwrap_err()), ["swapped"]);
    D::execute(conn, &format!("UPDATE session_attributes SET name = 'role' WHERE {}", row_of::<D>(row, "moved")));
    assert_eq!(attributes.get_value(conn, "role").unwrap(), Some("the value of role".into()), "back in its place");
}

// S84 S93 SECURITY 25
fn sealed_bytes_open_in_no_other_session<D: Db>(db: &D) {
    let (sessions, mut conn, admin) = begin(db);
    let conn = &mut conn;
    let guest = created::<D>(&sessions, conn);
    for (session, role) in [(&admin, "admin"), (&guest, "guest")] {
        sessions.attributes(session).set_with(conn, "role", role, encrypted()).unwrap();
    }
    let (from, to) = (admin.row_id().unwrap(), guest.row_id().unwrap());
    let bytes = sealed::<D>(conn, from, "role");
    put_sealed::<D>(conn, to, "role", &bytes);
    for attributes in [sessions.attributes(&guest), sessions.attributes_of(to)] {
        let error = attributes.get_value(conn, "role").unwrap_err();
        assert_eq!((error.kind(), answers(&error)), (ErrorKind::Decrypt, vec!["swapped"]));
    }
    assert_eq!(sessions.attributes(&admin).get_value(conn, "role").unwrap(), Some("admin".into()));
}

// S84 SECURITY 25
fn sealed_bytes_open_in_no_other_table<D: Twin>(db: &D) {
    let (sessions, mut conn, session) = begin(db);
    let (here, conn, row) = (sessions.attributes(&session), &mut conn, session.row_id().unwrap());
    let twins = D::twin(conn, key("2026-11", 7));
    let there = twins.attributes_of(row);
    here.set_with(conn, "role", "admin", encrypted()).unwrap();
    there.set_with(conn, "role", "guest", encrypted()).unwrap();
    assert_eq!(there.get_value(conn, "role").unwrap(), Some("guest".into()));
    let own = sealed_in::<D>(conn, "twin_attributes", row, "role").expect("it is sealed");

    D::execute(conn, "DELETE FROM twin_attributes");
    D::execute(conn, "INSERT INTO twin_attributes SELECT * FROM session_attributes");
    let error = there.get_value(conn, "role").unwrap_err();
    assert_eq!((error.kind(), error.attribute_name()), (ErrorKind::Decrypt, Some("role")));
    assert_eq!(answers(&error), ["swapped"]);
    let entry = there.entry(conn, "role").unwrap().expect("it is there");
    assert_eq!(answers(&entry.value::<String>().unwrap_err()), ["swapped"]);
    assert_eq!(here.get_value(conn, "role").unwrap(), Some("admin".into()));

    put_sealed::<D>(conn, row, "role", &own);
    assert_eq!(answers(&here.get_value(conn, "role").unwrap_err()), ["swapped"], "nor the other way");
}

// S83 SECURITY 26
fn sealed_bytes_in_the_clear_column_never_become_the_plaintext<D: Db>(db: &D) {
    let (sessions, mut conn, session) = begin(db);
    let (attributes, conn, row) = (sessions.attributes(&session), &mut conn, session.row_id().unwrap());
    attributes.set_with(conn, "role", "admin", encrypted()).unwrap();
    let bytes = sealed::<D>(conn, row, "role");
    let as_json = serde_json::to_string(&hex(&bytes)).unwrap();
    let row = row_of::<D>(row, "role");
    D::execute(conn, &format!("UPDATE session_attributes SET value = '{as_json}', sealed = NULL WHERE {row}"));
    assert_eq!(attributes.get_value(conn, "role").unwrap(), Some(Value::from(hex(&bytes))), "the bytes, and no more");
    assert!(!attributes.entry(conn, "role").unwrap().expect("it is there").is_encrypted());
    if D::NAME == "sqlite" {
        let bytes = literal::<D>(&bytes);
        D::execute(conn, &format!("UPDATE session_attributes SET value = {bytes} WHERE {row}"));
        let error = attributes.get_value(conn, "role").unwrap_err();
        assert_eq!((error.kind(), error.attribute_name()), (ErrorKind::Undecodable, Some("role")));
    }

    let plaintext = literal::<D>(b"\"admin\"");
    D::execute(conn, &format!("UPDATE session_attributes SET value = NULL, sealed = {plaintext} WHERE {row}"));
    let error = attributes.get_value(conn, "role").unwrap_err();
    assert_eq!(
        (error.kind(), answers(&error)),
        (ErrorKind::Decrypt, vec!["unknown format"]),
        "nor does clear text pass as sealed"
    );
}

// SECURITY 23 SECURITY 26
fn a_row_of_two_values_or_none_is_undecodable<D: Db>(db: &D) {
    let (sessions, mut conn, session) = begin(db);
    let (attributes, conn, row) = (sessions.attributes(&session), &mut conn, session.row_id().unwrap());
    attributes.set_with(conn, "other", "sealed", encrypted()).unwrap();
    attributes.set(conn, "z", "clear").unwrap();
    drop_checks::<D>(conn);
    for change in ["value = '\"forged\"'", "sealed = NULL", "value = 'null'"] {
        attributes.set_with(conn, "role", "admin", encrypted()).unwrap();
        D::execute(conn, &format!("UPDATE session_attributes SET {change} WHERE {}", row_of::<D>(row, "role")));
        let entry = attributes.entry(conn, "role").unwrap().expect("it is there");
        let errors = [
            attributes.get_value(conn, "role").unwrap_err(),
            attributes.get_many(conn, ["role"]).unwrap().remove("role").unwrap().unwrap_err(),
            attributes.take_value(conn, "role").unwrap_err(),
            entry.json().unwrap_err(),
        ];
        for error in errors {
            assert_eq!((error.kind(), error.attribute_name()), (ErrorKind::Undecodable, Some("role")), "{change}");
            assert_eq!(answers(&error), [""; 0]);
        }
        assert_eq!(attributes.names(conn).unwrap(), ["other", "role", "z"]);
        let others = attributes.get_many(conn, ["other", "role", "z"]).unwrap();
        assert_eq!(others["other"].as_ref().unwrap(), &Some("sealed".into()));
        assert_eq!(others["z"].as_ref().unwrap(), &Some("clear".into()));
        attributes.set(conn, "role", "guest").unwrap();
        assert_eq!(attributes.get_value(conn, "role").unwrap(), Some("guest".into()), "written anew, it is whole");
        assert_eq!(attributes.delete(conn, "role").unwrap(), 1);
    }
}

// SECURITY 23 S83
fn a_clear_value_that_is_no_json_is_undecodable<D: Db>(db: &D) {
    let (sessions, mut conn, session) = begin(db);
    let (attributes, conn, row) = (sessions.attributes(&session), &mut conn, session.row_id().unwrap());
    attributes.set(conn, "a", "clear").unwrap();
    attributes.set_with(conn, "z", "sealed", encrypted()).unwrap();
    drop_checks::<D>(conn);
    // What every engine takes for JSON and this library cannot read; then what is no JSON at all, where it can be stored.
    let mut broken = vec!["'1e400'".to_owned(), format!("'{}{}'", "[".repeat(130), "]".repeat(130))];
    if D::NAME != "postgres" {
        broken.extend(["''", "' '", "'{'", "'clear'", "'\"a\" \"b\"'", "'NaN'", "'{\"a\":}'"].map(str::to_owned));
    }
    if D::NAME == "sqlite" {
        broken.extend(["X'22ff22'", "X''", "X'00'"].map(str::to_owned));
    }
    for broken in broken {
        attributes.set(conn, "m", 1).unwrap();
        D::execute(conn, &format!("UPDATE session_attributes SET value = {broken} WHERE {}", row_of::<D>(row, "m")));
        let entry = attributes.entry(conn, "m").unwrap().expect("it is there");
        let errors = [
            attributes.get::<Value, _>(conn, "m").unwrap_err(),
            attributes.get_many(conn, ["m"]).unwrap().remove("m").unwrap().unwrap_err(),
            attributes.take_value(conn, "m").unwrap_err(),
            entry.value::<Value>().unwrap_err(),
        ];
        for error in errors {
            assert_eq!((error.kind(), error.attribute_name()), (ErrorKind::Undecodable, Some("m")), "{broken}");
            assert!(std::error::Error::source(&error).is_some());
        }
        let all = attributes.get_many(conn, ["a", "m", "z"]).unwrap();
        assert_eq!(all["a"].as_ref().unwrap(), &Some("clear".into()));
        assert_eq!(all["z"].as_ref().unwrap(), &Some("sealed".into()));
        assert_eq!(attributes.names(conn).unwrap(), ["a", "m", "z"]);
        assert!(attributes.exists(conn, "m").unwrap());
        assert_eq!(attributes.delete(conn, "m").unwrap(), 1);
    }
}
