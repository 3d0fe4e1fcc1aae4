//! What the value of an attribute may be: its size, its nesting, its numbers and texts.

use diesel_sessions::{Attribute, ErrorKind, WriteOptions};
use serde_json::{Value, json};

use super::steps::{Attributes, a, about, rows, stage};
use crate::data::same;
use crate::mapping::sent;
use crate::support::{Db, suite};

suite! {
    every_json_value_comes_back,
    a_value_of_exactly_the_limit_comes_back,
    a_value_over_the_limit_is_refused,
    values_nest_thirty_one_levels_deep,
    no_value_holds_a_nul,
    a_value_without_a_json_form_is_refused,
}

const LIMIT: usize = 64 * 1024;

/// Refused by every verb that takes a value, before SQL, with the attribute's name told.
fn assert_refused<D: Db>(attributes: &Attributes<D>, conn: &mut D::Conn, value: impl serde::Serialize, kind: ErrorKind) {
    let value = &value;
    let sealed = WriteOptions::new().encrypted();
    let statements = sent(conn, |conn| {
        for name in ["there", "new"] {
            let refused = (kind, Some(name.to_owned()));
            assert_eq!(about(attributes.create(conn, name, value)), refused);
            assert_eq!(about(attributes.create_with(conn, name, value, sealed)), refused);
            assert_eq!(about(attributes.set(conn, name, value)), refused);
            assert_eq!(about(attributes.set_with(conn, name, value, sealed)), refused);
            assert_eq!(about(attributes.update(conn, name, value)), refused);
            assert_eq!(about(attributes.update_with(conn, name, value, sealed)), refused);
            assert_eq!(about(Attribute::new(name, value)), refused);
        }
    });
    assert_eq!(statements, 0);
}

// S29 S70
fn every_json_value_comes_back<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    let values = [
        json!(true),
        json!(-1),
        json!(i64::MIN),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(0.1),
        json!(1.5e300),
        json!(f64::MIN_POSITIVE),
        json!(5e-324),
        json!(-0.300_000_000_000_000_04),
        json!("ü 日本語 🦜 \u{1} \u{7f} \u{feff} \" \\ / ' \n\r\t"),
        json!("{\"a\":1}"),
        json!("null"),
        json!([null, [], {}, [[0]], {"": {"": ""}}]),
        json!({"b": 1, "a": {"ü": [1.25, "x"]}, " ": null, "$": "\\u0000"}),
    ];
    for value in &values {
        attributes.set(conn, "clear", value).unwrap();
        attributes.set_with(conn, "sealed", value, WriteOptions::new().encrypted()).unwrap();
        for name in ["clear", "sealed"] {
            let found = attributes.get_value(conn, name).unwrap().unwrap();
            assert!(same(&found, value), "{value} came back as {found}");
        }
    }
    attributes.set_many(conn, values.iter().enumerate().map(|(n, value)| a(&n.to_string(), value)), WriteOptions::new()).unwrap();
    attributes
        .update_many(conn, values.iter().enumerate().map(|(n, value)| a(&n.to_string(), value)), WriteOptions::new())
        .unwrap();
    let found = attributes.get_many(conn, (0..values.len()).map(|n| n.to_string())).unwrap();
    for (number, value) in values.iter().enumerate() {
        let found = found[&number.to_string()].as_ref().unwrap().as_ref().unwrap();
        assert!(same(found, value), "{value} came back as {found}");
    }
}

// S29 SECURITY 29
fn a_value_of_exactly_the_limit_comes_back<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    let room = LIMIT - 2;
    let values = [
        json!("x".repeat(room)),
        json!("\n".repeat(room / 2)),
        json!("🦜".repeat(room / 4) + "xx"),
        json!([vec![7; (LIMIT - 8) / 2], "xx"]),
        json!({"x".repeat(room - 4): 1}),
    ];
    for value in &values {
        assert_eq!(value.to_string().len(), LIMIT);
        attributes.set(conn, "big", value).unwrap();
        assert!(attributes.get_value(conn, "big").unwrap().as_ref() == Some(value), "it came back changed");
        attributes.update_with(conn, "big", value, WriteOptions::new().encrypted()).unwrap();
        assert!(attributes.take_value(conn, "big").unwrap().as_ref() == Some(value), "sealed, it came back changed");
    }
    let ten = (0..10).map(|number| a(&number.to_string(), &values[0]));
    attributes.create_many(conn, ten, WriteOptions::new()).unwrap();
    assert_eq!(attributes.names(conn).unwrap().len(), 10, "each value has a limit, all together have none");
}

// SECURITY 29
fn a_value_over_the_limit_is_refused<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    attributes.set(conn, "there", 1).unwrap();
    let before = rows::<D>(conn);
    let values = [
        json!("x".repeat(LIMIT - 1)),
        json!("\n".repeat(LIMIT / 2 - 1) + "x"),
        json!("\u{1}".repeat(LIMIT / 6 + 1)),
        json!("🦜".repeat(LIMIT / 4)),
        json!(vec![0; LIMIT / 2]),
        json!({"x".repeat(LIMIT): 1}),
    ];
    for value in values {
        assert_refused::<D>(attributes, conn, &value, ErrorKind::Limit);
    }
    assert_eq!(rows::<D>(conn), before);
}

/// A value within this many arrays, objects, or both by turns.
fn nested(levels: usize, way: usize) -> Value {
    (0..levels).fold(json!(1), |value, level| match way {
        0 => json!([value]),
        1 => json!({"a": value}),
        _ if level % 2 == 0 => json!([0, value]),
        _ => json!({"a": 0, "b": value}),
    })
}

// S29 SECURITY 29
fn values_nest_thirty_one_levels_deep<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    attributes.set(conn, "there", 1).unwrap();
    for way in 0..3 {
        let value = nested(31, way);
        attributes.set(conn, "deep", &value).unwrap();
        assert_eq!(attributes.get_value(conn, "deep").unwrap().as_ref(), Some(&value));
        assert_eq!(rows::<D>(conn)[0].value.as_ref(), Some(&value), "it stands in the table as it is");
        attributes.update_with(conn, "deep", &value, WriteOptions::new().encrypted()).unwrap();
        assert_eq!(attributes.take_value(conn, "deep").unwrap(), Some(value));
        attributes.create_many(conn, [a("deep", nested(31, way))], WriteOptions::new()).unwrap();
        attributes.delete(conn, "deep").unwrap();
        for levels in [32, 33, 127] {
            assert_refused::<D>(attributes, conn, nested(levels, way), ErrorKind::Limit);
        }
    }
    // MariaDB's own limit is the next level: what it could not read is not sent.
    let empty = (0..30).fold(json!([{}]), |value, _| json!([value]));
    assert_refused::<D>(attributes, conn, empty, ErrorKind::Limit);
    assert_eq!(attributes.names(conn).unwrap(), ["there"]);
}

// S29
fn no_value_holds_a_nul<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    attributes.set(conn, "there", 1).unwrap();
    let before = rows::<D>(conn);
    for value in [json!("\0"), json!("a\0b"), json!(["x", ["a\0"]]), json!({"\0": 1}), json!([{"a": {"b\0": []}}])] {
        assert_refused::<D>(attributes, conn, &value, ErrorKind::InvalidArgument);
    }
    assert_eq!(rows::<D>(conn), before);
    attributes.set(conn, "there", "\\u0000").unwrap();
    assert_eq!(attributes.get(conn, "there").unwrap(), Some("\\u0000".to_owned()), "a backslash is only a backslash");
}

// S30
fn a_value_without_a_json_form_is_refused<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    attributes.set(conn, "there", 1).unwrap();
    let before = rows::<D>(conn);
    let refused = ErrorKind::NotSerializable;
    for float in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_refused::<D>(attributes, conn, float, refused);
        assert_refused::<D>(attributes, conn, vec![Some((1, float))], refused);
    }
    assert_refused::<D>(attributes, conn, f32::NAN, refused);
    let by_pairs = std::collections::BTreeMap::from([((1, 2), 3)]);
    assert_refused::<D>(attributes, conn, by_pairs, refused);
    assert_eq!(rows::<D>(conn), before);
}
