//! The names of attributes: their form, how they compare, and how they sort.

use diesel_sessions::{ErrorKind, Expiry, WriteOptions};
use serde_json::json;

use super::steps::{a, about, assert_all_fail, count, every_verb, pairs, rows, stage};
use crate::mapping::sent;
use crate::support::{Db, suite};

suite! {
    a_name_that_is_none_is_refused_by_every_verb_before_sql,
    one_bad_name_among_good_ones_refuses_them_all,
    names_of_every_allowed_form_are_stored,
    the_longest_names_are_stored_and_told_apart,
    names_are_compared_byte_for_byte,
    names_are_sorted_by_their_bytes,
    quotes_and_sql_are_names_like_any_other,
}

/// Names that are none, and what they are told.
fn bad_names() -> Vec<(String, ErrorKind)> {
    let mut names: Vec<_> = [
        "",
        " ",
        "\u{a0}",
        " a",
        "a ",
        "a\u{a0}",
        "\u{a0}a",
        "a\u{3000}",
        "\u{2003}a",
        "a\t",
        "\na",
        "a\nb",
        "a\0",
        "\0",
        "a\u{7f}b",
        "a\u{85}b",
        "\u{9f}",
        "a\u{1b}[0m",
    ]
    .map(|name| (name.to_owned(), ErrorKind::InvalidArgument))
    .into();
    for (letter, times) in [("x", 192), ("ü", 96), ("日", 64), ("🦜", 48), ("x", 70_000)] {
        names.push((letter.repeat(times), ErrorKind::Limit));
    }
    names
}

// S96 SECURITY 29
fn a_name_that_is_none_is_refused_by_every_verb_before_sql<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    attributes.set(conn, "a", 1).unwrap();
    let before = rows::<D>(conn);
    for (name, kind) in bad_names() {
        let statements = sent(conn, |conn| {
            let mut outcomes = every_verb::<D>(attributes, conn, &name);
            assert_eq!(outcomes.pop().unwrap().0, "names", "which takes none");
            assert_all_fail(outcomes, kind, &format!("{name:.20?}"));
        });
        assert_eq!(statements, 1, "only that of `names`: {name:.20?}");
    }
    assert_eq!(rows::<D>(conn), before);
}

// S96 S88
fn one_bad_name_among_good_ones_refuses_them_all<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    attributes.set(conn, "a", 1).unwrap();
    for (name, kind) in bad_names() {
        let names = ["a", &name, "b"];
        let statements = sent(conn, |conn| {
            assert_eq!(about(attributes.get_many(conn, names)).0, kind);
            assert_eq!(about(attributes.exists_many(conn, names)).0, kind);
            assert_eq!(about(attributes.delete_many(conn, names)).0, kind);
            assert_eq!(about(attributes.set_expiry_many(conn, names, Expiry::Never)).0, kind);
        });
        assert_eq!(statements, 0);
    }
    assert_eq!(pairs::<D>(conn), json!([["a", 1]]));
}

// S96
fn names_of_every_allowed_form_are_stored<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    for name in [
        "a",
        "1",
        "_uuid",
        "id",
        "user_id",
        "a b  c",
        "a\u{a0}b",
        "ü",
        "日本語",
        "🦜",
        "\u{301}",
        "\u{200b}",
        "\u{feff}",
        "null",
        "-",
    ] {
        attributes.create(conn, name, name).unwrap();
        assert_eq!(attributes.get::<String, _>(conn, name).unwrap().as_deref(), Some(name));
        assert_eq!(attributes.names(conn).unwrap(), [name]);
        attributes.update(conn, name, 1).unwrap();
        attributes.set_expiry(conn, name, Expiry::Never).unwrap();
        assert_eq!(attributes.entry(conn, name).unwrap().unwrap().name(), name);
        assert_eq!(attributes.take(conn, name).unwrap(), Some(1), "{name:?}");
    }
    assert_eq!(count::<D>(conn), 0);
}

// S96
fn the_longest_names_are_stored_and_told_apart<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    let mut names = Vec::new();
    for last in ["x", "y"] {
        names.push("x".repeat(190) + last);
        names.push("ü".repeat(95) + last);
        names.push("日".repeat(63) + "x" + last);
        names.push("🦜".repeat(47) + "xx" + last);
    }
    for (number, name) in names.iter().enumerate() {
        assert_eq!(name.len(), 191);
        attributes.create(conn, name, number).unwrap();
        assert_eq!(about(attributes.set(conn, format!("{name}x"), 0)).0, ErrorKind::Limit);
    }
    for (number, name) in names.iter().enumerate() {
        assert_eq!(attributes.get(conn, name).unwrap(), Some(number));
        attributes.set_with(conn, name, number + 1, WriteOptions::new().encrypted()).unwrap();
        assert_eq!(attributes.get(conn, name).unwrap(), Some(number + 1));
    }
    names.sort();
    assert_eq!(attributes.names(conn).unwrap(), names);
    assert_eq!(attributes.delete_many(conn, &names).unwrap(), names.len());
}

/// Names that some collation or normalisation takes for one another.
const ALIKE: [&str; 16] =
    ["a", "A", "á", "a\u{301}", "A\u{301}", "à", "ａ", "a\u{200b}", "ß", "ss", "ﬁ", "fi", "İ", "i", "I", "ı"];

// S96 DESIGN 2: compared byte for byte on every engine
fn names_are_compared_byte_for_byte<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    for (number, name) in ALIKE.iter().enumerate() {
        assert!(!attributes.exists(conn, name).unwrap(), "{name:?}");
        assert_eq!(about(attributes.update(conn, name, 0)).0, ErrorKind::NotFound, "{name:?}");
        attributes.create(conn, name, number).unwrap();
    }
    attributes.set_many(conn, ALIKE.iter().enumerate().map(|(number, name)| a(name, number + 100)), WriteOptions::new()).unwrap();
    attributes.update_many(conn, ALIKE.iter().enumerate().map(|(number, name)| a(name, number)), WriteOptions::new()).unwrap();
    let values = attributes.get_many(conn, ALIKE).unwrap();
    for (number, name) in ALIKE.iter().enumerate() {
        assert_eq!(values[*name].as_ref().unwrap(), &Some(json!(number)), "{name:?}");
        assert_eq!(attributes.get(conn, name).unwrap(), Some(number), "{name:?}");
    }
    for (deleted, name) in ALIKE.iter().enumerate() {
        assert_eq!(attributes.delete(conn, name).unwrap(), 1, "{name:?}");
        assert_eq!(attributes.names(conn).unwrap().len(), ALIKE.len() - deleted - 1, "{name:?}");
    }
}

// S91
fn names_are_sorted_by_their_bytes<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    let mut names: Vec<_> =
        ["z", "Z", "_", "-", "a", "a b", "a-b", "ab", "a.", "~", "ä", "日", "\u{ffee}", "🦜", "10", "9"].into();
    names.extend(ALIKE.iter().filter(|name| **name != "a"));
    attributes.create_many(conn, names.iter().map(|name| a(name, 1)), WriteOptions::new()).unwrap();
    names.sort_unstable_by_key(|name| name.as_bytes());
    assert_eq!(attributes.names(conn).unwrap(), names);
    assert!(attributes.get_many(conn, &names).unwrap().into_keys().eq(names.iter().copied()));
}

// S96 SECURITY 28
fn quotes_and_sql_are_names_like_any_other<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    let names = [
        "%",
        "_",
        "'",
        "''",
        "\"",
        "\\",
        "\\'",
        "`",
        "a'--",
        "'; DROP TABLE sessions; --",
        "${a}",
        "$1",
        "?",
        "{a,b}",
        "NULL",
        "a,b",
    ];
    for (number, name) in names.iter().enumerate() {
        attributes.create(conn, name, name).unwrap();
        assert_eq!(attributes.names(conn).unwrap().len(), number + 1, "{name}");
    }
    attributes.update_many(conn, names.map(|name| a(name, json!({name: name}))), WriteOptions::new()).unwrap();
    for name in names {
        assert_eq!(attributes.get_value(conn, name).unwrap(), Some(json!({name: name})));
    }
    assert_eq!(attributes.delete_many(conn, ["%", "_"]).unwrap(), 2, "they stand for nothing but themselves");
    assert_eq!(attributes.delete_many(conn, names).unwrap(), names.len() - 2);
}
