//! Encrypted attributes: nothing of them is in clear in the database, and they are written like any other.

use diesel_sessions::{Attribute, ErrorKind, WriteOptions};
use serde_json::{Value, json};

use super::raw::{answers, begin, dump, files, forms, hex, holds, key, sealed, sealed_in, with_keys};
use crate::life::steps::{created, kind};
use crate::support::{Db, noon, repository, seconds, suite};

suite! {
    every_type_round_trips_sealed,
    no_plaintext_is_in_the_database,
    an_entry_is_read_without_the_key,
    writing_in_clear_over_a_sealed_value_stores_it_in_clear,
    writing_sealed_over_a_clear_value_seals_it,
    a_clear_value_that_looks_sealed_stays_what_it_is,
    each_write_of_the_same_value_gives_other_bytes,
    every_name_can_be_of_a_sealed_value,
    sealed_values_stay_with_their_session_over_a_new_token,
}

fn encrypted() -> WriteOptions {
    WriteOptions::new().encrypted()
}

/// A verb that writes the attribute `a`.
type Write<'a, D> = Box<dyn Fn(&mut <D as Db>::Conn, &str) -> diesel_sessions::Result<()> + 'a>;

/// An attribute's value, if it is clear in its row, and whether it is sealed there.
fn stored<D: Db>(conn: &mut D::Conn, name: &str) -> (Option<String>, bool) {
    let value = D::text(conn, &format!("SELECT value FROM session_attributes WHERE name = '{name}'"));
    let sealed =
        format!("SELECT count(*) FROM session_attributes WHERE name = '{name}' AND sealed IS NOT NULL AND value IS NULL");
    (value, D::number(conn, &sealed) == 1)
}

/// Values of every type of JSON.
fn values() -> Vec<Value> {
    let mut values = vec![
        Value::Null,
        json!(true),
        json!(false),
        json!(0),
        json!(-1),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(1.0),
        json!(-0.1),
        json!(2.225_073_858_507_201e-308),
        json!(f64::MAX),
        json!(""),
        json!(" "),
        json!("\\u0000 \" \\ / \n\t\u{1}\u{7f}\u{2028} ü 🦜"),
        json!("x".repeat(65_534)),
        json!([]),
        json!({}),
        json!([null, true, 0, "", [], {}, [[["deep"]]]]),
        json!({"": null, "z": 1, "a": {"b": [1.5, "c"]}, "Z": -7}),
    ];
    values.push(json!(values.iter().filter(|value| value.as_str().is_none_or(|text| text.len() < 100)).collect::<Vec<_>>()));
    values
}

// S77
fn every_type_round_trips_sealed<D: Db>(db: &D) {
    let (sessions, mut conn, session) = begin(db);
    let attributes = sessions.attributes(&session);
    for (number, value) in values().into_iter().enumerate() {
        let name = format!("v{number}");
        attributes.set_with(&mut conn, &name, &value, encrypted()).unwrap();
        assert_eq!(stored::<D>(&mut conn, &name), (None, true), "{name}");
        // As text: numbers keep their form, which no database gets to see.
        let found = attributes.get_value(&mut conn, &name).unwrap().expect("it was set");
        assert_eq!(found.to_string(), value.to_string());
        assert_eq!(attributes.get::<Value, _>(&mut conn, &name).unwrap(), Some(value.clone()));
        assert_eq!(attributes.get_many(&mut conn, [&name]).unwrap()[&name].as_ref().unwrap(), &Some(value.clone()));
        let entry = attributes.entry(&mut conn, &name).unwrap().expect("it was set");
        assert!(entry.is_encrypted() && entry.sealed() == Some(&*sealed::<D>(&mut conn, session.row_id().unwrap(), &name)));
        assert_eq!(entry.json().unwrap(), value);
        assert_eq!(attributes.take_value(&mut conn, &name).unwrap(), Some(value));
        assert!(!attributes.exists(&mut conn, &name).unwrap());
    }
}

// S77 SECURITY 2
fn no_plaintext_is_in_the_database<D: Db>(db: &D) {
    let (sessions, mut conn, session) = begin(db);
    let attributes = sessions.attributes(&session);
    let conn = &mut conn;
    let texts: Vec<String> = (0..10).map(|at| format!("correct \"horse\" \\ {at} / battery\n staple ü 🦜")).collect();
    let numbers = [json!(777_777_777_777_u64), json!(-123_456_789_012_i64), json!(9_876.543_210_987)];
    attributes.set_with(conn, "set", &texts[0], encrypted()).unwrap();
    attributes.create_with(conn, "create", json!({"key of a map": [&texts[1], numbers[0]]}), encrypted()).unwrap();
    attributes.update_with(conn, "set", &texts[2], encrypted().expires_in(seconds(60))).unwrap();
    attributes.set_with(conn, "set", &texts[3], encrypted()).unwrap();
    let many = |names: [&str; 2], texts: &[String]| {
        [
            Attribute::new(names[0], &texts[0]).unwrap().encrypted(),
            Attribute::new(names[1], json!([&texts[1]])).unwrap().encrypted(),
        ]
    };
    attributes.create_many(conn, many(["a", "b"], &texts[4..]), WriteOptions::new()).unwrap();
    attributes.set_many(conn, many(["b", "c"], &texts[6..]), WriteOptions::new()).unwrap();
    attributes.update_many(conn, many(["a", "c"], &texts[8..]), WriteOptions::new().expires_in(seconds(60))).unwrap();
    attributes.set_with(conn, "numbers", &numbers, encrypted()).unwrap();
    assert_eq!(kind(attributes.create_with(conn, "set", &texts[0], encrypted())), ErrorKind::AlreadyExists);
    assert_eq!(kind(attributes.update_with(conn, "absent", &texts[0], encrypted())), ErrorKind::NotFound);
    let taken: Option<String> = attributes.take(conn, "set").unwrap();
    assert_eq!(taken.as_ref(), Some(&texts[3]));

    let in_clear = "a plain \"text\" that is looked for ü\n";
    attributes.set(conn, "clear", in_clear).unwrap();
    let sealed = sealed::<D>(conn, session.row_id().unwrap(), "a");
    let all: Vec<_> = dump::<D>(conn).into_iter().chain(files(db)).collect();
    let found = |part: &[u8]| all.iter().any(|bytes| holds(bytes, part));
    assert!(forms(in_clear).iter().any(|form| found(form)) && found(&sealed) && found(b"numbers"), "the dump is one");
    let plaintexts = texts.iter().cloned().chain(numbers.iter().map(Value::to_string)).chain(["key of a map".to_owned()]);
    for plaintext in plaintexts {
        for form in forms(&plaintext) {
            assert!(!found(&form), "{plaintext:?} is in the database as {:?}", String::from_utf8_lossy(&form));
        }
    }
    for word in ["horse", "battery", "staple", "🦜"] {
        assert!(!found(word.as_bytes()), "{word}");
    }
}

// S78 S92
fn an_entry_is_read_without_the_key<D: Db>(db: &D) {
    let (sessions, clock) = with_keys::<D>(key("2026-11", 7));
    let conn = &mut db.connect();
    let session = created::<D>(&sessions, conn);
    let row = session.row_id().unwrap();
    sessions.attributes(&session).set_with(conn, "otp", "123456", encrypted().expires_in(seconds(60))).unwrap();
    clock.advance(seconds(1));
    sessions.attributes(&session).set(conn, "theme", "dark").unwrap();
    sessions.attributes(&session).update_with(conn, "otp", "654321", encrypted()).unwrap();

    let (keyless, _) = repository::<D>();
    let others = [keyless, with_keys::<D>(key("2026-11", 8)).0, with_keys::<D>(key("another", 7)).0];
    for (reader, answer) in others.into_iter().zip(["missing key", "wrong key", "missing key"]) {
        let attributes = reader.attributes_of(row);
        let entry = attributes.entry(conn, "otp").unwrap().expect("it is live");
        assert_eq!(entry.sealed(), Some(&*sealed::<D>(conn, row, "otp")));
        assert!(entry.is_encrypted() && entry.name() == "otp");
        let times = (entry.created_at(), entry.updated_at(), entry.expires_at());
        assert_eq!(times, (noon(), noon() + seconds(1), Some(noon() + seconds(60))));
        for error in [entry.value::<String>().unwrap_err(), entry.json().unwrap_err()] {
            assert_eq!((error.kind(), error.attribute_name()), (ErrorKind::Decrypt, Some("otp")));
            assert_eq!(answers(&error), [answer]);
        }
        assert_eq!(attributes.names(conn).unwrap(), ["otp", "theme"]);
        let clear = attributes.entry(conn, "theme").unwrap().expect("it is live");
        assert!(!clear.is_encrypted() && clear.sealed().is_none());
        assert_eq!(clear.value::<String>().unwrap(), "dark");
    }
}

// S80 S74
fn writing_in_clear_over_a_sealed_value_stores_it_in_clear<D: Db>(db: &D) {
    let (sessions, mut conn, session) = begin(db);
    let (attributes, conn) = (sessions.attributes(&session), &mut conn);
    let one = |value: &str| [Attribute::new("a", value).unwrap()];
    let plain = WriteOptions::new;
    let writes: [Write<'_, D>; 7] = [
        Box::new(|conn, value| attributes.set(conn, "a", value)),
        Box::new(|conn, value| attributes.set_with(conn, "a", value, plain().in_clear())),
        Box::new(|conn, value| attributes.update(conn, "a", value)),
        Box::new(|conn, value| attributes.update_with(conn, "a", value, plain().never())),
        Box::new(|conn, value| attributes.set_many(conn, one(value), plain())),
        Box::new(|conn, value| attributes.update_many(conn, one(value), plain())),
        Box::new(|conn, value| attributes.set_many(conn, one(value).map(Attribute::in_clear), encrypted())),
    ];
    for (number, write) in writes.iter().enumerate() {
        attributes.set_with(conn, "a", "sealed", encrypted().expires_in(seconds(60))).unwrap();
        assert_eq!(stored::<D>(conn, "a"), (None, true));
        let value = format!("clear {number}");
        write(conn, &value).unwrap();
        assert_eq!(stored::<D>(conn, "a"), (Some(format!("\"{value}\"")), false));
        let entry = attributes.entry(conn, "a").unwrap().expect("it is live");
        assert!(!entry.is_encrypted() && entry.sealed().is_none());
        assert_eq!(entry.expires_at(), (number != 3).then(|| noon() + seconds(60)), "number {number}");
        assert_eq!(attributes.get::<String, _>(conn, "a").unwrap(), Some(value));
    }
}

// S81 S87
fn writing_sealed_over_a_clear_value_seals_it<D: Db>(db: &D) {
    let (sessions, mut conn, session) = begin(db);
    let (attributes, conn) = (sessions.attributes(&session), &mut conn);
    let one = |value: &str| [Attribute::new("a", value).unwrap()];
    let plain = WriteOptions::new;
    let writes: [Write<'_, D>; 5] = [
        Box::new(|conn, value| attributes.set_with(conn, "a", value, encrypted())),
        Box::new(|conn, value| attributes.update_with(conn, "a", value, encrypted())),
        Box::new(|conn, value| attributes.set_many(conn, one(value), encrypted())),
        Box::new(|conn, value| attributes.update_many(conn, one(value).map(Attribute::encrypted), plain())),
        Box::new(|conn, value| attributes.set_many(conn, one(value).map(Attribute::encrypted), plain().in_clear())),
    ];
    for (number, write) in writes.iter().enumerate() {
        attributes.set(conn, "a", "clear").unwrap();
        assert_eq!(stored::<D>(conn, "a"), (Some("\"clear\"".to_owned()), false));
        let value = format!("sealed {number}");
        write(conn, &value).unwrap();
        assert_eq!(stored::<D>(conn, "a"), (None, true));
        assert!(attributes.entry(conn, "a").unwrap().expect("it is live").is_encrypted());
        assert_eq!(attributes.get::<String, _>(conn, "a").unwrap(), Some(value));
    }
}

// S82 SECURITY 26
fn a_clear_value_that_looks_sealed_stays_what_it_is<D: Db>(db: &D) {
    use base64::Engine as _;
    let (sessions, mut conn, session) = begin(db);
    let (attributes, conn, row) = (sessions.attributes(&session), &mut conn, session.row_id().unwrap());
    attributes.set_with(conn, "a", "the secret", encrypted()).unwrap();
    let bytes = sealed::<D>(conn, row, "a");
    let latin: String = bytes.iter().filter(|byte| **byte != 0).map(|byte| char::from(*byte)).collect();
    let lookalikes = [
        json!(hex(&bytes)),
        json!(hex(&bytes).to_uppercase()),
        json!(format!("\\x{}", hex(&bytes))),
        json!(format!("X'{}'", hex(&bytes))),
        json!(base64::engine::general_purpose::STANDARD.encode(&bytes)),
        json!(latin),
        json!(bytes),
        json!({"sealed": hex(&bytes)}),
    ];
    for (number, value) in lookalikes.iter().enumerate() {
        attributes.set(conn, "a", value).unwrap();
        assert_eq!(sealed_in::<D>(conn, "session_attributes", row, "a"), None);
        let entry = attributes.entry(conn, "a").unwrap().expect("it is live");
        assert!(!entry.is_encrypted() && entry.sealed().is_none(), "number {number}");
        assert_eq!(attributes.get_value(conn, "a").unwrap().as_ref(), Some(value));
        // Sealed itself, it comes back as it was, and is not opened twice.
        attributes.set_with(conn, "a", value, encrypted()).unwrap();
        assert_eq!(attributes.get_value(conn, "a").unwrap().as_ref(), Some(value));
    }
}

// S77
fn each_write_of_the_same_value_gives_other_bytes<D: Db>(db: &D) {
    let (sessions, mut conn, session) = begin(db);
    let (attributes, conn, row) = (sessions.attributes(&session), &mut conn, session.row_id().unwrap());
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..20 {
        attributes.set_with(conn, "a", "the same", encrypted()).unwrap();
        // The nonce, and the ciphertext with its tag.
        let bytes = sealed::<D>(conn, row, "a");
        let nonce = 2 + "2026-11".len() + 8 + 8;
        assert!(seen.insert(bytes[nonce..nonce + 24].to_vec()) && seen.insert(bytes[nonce + 28..].to_vec()));
        assert_eq!(bytes.len(), nonce + 24 + 4 + "\"the same\"".len() + 16, "as `Keyring` documents it");
    }
}

// S77 S84 S96
fn every_name_can_be_of_a_sealed_value<D: Db>(db: &D) {
    let (sessions, mut conn, session) = begin(db);
    let (attributes, conn) = (sessions.attributes(&session), &mut conn);
    let (long, wide) = ("n".repeat(191), "ü".repeat(95));
    let names = ["a", "A", "ä", "a\u{308}", "it's", "\"", "\\", "%", "_", "a b", "🦜", "1", "null", &long, &wide];
    let items = names.map(|name| Attribute::new(name, format!("of {name}")).unwrap());
    attributes.create_many(conn, items, encrypted()).unwrap();
    let all = attributes.get_many(conn, names).unwrap();
    assert_eq!(all.len(), names.len());
    for (name, value) in all {
        assert_eq!(value.unwrap(), Some(format!("of {name}").into()));
        assert_eq!(attributes.get_value(conn, &name).unwrap(), Some(format!("of {name}").into()));
    }
}

// S77 S84
fn sealed_values_stay_with_their_session_over_a_new_token<D: Db>(db: &D) {
    let (sessions, mut conn, mut session) = begin(db);
    let conn = &mut conn;
    sessions.attributes(&session).set_with(conn, "cart", "kept", encrypted()).unwrap();
    sessions.rotate(conn, &mut session).unwrap();
    assert_eq!(sessions.attributes(&session).get_value(conn, "cart").unwrap(), Some("kept".into()));
    sessions.sign_in(conn, &mut session, diesel_sessions::SignIn::new(7)).unwrap();
    assert_eq!(sessions.attributes(&session).get_value(conn, "cart").unwrap(), Some("kept".into()));
    sessions.sign_in(conn, &mut session, diesel_sessions::SignIn::new(8)).unwrap();
    assert_eq!(sessions.attributes(&session).get_value(conn, "cart").unwrap(), None, "another owner's begins empty");
}
