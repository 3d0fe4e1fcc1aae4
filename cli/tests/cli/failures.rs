//! Bad input: one line on standard error that says what is wrong and what to do.

use super::support::{Db, suite};
use super::tool::{answer, run, tool};

suite! { a_table_that_is_missing_is_named, a_column_that_is_missing_is_named, a_url_of_another_engine_is_refused }

fn a_table_that_is_missing_is_named<D: Db>(db: &D) {
    run(&db.url(), &["list", "--table", "visits"]).assert_failed(1, &["no table `visits`", "diesel-sessions init", "--table"]);
}

fn a_column_that_is_missing_is_named<D: Db>(db: &D) {
    run(&db.url(), &["list", "--column", "data=payload"]).assert_failed(1, &["`payload`", "--column data=NAME"]);
    run(&db.url(), &["list", "--owner-column", "whose"]).assert_failed(1, &["`whose`", "--owner-column"]);
}

fn a_url_of_another_engine_is_refused<D: Db>(_db: &D) {
    run("oracle://scott:tiger@host/db", &["stats"]).assert_failed(2, &["postgres://, mysql:// or sqlite://"]);
}

#[test]
fn without_a_database_nothing_runs() {
    let folder = tempfile::tempdir().unwrap();
    answer(tool(folder.path()).arg("stats")).assert_failed(2, &["DATABASE_URL", "--database-url"]);
}

// SECURITY 8
#[test]
fn no_failure_holds_the_password() {
    for url in ["postgres://ada:s3cretword@127.0.0.1:1/d", "mysql://ada:s3cretword@127.0.0.1:1/d", "nowhere?password=s3cretword"]
    {
        let answer = run(url, &["stats"]);
        answer.assert_failed(1, &["cannot connect to"]);
        assert!(!answer.stderr.contains("s3cretword"), "{}", answer.stderr);
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env"), "DATABASE_URL='postgres://ada:s3cretword\nx\n").unwrap();
    let answer = answer(tool(folder.path()).arg("stats"));
    answer.assert_failed(1, &[".env"]);
}

#[test]
fn the_database_may_stand_in_a_file_env() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env"), "DATABASE_URL=nowhere.db\n").unwrap();
    answer(tool(folder.path()).arg("stats")).assert_failed(1, &["nowhere.db", "no such file"]);
}
