//! `keys`: a new one, and what older ones have encrypted.

use std::process::Stdio;

use diesel_sessions::{Attribute, Keyring, SessionModel, SessionRepository, SystemClock, WriteOptions};
use rustix::process::{Pid, Signal, kill_process};

use super::support::{Db, repository_with, suite};
use super::tool::{Answer, answer, print, tool};

suite! {
    everything_is_sealed_with_the_first_key,
    what_does_not_open_is_named_and_keeps_nothing_else,
    a_run_goes_on_where_the_last_one_left_off,
    a_signal_ends_a_run_between_two_pages,
    tables_may_have_other_names,
    without_keys_nothing_is_touched,
}

/// Two keys as SESSION_KEYS has them: of 32 bytes 7, and of 32 bytes 3.
const NEW: &str = "2026-11:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
const OLD: &str = "2026-05:AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=";
const LOST: &str = "2025-01:CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=";

fn both() -> String {
    format!("{NEW},{OLD}")
}

fn with_keys<D: Db>(keys: &str) -> SessionRepository<D::Model> {
    let keyring: Keyring = keys.parse().unwrap();
    repository_with::<D>(|builder| builder.clock(SystemClock).keyring(keyring)).0
}

type RowId<D> = <<D as Db>::Model as SessionModel>::RowId;

/// A session with encrypted attributes of these names, each the value of its own.
fn sealed<D: Db>(db: &D, keys: &str, names: impl IntoIterator<Item = String>) -> RowId<D> {
    let (sessions, mut conn) = (with_keys::<D>(keys), db.connect());
    let mut session = sessions.new_session();
    sessions.create(&mut conn, &mut session).unwrap();
    let attributes = names.into_iter().map(|name| Attribute::new(&name, format!("value of {name}")).unwrap());
    sessions.attributes(&session).set_many(&mut conn, attributes, WriteOptions::new().encrypted()).unwrap();
    session.row_id().unwrap()
}

/// What an attribute reads as with these keys; none where it does not open.
fn read<D: Db>(db: &D, keys: &str, session: RowId<D>, name: &str) -> Option<String> {
    with_keys::<D>(keys).attributes_of(session).get(&mut db.connect(), name).ok().flatten()
}

fn reseal<D: Db>(db: &D, keys: &str, args: &[&str]) -> Answer {
    let folder = tempfile::tempdir().unwrap();
    let mut command = tool(folder.path());
    command.env("DATABASE_URL", db.url()).env("SESSION_KEYS", keys).args(["--format", "json", "keys", "reseal"]).args(args);
    answer(&mut command)
}

#[track_caller]
fn counts(answer: &Answer) -> [u64; 3] {
    let document: serde_json::Value = serde_json::from_str(&answer.stdout).expect(&answer.stderr);
    ["resealed", "remaining", "unreadable"].map(|name| document[name].as_u64().unwrap())
}

// S85
fn everything_is_sealed_with_the_first_key<D: Db>(db: &D) {
    let session = sealed(db, OLD, (0..250).map(|number| format!("v{number:03}")));
    let other = sealed(db, OLD, ["v".to_owned()]);
    let newer = sealed(db, NEW, ["w".to_owned()]);
    assert_eq!(read(db, NEW, session, "v007"), None);
    let done = reseal(db, &both(), &[]);
    assert_eq!((done.status, counts(&done)), (Some(0), [251, 0, 0]));
    for (row, name) in [(session, "v000"), (session, "v249"), (other, "v"), (newer, "w")] {
        assert_eq!(read(db, NEW, row, name).unwrap(), format!("value of {name}"));
    }
    assert_eq!(counts(&reseal(db, &both(), &[])), [0, 0, 0]);
}

// S83 S85 SECURITY 8
fn what_does_not_open_is_named_and_keeps_nothing_else<D: Db>(db: &D) {
    let session = sealed(db, OLD, ["a".to_owned(), "z".to_owned()]);
    let lost = sealed(db, LOST, ["recovery".to_owned(), "zero".to_owned()]);
    let done = reseal(db, &both(), &["--batch", "1"]);
    assert_eq!((done.status, counts(&done)), (Some(1), [2, 2, 2]));
    assert_eq!(read(db, NEW, session, "a").unwrap(), "value of a");
    let document: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    let listed = &document["unreadable_attributes"];
    assert_eq!((listed[0]["session"].to_string(), &listed[0]["name"]), (lost.to_string(), &"recovery".into()));
    assert!(listed[1]["reason"].as_str().unwrap().contains("key `2025-01`"), "{listed}");

    let folder = tempfile::tempdir().unwrap();
    let mut command = tool(folder.path());
    let shown = answer(command.env("DATABASE_URL", db.url()).env("SESSION_KEYS", both()).args(["keys", "reseal"]));
    assert!(shown.status == Some(1) && shown.stdout.contains("recovery") && shown.stdout.contains("2025-01"), "{}", shown.stdout);
    for said in [done, shown] {
        let said = said.stdout + &said.stderr;
        assert!(!said.contains("value of") && !said.contains("BwcH") && !said.contains("AwMD"), "{said}");
    }
    assert_eq!(read(db, LOST, lost, "recovery").unwrap(), "value of recovery", "it is as it was");
}

// S85
fn a_run_goes_on_where_the_last_one_left_off<D: Db>(db: &D) {
    let old = sealed(db, OLD, ["a".to_owned(), "b".to_owned()]);
    let lost = sealed(db, LOST, ["c".to_owned()]);
    assert_eq!(counts(&reseal(db, &both(), &[])), [2, 1, 1]);
    let found = format!("{},{LOST}", both());
    assert_eq!(counts(&reseal(db, &found, &[])), [1, 0, 0]);
    for (row, name) in [(old, "a"), (old, "b"), (lost, "c")] {
        assert!(read(db, NEW, row, name).is_some(), "{name}");
    }
}

/// How many values begin as the new key's do: format 1, and a name of seven bytes.
fn under_the_new_key<D: Db>(conn: &mut D::Conn) -> u64 {
    let hex = if D::NAME == "postgres" { "encode(sealed, 'hex')" } else { "lower(hex(sealed))" };
    let name: String = "2026-11".bytes().map(|byte| format!("{byte:02x}")).collect();
    let rows = D::number(conn, &format!("SELECT COUNT(*) FROM session_attributes WHERE {hex} LIKE '0107{name}%'"));
    u64::try_from(rows).unwrap()
}

// S85 SECURITY 32
fn a_signal_ends_a_run_between_two_pages<D: Db>(db: &D) {
    const MANY: u64 = 1_500;
    sealed(db, OLD, (0..MANY).map(|number| format!("v{number}")));
    let folder = tempfile::tempdir().unwrap();
    let mut command = tool(folder.path());
    command.env("DATABASE_URL", db.url()).env("SESSION_KEYS", both());
    command.args(["--format", "json", "keys", "reseal", "--batch", "1"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let mut conn = db.connect();
    while under_the_new_key::<D>(&mut conn) == 0 {
        std::thread::yield_now();
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = Answer {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    };
    let [resealed, remaining, unreadable] = counts(&said);
    assert_eq!((said.status, resealed + remaining, unreadable), (Some(130), MANY, 0));
    assert_eq!(under_the_new_key::<D>(&mut conn), resealed);
    assert!(remaining > 0 && said.stderr.contains("run it again"), "{}", said.stderr);
    assert_eq!(counts(&reseal(db, &both(), &[])), [remaining, 0, 0]);
}

// S84
fn tables_may_have_other_names<D: Db>(db: &D) {
    sealed(db, OLD, ["a".to_owned()]);
    let rename = match D::NAME {
        // Its trigger names the tables.
        "sqlite" => "DROP TRIGGER sessions_delete_attributes; ",
        _ => "",
    };
    let tables = "ALTER TABLE session_attributes RENAME TO visit_facts; ALTER TABLE sessions RENAME TO visits";
    D::execute(&mut db.connect(), &format!("{rename}{tables}"));
    let done = reseal(db, &both(), &["--table", "visits", "--attributes-table", "visit_facts"]);
    // A value is bound to its table's name, so none opens; that they are found and left alone is what counts.
    assert_eq!((done.status, counts(&done)), (Some(1), [0, 1, 1]));
    let found = reseal(db, &both(), &["--table", "visits"]);
    assert_eq!((found.status, counts(&found)), (Some(1), [0, 1, 1]), "by their key");
    reseal(db, &both(), &["--table", "visits", "--no-attributes"]).assert_failed(2, &["--attributes-table"]);
}

// SECURITY 8
fn without_keys_nothing_is_touched<D: Db>(db: &D) {
    let session = sealed(db, OLD, ["a".to_owned()]);
    let folder = tempfile::tempdir().unwrap();
    let mut command = tool(folder.path());
    answer(command.env("DATABASE_URL", db.url()).args(["keys", "reseal"])).assert_failed(2, &["SESSION_KEYS", "--keys-from"]);
    let by_mistake = reseal(db, &both(), &["--keys-from", OLD]);
    by_mistake.assert_failed(2, &["--keys-from"]);
    assert!(!by_mistake.stderr.contains("AwMD"));
    let broken = reseal(db, "2026-11:BwcHBwcH,2026-05", &[]);
    broken.assert_failed(1, &["name:base64"]);
    assert!(!broken.stderr.contains("BwcH"));
    assert!(read(db, OLD, session, "a").is_some());

    let file = folder.path().join("session-keys");
    std::fs::write(&file, format!("{NEW}\n{OLD}\n")).unwrap();
    let done = reseal(db, "", &["--keys-from", file.to_str().unwrap()]);
    assert_eq!(counts(&done), [1, 0, 0], "a file is as good");
}

// SECURITY 27
#[test]
fn a_new_key_is_all_that_is_printed() {
    let line = print("", &["keys", "generate"]);
    let keyring: Keyring = line.parse().unwrap();
    let name = keyring.names().next().unwrap().to_owned();
    assert!(name.len() == 10 && name.starts_with("20"), "{name}");
    assert_eq!(line.lines().count(), 1);
    assert_ne!(line, print("", &["keys", "generate"]));
    let named = print("", &["keys", "generate", "--name", "backup"]);
    assert!(named.starts_with("backup:"), "{named}");
    let folder = tempfile::tempdir().unwrap();
    answer(tool(folder.path()).args(["keys", "generate", "--name", "a:b"])).assert_failed(2, &["1 to 64"]);
}
