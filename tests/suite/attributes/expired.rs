//! An attribute that has expired and was not purged yet is as good as absent.

use diesel_sessions::{Attribute, ErrorKind, Expiry, WriteOptions};
use serde_json::json;

use super::steps::{SECOND, Stage, a, about, count, error, line, rows, stage, told};
use crate::support::{Db, seconds, suite};

suite! {
    setting_an_expired_name_begins_anew,
    creating_an_expired_name_begins_anew,
    an_expired_name_inherits_no_expiry,
    a_batch_over_expired_live_and_absent_names,
    update_and_set_expiry_of_an_expired_name_find_none,
    deleting_and_taking_an_expired_name_find_none,
    reading_an_expired_name_finds_none,
    a_refused_batch_leaves_expired_rows_as_they_were,
}

/// A stage ten seconds on, where `old` and `older` have expired and `live` has not.
fn with_expired<D: Db>(db: &D) -> Stage<D> {
    let mut s = stage(db);
    let items = [a("old", 0), a("older", 0).expires_in(seconds(5)), a("live", 0).expires_in(seconds(60))];
    s.attributes.set_many(&mut s.conn, items, WriteOptions::new().expires_in(seconds(10))).unwrap();
    s.clock.advance(seconds(10));
    s
}

const NOW: [i64; 2] = [10 * SECOND; 2];

// S72
fn setting_an_expired_name_begins_anew<D: Db>(db: &D) {
    let s = &mut with_expired(db);
    s.attributes.set(&mut s.conn, "old", 1).unwrap();
    s.attributes.set_with(&mut s.conn, "older", 1, WriteOptions::new().expires_in(seconds(3))).unwrap();
    assert_eq!(
        told::<D>(&mut s.conn),
        [line("live", 0, [0; 2], Some(60 * SECOND)), line("old", 1, NOW, None), line("older", 1, NOW, Some(13 * SECOND))]
    );
    s.clock.advance(seconds(3));
    s.attributes.set_with(&mut s.conn, "older", 2, WriteOptions::new().never()).unwrap();
    assert_eq!(told::<D>(&mut s.conn)[2], line("older", 2, [13 * SECOND; 2], None));
}

// S72
fn creating_an_expired_name_begins_anew<D: Db>(db: &D) {
    let s = &mut with_expired(db);
    s.attributes.create(&mut s.conn, "old", 1).unwrap();
    s.attributes.create_with(&mut s.conn, "older", 1, WriteOptions::new().expires_in(seconds(3))).unwrap();
    assert_eq!(
        told::<D>(&mut s.conn),
        [line("live", 0, [0; 2], Some(60 * SECOND)), line("old", 1, NOW, None), line("older", 1, NOW, Some(13 * SECOND))]
    );
    assert_eq!(about(s.attributes.create(&mut s.conn, "old", 2)), error(ErrorKind::AlreadyExists, "old"));
    s.clock.advance(seconds(3));
    s.attributes.create_with(&mut s.conn, "older", "x", WriteOptions::new().encrypted()).unwrap();
    let row = rows::<D>(&mut s.conn).remove(2);
    assert_eq!((row.value, row.sealed.is_some(), row.created, row.expires), (None, true, 13 * SECOND, None));
}

// S72 S74
fn an_expired_name_inherits_no_expiry<D: Db>(db: &D) {
    for create in [true, false] {
        let s = &mut with_expired(db);
        let (conn, attributes) = (&mut s.conn, &s.attributes);
        let sealed = WriteOptions::new().encrypted();
        if create {
            attributes.create(conn, "old", 1).unwrap();
            attributes.create_with(conn, "older", 1, sealed).unwrap();
        } else {
            attributes.set(conn, "old", 1).unwrap();
            attributes.set_with(conn, "older", 1, sealed).unwrap();
        }
        s.clock.advance(seconds(1_000_000));
        assert_eq!(attributes.names(conn).unwrap(), ["old", "older"], "create: {create}");
        attributes.update(conn, "old", 2).unwrap();
        assert!(attributes.entry(conn, "old").unwrap().unwrap().expires_at().is_none());
        s.sessions.revoke_everyone(conn).unwrap();
    }
}

// S72 S88
fn a_batch_over_expired_live_and_absent_names<D: Db>(db: &D) {
    let s = &mut with_expired(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    let items = ["absent", "live", "old", "older"].map(|name| a(name, 1));
    attributes.set_many(conn, items, WriteOptions::new()).unwrap();
    assert_eq!(
        told::<D>(conn),
        [
            line("absent", 1, NOW, None),
            line("live", 1, [0, 10 * SECOND], Some(60 * SECOND)),
            line("old", 1, NOW, None),
            line("older", 1, NOW, None),
        ]
    );
    let s = &mut with_expired(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    let of_this = |conn: &mut D::Conn| {
        let mut told = told::<D>(conn);
        told.split_off(4)
    };
    let items = ["absent", "old", "older"].map(|name| a(name, 1));
    attributes.create_many(conn, items, WriteOptions::new()).unwrap();
    let mut expected = vec![line("live", 0, [0; 2], Some(60 * SECOND))];
    expected.extend(["old", "older"].map(|name| line(name, 1, NOW, None)));
    expected.insert(0, line("absent", 1, NOW, None));
    assert_eq!(of_this(conn), expected);
}

// S73
fn update_and_set_expiry_of_an_expired_name_find_none<D: Db>(db: &D) {
    let s = &mut with_expired(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    let before = rows::<D>(conn);
    let missing = error(ErrorKind::NotFound, "old");
    let never = WriteOptions::new().never();
    assert_eq!(about(attributes.update(conn, "old", 1)), missing);
    assert_eq!(about(attributes.update_with(conn, "old", 1, never)), missing);
    assert_eq!(about(attributes.update_many(conn, [a("live", 1), a("old", 1)], WriteOptions::new())), missing);
    assert_eq!(about(attributes.update_many(conn, [a("live", 1), a("old", 1)], never)), missing);
    assert_eq!(about(attributes.set_expiry(conn, "old", Expiry::Never)), missing);
    assert_eq!(about(attributes.set_expiry(conn, "old", Expiry::In(seconds(60)))), missing);
    assert_eq!(about(attributes.set_expiry_many(conn, ["live", "old", "older"], Expiry::Never)), missing);
    assert_eq!(rows::<D>(conn), before);
}

// S71 S91
fn deleting_and_taking_an_expired_name_find_none<D: Db>(db: &D) {
    let s = &mut with_expired(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    assert_eq!(attributes.delete(conn, "old").unwrap(), 0);
    assert_eq!(attributes.take::<u32, _>(conn, "old").unwrap(), None);
    assert_eq!(attributes.take_value(conn, "older").unwrap(), None);
    assert_eq!(attributes.delete_many(conn, ["live", "old", "older"]).unwrap(), 1);
    assert!(attributes.names(conn).unwrap().is_empty());
    s.sessions.purge_batch(conn, 10).unwrap();
    assert_eq!(count::<D>(conn), 0, "the rest is for purge");
}

// S71
fn reading_an_expired_name_finds_none<D: Db>(db: &D) {
    let s = &mut with_expired(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    let before = rows::<D>(conn);
    for name in ["old", "older", "absent"] {
        assert_eq!(attributes.get::<u32, _>(conn, name).unwrap(), None);
        assert_eq!(attributes.get_value(conn, name).unwrap(), None);
        assert!(attributes.entry(conn, name).unwrap().is_none());
        assert!(!attributes.exists(conn, name).unwrap());
    }
    let names = ["old", "older", "live", "absent"];
    let values: Vec<_> =
        attributes.get_many(conn, names).unwrap().into_iter().map(|(name, value)| (name, value.unwrap())).collect();
    assert_eq!(json!(values), json!([["absent", null], ["live", 0], ["old", null], ["older", null]]));
    let existing: Vec<_> = attributes.exists_many(conn, names).unwrap().into_values().collect();
    assert_eq!(existing, [false, true, false, false]);
    assert_eq!(attributes.names(conn).unwrap(), ["live"]);
    assert_eq!(rows::<D>(conn), before, "reading deletes nothing");
}

// S72 S88
fn a_refused_batch_leaves_expired_rows_as_they_were<D: Db>(db: &D) {
    let s = &mut with_expired(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    let before = rows::<D>(conn);
    let items: Vec<Attribute> = ["absent", "old", "older", "live"].iter().map(|name| a(name, 1)).collect();
    let refused = attributes.create_many(conn, items, WriteOptions::new());
    assert_eq!(about(refused), error(ErrorKind::AlreadyExists, "live"));
    assert_eq!(rows::<D>(conn), before);
}
