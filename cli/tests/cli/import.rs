//! `import tower-sessions-sqlx`: rows in that store's table become sessions under the same cookies.

mod ended;
mod former;
mod unfit;

use std::process::Stdio;

use diesel_sessions::{Session, SessionRepository, SystemClock};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::support::{Db, Plain, repository_with, suite};
use super::tool::{Answer, run, tool};
use former::{FormerStore, in_days};

suite! {
    a_cookie_opens_the_session_that_it_did_before,
    nothing_is_written_without_being_asked_for,
    a_row_that_is_moved_is_in_one_place,
    a_second_run_brings_what_is_new,
    columns_are_filled_where_that_is_asked_for,
    the_applications_timeouts_count_from_now,
    tables_may_have_other_names,
    two_imports_at_once_bring_each_row_once,
    an_import_goes_on_where_a_signal_has_ended_it,
    a_command_line_that_cannot_be_is_refused,
    what_the_database_computes_needs_no_filling,
}

/// Imports from the store's table; what it printed as JSON.
#[track_caller]
fn import<D: Db>(db: &D, args: &[&str]) -> Value {
    let answer = attempt(db, args);
    serde_json::from_str(&answer.stdout).unwrap_or_else(|_| panic!("{}", answer.stderr))
}

fn attempt<D: Db>(db: &D, args: &[&str]) -> Answer {
    let mut all = vec!["--format", "json", "import", "tower-sessions-sqlx"];
    if D::NAME != "sqlite" && !args.contains(&"--from") {
        all.extend(["--from", "session"]);
    }
    run(&db.url(), &[&all, args].concat())
}

/// Counts as the answer has them: imported or importable, already here, ended here, expired, unfit.
#[track_caller]
fn counts(answer: &Value) -> [u64; 5] {
    let imported = if answer["dry_run"] == true { "importable" } else { "imported" };
    [imported, "already_here", "ended_here", "expired", "unfit"].map(|name| answer[name].as_u64().unwrap())
}

fn sessions<D: Db>() -> SessionRepository<D::Model> {
    repository_with::<D>(|builder| builder.clock(SystemClock).idle_timeout(None).absolute_timeout(None)).0
}

fn open<D: Db>(db: &D, cookie: &str) -> Option<Session<D::Model>> {
    sessions::<D>().load(&mut db.connect(), cookie).unwrap()
}

fn rows<D: Db>(db: &D) -> i64 {
    D::number(&mut db.connect(), "SELECT COUNT(*) FROM sessions")
}

// S3
fn a_cookie_opens_the_session_that_it_did_before<D: Db>(db: &D) {
    let store = FormerStore::new(db);
    let login = json!({"axum-login.data": {"user_id": 7, "auth_hash": [1, 2, 3]}, "cart": ["egg", "spam"], "π": 0.1});
    let ends_by = in_days(3);
    let cookie = store.add(&login, ends_by);
    let stranger = store.add(&json!({}), ends_by);
    let done = import(db, &["--owner-path", "axum-login.data.user_id", "--write"]);
    assert_eq!(counts(&done), [2, 0, 0, 0, 0]);

    let mut session = open(db, &cookie).expect("nobody is signed out");
    assert_eq!(session.to_model().user_id(), Some(7));
    for (key, value) in login.as_object().unwrap() {
        assert_eq!(session.get_value(key).as_deref(), Some(value));
    }
    assert_eq!(session.expires_at(), Some(ends_by));
    assert_eq!((session.authenticated_at(), session.idle_timeout(), session.is_superseded()), (None, None, false));
    assert!(session.require_fresh(std::time::Duration::from_secs(60)).is_err(), "nobody knows when it was proved");
    session.insert("cart", ["egg"]).unwrap();
    sessions::<D>().save(&mut db.connect(), &mut session).unwrap();
    assert_eq!(open(db, &stranger).unwrap().to_model().user_id(), None);
    assert_eq!((rows(db), store.rows()), (2, 2), "it was copied");
    assert!(
        !D::texts(&mut db.connect(), "SELECT _data FROM sessions").concat_texts().contains(&cookie),
        "the token is not stored"
    );
}

fn nothing_is_written_without_being_asked_for<D: Db>(db: &D) {
    let store = FormerStore::new(db);
    store.add(&json!({"a": 1}), in_days(1));
    store.add(&json!({"a": 1}), in_days(-1));
    let answer = attempt(db, &[]);
    assert_eq!(answer.status, Some(0), "{}", answer.stderr);
    assert!(answer.stderr.contains("--write") && answer.stderr.contains("--owner-path"), "{}", answer.stderr);
    assert_eq!(counts(&serde_json::from_str(&answer.stdout).unwrap()), [1, 0, 0, 1, 0]);
    assert_eq!((rows(db), store.rows()), (0, 2));
    run(&db.url(), &["list", "--table", "sessions_imported"]).assert_failed(1, &["no table"]);
}

fn a_row_that_is_moved_is_in_one_place<D: Db>(db: &D) {
    let store = FormerStore::new(db);
    let cookies: Vec<String> = (0..7).map(|number| store.add(&json!({ "number": number }), in_days(1))).collect();
    store.add(&json!({"a": 1}), in_days(-1));
    assert_eq!(counts(&import(db, &["--write", "--move", "--batch", "3"])), [7, 0, 0, 1, 0]);
    assert_eq!((rows(db), store.rows()), (7, 1), "the expired one is left");
    for (number, cookie) in cookies.iter().enumerate() {
        assert_eq!(open(db, cookie).unwrap().get("number").unwrap(), Some(number));
    }
}

fn a_second_run_brings_what_is_new<D: Db>(db: &D) {
    let store = FormerStore::new(db);
    store.add(&json!({"a": 1}), in_days(1));
    import(db, &["--write"]);
    let newer = store.add(&json!({"a": 2}), in_days(1));
    assert_eq!(counts(&import(db, &[])), [1, 1, 0, 0, 0]);
    assert_eq!(counts(&import(db, &["--write"])), [1, 1, 0, 0, 0]);
    assert_eq!(counts(&import(db, &["--write"])), [0, 2, 0, 0, 0]);
    assert!(open(db, &newer).is_some());
}

// S19
fn columns_are_filled_where_that_is_asked_for<D: Db>(db: &D) {
    let store = FormerStore::new(db);
    let record = json!({"user_id": 7, "user_agent": "Lynx", "client": {"addr": "192.0.2.7"}});
    let cookie = store.add(&record, in_days(1));
    let args = ["--fill", "user_agent=user_agent", "--owner-path", "user_id", "--fill", "remote_addr=client.addr", "--write"];
    assert_eq!(counts(&import(db, &args)), [1, 0, 0, 0, 0]);
    let session = open(db, &cookie).unwrap();
    assert_eq!(session.get::<String>("user_agent").unwrap().as_deref(), Some("Lynx"));
    assert_eq!((session.to_model().user_id(), session.to_model().remote_addr()), (Some(7), Some("192.0.2.7")));
    let data = D::text(&mut db.connect(), "SELECT _data FROM sessions").unwrap();
    let data: Value = serde_json::from_str(&data).unwrap();
    assert_eq!(data, json!({"client": {"addr": "192.0.2.7"}}), "the data repeats no column");
}

// S51
fn the_applications_timeouts_count_from_now<D: Db>(db: &D) {
    let store = FormerStore::new(db);
    let (long, short) = (store.add(&json!({"a": 1}), in_days(30)), store.add(&json!({"a": 1}), in_days(1)));
    import(db, &["--idle-timeout", "12h", "--absolute-timeout", "7d", "--write"]);
    let (long, short) = (open(db, &long).unwrap(), open(db, &short).unwrap());
    for session in [&long, &short] {
        assert_eq!(session.idle_timeout(), Some(std::time::Duration::from_secs(12 * 3_600)));
        assert_eq!(session.expires_at(), Some(session.created_at() + chrono::TimeDelta::hours(12)));
    }
    assert_eq!(long.deadline_at(), Some(long.created_at() + chrono::TimeDelta::days(7)));
    assert!(short.deadline_at() < long.deadline_at());
}

fn tables_may_have_other_names<D: Db>(db: &D) {
    let store = FormerStore::called(db, "old_visits");
    store.add(&json!({"payload_": 1}), in_days(1));
    store.add(&json!({"payload": 1}), in_days(1));
    let trigger = if D::NAME == "sqlite" { "DROP TRIGGER sessions_delete_attributes; " } else { "" };
    let rename = "ALTER TABLE sessions RENAME TO visits; ALTER TABLE visits RENAME COLUMN _data TO payload";
    D::execute(&mut db.connect(), &format!("{trigger}{rename}"));
    let args = ["--from", "old_visits", "--table", "visits", "--column", "data=payload", "--write"];
    assert_eq!(counts(&import(db, &args)), [1, 0, 0, 0, 1]);
    let stored = D::text(&mut db.connect(), "SELECT payload FROM visits").unwrap();
    assert_eq!(serde_json::from_str::<Value>(&stored).unwrap(), json!({"payload_": 1}));
    assert_eq!(D::number(&mut db.connect(), "SELECT COUNT(*) FROM visits_imported"), 1);
}

// S7 SECURITY 7
fn two_imports_at_once_bring_each_row_once<D: Db>(db: &D) {
    let store = FormerStore::new(db);
    for number in 0..60 {
        store.add(&json!({ "number": number }), in_days(1));
    }
    let imported = std::thread::scope(|scope| {
        let imports: Vec<_> = (0..3).map(|_| scope.spawn(|| import(db, &["--write", "--move", "--batch", "7"]))).collect();
        imports.into_iter().map(|import| counts(&import.join().unwrap())[0]).sum::<u64>()
    });
    assert_eq!((imported, rows(db), store.rows()), (60, 60, 0));
}

// SECURITY 32
fn an_import_goes_on_where_a_signal_has_ended_it<D: Db>(db: &D) {
    const ROWS: usize = 3_000;
    let store = FormerStore::new(db);
    store.add_many(ROWS);
    let folder = tempfile::tempdir().unwrap();
    let mut command = tool(folder.path());
    command.env("DATABASE_URL", db.url()).args(["--format", "json", "import", "tower-sessions-sqlx", "--write", "--move"]);
    command.args(["--batch", "1", "--from", store.table()]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    while rows(db) == 0 {
        std::thread::yield_now();
    }
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let output = child.wait_with_output().unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let imported = usize::try_from(counts(&said)[0]).unwrap();
    assert_eq!((output.status.code(), &said["complete"]), (Some(143), &json!(false)));
    assert!(0 < imported && imported < ROWS, "{imported}");
    assert_eq!(rows(db), imported as i64);
    let rest = import(db, &["--write", "--move", "--batch", "1000"]);
    assert_eq!((counts(&rest)[0], &rest["complete"]), ((ROWS - imported) as u64, &json!(true)));
    assert_eq!((rows(db), store.rows()), (ROWS as i64, 0));
}

fn a_command_line_that_cannot_be_is_refused<D: Db>(db: &D) {
    attempt(db, &["--from", "nowhere"]).assert_failed(1, &["`nowhere`", "--from"]);
    attempt(db, &["--from", "sessions"]).assert_failed(1, &["--from"]);
    FormerStore::new(db);
    attempt(db, &["--fill", "colour=a"]).assert_failed(1, &["`colour`", "--fill"]);
    attempt(db, &["--fill", "user_id=a", "--owner-path", "a"]).assert_failed(2, &["`user_id`", "twice"]);
    attempt(db, &["--idle-timeout", "200years"]).assert_failed(2, &["seconds"]);
    assert_eq!(attempt(db, &["--move"]).status, Some(2));
    match D::NAME {
        "sqlite" => former::rebuilt(db, |sql| sql.replace("user_agent       TEXT", "user_agent TEXT NOT NULL")),
        "postgres" => D::execute(&mut db.connect(), "ALTER TABLE sessions ALTER COLUMN user_agent SET NOT NULL"),
        _ => D::execute(&mut db.connect(), "ALTER TABLE sessions MODIFY user_agent TEXT NOT NULL"),
    }
    attempt(db, &[]).assert_failed(2, &["`user_agent` must not be NULL", "--fill user_agent=PATH"]);
}

fn what_the_database_computes_needs_no_filling<D: Db>(db: &D) {
    let computed = match D::NAME {
        "sqlite" => "NOT NULL GENERATED ALWAYS AS (_version + 1) VIRTUAL",
        "postgres" => "NOT NULL GENERATED ALWAYS AS (_version + 1) STORED",
        // MariaDB has no way to say that it is NOT NULL; MySQL has.
        _ => "GENERATED ALWAYS AS (_version + 1) STORED",
    };
    D::execute(&mut db.connect(), &format!("ALTER TABLE sessions ADD COLUMN changes INTEGER {computed}"));
    let store = FormerStore::new(db);
    let cookie = store.add(&json!({"a": 1}), in_days(1));
    assert_eq!(counts(&import(db, &["--write"]))[0], 1);
    assert!(open(db, &cookie).is_some());
}

/// The texts of a column, one behind the other.
trait Concat {
    fn concat_texts(self) -> String;
}

impl Concat for Vec<Option<String>> {
    fn concat_texts(self) -> String {
        self.into_iter().flatten().collect()
    }
}
