//! Sealed values that do not open: which question each answers, and that nothing else suffers.

use diesel_sessions::{Error, ErrorKind, Keyring, WriteOptions};

use super::raw::{Attributes, answers, begin, key, put_sealed, sealed, with_keys};
use crate::life::steps::rolled_back;
use crate::support::{Db, repository, suite};

suite! {
    every_key_that_does_not_fit_has_its_question,
    a_value_cut_off_at_any_length_is_truncated,
    a_change_of_any_byte_is_found,
    bytes_that_nobody_sealed_do_not_open,
    the_other_attributes_stay_readable,
    what_does_not_open_can_be_written_anew_and_deleted,
    a_take_that_does_not_open_leaves_the_row,
    a_take_of_another_type_leaves_the_row,
    inside_a_transaction_a_take_that_fails_leaves_all_as_it_was,
}

/// The name of the first key, which stands in every sealed value.
const KEY: &str = "2026-11";

fn encrypted() -> WriteOptions {
    WriteOptions::new().encrypted()
}

/// What every way of reading `otp` says, which must be the same error.
fn refused<D: Db>(attributes: &Attributes<D>, conn: &mut D::Conn) -> Vec<&'static str> {
    let entry = attributes.entry(conn, "otp").unwrap().expect("it is listed");
    assert!(entry.is_encrypted());
    let errors: [Error; 7] = [
        attributes.get::<String, _>(conn, "otp").unwrap_err(),
        attributes.get_value(conn, "otp").unwrap_err(),
        attributes.get_many(conn, ["otp"]).unwrap().remove("otp").unwrap().unwrap_err(),
        attributes.take::<String, _>(conn, "otp").unwrap_err(),
        attributes.take_value(conn, "otp").unwrap_err(),
        entry.value::<String>().unwrap_err(),
        entry.json().unwrap_err(),
    ];
    for error in &errors {
        assert_eq!((error.kind(), error.attribute_name()), (ErrorKind::Decrypt, Some("otp")), "{error:?}");
        assert!(!error.is_retryable());
        assert_eq!(answers(error), answers(&errors[0]));
    }
    assert!(attributes.exists(conn, "otp").unwrap());
    answers(&errors[0])
}

// S83 SECURITY 26
fn every_key_that_does_not_fit_has_its_question<D: Db>(db: &D) {
    let (sessions, mut conn, session) = begin(db);
    let (conn, row) = (&mut conn, session.row_id().unwrap());
    sessions.attributes(&session).set_with(conn, "otp", "123456", encrypted()).unwrap();
    let keyrings: [(Keyring, &[&str]); 5] = [
        (key(KEY, 8), &["wrong key"]),
        (key("2026-12", 7), &["missing key"]),
        (key("2026-1", 7), &["missing key"]),
        (key("2026-12", 7).and("2026-05", [3; 32]).unwrap(), &["missing key"]),
        // The one that opens it may stand anywhere, but not under another's name.
        (key(KEY, 8).and("2026-12", [7; 32]).unwrap(), &["wrong key"]),
    ];
    for (keyring, expected) in keyrings {
        let names: Vec<_> = keyring.names().map(str::to_owned).collect();
        let (reader, _) = with_keys::<D>(keyring);
        assert_eq!(refused::<D>(&reader.attributes_of(row), conn), expected, "{names:?}");
    }
    let (keyless, _) = repository::<D>();
    assert_eq!(refused::<D>(&keyless.attributes_of(row), conn), ["missing key"]);
    let (reader, _) = with_keys::<D>(key("2026-12", 8).and(KEY, [7; 32]).unwrap());
    assert_eq!(reader.attributes_of(row).take::<String, _>(conn, "otp").unwrap().as_deref(), Some("123456"));
}

// S83
fn a_value_cut_off_at_any_length_is_truncated<D: Db>(db: &D) {
    let (sessions, mut conn, session) = begin(db);
    let (attributes, conn, row) = (sessions.attributes(&session), &mut conn, session.row_id().unwrap());
    attributes.set_with(conn, "otp", "123456", encrypted()).unwrap();
    let whole = sealed::<D>(conn, row, "otp");
    for len in 0..whole.len() {
        put_sealed::<D>(conn, row, "otp", &whole[..len]);
        assert_eq!(refused::<D>(&attributes, conn), ["truncated"], "{len} bytes");
    }
    put_sealed::<D>(conn, row, "otp", &[&whole[..], &[0]].concat());
    assert_eq!(refused::<D>(&attributes, conn), ["tampered"], "a byte too many");
    put_sealed::<D>(conn, row, "otp", &whole);
    assert_eq!(attributes.get::<String, _>(conn, "otp").unwrap().as_deref(), Some("123456"));
}

/// What the change of a byte at this place may be taken for; the format is documented at `Keyring`.
fn expected(at: usize) -> &'static [&'static str] {
    let name = 2 + KEY.len();
    match at {
        0 => &["unknown format"],
        // Another length of the name puts every border elsewhere.
        1 => &["truncated", "tampered", "missing key"],
        at if at < name => &["missing key"],
        at if at < name + 8 => &["wrong key"],
        at if at < name + 16 => &["swapped"],
        at if at < name + 40 => &["tampered"],
        at if at < name + 44 => &["truncated", "tampered"],
        _ => &["tampered"],
    }
}

// S83 SECURITY 26
fn a_change_of_any_byte_is_found<D: Db>(db: &D) {
    let (sessions, mut conn, session) = begin(db);
    let (attributes, conn, row) = (sessions.attributes(&session), &mut conn, session.row_id().unwrap());
    attributes.set_with(conn, "otp", "123456", encrypted()).unwrap();
    let whole = sealed::<D>(conn, row, "otp");
    for at in 0..whole.len() {
        // Each bit has its turn; the unit tests change all of them.
        let mut changed = whole.clone();
        changed[at] ^= 1 << (at % 8);
        put_sealed::<D>(conn, row, "otp", &changed);
        let answers = refused::<D>(&attributes, conn);
        assert!(answers.len() == 1 && expected(at).contains(&answers[0]), "byte {at}: {answers:?}");
    }
    put_sealed::<D>(conn, row, "otp", &whole);
    assert_eq!(attributes.get::<String, _>(conn, "otp").unwrap().as_deref(), Some("123456"));
}

// S83 SECURITY 23 SECURITY 26
fn bytes_that_nobody_sealed_do_not_open<D: Db>(db: &D) {
    let (sessions, mut conn, session) = begin(db);
    let (attributes, conn, row) = (sessions.attributes(&session), &mut conn, session.row_id().unwrap());
    attributes.set_with(conn, "otp", "123456", encrypted()).unwrap();
    let cases: [(&[u8], &[&str]); 8] = [
        (b"\"123456\"", &["unknown format"]),
        (b"null", &["unknown format"]),
        (&[0; 200], &["unknown format"]),
        (&[2; 200], &["unknown format"]),
        (&[0xff; 200], &["unknown format"]),
        (&[1], &["truncated"]),
        (&[1, 255], &["truncated"]),
        (&[1; 200], &["truncated"]),
    ];
    for (bytes, expected) in cases {
        put_sealed::<D>(conn, row, "otp", bytes);
        assert_eq!(refused::<D>(&attributes, conn), expected, "{bytes:?}");
    }
}

// S83 S90 S91
fn the_other_attributes_stay_readable<D: Db>(db: &D) {
    let (sessions, mut conn, session) = begin(db);
    let (attributes, conn, row) = (sessions.attributes(&session), &mut conn, session.row_id().unwrap());
    for name in ["a", "broken", "c"] {
        attributes.set_with(conn, name, name, encrypted()).unwrap();
    }
    attributes.set(conn, "clear", "clear").unwrap();
    let whole = sealed::<D>(conn, row, "broken");
    put_sealed::<D>(conn, row, "broken", &whole[..whole.len() - 1]);

    let all = attributes.get_many(conn, ["a", "broken", "c", "clear", "absent"]).unwrap();
    assert_eq!(all.len(), 5);
    for (name, value) in &all {
        match (name.as_str(), value) {
            ("absent", value) => assert_eq!(value.as_ref().unwrap(), &None),
            ("broken", value) => {
                let error = value.as_ref().unwrap_err();
                assert_eq!((error.kind(), error.attribute_name()), (ErrorKind::Decrypt, Some("broken")));
                assert_eq!(answers(error), ["truncated"]);
            }
            (name, value) => assert_eq!(value.as_ref().unwrap(), &Some(name.into())),
        }
    }
    assert_eq!(attributes.names(conn).unwrap(), ["a", "broken", "c", "clear"]);
    let exist = attributes.exists_many(conn, ["a", "broken", "absent"]).unwrap();
    assert!(exist["a"] && exist["broken"] && !exist["absent"]);
    assert_eq!(attributes.get::<String, _>(conn, "c").unwrap().as_deref(), Some("c"));
}

// S83 SECURITY 23
fn what_does_not_open_can_be_written_anew_and_deleted<D: Db>(db: &D) {
    let (sessions, mut conn, session) = begin(db);
    let (attributes, conn, row) = (sessions.attributes(&session), &mut conn, session.row_id().unwrap());
    let damage = |conn: &mut D::Conn| {
        attributes.set_with(conn, "otp", "123456", encrypted()).unwrap();
        put_sealed::<D>(conn, row, "otp", &[1, 2, 3]);
        assert_eq!(refused::<D>(&attributes, conn), ["truncated"]);
    };
    let value = |conn: &mut D::Conn| attributes.get::<String, _>(conn, "otp").unwrap();
    damage(conn);
    attributes.set(conn, "otp", "in clear").unwrap();
    assert_eq!(value(conn).as_deref(), Some("in clear"));
    damage(conn);
    attributes.set_with(conn, "otp", "sealed", encrypted()).unwrap();
    assert_eq!(value(conn).as_deref(), Some("sealed"));
    damage(conn);
    attributes.update_with(conn, "otp", "updated", encrypted()).unwrap();
    assert_eq!(value(conn).as_deref(), Some("updated"));
    damage(conn);
    attributes.set_expiry(conn, "otp", diesel_sessions::Expiry::In(crate::support::seconds(60))).unwrap();
    assert_eq!(refused::<D>(&attributes, conn), ["truncated"]);
    assert_eq!(attributes.create(conn, "otp", 1).unwrap_err().kind(), ErrorKind::AlreadyExists, "it is there");
    assert_eq!(attributes.delete(conn, "otp").unwrap(), 1);
    assert_eq!(value(conn), None);
}

// S83
fn a_take_that_does_not_open_leaves_the_row<D: Db>(db: &D) {
    let (sessions, mut conn, session) = begin(db);
    let (conn, row) = (&mut conn, session.row_id().unwrap());
    sessions.attributes(&session).set_with(conn, "otp", "123456", encrypted()).unwrap();
    let before = super::raw::dump::<D>(conn);
    let (reader, _) = with_keys::<D>(key(KEY, 8));
    for _ in 0..2 {
        let error = reader.attributes_of(row).take::<String, _>(conn, "otp").unwrap_err();
        assert_eq!(answers(&error), ["wrong key"]);
        assert!(super::raw::dump::<D>(conn) == before, "bit for bit");
    }
    let once: Option<String> = sessions.attributes(&session).take(conn, "otp").unwrap();
    assert_eq!(once.as_deref(), Some("123456"));
}

// S83
fn a_take_of_another_type_leaves_the_row<D: Db>(db: &D) {
    let (sessions, mut conn, session) = begin(db);
    let (attributes, conn) = (sessions.attributes(&session), &mut conn);
    for options in [WriteOptions::new(), encrypted()] {
        attributes.set_with(conn, "otp", "123456", options).unwrap();
        let before = super::raw::dump::<D>(conn);
        let error = attributes.take::<u32, _>(conn, "otp").unwrap_err();
        assert_eq!((error.kind(), error.attribute_name()), (ErrorKind::WrongType, Some("otp")));
        assert_eq!(answers(&error), [""; 0]);
        assert!(super::raw::dump::<D>(conn) == before, "bit for bit");
        assert_eq!(attributes.take::<String, _>(conn, "otp").unwrap().as_deref(), Some("123456"));
        assert_eq!(attributes.take::<u32, _>(conn, "otp").unwrap(), None);
    }
}

// S83 S43
fn inside_a_transaction_a_take_that_fails_leaves_all_as_it_was<D: Db>(db: &D) {
    use diesel::Connection;
    let (sessions, mut conn, session) = begin(db);
    let (attributes, conn, row) = (sessions.attributes(&session), &mut conn, session.row_id().unwrap());
    attributes.set_with(conn, "otp", "123456", encrypted()).unwrap();
    attributes.set_with(conn, "broken", "123456", encrypted()).unwrap();
    put_sealed::<D>(conn, row, "broken", &[1]);
    let work = |conn: &mut D::Conn| {
        attributes.set(conn, "before", 1).unwrap();
        assert_eq!(answers(&attributes.take_value(conn, "broken").unwrap_err()), ["truncated"]);
        assert_eq!(attributes.take::<u32, _>(conn, "otp").unwrap_err().kind(), ErrorKind::WrongType);
        attributes.set(conn, "after", 2).unwrap();
        assert_eq!(attributes.names(conn).unwrap(), ["after", "before", "broken", "otp"]);
    };
    rolled_back::<D, _>(conn, work);
    assert_eq!(attributes.names(conn).unwrap(), ["broken", "otp"]);
    conn.transaction::<_, diesel::result::Error, _>(|conn| {
        work(conn);
        assert_eq!(attributes.take::<String, _>(conn, "otp").unwrap().as_deref(), Some("123456"));
        Ok(())
    })
    .unwrap();
    assert_eq!(attributes.names(conn).unwrap(), ["after", "before", "broken"]);
}
