//! Creating, setting, updating and taking one attribute, and the values it may have.

use diesel_sessions::{ErrorKind, WriteOptions};
use serde_json::{Value, json};

use super::steps::{SECOND, a, about, assert_all_fail, count, error, every_verb, line, pairs, rows, stage, told};
use crate::life::steps::created;
use crate::mapping::sent;
use crate::support::{Db, repository, seconds, suite};

suite! {
    a_session_without_a_row_has_no_attributes,
    create_stores_and_refuses_what_exists,
    set_creates_and_then_updates,
    update_changes_what_exists_and_nothing_else,
    null_zero_false_and_empty_values_are_values,
    a_taken_attribute_is_gone,
    what_does_not_fit_the_type_is_neither_read_nor_taken,
    each_verb_is_as_few_statements_as_promised,
    the_same_name_in_two_sessions_is_independent,
    writing_an_attribute_leaves_the_session_alone,
}

// S61
fn a_session_without_a_row_has_no_attributes<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = sessions.new_session();
    session.insert("a", 1).unwrap();
    let attributes = sessions.attributes(&session);
    let statements = sent(conn, |conn| {
        assert_all_fail(every_verb::<D>(&attributes, conn, "theme"), ErrorKind::NotCreated, "it has no row");
    });
    assert_eq!((statements, count::<D>(conn)), (0, 0));
    sessions.save(conn, &mut session).unwrap();
    assert_eq!(about(attributes.set(conn, "theme", 1)).0, ErrorKind::NotCreated, "these are of the session as it was");
    sessions.attributes(&session).set(conn, "theme", 1).unwrap();
    assert_eq!(pairs::<D>(conn), json!([["theme", 1]]));
}

// S65
fn create_stores_and_refuses_what_exists<D: Db>(db: &D) {
    let s = &mut stage(db);
    s.attributes.create(&mut s.conn, "theme", "dark").unwrap();
    s.clock.advance(seconds(1));
    s.attributes.create_with(&mut s.conn, "otp", 123_456, WriteOptions::new().expires_in(seconds(5))).unwrap();
    let both = [line("otp", 123_456, [SECOND; 2], Some(6 * SECOND)), line("theme", "dark", [0; 2], None)];
    assert_eq!(told::<D>(&mut s.conn), both);
    for name in ["theme", "otp"] {
        let exists = error(ErrorKind::AlreadyExists, name);
        assert_eq!(about(s.attributes.create(&mut s.conn, name, "dark")), exists);
        let options = WriteOptions::new().expires_in(seconds(60));
        assert_eq!(about(s.attributes.create_with(&mut s.conn, name, "light", options)), exists);
        assert_eq!(about(s.attributes.create_many(&mut s.conn, [a(name, 1)], options)), exists);
    }
    assert_eq!(told::<D>(&mut s.conn), both);
}

// S66 S67
fn set_creates_and_then_updates<D: Db>(db: &D) {
    let s = &mut stage(db);
    s.attributes.set(&mut s.conn, "theme", "dark").unwrap();
    assert_eq!(told::<D>(&mut s.conn), [line("theme", "dark", [0; 2], None)]);
    s.clock.advance(seconds(1));
    s.attributes.set(&mut s.conn, "theme", json!({"light": [1, 2]})).unwrap();
    assert_eq!(told::<D>(&mut s.conn), [line("theme", json!({"light": [1, 2]}), [0, SECOND], None)]);
    s.clock.advance(seconds(1));
    s.attributes.set(&mut s.conn, "theme", json!({"light": [1, 2]})).unwrap();
    assert_eq!(
        told::<D>(&mut s.conn),
        [line("theme", json!({"light": [1, 2]}), [0, 2 * SECOND], None)],
        "an equal value is written all the same"
    );
    assert_eq!(s.attributes.get(&mut s.conn, "theme").unwrap(), Some(json!({"light": [1, 2]})));
}

// S68 S69
fn update_changes_what_exists_and_nothing_else<D: Db>(db: &D) {
    let s = &mut stage(db);
    let missing = error(ErrorKind::NotFound, "theme");
    assert_eq!(about(s.attributes.update(&mut s.conn, "theme", 1)), missing);
    assert_eq!(about(s.attributes.update_with(&mut s.conn, "theme", 1, WriteOptions::new().encrypted())), missing);
    assert_eq!(about(s.attributes.update_many(&mut s.conn, [a("theme", 1)], WriteOptions::new())), missing);
    assert_eq!(count::<D>(&mut s.conn), 0);
    s.attributes.set(&mut s.conn, "Theme", 1).unwrap();
    s.attributes.set(&mut s.conn, "theme2", 2).unwrap();
    assert_eq!(about(s.attributes.update(&mut s.conn, "theme", 1)), missing, "names are compared whole, byte for byte");
    s.attributes.create(&mut s.conn, "theme", "dark").unwrap();
    s.clock.advance(seconds(3));
    s.attributes.update(&mut s.conn, "theme", "light").unwrap();
    assert_eq!(
        told::<D>(&mut s.conn),
        [line("Theme", 1, [0; 2], None), line("theme", "light", [0, 3 * SECOND], None), line("theme2", 2, [0; 2], None)]
    );
}

// S70
fn null_zero_false_and_empty_values_are_values<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    for value in [json!(null), json!(0), json!(false), json!(""), json!([]), json!({})] {
        attributes.create(conn, "theme", &value).unwrap();
        let read_back = |conn: &mut D::Conn| {
            assert_eq!(attributes.get_value(conn, "theme").unwrap().as_ref(), Some(&value));
            assert_eq!(attributes.get::<Value, _>(conn, "theme").unwrap().as_ref(), Some(&value));
            assert_eq!(attributes.get_many(conn, ["theme"]).unwrap()["theme"].as_ref().unwrap().as_ref(), Some(&value));
            assert_eq!(attributes.entry(conn, "theme").unwrap().unwrap().json().unwrap(), value);
            assert!(attributes.exists(conn, "theme").unwrap(), "{value}");
            assert_eq!(attributes.names(conn).unwrap(), ["theme"]);
        };
        read_back(conn);
        assert_eq!(pairs::<D>(conn), json!([["theme", value]]));
        assert_eq!(D::number(conn, "SELECT count(*) FROM session_attributes WHERE value IS NULL"), 0, "{value}");
        assert_eq!(about(attributes.create(conn, "theme", 1)).0, ErrorKind::AlreadyExists, "{value}");
        attributes.set(conn, "theme", 1).unwrap();
        attributes.set(conn, "theme", &value).unwrap();
        read_back(conn);
        attributes.update(conn, "theme", 1).unwrap();
        attributes.update(conn, "theme", &value).unwrap();
        read_back(conn);
        attributes.update_with(conn, "theme", &value, WriteOptions::new().encrypted()).unwrap();
        read_back(conn);
        assert_eq!(attributes.take_value(conn, "theme").unwrap().as_ref(), Some(&value));
        assert_eq!((attributes.take_value(conn, "theme").unwrap(), count::<D>(conn)), (None, 0));
    }
    attributes.set(conn, "theme", json!(null)).unwrap();
    assert_eq!(attributes.get::<Option<u32>, _>(conn, "theme").unwrap(), Some(None), "null is there");
    assert_eq!(attributes.get::<Option<u32>, _>(conn, "other").unwrap(), None, "and this is not");
}

// DESIGN 4: take deletes and returns
fn a_taken_attribute_is_gone<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    attributes.set_many(conn, [a("a", 1), a("b", "x").encrypted(), a("c", [1, 2])], WriteOptions::new()).unwrap();
    assert_eq!(attributes.take::<u32, _>(conn, "a").unwrap(), Some(1));
    assert_eq!(attributes.take::<String, _>(conn, "b").unwrap().as_deref(), Some("x"));
    assert_eq!(attributes.take_value(conn, "d").unwrap(), None);
    assert_eq!(pairs::<D>(conn), json!([["c", [1, 2]]]));
    assert_eq!(attributes.take::<u32, _>(conn, "a").unwrap(), None, "once");
    attributes.create(conn, "a", 2).unwrap();
    assert_eq!(attributes.take::<u32, _>(conn, "a").unwrap(), Some(2));
}

// S34 DESIGN 4: a take that cannot decode leaves the row
fn what_does_not_fit_the_type_is_neither_read_nor_taken<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    attributes.set(conn, "theme", "dark").unwrap();
    attributes.set_with(conn, "otp", "123456", WriteOptions::new().encrypted()).unwrap();
    let before = rows::<D>(conn);
    for name in ["theme", "otp"] {
        let wrong = error(ErrorKind::WrongType, name);
        assert_eq!(about(attributes.get::<u32, _>(conn, name)), wrong);
        assert_eq!(about(attributes.take::<u32, _>(conn, name)), wrong);
        assert_eq!(about(attributes.entry(conn, name).unwrap().unwrap().value::<u32>()), wrong);
    }
    assert_eq!(rows::<D>(conn), before);
    assert_eq!(attributes.take::<String, _>(conn, "otp").unwrap().as_deref(), Some("123456"));
}

// DESIGN 5 rule 7
fn each_verb_is_as_few_statements_as_promised<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    let mysql = D::NAME == "mysql";
    attributes.set(conn, "there", 1).unwrap();
    let expect = |conn: &mut D::Conn, verb: &str, most: usize, work: &dyn Fn(&mut D::Conn)| {
        let statements = sent(conn, |conn| work(conn));
        assert!((1..=most).contains(&statements), "{verb}: {statements} statements");
    };
    expect(conn, "set anew", 1, &|conn| attributes.set(conn, "new", 1).unwrap());
    expect(conn, "set again", 1, &|conn| attributes.set(conn, "new", 2).unwrap());
    expect(conn, "update", 1, &|conn| attributes.update(conn, "new", 3).unwrap());
    expect(conn, "get", 1, &|conn| assert_eq!(attributes.get(conn, "new").unwrap(), Some(3)));
    expect(conn, "get of a missing one", 1, &|conn| assert_eq!(attributes.get_value(conn, "none").unwrap(), None));
    expect(conn, "exists", 1, &|conn| assert!(!attributes.exists(conn, "none").unwrap()));
    expect(conn, "names", 1, &|conn| assert_eq!(attributes.names(conn).unwrap().len(), 2));
    expect(conn, "create", if mysql { 2 } else { 1 }, &|conn| attributes.create(conn, "other", 1).unwrap());
    expect(conn, "delete", 1, &|conn| assert_eq!(attributes.delete(conn, "other").unwrap(), 1));
    expect(conn, "entry", 1, &|conn| assert!(attributes.entry(conn, "new").unwrap().is_some()));
    let three = || ["there", "new", "third"].map(|name| a(name, 0));
    expect(conn, "set_many", 1, &|conn| attributes.set_many(conn, three(), WriteOptions::new()).unwrap());
    expect(conn, "get_many", 1, &|conn| assert_eq!(attributes.get_many(conn, ["there", "new", "none"]).unwrap().len(), 3));
}

// S93
fn the_same_name_in_two_sessions_is_independent<D: Db>(db: &D) {
    let s = &mut stage(db);
    let other = created::<D>(&s.sessions, &mut s.conn);
    let (conn, first, second) = (&mut s.conn, &s.attributes, &s.sessions.attributes(&other));
    first.create(conn, "theme", "dark").unwrap();
    assert!(!second.exists(conn, "theme").unwrap());
    assert_eq!(about(second.update(conn, "theme", "light")), error(ErrorKind::NotFound, "theme"));
    assert_eq!((second.delete(conn, "theme").unwrap(), second.take_value(conn, "theme").unwrap()), (0, None));
    second.create(conn, "theme", "light").unwrap();
    assert_eq!(first.get(conn, "theme").unwrap(), Some("dark".to_owned()));
    second.set_with(conn, "theme", "grey", WriteOptions::new().expires_in(seconds(1))).unwrap();
    s.clock.advance(seconds(1));
    assert_eq!((first.names(conn).unwrap(), second.names(conn).unwrap().len()), (vec!["theme".to_owned()], 0));
    first.delete(conn, "theme").unwrap();
    let left = rows::<D>(conn);
    assert_eq!((left.len(), left[0].session.to_string()), (1, other.row_id().unwrap().to_string()), "expired and not yet purged");
    second.set(conn, "theme", "light").unwrap();
    assert_eq!((first.get_value(conn, "theme").unwrap(), second.get_value(conn, "theme").unwrap()), (None, Some(json!("light"))));
}

// DESIGN 1: an attribute is a row of its own
fn writing_an_attribute_leaves_the_session_alone<D: Db>(db: &D) {
    let s = &mut stage(db);
    let whole = "SELECT concat(id, _uuid, _version, _data, created_at, last_seen_at, expires_at) FROM sessions";
    let before = D::text(&mut s.conn, whole);
    s.session.insert("pending", 1).unwrap();
    s.clock.advance(seconds(1));
    s.attributes.set(&mut s.conn, "theme", "dark").unwrap();
    s.attributes.update(&mut s.conn, "theme", "light").unwrap();
    s.attributes.delete(&mut s.conn, "theme").unwrap();
    assert_eq!(D::text(&mut s.conn, whole), before);
    assert!(s.session.was_changed());
    s.session.revert();
}
