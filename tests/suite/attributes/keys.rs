//! Where keys come from, and what happens where there is none.

use std::ffi::OsString;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use diesel_sessions::{Attribute, EncryptAttributes, Error, ErrorKind, Keyring, SessionRepository, WriteOptions};

use super::raw::{answers, dump, everything, key, with_keys};
use crate::life::steps::created;
use crate::support::{Db, repository, repository_with, suite};

suite! {
    encryption_without_a_keyring_stores_nothing,
    all_encrypted_without_a_keyring_is_refused_when_built,
    where_all_is_encrypted_only_in_clear_is_clear,
    a_keyring_is_the_same_wherever_it_comes_from,
    a_keyring_comes_from_the_environment,
    a_key_that_is_too_short_is_refused_wherever_it_comes_from,
    a_file_that_says_no_keyring_is_refused,
}

fn encrypted() -> WriteOptions {
    WriteOptions::new().encrypted()
}

// S86
fn encryption_without_a_keyring_stores_nothing<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let session = created::<D>(&sessions, conn);
    let attributes = sessions.attributes(&session);
    for exists in [false, true] {
        if exists {
            attributes.set(conn, "a", 1).unwrap();
            attributes.set(conn, "b", 2).unwrap();
        }
        let before = dump::<D>(conn);
        // The one that is to be encrypted keeps the other from being stored too.
        let both = || [Attribute::new("b", "secret").unwrap(), Attribute::new("a", "secret").unwrap().encrypted()];
        let results = [
            attributes.set_with(conn, "a", "secret", encrypted()),
            attributes.create_with(conn, "a", "secret", encrypted()),
            attributes.update_with(conn, "a", "secret", encrypted()),
            attributes.set_many(conn, both(), WriteOptions::new()),
            attributes.create_many(conn, both(), WriteOptions::new()),
            attributes.update_many(conn, both(), WriteOptions::new()),
            attributes.set_many(conn, both().map(Attribute::never), encrypted()),
        ];
        for (number, result) in results.into_iter().enumerate() {
            let error = result.unwrap_err();
            assert_eq!((error.kind(), error.attribute_name()), (ErrorKind::Config, Some("a")), "number {number}: {error:?}");
            assert_eq!(answers(&error), [""; 0]);
        }
        assert!(dump::<D>(conn) == before, "nothing was stored");
    }
}

// S86
fn all_encrypted_without_a_keyring_is_refused_when_built<D: Db>(_db: &D) {
    let builder = || SessionRepository::<D::Model>::builder().encrypt_attributes(EncryptAttributes::Always);
    let error = builder().build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(builder().keyring(key("a", 1)).build().is_ok());
    assert!(builder().encrypt_attributes(EncryptAttributes::WhenAsked).build().is_ok());
}

// S86 S87
fn where_all_is_encrypted_only_in_clear_is_clear<D: Db>(db: &D) {
    let (sessions, _) =
        repository_with::<D>(|builder| builder.keyring(key("a", 7)).encrypt_attributes(EncryptAttributes::Always));
    let conn = &mut db.connect();
    let session = created::<D>(&sessions, conn);
    let attributes = sessions.attributes(&session);
    let is_sealed = |conn: &mut D::Conn, name: &str| {
        let rows = format!("SELECT count(*) FROM session_attributes WHERE name = '{name}' AND sealed IS NOT NULL");
        let entry = attributes.entry(conn, name).unwrap().expect("it is there");
        let sealed = D::number(conn, &rows) == 1;
        assert_eq!(entry.is_encrypted(), sealed);
        assert_eq!(entry.value::<String>().unwrap(), "secret");
        sealed
    };
    let plain = WriteOptions::new;
    let item = |name: &str| Attribute::new(name, "secret").unwrap();
    let both = || [item("a"), item("b").in_clear()];

    attributes.create(conn, "a", "secret").unwrap();
    assert!(is_sealed(conn, "a"));
    attributes.update_with(conn, "a", "secret", plain().in_clear()).unwrap();
    assert!(!is_sealed(conn, "a"));
    attributes.update(conn, "a", "secret").unwrap();
    assert!(is_sealed(conn, "a"));
    attributes.set_with(conn, "a", "secret", plain().in_clear()).unwrap();
    assert!(!is_sealed(conn, "a"));
    attributes.set(conn, "a", "secret").unwrap();
    assert!(is_sealed(conn, "a"));
    attributes.delete(conn, "a").unwrap();
    attributes.create_many(conn, both(), plain()).unwrap();
    assert!(is_sealed(conn, "a") && !is_sealed(conn, "b"));
    attributes.set_many(conn, both().map(Attribute::encrypted), plain().in_clear()).unwrap();
    assert!(is_sealed(conn, "a") && is_sealed(conn, "b"));
    attributes.update_many(conn, both(), plain().never()).unwrap();
    assert!(is_sealed(conn, "a") && !is_sealed(conn, "b"));
    attributes.set_many(conn, [item("a"), item("b").encrypted()], plain().in_clear()).unwrap();
    assert!(!is_sealed(conn, "a") && is_sealed(conn, "b"));
}

/// Two keys as a variable or a file says them.
fn text() -> String {
    format!("2026-11:{},2026-05:{}", STANDARD.encode([0xfb; 32]), URL_SAFE_NO_PAD.encode([0xfe; 32]))
}

/// The same keys.
fn keyring() -> Keyring {
    Keyring::new("2026-11", [0xfb; 32]).unwrap().and("2026-05", [0xfe; 32]).unwrap()
}

/// Whether a keyring opens what each of the two keys has sealed, and writes with the first of them.
fn is_the_same<D: Db>(db: &D, found: Keyring) -> bool {
    assert_eq!(found.names().collect::<Vec<_>>(), ["2026-11", "2026-05"]);
    let (sessions, _) = with_keys::<D>(found);
    let conn = &mut db.connect();
    let session = created::<D>(&sessions, conn);
    let row = session.row_id().unwrap();
    for (name, byte) in [("2026-11", 0xfb), ("2026-05", 0xfe)] {
        with_keys::<D>(key(name, byte)).0.attributes_of(row).set_with(conn, name, name, encrypted()).unwrap();
    }
    let attributes = sessions.attributes(&session);
    attributes.set_with(conn, "own", "own", encrypted()).unwrap();
    let reads = ["2026-11", "2026-05"].iter().all(|name| attributes.get_value(conn, name).unwrap() == Some((*name).into()));
    let first = with_keys::<D>(key("2026-11", 0xfb)).0.attributes_of(row).get_value(conn, "own");
    reads && first.unwrap() == Some("own".into())
}

// S85 S86
fn a_keyring_is_the_same_wherever_it_comes_from<D: Db>(db: &D) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    assert!(is_the_same(db, keyring()));
    assert!(is_the_same(db, text().parse().unwrap()));
    for text in [text(), text().replace(',', "\n"), text().replace(',', " \r\n\r\n") + "\n"] {
        std::fs::write(&path, text).unwrap();
        assert!(is_the_same(db, Keyring::from_file(&path).unwrap()));
    }
}

/// Set by this test for itself: what a process is started with, nobody else sees.
const VARIABLE: &str = "DIESEL_SESSIONS_TEST_KEYRING";
/// What the process is to make of it.
const EXPECTED: &str = "DIESEL_SESSIONS_TEST_KEYRING_EXPECTED";

// S86 SECURITY 8 SECURITY 27
fn a_keyring_comes_from_the_environment<D: Db>(db: &D) {
    if let Ok(expected) = std::env::var(EXPECTED) {
        match (Keyring::from_env(VARIABLE), expected.as_str()) {
            (Ok(keyring), "keyring") => assert!(is_the_same(db, keyring)),
            (Err(error), "error") => assert_silent(&error),
            (result, expected) => panic!("{:?} where {expected} was expected", result.map_err(|error| error.kind())),
        }
        return;
    }
    let run = |value: Option<OsString>, expected: &str| {
        let name = format!("attributes::keys::{}::a_keyring_comes_from_the_environment", D::NAME);
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", &name]).env(EXPECTED, expected).env_remove(VARIABLE);
        if let Some(value) = value {
            child.env(VARIABLE, value);
        }
        let output = child.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
    };
    run(Some(text().into()), "keyring");
    run(Some(text().replace(',', " , ").into()), "keyring");
    run(None, "error");
    for value in ["", "quiet", "2026-11:quiet", "2026-11:cXVpZXQ=", &format!("{},{}", text(), text())] {
        run(Some(value.into()), "error");
    }
    #[cfg(unix)]
    run(Some(std::os::unix::ffi::OsStringExt::from_vec([text().as_bytes(), b"\xffquiet"].concat())), "error");
}

/// A refused keyring is an error of the set-up that repeats nothing of what it was given.
fn assert_silent(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::Config);
    let text = everything(error);
    for secret in ["quiet", "cXVpZXQ", &STANDARD.encode([0xfb; 32])[..20], &URL_SAFE_NO_PAD.encode([0xfe; 32])[..20]] {
        assert!(!text.contains(secret), "{text}");
    }
}

// SECURITY 27
fn a_key_that_is_too_short_is_refused_wherever_it_comes_from<D: Db>(db: &D) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    for len in [0, 1, 16, 24, 31, 33, 64] {
        let key = vec![0xfb; len];
        let text = format!("2026-11:{}", STANDARD.encode(&key));
        std::fs::write(&path, &text).unwrap();
        let errors = [
            Keyring::new("2026-11", &key).unwrap_err(),
            keyring().and("another", &key).unwrap_err(),
            text.parse::<Keyring>().unwrap_err(),
            Keyring::from_file(&path).unwrap_err(),
        ];
        errors.iter().for_each(assert_silent);
    }
    assert!(is_the_same(db, keyring()), "32 bytes are a key");
}

// S86 SECURITY 8
fn a_file_that_says_no_keyring_is_refused<D: Db>(db: &D) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    assert_silent(&Keyring::from_file(&path).unwrap_err());
    assert_silent(&Keyring::from_file(folder.path()).unwrap_err());
    let keys = text();
    let contents: [&[u8]; 6] = [
        b"",
        b"\n\n",
        b"quiet",
        b"2026-11:quiet\n",
        &[keys.as_bytes(), b"\xffquiet"].concat(),
        &[keys.as_bytes(), b"\nquiet"].concat(),
    ];
    for content in contents {
        std::fs::write(&path, content).unwrap();
        assert_silent(&Keyring::from_file(&path).unwrap_err());
    }
    std::fs::write(&path, keys).unwrap();
    assert!(is_the_same(db, Keyring::from_file(&path).unwrap()));
}
