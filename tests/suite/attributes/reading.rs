//! What an entry tells of an attribute, and how little reading does.

use diesel_sessions::{ErrorKind, WriteOptions};
use serde_json::{Value, json};

use super::steps::{a, about, error, reads, rows, stage};
use crate::mapping::sent;
use crate::support::{Db, noon, seconds, suite};

suite! {
    an_entry_tells_all_that_is_known,
    an_entry_is_as_it_was_when_it_was_read,
    reading_writes_nothing,
    debug_and_errors_show_no_value,
    a_row_that_another_program_wrote_is_read,
    an_undecodable_value_is_an_error_of_its_attribute,
}

// S92
fn an_entry_tells_all_that_is_known<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    attributes.create(conn, "theme", json!({"name": "dark"})).unwrap();
    let entry = attributes.entry(conn, "theme").unwrap().unwrap();
    assert_eq!((entry.name(), entry.json().unwrap()), ("theme", json!({"name": "dark"})));
    assert_eq!((entry.created_at(), entry.updated_at(), entry.expires_at()), (noon(), noon(), None));
    assert!(!entry.is_encrypted() && entry.sealed().is_none());

    s.clock.advance(std::time::Duration::from_nanos(1_234_567_891));
    attributes.update_with(conn, "theme", "light", WriteOptions::new().expires_in(seconds(60)).encrypted()).unwrap();
    let entry = attributes.entry(conn, "theme").unwrap().unwrap();
    let now = noon() + std::time::Duration::from_micros(1_234_567);
    assert_eq!(entry.value::<String>().unwrap(), "light");
    assert_eq!((entry.created_at(), entry.updated_at(), entry.expires_at()), (noon(), now, Some(now + seconds(60))));
    assert!(entry.is_encrypted() && entry.sealed().is_some());
    assert!(attributes.entry(conn, "other").unwrap().is_none());
    let by_row = s.sessions.attributes_of(s.session.row_id().unwrap()).entry(conn, "theme").unwrap().unwrap();
    assert_eq!((by_row.json().unwrap(), by_row.sealed()), (json!("light"), entry.sealed()));
}

// S92
fn an_entry_is_as_it_was_when_it_was_read<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    attributes.set_with(conn, "theme", 1, WriteOptions::new().expires_in(seconds(1))).unwrap();
    let entry = attributes.entry(conn, "theme").unwrap().unwrap();
    attributes.set_with(conn, "theme", 2, WriteOptions::new().never()).unwrap();
    s.clock.advance(seconds(1));
    attributes.delete(conn, "theme").unwrap();
    assert_eq!((entry.value::<u32>().unwrap(), entry.expires_at()), (1, Some(noon() + seconds(1))));
    assert_eq!(about(entry.value::<String>()), error(ErrorKind::WrongType, "theme"));
}

// S71: an expired attribute is not seen, and reading deletes nothing
fn reading_writes_nothing<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    let items = [a("live", 1), a("old", 2).expires_in(seconds(1)), a("wrong", "text")];
    attributes.set_many(conn, items, WriteOptions::new()).unwrap();
    s.clock.advance(seconds(5));
    let whole = "SELECT concat(_uuid, _version, _data, last_seen_at, expires_at) FROM sessions";
    let before = (D::text(conn, whole), rows::<D>(conn));
    for name in ["live", "old", "wrong", "absent"] {
        for (verb, outcome) in reads::<D>(attributes, conn, name) {
            assert_eq!(outcome.is_err(), verb == "get" && name == "wrong", "{verb} of {name}");
        }
    }
    assert_eq!(attributes.names(conn).unwrap(), ["live", "wrong"]);
    assert_eq!((D::text(conn, whole), rows::<D>(conn)), before);
    let statements = sent(conn, |conn| assert!(attributes.entry(conn, "old").unwrap().is_none()));
    assert_eq!(statements, 1);
}

// S96 SECURITY 8: values never appear in errors or Debug
fn debug_and_errors_show_no_value<D: Db>(db: &D) {
    const SECRET: &str = "swordfish-0451";
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    let item = a("otp", SECRET).encrypted();
    let mut said = format!("{item:?} {attributes:?}");
    attributes.create_many(conn, [item], WriteOptions::new()).unwrap();
    attributes.set(conn, "clear", json!({SECRET: SECRET})).unwrap();
    let mut tell = |error: &dyn std::error::Error| {
        let mut next = Some(error);
        while let Some(error) = next {
            said += &format!(" {error} {error:?}");
            next = error.source();
        }
    };
    tell(&attributes.create(conn, "otp", SECRET).unwrap_err());
    tell(&attributes.update(conn, "none", SECRET).unwrap_err());
    tell(&attributes.set(conn, "otp", format!("{SECRET}\0")).unwrap_err());
    tell(&attributes.set(conn, "otp", SECRET.repeat(10_000)).unwrap_err());
    tell(&attributes.set(conn, "otp", json!({SECRET: [f64::MAX], "\0": SECRET})).unwrap_err());
    for name in ["otp", "clear"] {
        tell(&attributes.get::<u32, _>(conn, name).unwrap_err());
        tell(&attributes.get::<Vec<bool>, _>(conn, name).unwrap_err());
        tell(&attributes.take::<bool, _>(conn, name).unwrap_err());
        tell(&attributes.entry(conn, name).unwrap().unwrap().value::<i8>().unwrap_err());
    }
    tell(&attributes.get::<std::collections::BTreeMap<String, u8>, _>(conn, "clear").unwrap_err());
    D::execute(conn, "ALTER TABLE session_attributes RENAME TO elsewhere");
    tell(&attributes.set(conn, "otp", SECRET).unwrap_err());
    tell(&attributes.update(conn, "otp", SECRET).unwrap_err());
    D::execute(conn, "ALTER TABLE elsewhere RENAME TO session_attributes");
    for name in ["otp", "clear"] {
        said += &format!(" {:?}", attributes.entry(conn, name).unwrap().unwrap());
    }
    assert!(!said.contains("swordfish"), "{said}");
    assert!(said.contains("otp") && said.contains("none"), "names are told: {said}");
}

// S19: what stands in clear is JSON that any program can write
fn a_row_that_another_program_wrote_is_read<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    let row = s.session.row_id().unwrap();
    crate::life::steps::attribute::<D>(conn, row, "theme");
    assert_eq!(attributes.get(conn, "theme").unwrap(), Some(1));
    D::execute(conn, r#"UPDATE session_attributes SET value = ' { "a" : [ 1 , 2.50 ] } '"#);
    assert_eq!(attributes.get_value(conn, "theme").unwrap(), Some(json!({"a": [1, 2.5]})));
    attributes.update(conn, "theme", 2).unwrap();
    assert_eq!(attributes.take(conn, "theme").unwrap(), Some(2));
}

// SECURITY 23
fn an_undecodable_value_is_an_error_of_its_attribute<D: Db>(db: &D) {
    if D::NAME != "sqlite" {
        return the_engine_lets_no_such_value_in::<D>(db);
    }
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    attributes.set_many(conn, [a("bad", 1), a("good", 2)], WriteOptions::new()).unwrap();
    for broken in ["'{'", "''", "x'ff'", "'1 2'"] {
        D::execute(conn, &format!("UPDATE session_attributes SET value = {broken} WHERE name = 'bad'"));
        let undecodable = error(ErrorKind::Undecodable, "bad");
        assert_eq!(about(attributes.get::<Value, _>(conn, "bad")), undecodable, "{broken}");
        assert_eq!(about(attributes.take_value(conn, "bad")), undecodable, "{broken}");
        assert_eq!(about(attributes.entry(conn, "bad").unwrap().unwrap().json()), undecodable, "{broken}");
        let mut both = attributes.get_many(conn, ["bad", "good"]).unwrap();
        assert_eq!(about(both.remove("bad").unwrap()), undecodable, "{broken}");
        assert_eq!(both.remove("good").unwrap().unwrap(), Some(json!(2)));
        assert_eq!(attributes.names(conn).unwrap(), ["bad", "good"], "{broken}: it is there, and stays");
    }
    attributes.update(conn, "bad", 3).unwrap();
    assert_eq!(attributes.take(conn, "bad").unwrap(), Some(3));
}

/// The column's type or its constraint refuses what is no JSON.
fn the_engine_lets_no_such_value_in<D: Db>(db: &D) {
    use diesel::connection::SimpleConnection;
    let s = &mut stage(db);
    s.attributes.set(&mut s.conn, "bad", 1).unwrap();
    assert!(s.conn.batch_execute("UPDATE session_attributes SET value = '{'").is_err());
    assert_eq!(s.attributes.get(&mut s.conn, "bad").unwrap(), Some(1));
}
