//! What `Debug`, errors and tracing say of attributes: neither values nor keys.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use diesel::Connection;
use diesel::connection::InstrumentationEvent;
use diesel_sessions::{
    Attribute, EncryptAttributes, Error, ErrorKind, Expiry, Keyring, Resealed, SessionRepository, SessionRepositoryBuilder,
    WriteOptions,
};
use serde::{Serialize, Serializer};

use super::raw::{drop_checks, everything, hex, key, put_sealed, row_of, sealed, with_keys};
use crate::life::steps::{Repo, created};
use crate::support::said::on_this_thread;
use crate::support::{Db, noon, repository, seconds, suite, token_of};

suite! {
    a_leak_is_seen_in_every_form,
    debug_shows_neither_values_nor_keys,
    errors_of_attributes_hold_no_value,
    errors_of_the_database_hold_no_value,
    what_cannot_be_serialised_stays_unsaid,
    nothing_secret_is_traced,
    what_an_application_hears_of_statements_holds_no_value,
}

const SECRET: &str = "correct horse battery staple";
/// 32 bytes.
const KEY: &[u8; 32] = b"stays quiet: a key of 32 letters";

fn keyring() -> Keyring {
    Keyring::new("2026-11", KEY).unwrap()
}

fn encrypted() -> WriteOptions {
    WriteOptions::new().encrypted()
}

/// In which form a text holds the value or the key, if it does.
fn leak(text: &str) -> Option<String> {
    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let dense = text.replace(' ', "");
    let mut forms = vec!["horse".to_owned(), "stays quiet".to_owned()];
    for bytes in [SECRET.as_bytes(), KEY] {
        let inner = &bytes[3..24];
        forms.extend([hex(inner), hex(inner).to_uppercase()]);
        forms.push(inner.iter().map(u8::to_string).collect::<Vec<_>>().join(","));
        forms.extend((0..3).flat_map(|at| [STANDARD.encode(&bytes[at..at + 21]), URL_SAFE_NO_PAD.encode(&bytes[at..at + 21])]));
    }
    forms.into_iter().find(|form| text.contains(form) || dense.contains(form))
}

fn assert_silent(text: &str) {
    assert_eq!(leak(text), None, "in {text}");
}

fn shown(value: &dyn Debug) -> String {
    format!("{value:?} {value:#?}")
}

// SECURITY 8
fn a_leak_is_seen_in_every_form<D: Db>(_db: &D) {
    for text in [
        format!("{SECRET:?}"),
        shown(&KEY),
        shown(&SECRET.as_bytes().to_vec()),
        shown(&(1, [Some(KEY)])),
        hex(KEY),
        hex(SECRET.as_bytes()).to_uppercase(),
        STANDARD.encode(KEY),
        URL_SAFE_NO_PAD.encode(format!("\"{SECRET}\"")),
        String::from_utf8_lossy(KEY).into_owned(),
    ] {
        assert!(leak(&text).is_some(), "{text}");
    }
    assert_eq!(leak("nothing of the kind"), None);
}

// SECURITY 8 S96
fn debug_shows_neither_values_nor_keys<D: Db>(db: &D) {
    let (sessions, _) = with_keys::<D>(keyring().and("2026-05", KEY).unwrap());
    let conn = &mut db.connect();
    let session = created::<D>(&sessions, conn);
    let attributes = sessions.attributes(&session);
    attributes.set(conn, "clear", SECRET).unwrap();
    attributes.set_with(conn, "sealed", SECRET, encrypted()).unwrap();
    let entries = ["clear", "sealed"].map(|name| attributes.entry(conn, name).unwrap().expect("it is there"));
    let options = encrypted().expires_in(seconds(60));
    let item = Attribute::new("a", [SECRET]).unwrap();
    let builder: SessionRepositoryBuilder<D::Model> = SessionRepository::builder().keyring(keyring());
    let builder = builder.encrypt_attributes(EncryptAttributes::Always);
    let said: [&dyn Debug; 13] = [
        &attributes,
        &sessions.attributes_of(session.row_id().unwrap()),
        &entries,
        &item,
        &item.clone().encrypted().expires_in(seconds(60)),
        &options,
        &Expiry::In(seconds(60)),
        &keyring(),
        &builder,
        &sessions,
        &session,
        &EncryptAttributes::Always,
        &Resealed::default(),
    ];
    for said in said {
        let said = shown(said);
        assert!(said.len() > 10);
        assert_silent(&said);
        assert!(!said.contains(&token_of(&session)));
    }
    assert!(shown(&item).contains("\"a\"") && shown(&entries).contains("is_encrypted"), "names and metadata are shown");
    assert_eq!(format!("{:?}", keyring()), "Keyring(1 keys)");
    // What stands in a row is no secret, but no use in a log either.
    assert!(!shown(&entries).contains(&hex(&entries[1].sealed().unwrap()[60..])));
}

/// Errors of every kind that a verb can give while it has the secret value, or the stored one, in its hands.
fn errors<D: Db>(sessions: &Repo<D>, conn: &mut D::Conn) -> Vec<Error> {
    let session = created::<D>(sessions, conn);
    let (attributes, row) = (sessions.attributes(&session), session.row_id().unwrap());
    let (keyless, _) = repository::<D>();
    attributes.set(conn, "clear", SECRET).unwrap();
    attributes.set_with(conn, "sealed", SECRET, encrypted()).unwrap();
    let mut errors = vec![
        attributes.create(conn, "clear", SECRET).unwrap_err(),
        attributes.update(conn, "absent", SECRET).unwrap_err(),
        attributes.set(conn, "a", format!("{SECRET}\0")).unwrap_err(),
        attributes.set(conn, "a", SECRET.repeat(4_000)).unwrap_err(),
        attributes.set(conn, " ", SECRET).unwrap_err(),
        attributes.set_with(conn, "a", SECRET, WriteOptions::new().expires_in(seconds(0))).unwrap_err(),
        Attribute::new("a", std::collections::BTreeMap::from([(vec![SECRET], 1)])).unwrap_err(),
        keyless.attributes_of(row).set_with(conn, "a", SECRET, encrypted()).unwrap_err(),
        keyless.attributes(&keyless.new_session()).set(conn, "a", SECRET).unwrap_err(),
        sessions.attributes_of(Default::default()).set(conn, "a", SECRET).unwrap_err(),
    ];
    for name in ["clear", "sealed"] {
        errors.push(attributes.get::<u32, _>(conn, name).unwrap_err());
        errors.push(attributes.take::<Vec<u8>, _>(conn, name).unwrap_err());
        errors.push(attributes.entry(conn, name).unwrap().unwrap().value::<bool>().unwrap_err());
        // A type whose own complaint would repeat the value.
        errors.push(attributes.get::<std::net::IpAddr, _>(conn, name).unwrap_err());
    }
    for reader in [&keyless, &with_keys::<D>(key("2026-11", 1)).0, &with_keys::<D>(key("another", 1)).0] {
        errors.push(reader.attributes_of(row).get_value(conn, "sealed").unwrap_err());
    }
    let whole = sealed::<D>(conn, row, "sealed");
    let flipped: Vec<_> = whole.iter().map(|byte| byte ^ 1).collect();
    let mut tampered = whole.clone();
    *tampered.last_mut().unwrap() ^= 1;
    for bytes in [&whole[..20], &whole[..whole.len() - 1], &flipped, &tampered, SECRET.as_bytes()] {
        put_sealed::<D>(conn, row, "sealed", bytes);
        errors.push(attributes.get_value(conn, "sealed").unwrap_err());
    }
    drop_checks::<D>(conn);
    let both = format!("UPDATE session_attributes SET value = '[\"{SECRET}\"]' WHERE {}", row_of::<D>(row, "sealed"));
    D::execute(conn, &both);
    errors.push(attributes.get_value(conn, "sealed").unwrap_err());
    let broken = format!("UPDATE session_attributes SET value = '[\"{SECRET}\", 1e400]' WHERE {}", row_of::<D>(row, "clear"));
    D::execute(conn, &broken);
    errors.push(attributes.get_value(conn, "clear").unwrap_err());
    errors
}

// SECURITY 8 S96
fn errors_of_attributes_hold_no_value<D: Db>(db: &D) {
    let (sessions, _) = with_keys::<D>(keyring());
    let conn = &mut db.connect();
    let errors = errors::<D>(&sessions, conn);
    let mut kinds: Vec<_> = errors.iter().map(Error::kind).collect();
    for expected in [
        ErrorKind::AlreadyExists,
        ErrorKind::NotFound,
        ErrorKind::InvalidArgument,
        ErrorKind::Limit,
        ErrorKind::NotSerializable,
        ErrorKind::Config,
        ErrorKind::NotCreated,
        ErrorKind::Gone,
        ErrorKind::WrongType,
        ErrorKind::Decrypt,
        ErrorKind::Undecodable,
    ] {
        let before = kinds.len();
        kinds.retain(|kind| *kind != expected);
        assert!(kinds.len() < before, "{expected:?} is among them");
    }
    assert_eq!(kinds, [], "every kind is expected");
    for error in &errors {
        assert_silent(&everything(error));
        assert_silent(&shown(error));
    }
}

// SECURITY 8 SECURITY 30 S96
fn errors_of_the_database_hold_no_value<D: Db>(db: &D) {
    let (sessions, _) = with_keys::<D>(keyring());
    let conn = &mut db.connect();
    let session = created::<D>(&sessions, conn);
    let attributes = sessions.attributes(&session);
    // A constraint of the application's own: some engines quote the whole row that it refuses.
    D::execute(
        conn,
        match D::NAME {
            "sqlite" => {
                "ALTER TABLE session_attributes ADD COLUMN tame INTEGER CONSTRAINT tame CHECK (value NOT LIKE '%horse%' AND name <> 'x')"
            }
            "postgres" => {
                "ALTER TABLE session_attributes ADD CONSTRAINT tame CHECK (CAST(value AS TEXT) NOT LIKE '%horse%' AND name <> 'x')"
            }
            _ => "ALTER TABLE session_attributes ADD CONSTRAINT tame CHECK (value NOT LIKE '%horse%' AND name <> 'x')",
        },
    );
    attributes.set(conn, "a", "tame").unwrap();
    let many = |name: &str| [Attribute::new("b", SECRET).unwrap(), Attribute::new(name, SECRET).unwrap()];
    let errors = [
        attributes.set(conn, "a", SECRET).unwrap_err(),
        attributes.update(conn, "a", SECRET).unwrap_err(),
        attributes.create(conn, "b", SECRET).unwrap_err(),
        attributes.set_many(conn, many("a"), WriteOptions::new()).unwrap_err(),
        attributes.create_many(conn, many("c"), WriteOptions::new()).unwrap_err(),
        attributes.set_with(conn, "x", SECRET, encrypted()).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Database, "{error:?}");
        assert!(std::error::Error::source(&error).is_some());
        assert_silent(&everything(&error));
    }
    assert_eq!(attributes.names(conn).unwrap(), ["a"]);
    D::execute(conn, "DROP TABLE session_attributes");
    let errors = [
        attributes.set(conn, "a", SECRET).unwrap_err(),
        attributes.set_with(conn, "a", SECRET, encrypted()).unwrap_err(),
        sessions.reseal(conn, 10).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Database, "{error:?}");
        assert_silent(&everything(&error));
    }
}

/// A value whose serialisation fails, and says why with the value in it.
struct Unwritable;

impl Serialize for Unwritable {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom(SECRET))
    }
}

// SECURITY 8
fn what_cannot_be_serialised_stays_unsaid<D: Db>(db: &D) {
    let (sessions, _) = with_keys::<D>(keyring());
    let conn = &mut db.connect();
    let session = created::<D>(&sessions, conn);
    let attributes = sessions.attributes(&session);
    let errors = [
        Attribute::new("a", Unwritable).unwrap_err(),
        attributes.set(conn, "a", Unwritable).unwrap_err(),
        attributes.set_with(conn, "a", [Some(Unwritable)], encrypted()).unwrap_err(),
    ];
    for error in errors {
        assert_eq!((error.kind(), error.attribute_name()), (ErrorKind::NotSerializable, Some("a")));
        assert_silent(&everything(&error));
    }
    assert_eq!(attributes.names(conn).unwrap(), [""; 0]);
}

// SECURITY 8 S96
fn nothing_secret_is_traced<D: Db>(db: &D) {
    let ((), said) = on_this_thread(|| {
        let (sessions, clock) = with_keys::<D>(keyring());
        let conn = &mut db.connect();
        let session = created::<D>(&sessions, conn);
        let attributes = sessions.attributes(&session);
        let items = || ["a", "b"].map(|name| Attribute::new(name, SECRET).unwrap().expires_in(seconds(60)));
        for options in [WriteOptions::new(), encrypted()] {
            attributes.create_many(conn, items(), options).unwrap();
            attributes.update_many(conn, items(), options).unwrap();
            attributes.set_with(conn, "a", SECRET, options).unwrap();
            attributes.get_value(conn, "a").unwrap();
            attributes.get_many(conn, ["a", "b", "c"]).unwrap();
            attributes.entry(conn, "a").unwrap().unwrap().json().unwrap();
            attributes.take_value(conn, "a").unwrap();
            attributes.delete(conn, "b").unwrap();
        }
        attributes.set_many(conn, items(), encrypted()).unwrap();
        let next = Keyring::new("2027-05", [9; 32]).unwrap().and("2026-11", KEY).unwrap();
        assert_eq!(with_keys::<D>(next).0.reseal(conn, 10).unwrap().resealed, 2);
        attributes.set_with(conn, "c", SECRET, encrypted()).unwrap();
        let lost = Keyring::new("2028-05", KEY).unwrap();
        assert_eq!(with_keys::<D>(lost).0.reseal(conn, 10).unwrap().unreadable, 3);
        clock.set(noon() + seconds(60));
        sessions.purge_expired(conn, 10).unwrap();
        clock.set(noon());
        errors::<D>(&sessions, conn);
    });
    assert_silent(&said);
    // Yet it is said which attribute did not open, and why.
    let refused = said.lines().find(|line| line.contains(": refused")).expect("an attribute was refused");
    assert!(refused.contains("row_id=") && refused.contains("attribute=\"") && refused.contains("reason="), "{refused}");
    assert!(said.contains("not resealed") && said.contains(": resealed"), "{said}");
}

// SECURITY 8 S96
fn what_an_application_hears_of_statements_holds_no_value<D: Db>(db: &D) {
    let (sessions, _) = with_keys::<D>(keyring());
    let conn = &mut db.connect();
    let session = created::<D>(&sessions, conn);
    let attributes = sessions.attributes(&session);
    let heard = Arc::new(Mutex::new(String::new()));
    let page = Arc::clone(&heard);
    // Diesel's own instrumentation shows what is bound.
    conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        page.lock().unwrap().push_str(&format!("{event:?}\n"));
    });
    let items = |name: &str| ["bound", name].map(|name| Attribute::new(name, SECRET).unwrap());
    for options in [WriteOptions::new(), encrypted()] {
        attributes.set_with(conn, "bound", SECRET, options).unwrap();
        attributes.update_with(conn, "bound", SECRET, options.never()).unwrap();
        attributes.set_many(conn, items("b"), options).unwrap();
        attributes.update_many(conn, items("b"), options).unwrap();
        attributes.take_value(conn, "bound").unwrap();
        attributes.delete(conn, "b").unwrap();
        attributes.create_many(conn, items("b"), options).unwrap();
        attributes.get_many(conn, ["bound", "b"]).unwrap();
        attributes.delete_many(conn, ["bound", "b"]).unwrap();
    }
    let heard = heard.lock().unwrap();
    assert!(heard.contains("bound"), "what is bound is shown: {heard}");
    assert_silent(&heard);
}
