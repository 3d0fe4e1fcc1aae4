//! `doctor`: what it finds, and what it says to do.

use serde_json::Value;

use super::rows;
use super::support::{Db, suite};
use super::terminal::typed;
use super::tool::{answer, run, tool};

mod indices_found;
mod rows_found;

suite! {
    the_librarys_own_tables_have_no_error,
    a_missing_column_is_named_with_its_declaration,
    a_table_of_something_else_is_told_in_one_finding,
    a_renamed_column_is_no_finding,
    what_becomes_of_the_sessions_of_a_deleted_user_is_told,
    rows_of_the_applications_that_hold_sessions_are_found,
    rows_of_the_applications_that_hold_attributes_are_found,
    attributes_that_outlive_their_session_are_found,
    names_that_are_not_compared_byte_for_byte_are_found,
    the_exit_status_follows_the_severity,
    colours_are_for_terminals_that_want_them,
    people_read_two_lines_for_each_finding,
    what_holds_too_little_is_found,
}

/// What is found, but for the settings of the server and its machine, which are not the test's.
fn findings(url: &str, args: &[&str]) -> Vec<Value> {
    let answer = run(url, &[&["doctor", "--format", "json"], args].concat());
    assert!(matches!(answer.status, Some(0 | 1)) && answer.stderr.is_empty(), "{}", answer.stderr);
    let found: Value = serde_json::from_str(&answer.stdout).unwrap();
    let is_ours = |finding: &&Value| finding["check"] != "setting" && finding["check"] != "clock";
    found["findings"].as_array().unwrap().iter().filter(is_ours).cloned().collect()
}

/// Each as `severity check about`.
fn heads(findings: &[Value]) -> Vec<String> {
    let word = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
    findings.iter().map(|finding| ["severity", "check", "about"].map(|key| word(finding, key)).join(" ")).collect()
}

/// A statement for each engine: SQLite, PostgreSQL, MySQL. An empty one is none.
fn alter<D: Db>(db: &D, sql: [&str; 3]) {
    let place = ["sqlite", "postgres", "mysql"].iter().position(|name| *name == D::NAME).unwrap();
    if !sql[place].is_empty() {
        D::execute(&mut db.connect(), sql[place]);
    }
}

const NO_KEY: &str = "advice foreign-key sessions.user_id";

fn the_librarys_own_tables_have_no_error<D: Db>(db: &D) {
    rows::session::<D>(&mut db.connect(), 1, Some(7), rows::FUTURE);
    assert_eq!(heads(&findings(&db.url(), &[])), [NO_KEY], "they know of no users");
}

fn a_missing_column_is_named_with_its_declaration<D: Db>(db: &D) {
    alter(db, ["ALTER TABLE sessions DROP COLUMN _version"; 3]);
    let found = findings(&db.url(), &[]);
    assert_eq!(heads(&found)[0], "error column sessions._version");
    let advice = found[0]["advice"].as_str().unwrap();
    assert!(advice.contains("--column version=NAME") && advice.contains("INTEGER NOT NULL"), "{advice}");
}

fn a_table_of_something_else_is_told_in_one_finding<D: Db>(db: &D) {
    D::execute(&mut db.connect(), "CREATE TABLE notes (id INTEGER NOT NULL PRIMARY KEY, created_at TIMESTAMP)");
    let found = findings(&db.url(), &["--table", "notes", "--no-attributes"]);
    assert_eq!(heads(&found)[0], "error column notes");
    assert_eq!(heads(&found).iter().filter(|head| head.contains("column")).count(), 1);
    assert!(found[0]["advice"].as_str().unwrap().contains("init --add-to notes"), "{found:?}");
}

fn a_renamed_column_is_no_finding<D: Db>(db: &D) {
    alter(db, ["ALTER TABLE sessions RENAME COLUMN _data TO payload"; 3]);
    assert_eq!(heads(&findings(&db.url(), &[]))[0], "error column sessions._data");
    assert_eq!(heads(&findings(&db.url(), &["--column", "data=payload"])), [NO_KEY]);
}

/// Links the sessions of an application to its users.
fn link<D: Db>(db: &D, on_delete: &str) {
    let users = if D::NAME == "sqlite" { "id INTEGER NOT NULL PRIMARY KEY" } else { "id BIGINT NOT NULL PRIMARY KEY" };
    D::execute(&mut db.connect(), &format!("CREATE TABLE users ({users})"));
    let key = format!("ALTER TABLE sessions ADD CONSTRAINT k FOREIGN KEY (user_id) REFERENCES users (id) {on_delete}");
    let column = format!(
        "DROP INDEX sessions_user_id_idx; ALTER TABLE sessions DROP COLUMN user_id; \
         ALTER TABLE sessions ADD COLUMN user_id INTEGER REFERENCES users (id) {on_delete}; \
         CREATE INDEX sessions_user_id_idx ON sessions (user_id, id)"
    );
    alter(db, [&column, &key, &key]);
}

// S27 SECURITY 16
fn what_becomes_of_the_sessions_of_a_deleted_user_is_told<D: Db>(_: &D) {
    let cases = [("ON DELETE CASCADE", None), ("ON DELETE SET NULL", Some("without an owner")), ("", Some("can be deleted"))];
    for (on_delete, expected) in cases {
        let db = D::fresh().unwrap();
        link(&db, on_delete);
        let found = findings(&db.url(), &[]);
        match expected {
            None => assert_eq!(heads(&found), [""; 0]),
            Some(what) => {
                assert_eq!(heads(&found), ["warning foreign-key sessions.user_id"]);
                assert!(found[0]["finding"].as_str().unwrap().contains(what), "{found:?}");
                assert!(found[0]["advice"].as_str().unwrap().contains("ON DELETE CASCADE"), "{found:?}");
            }
        }
    }
}

// S63
fn rows_of_the_applications_that_hold_sessions_are_found<D: Db>(db: &D) {
    let id = if D::NAME == "sqlite" { "INTEGER" } else { "BIGINT" };
    let orders = format!(
        "CREATE TABLE orders (id {id} NOT NULL PRIMARY KEY, session_id {id}, FOREIGN KEY (session_id) REFERENCES sessions (id))"
    );
    D::execute(&mut db.connect(), &orders);
    let mut expected = vec!["error foreign-key orders.session_id", "warning index orders.session_id", NO_KEY];
    if D::NAME == "mysql" {
        // It makes the index itself.
        expected.remove(1);
    }
    assert_eq!(heads(&findings(&db.url(), &[])), expected);
}

// S63
fn rows_of_the_applications_that_hold_attributes_are_found<D: Db>(db: &D) {
    let mut conn = rows::four(db);
    let id = if D::NAME == "sqlite" { "INTEGER" } else { "BIGINT" };
    let name = match D::NAME {
        "mysql" => "VARCHAR(191) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        _ => "VARCHAR(191)",
    };
    let votes = format!(
        "CREATE TABLE votes (session_id {id}, name {name}, \
         FOREIGN KEY (session_id, name) REFERENCES session_attributes (session_id, name))"
    );
    D::execute(&mut conn, &votes);
    D::execute(&mut conn, "INSERT INTO votes VALUES (1, 'theme')");
    let found = findings(&db.url(), &[]);
    assert_eq!(heads(&found)[0], "error foreign-key votes.session_id, name");
    assert!(found[0]["finding"].as_str().unwrap().contains("hold rows of session_attributes"), "{found:?}");
    run(&db.url(), &["revoke", "1", "--yes"]).assert_failed(1, &["votes (session_id, name)", "ON DELETE"]);
}

// S75
fn attributes_that_outlive_their_session_are_found<D: Db>(db: &D) {
    let key = "session_attributes_session_id_fkey";
    let postgres = format!("ALTER TABLE session_attributes DROP CONSTRAINT {key}");
    let mysql = format!("ALTER TABLE session_attributes DROP FOREIGN KEY {key}");
    alter(db, ["DROP TRIGGER sessions_delete_attributes", &postgres, &mysql]);
    let severity = if D::NAME == "sqlite" { "warning" } else { "error" };
    assert_eq!(heads(&findings(&db.url(), &[])), [&format!("{severity} foreign-key session_attributes.session_id"), NO_KEY]);
    assert_eq!(heads(&findings(&db.url(), &["--no-attributes"])), [NO_KEY]);
}

// DESIGN section 2
fn names_that_are_not_compared_byte_for_byte_are_found<D: Db>(db: &D) {
    let postgres = "ALTER TABLE session_attributes ALTER COLUMN name TYPE VARCHAR(191) COLLATE \"en-x-icu\"";
    let mysql =
        "ALTER TABLE session_attributes MODIFY name VARCHAR(191) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL";
    alter(db, ["", postgres, mysql]);
    let expected: &[&str] = match D::NAME {
        "postgres" => &["warning collation session_attributes.name", NO_KEY],
        "mysql" => &["error collation session_attributes.name", NO_KEY],
        // SQLite compares byte for byte unless the column says otherwise.
        _ => &[NO_KEY],
    };
    assert_eq!(heads(&findings(&db.url(), &[])), expected);
}

fn the_exit_status_follows_the_severity<D: Db>(db: &D) {
    let status = |args: &[&str]| run(&db.url(), &[&["doctor"], args].concat()).status;
    alter(db, ["ALTER TABLE sessions DROP COLUMN _version"; 3]);
    assert_eq!(status(&[]), Some(1));
    assert_eq!(status(&["--fail-on", "error"]), Some(1));
    alter(db, ["ALTER TABLE sessions ADD COLUMN _version INTEGER NOT NULL DEFAULT 0"; 3]);
    assert_eq!(status(&["--fail-on", "error"]), Some(0));
    assert_eq!(status(&["--fail-on", "advice"]), Some(1));
}

fn colours_are_for_terminals_that_want_them<D: Db>(db: &D) {
    rows::four(db);
    let folder = tempfile::tempdir().unwrap();
    let doctor = || {
        let mut doctor = tool(folder.path());
        doctor.env("DATABASE_URL", db.url()).arg("doctor");
        doctor
    };
    assert!(typed(&mut doctor(), "").1.contains("\u{1b}[33mwarning"));
    assert!(!typed(doctor().env("NO_COLOR", "1"), "").1.contains('\u{1b}'));
    assert!(!answer(&mut doctor()).stdout.contains('\u{1b}'));
}

fn people_read_two_lines_for_each_finding<D: Db>(db: &D) {
    let told = run(&db.url(), &["doctor"]).stdout;
    let place = told.lines().position(|line| line.starts_with("advice   sessions.user_id: it has no foreign key")).unwrap();
    assert!(told.lines().nth(place + 1).unwrap().starts_with("         add one to the users' table"), "{told}");
    assert!(!told.contains('\u{1b}'), "no colours but on a terminal: {told}");
}

fn what_holds_too_little_is_found<D: Db>(db: &D) {
    alter(
        db,
        [
            "ALTER TABLE sessions DROP COLUMN persistent; ALTER TABLE sessions ADD COLUMN persistent TEXT NOT NULL DEFAULT 'no'",
            "ALTER TABLE sessions ALTER COLUMN _version TYPE SMALLINT, ALTER COLUMN _uuid TYPE TEXT, \
             ALTER COLUMN idle_timeout SET NOT NULL",
            "ALTER TABLE sessions MODIFY expires_at DATETIME NOT NULL, MODIFY _data TEXT NOT NULL; \
             ALTER TABLE session_attributes MODIFY sealed BLOB NULL",
        ],
    );
    let expected: &[&str] = match D::NAME {
        "sqlite" => &["error type sessions.persistent", NO_KEY],
        "postgres" => &["error type sessions._uuid", "error type sessions._version", "error null sessions.idle_timeout", NO_KEY],
        _ => &["error type sessions._data", "error type sessions.expires_at", "error type session_attributes.sealed", NO_KEY],
    };
    assert_eq!(heads(&findings(&db.url(), &[])), expected);
}

#[cfg(feature = "postgres")]
#[test]
fn on_postgres_how_rows_are_stored_and_written_is_looked_at() {
    use super::support::{Postgres, skipped};
    let Some(db) = Postgres::fresh() else { return skipped("postgres") };
    let conn = &mut db.connect();
    rows::expired::<Postgres>(conn, 1_100);
    // An index on what each touch writes, and no room on a page.
    Postgres::execute(
        conn,
        "ALTER TABLE sessions SET (fillfactor = 100, autovacuum_enabled = false); CREATE INDEX seen ON sessions (last_seen_at)",
    );
    Postgres::execute(
        conn,
        "UPDATE sessions SET last_seen_at = now(), expires_at = '2999-01-01'; SELECT pg_stat_force_next_flush()",
    );
    let expected =
        ["warning vacuum sessions", "warning hot sessions", "advice hot sessions.seen", NO_KEY, "advice fillfactor sessions"];
    // The server counts a moment later.
    let found =
        (0..1_000).map(|_| heads(&findings(&db.url(), &[]))).find(|found| found.contains(&"warning hot sessions".to_owned()));
    assert_eq!(found.unwrap(), expected);
}

#[cfg(feature = "sqlite")]
#[test]
fn on_sqlite_the_journal_of_the_file_is_looked_at() {
    use super::support::Sqlite;
    let db = Sqlite::fresh().unwrap();
    Sqlite::execute(&mut db.connect(), "PRAGMA journal_mode = DELETE");
    let told = run(&db.url(), &["doctor"]);
    assert!(told.stdout.contains("advice   journal_mode: it is delete"), "{}", told.stdout);
    assert_eq!(told.status, Some(0));
}

// SECURITY 33
#[cfg(feature = "postgres")]
#[test]
fn on_postgres_settings_that_lose_commits_or_refuse_writes_are_found() {
    use super::support::{Postgres, skipped};
    let Some(db) = Postgres::fresh() else { return skipped("postgres") };
    let url = db.url();
    let name = url.rsplit('/').next().unwrap();
    let settings = || {
        let told: Value = serde_json::from_str(&run(&url, &["doctor", "--format", "json"]).stdout).unwrap();
        told["findings"].as_array().unwrap().iter().filter(|finding| finding["check"] == "setting").cloned().collect::<Vec<_>>()
    };
    // A server for tests may have it off.
    Postgres::execute(&mut db.connect(), &format!("ALTER DATABASE {name} SET synchronous_commit = on"));
    assert_eq!(settings(), [] as [Value; 0]);
    Postgres::execute(&mut db.connect(), &format!("ALTER DATABASE {name} SET synchronous_commit = off"));
    assert_eq!(heads(&settings()), ["warning setting synchronous_commit"]);
    Postgres::execute(&mut db.connect(), &format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
    assert_eq!(heads(&settings()), ["error setting transaction_read_only", "warning setting synchronous_commit"]);
}
