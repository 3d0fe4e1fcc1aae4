//! Bad input: one line on standard error that says what is wrong and what to do.

use super::rows;
use super::support::{Db, suite};
use super::tool::{answer, run, tool};

suite! {
    a_table_that_is_missing_is_named,
    a_column_that_is_missing_is_named,
    a_url_of_another_engine_is_refused,
    an_account_that_may_not_is_told,
}

fn a_table_that_is_missing_is_named<D: Db>(db: &D) {
    run(&db.url(), &["list", "--table", "visits"]).assert_failed(1, &["no table `visits`", "diesel-sessions init", "--table"]);
    // A name is no means to steer a terminal.
    run(&db.url(), &["list", "--table", "a\u{1b}[31mb"]).assert_failed(1, &["`a\\u{1b}[31mb`"]);
}

fn a_column_that_is_missing_is_named<D: Db>(db: &D) {
    run(&db.url(), &["list", "--column", "data=payload"]).assert_failed(1, &["`payload`", "--column data=NAME"]);
    run(&db.url(), &["list", "--owner-column", "whose"]).assert_failed(1, &["`whose`", "--owner-column"]);
    run(&db.url(), &["list", "--column", "colour=x"]).assert_failed(2, &["no core column `colour`", "expires_at"]);
}

fn a_url_of_another_engine_is_refused<D: Db>(_db: &D) {
    run("oracle://scott:tiger@host/db", &["stats"]).assert_failed(2, &["postgres://, mysql:// or sqlite://"]);
}

fn an_account_that_may_not_is_told<D: Db>(db: &D) {
    let mut conn = rows::four(db);
    let url = match D::NAME {
        "sqlite" => format!("file:{}?mode=ro", db.url()),
        _ => {
            let (scheme, rest) = db.url().split_once("://").map(|(scheme, rest)| (scheme.to_owned(), rest.to_owned())).unwrap();
            let (_, place) = rest.split_once('@').expect("the URL names an account");
            let (_, reader) = place.rsplit_once('/').unwrap();
            for statement in grants(D::NAME, reader) {
                D::execute(&mut conn, &statement);
            }
            format!("{scheme}://{reader}:s3cretword@{place}")
        }
    };
    let listed = run(&url, &["list"]);
    let refused = run(&url, &["revoke", "2", "--yes"]);
    if D::NAME != "sqlite" {
        let reader = url.split(['/', ':', '@']).nth(3).unwrap();
        let drop = if D::NAME == "mysql" {
            format!("DROP USER {reader}")
        } else {
            format!("DROP OWNED BY {reader}; DROP ROLE {reader}")
        };
        D::execute(&mut conn, &drop);
    }
    assert_eq!(listed.status, Some(0), "{}", listed.stderr);
    refused.assert_failed(1, &["connect as one that may"]);
    assert!(!refused.stderr.contains("s3cretword"), "{}", refused.stderr);
    assert_eq!(rows::ids::<D>(&mut conn), [1, 2, 3, 4]);
}

/// An account that may read, and nothing else.
fn grants(engine: &str, reader: &str) -> [String; 2] {
    if engine == "mysql" {
        [format!("CREATE USER {reader} IDENTIFIED BY 's3cretword'"), format!("GRANT SELECT ON {reader}.* TO {reader}")]
    } else {
        [
            format!("CREATE ROLE {reader} LOGIN PASSWORD 's3cretword'"),
            format!("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}"),
        ]
    }
}

#[cfg(not(feature = "mysql"))]
#[test]
fn an_engine_that_is_not_built_in_is_named() {
    run("mysql://ada:s3cretword@host/db", &["stats"]).assert_failed(2, &["knows no MySQL", "--features mysql"]);
}

// The other way round server and client wait for each other to begin, until one loses patience.
#[cfg(all(feature = "postgres", feature = "mysql"))]
#[test]
fn a_server_of_another_engine_is_no_database() {
    use super::support::{Mysql, skipped};
    let Some(mysql) = Mysql::fresh() else { return skipped(Mysql::NAME) };
    run(&mysql.url().replace("mysql://", "postgres://"), &["stats"]).assert_failed(1, &["cannot connect to PostgreSQL at"]);
}

#[cfg(feature = "sqlite")]
#[test]
fn a_file_of_another_kind_is_no_database() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    std::fs::write(&file, "no database, however long it may be ".repeat(100)).unwrap();
    run(file.to_str().unwrap(), &["stats"]).assert_failed(1, &["not a database"]);
}

#[test]
fn without_a_database_nothing_runs() {
    let folder = tempfile::tempdir().unwrap();
    answer(tool(folder.path()).arg("stats")).assert_failed(2, &["DATABASE_URL", "--database-url"]);
}

// SECURITY 8
#[test]
fn no_failure_holds_the_password() {
    let places = [
        ("postgres://ada:s3cretword@127.0.0.1:1/d", cfg!(feature = "postgres")),
        ("mysql://ada:s3cretword@127.0.0.1:1/d", cfg!(feature = "mysql")),
        ("nowhere?password=s3cretword", cfg!(feature = "sqlite")),
        // What libpq cannot read it quotes.
        ("postgres://ada:s3cretword<%zz@127.0.0.1:1/d", cfg!(feature = "postgres")),
        ("postgres://127.0.0.1:1/d?password=s3cretword%2F%zz", cfg!(feature = "postgres")),
    ];
    for (url, is_built_in) in places {
        let answer = run(url, &["stats"]);
        if is_built_in {
            answer.assert_failed(1, &["cannot connect to"]);
        } else {
            answer.assert_failed(2, &["--features"]);
        }
        assert!(!answer.stderr.contains("s3cretword"), "{}", answer.stderr);
    }
    for args in [&["list", "postgres://ada:s3cretword@h/d"][..], &["mysql://ada:s3cretword@h/d"]] {
        let answer = run("", args);
        answer.assert_failed(2, &["://…", "see --help"]);
        assert!(!answer.stderr.contains("s3cretword"), "{}", answer.stderr);
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env"), "DATABASE_URL='postgres://ada:s3cretword\nx\n").unwrap();
    let answer = answer(tool(folder.path()).arg("stats"));
    answer.assert_failed(1, &[".env"]);
}

#[test]
fn a_wrong_command_line_is_one_line_too() {
    run("", &["purge", "--batch", "0"]).assert_failed(2, &["invalid value '0' for '--batch <ROWS>'", "see --help"]);
    run("", &["purge", "--every", "584542046000y"]).assert_failed(2, &["--every", "at most 366 days"]);
    run("", &["import", "tower-sessions-sqlx", "--batch", "10001"]).assert_failed(2, &["--batch", "1..=10000"]);
    run("", &["purge", "--every", "soon"]).assert_failed(2, &["write it like 30s, 5m or 1h"]);
    run("", &["purge", "--bach", "1"]).assert_failed(2, &["unexpected argument '--bach'", "similar", "--batch"]);
    run("", &["list", "--column", "data"]).assert_failed(2, &["expected NAME=VALUE"]);
    run("", &["list", "--column", "colour=x"]).assert_failed(2, &["DATABASE_URL"]);
}

#[cfg(feature = "sqlite")]
#[test]
fn the_database_may_stand_in_a_file_env() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env"), "DATABASE_URL=nowhere.db\n").unwrap();
    answer(tool(folder.path()).arg("stats")).assert_failed(1, &["nowhere.db", "no such file"]);
}
