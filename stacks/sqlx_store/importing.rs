//! The same sessions, brought over by the command-line tool instead: `diesel-sessions import tower-sessions-sqlx`.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};

use crate::asking::Browser;
use crate::place::block_on;
use crate::support::{Plain, suite};
use crate::{DieselStore, Former, app, new_store, place, rows_there};

suite! {
    an_imported_session_opens_under_its_old_cookie,
    a_browser_keeps_its_cookie_over_an_import,
    an_import_makes_the_row_that_a_move_makes,
    a_session_that_the_application_ends_is_not_imported_again,
    nobody_is_signed_out_while_the_application_moves_sessions_too,
}

/// The tool, built from this repository for the engines of this crate; `DIESEL_SESSIONS` may name one that is built already.
fn tool() -> &'static Path {
    static TOOL: OnceLock<PathBuf> = OnceLock::new();
    TOOL.get_or_init(|| {
        if let Some(tool) = std::env::var_os("DIESEL_SESSIONS") {
            return tool.into();
        }
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
        let target = workspace.join("target/sqlx_store/tool");
        let engines = [
            ("sqlite-bundled", cfg!(feature = "sqlite")),
            ("postgres", cfg!(feature = "postgres")),
            ("mysql", cfg!(feature = "mysql")),
        ];
        let engines: Vec<&str> = engines.into_iter().filter(|(_, is_on)| *is_on).map(|(engine, _)| engine).collect();
        let status = Command::new(env!("CARGO"))
            .current_dir(workspace)
            .args(["build", "--quiet", "--package", "diesel-sessions-cli", "--no-default-features", "--features"])
            .arg(engines.join(","))
            .arg("--target-dir")
            .arg(&target)
            .status()
            .unwrap();
        assert!(status.success(), "the tool does not build");
        target.join("debug/diesel-sessions")
    })
}

/// Imports; what the tool says of it.
fn import<D: Former>(db: &D, args: &[&str]) -> Value {
    answer(begin_to_import(db, args))
}

fn begin_to_import<D: Former>(db: &D, args: &[&str]) -> Child {
    let mut command = Command::new(tool());
    command.env("DATABASE_URL", db.url()).args(["--format", "json", "import", "tower-sessions-sqlx"]).args(args);
    if D::NAME == "mysql" {
        command.args(["--from", D::TABLE]);
    }
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn answer(import: Child) -> Value {
    let answer = import.wait_with_output().unwrap();
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    serde_json::from_slice(&answer.stdout).unwrap()
}

const MOVE: [&str; 4] = ["--owner-path", "axum-login.data.user_id", "--write", "--move"];

fn signed_in() -> Record {
    let login = json!({"user_id": 7, "auth_hash": [1, 2, 3]});
    Record {
        id: Id::default(),
        data: [
            ("axum-login.data".to_owned(), login),
            ("cart".to_owned(), json!(["egg", "spam", {"price": 1.5, "ü": null}])),
            ("limits".to_owned(), json!([u64::MAX, i64::MIN, 0.1, true, ""])),
        ]
        .into(),
        expiry_date: (OffsetDateTime::now_utc() + Duration::days(3)).replace_nanosecond(123_456_789).unwrap(),
    }
}

// S3
fn an_imported_session_opens_under_its_old_cookie<D: Former>(db: &D) {
    let place = place(db);
    block_on(async {
        let old = D::old(db.url()).await;
        let mut before = signed_in();
        let mut expired = Record { expiry_date: OffsetDateTime::now_utc() - Duration::days(1), ..signed_in() };
        old.create(&mut before).await.unwrap();
        old.create(&mut expired).await.unwrap();
        assert_eq!(import(db, &MOVE[..2])["importable"], 1);
        assert_eq!(place.rows(), 0, "that was to see");
        let done = import(db, &MOVE);
        assert_eq!((&done["imported"], &done["expired"], &done["unfit"]), (&json!(1), &json!(1), &json!(0)));

        let session = place.open(&before.id.to_string()).expect("nobody is signed out");
        assert_eq!(session.to_model().user_id(), Some(7));
        for (key, value) in &before.data {
            assert_eq!(session.get_value(key).as_deref(), Some(value));
        }
        let ends_at = session.expires_at().unwrap();
        assert_eq!(ends_at.timestamp_micros(), i64::try_from(before.expiry_date.unix_timestamp_nanos() / 1_000).unwrap());
        assert!(place.open(&expired.id.to_string()).is_none());
        assert_eq!(rows_there(&place), 1);
    });
}

fn a_browser_keeps_its_cookie_over_an_import<D: Former>(db: &D) {
    let place = place(db);
    block_on(async {
        let before = app(D::old(db.url()).await);
        let mut browser = Browser::default();
        assert_eq!(browser.get(&before, "/").await.body, "1");
        let cookie = browser.cookie.clone();
        import(db, &["--write"]);
        let after = app(DieselStore::new(place.sessions.clone(), place.pool.clone()));
        assert_eq!(browser.get(&after, "/").await.body, "2");
        assert_eq!(browser.get(&after, "/").await.body, "3");
        assert_eq!(browser.cookie, cookie);
    });
}

fn an_import_makes_the_row_that_a_move_makes<D: Former>(db: &D) {
    let place = place(db);
    block_on(async {
        let old = D::old(db.url()).await;
        let mut one = signed_in();
        let mut other = Record { id: Id::default(), ..one.clone() };
        old.create(&mut one).await.unwrap();
        old.create(&mut other).await.unwrap();
        new_store(&place, &old).load(&one.id).await.unwrap().expect("it is moved");
        assert_eq!(import(db, &MOVE)["imported"], 1);
    });
    assert_eq!(rows_there(&place), 0);
    let same = [
        "_data",
        "_version",
        "_previous_uuid",
        "authenticated_at",
        "rotated_at",
        "expires_at",
        "deadline_at",
        "idle_timeout",
        "persistent",
        "user_id",
        "remote_addr",
        "user_agent",
    ];
    for column in same {
        let values = D::texts(&mut db.connect(), &format!("SELECT {column} FROM sessions"));
        assert_eq!(values.len(), 2);
        assert_eq!(values[0], values[1], "{column}");
    }
}

// SECURITY 13
fn a_session_that_the_application_ends_is_not_imported_again<D: Former>(db: &D) {
    let place = place(db);
    block_on(async {
        let old = D::old(db.url()).await;
        let store = new_store(&place, &old);
        let (mut one, mut other) = (signed_in(), signed_in());
        old.create(&mut one).await.unwrap();
        old.create(&mut other).await.unwrap();
        store.delete(&one.id).await.unwrap();
        assert_eq!(import(db, &MOVE)["imported"], 1, "the one that it has left");
        store.delete(&other.id).await.unwrap();
        assert_eq!(import(db, &MOVE)["imported"], 0);
        for ended in [one.id, other.id] {
            assert!(store.load(&ended).await.unwrap().is_none());
        }
    });
    assert_eq!(place.rows(), 0);
}

// SECURITY 13
fn nobody_is_signed_out_while_the_application_moves_sessions_too<D: Former>(db: &D) {
    const SESSIONS: usize = 200;
    let place = place(db);
    block_on(async {
        let old = D::old(db.url()).await;
        let mut records: Vec<Record> = (0..SESSIONS).map(|_| signed_in()).collect();
        for record in &mut records {
            old.create(record).await.unwrap();
        }
        let store = new_store(&place, &old);
        let load = |record: Record| {
            let store = store.clone();
            async move { store.load(&record.id).await.unwrap().is_some() }
        };
        let under_way = begin_to_import(db, &[&MOVE[..], &["--batch", "3"]].concat());
        // In another order than the import's, each twice, and several at once.
        let loads: Vec<_> = records.iter().chain(records.iter().rev()).map(|record| tokio::spawn(load(record.clone()))).collect();
        for load in loads {
            assert!(load.await.unwrap(), "somebody is signed out");
        }
        answer(under_way);
        import(db, &MOVE);
        for record in &records {
            assert!(load(record.clone()).await, "somebody is signed out");
        }
    });
    assert_eq!((place.rows(), rows_there(&place)), (SESSIONS as i64, 0));
}
