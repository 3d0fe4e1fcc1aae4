//! `init`: what it writes, where, and what it refuses. That it compiles and runs: `tests/scratch`.

use std::path::Path;

use super::support::{Db, suite};
#[cfg(feature = "sqlite")]
use super::tool::{answer, tool};

mod application;
mod existing;

use application::{Application, read};

suite! {
    without_further_wishes_the_migration_is_the_librarys_own,
    the_owner_has_the_type_of_the_users_key,
    a_table_that_is_there_is_not_made_again,
    what_cannot_be_an_owner_is_refused,
    nothing_is_written_in_a_dry_run,
    a_name_that_is_there_is_not_written_twice,
}

// DESIGN section 2
fn without_further_wishes_the_migration_is_the_librarys_own<D: Db>(_: &D) {
    let db = D::empty().unwrap();
    let app = Application::of(&db);
    let model = app.model(&[]);
    assert!(model.contains("pub user_id: Option<i64>") && model.contains("attributes = session_attributes"), "{model}");
    let [folder] = &app.migrations()[..] else { panic!("one migration") };
    assert!(folder.to_string_lossy().ends_with("-0000_create_sessions"));
    let library =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations").join(D::NAME).join("2026-11-21-000000_create_sessions");
    for file in ["up.sql", "down.sql"] {
        assert_eq!(read(&folder.join(file)), read(&library.join(file)), "{file}");
    }
}

// S27
fn the_owner_has_the_type_of_the_users_key<D: Db>(_: &D) {
    let db = D::empty().unwrap();
    let conn = &mut db.connect();
    D::execute(conn, "CREATE TABLE members (id VARCHAR(26) NOT NULL PRIMARY KEY)");
    let app = Application::of(&db);
    let model = app.model(&["--owner", "members.id", "--owner-column", "member", "--on-delete", "restrict"]);
    assert!(model.contains("    #[session(owner)]\n    pub member: Option<String>,"), "{model}");
    app.up::<D>(conn);
    let up = read(&app.migrations()[0].join("up.sql"));
    assert!(up.contains("ON DELETE RESTRICT"), "{up}");
    let doctor = app.run(&["doctor", "--fail-on", "error"]);
    assert!(doctor.stdout.contains("no row of members can be deleted that has sessions"), "{}", doctor.stdout);
    app.down::<D>(conn);
}

fn a_table_that_is_there_is_not_made_again<D: Db>(db: &D) {
    let app = Application::of(db);
    app.init(&[]).assert_failed(1, &["there is a table `sessions`", "--table", "--add-to"]);
    app.init(&["--table", "web_sessions"]).assert_failed(1, &["`session_attributes`", "--attributes-table"]);
    app.model(&["--table", "web_sessions", "--no-attributes"]);
    for (args, part) in [
        (["--table", "x; DROP TABLE users"], "a new name has"),
        (["--table", "Sessions"], "a new name has"),
        (["--attributes-table", "type"], "a new name has"),
        (["--attributes-table", "others"], "a table each"),
        (["--column", "data=pay load"], "a new name has"),
        (["--column", "colour=red"], "no core column `colour`"),
        (["--owner-column", "expires_at"], "core column"),
        (["--name", "../up"], "--name"),
        (["--owner", "users"], "users.id"),
        (["--owner-type", "TEXT"], "--owner"),
    ] {
        let others: &[&str] = match args[0] {
            "--table" => &[],
            "--attributes-table" => &["--table", "others"],
            _ => &["--table", "others", "--no-attributes"],
        };
        let answer = app.init(&[others, &args[..]].concat());
        assert_eq!((answer.status, answer.stdout.as_str()), (Some(2), ""), "{args:?}");
        assert!(answer.stderr.contains(part), "{args:?}: {}", answer.stderr);
    }
    assert_eq!(app.migrations().len(), 1);
}

fn what_cannot_be_an_owner_is_refused<D: Db>(_: &D) {
    let db = D::empty().unwrap();
    D::execute(&mut db.connect(), "CREATE TABLE users (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(20))");
    let app = Application::of(&db);
    app.init(&["--owner", "people.id"]).assert_failed(1, &["no table `people`", "--owner-type"]);
    app.init(&["--owner", "users.key"]).assert_failed(1, &["no column `key`"]);
    app.init(&["--owner", "users.name"]).assert_failed(1, &["not unique"]);
    app.init(&["--owner", "users.id", "--owner-type", "INT; DROP"]).assert_failed(2, &["no type"]);
    assert!(app.migrations().is_empty());
}

fn nothing_is_written_in_a_dry_run<D: Db>(_: &D) {
    let db = D::empty().unwrap();
    let app = Application::of(&db);
    let printed = app.model(&["--dry-run"]);
    assert!(printed.contains("CREATE TABLE sessions") && printed.contains("pub struct AppSession"), "{printed}");
    assert!(app.migrations().is_empty());
    assert!(!app.folder.path().join("migrations").exists());
}

fn a_name_that_is_there_is_not_written_twice<D: Db>(_: &D) {
    let db = D::empty().unwrap();
    let app = Application::of(&db);
    app.model(&[]);
    app.init(&[]).assert_failed(1, &["is there already", "--name"]);
    app.model(&["--name", "sessions_of_the_shop"]);
    assert_eq!(app.migrations().len(), 2);
}

#[test]
fn without_a_database_the_engine_and_the_owners_type_are_given() {
    let app = Application::at("");
    app.init(&[]).assert_failed(2, &["DATABASE_URL", "--engine"]);
    app.init(&["--engine", "postgres", "--owner", "users.id"]).assert_failed(2, &["--owner-type"]);
    app.init(&["--engine", "postgres", "--add-to", "visits"]).assert_failed(2, &["DATABASE_URL"]);
    let model = app.model(&["--engine", "postgres", "--owner", "users.id", "--owner-type", "uuid"]);
    assert!(model.contains("pub user_id: Option<uuid::Uuid>,") && model.contains("features = [\"serde\"]"), "{model}");
    let up = read(&app.migrations()[0].join("up.sql"));
    assert!(up.contains("user_id          uuid,"), "{up}");
}

// DESIGN section 2
#[cfg(feature = "sqlite")]
#[test]
fn on_sqlite_ids_are_as_wide_as_diesel_toml_says() {
    let app = Application::at("shop.db");
    std::fs::write(app.folder.path().join("diesel.toml"), "[print_schema]\nsqlite_integer_primary_key_is_bigint = true\n")
        .unwrap();
    let wide = app.model(&["--owner", "users.id", "--owner-type", "INTEGER"]);
    assert!(wide.contains("pub id: i64,") && wide.contains("pub user_id: Option<i64>,"), "{wide}");
    std::fs::write(app.folder.path().join("diesel.toml"), "").unwrap();
    let narrow = app.model(&["--owner", "users.id", "--owner-type", "INTEGER", "--name", "again"]);
    assert!(narrow.contains("pub id: i32,") && narrow.contains("pub user_id: Option<i32>,"), "{narrow}");
    assert!(!app.folder.path().join("shop.db").exists(), "no file is made");
}

#[cfg(feature = "sqlite")]
#[test]
fn migrations_go_where_diesel_cli_looks_for_them() {
    let app = Application::at("shop.db");
    let folder = app.folder.path();
    let within = |sub: &str| std::fs::read_dir(folder.join(sub)).map_or(0, Iterator::count);
    std::fs::create_dir_all(folder.join("src/bin")).unwrap();
    let init = |at: &Path, args: &[&str], variable: Option<&str>| {
        let mut tool = tool(at);
        tool.env("DATABASE_URL", "shop.db")
            .env_remove("MIGRATION_DIRECTORY")
            .env_remove("DIESEL_CONFIG_FILE")
            .arg("init")
            .args(args);
        tool.envs(variable.map(|value| ("MIGRATION_DIRECTORY", value)));
        let answer = answer(&mut tool);
        assert_eq!(answer.status, Some(0), "{}", answer.stderr);
    };
    init(&folder.join("src/bin"), &[], None);
    assert_eq!(within("migrations"), 1, "beside Cargo.toml");
    std::fs::write(folder.join("diesel.toml"), "[migrations_directory]\ndir = \"db/steps\"\n").unwrap();
    init(&folder.join("src"), &[], None);
    assert_eq!(within("db/steps"), 1, "where diesel.toml says");
    init(folder, &[], Some("by_variable"));
    assert_eq!(within("by_variable"), 1);
    init(folder, &["--migration-dir", "by_option"], Some("by_variable"));
    assert_eq!((within("by_option"), within("by_variable")), (1, 1));
}
