//! What `diesel print-schema` prints, unconfigured: of the library's own tables, and of an application's copy of them.

use std::path::{Path, PathBuf};

use crate::application::Application;
use crate::command::{Diesel, copy_tree};
use crate::support::{Db, suite};
use crate::trees::folder;

suite! {
    the_schema_of_the_ready_made_model_is_the_printed_one,
    the_schema_of_an_application_needs_no_editing,
    an_application_works_on_the_printed_schema,
}

fn the_schema_of_the_ready_made_model_is_the_printed_one<D: Db>(_: &D) {
    let Some(diesel) = Diesel::unconfigured() else { return };
    let db = D::empty().unwrap();
    diesel.run(Some(&db), &["migration", "run", "--migration-dir", &folder(D::NAME).display().to_string()]);
    let printed = diesel.run(Some(&db), &["print-schema"]);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/plain/{}.rs", D::NAME));
    let plain = schema_module(&std::fs::read_to_string(file).unwrap());
    assert_eq!(without_layout(&printed), without_layout(&plain), "src/plain/{}.rs is not what is printed:\n{printed}", D::NAME);
}

// DESIGN section 2
#[cfg(feature = "sqlite")]
#[test]
fn sqlite_prints_wide_ids_when_it_is_asked_to() {
    use crate::support::Sqlite;
    let Some(diesel) = Diesel::unconfigured() else { return };
    let (db, tree) = (Sqlite::empty().unwrap(), folder("sqlite").display().to_string());
    diesel.run(Some(&db), &["migration", "run", "--migration-dir", &tree]);
    let narrow = diesel.run(Some(&db), &["print-schema"]);
    let wish = "[print_schema]\nsqlite_integer_primary_key_is_bigint = true\n";
    std::fs::write(diesel.dir().join("diesel.toml"), wish).unwrap();
    let wide = diesel.run(Some(&db), &["print-schema"]);
    let widened = narrow.replace(" id -> Integer", " id -> BigInt").replace("session_id -> Integer", "session_id -> BigInt");
    assert_eq!(wide, widened);
    assert_ne!(wide, narrow);
}

/// The body of `pub mod schema { … }`.
fn schema_module(file: &str) -> String {
    let (_, rest) = file.split_once("pub mod schema {\n").unwrap();
    let (body, _) = rest.split_once("\n}\n").unwrap();
    body.to_owned()
}

/// The text without comments, spaces and line ends, since one of the two is formatted and indented.
fn without_layout(text: &str) -> String {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let packed: String = code.flat_map(str::chars).filter(|letter| !letter.is_whitespace()).collect();
    packed.replace(",)", ")")
}

/// Set, it writes the printed schema anew instead of comparing it; the tests then fail.
const UPDATE: &str = "UPDATE_GOLDEN";

// S16 S26 S27
fn the_schema_of_an_application_needs_no_editing<D: Application>(_: &D) {
    let Some(diesel) = Diesel::unconfigured() else { return };
    let db = D::empty().unwrap();
    let tree = diesel.dir().join("migrations");
    copy_tree(&folder(D::NAME), &tree);
    edit::<D>(&tree);
    diesel.run(Some(&db), &["migration", "run"]);
    let printed = diesel.run(Some(&db), &["print-schema"]);
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/schema/printed/{}.rs", D::NAME));
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&file, &printed).unwrap();
        panic!("{} was written anew, because {UPDATE} is set; read the difference, then run without it", file.display());
    }
    let known = std::fs::read_to_string(&file).unwrap();
    assert_eq!(printed, known, "{} is not what is printed ({UPDATE}=1 writes it anew)", file.display());
    db.use_it();
}

// S16 S65
fn an_application_works_on_the_printed_schema<D: Application>(_: &D) {
    let (db, dir) = (D::empty().unwrap(), tempfile::tempdir().unwrap());
    copy_tree(&folder(D::NAME), dir.path());
    edit::<D>(dir.path());
    let mut migrations: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    migrations.sort_unstable();
    let conn = &mut db.connect();
    for migration in migrations {
        D::execute(conn, &std::fs::read_to_string(migration.join("up.sql")).unwrap());
    }
    db.use_it();
}

/// Makes of the library's migrations what `migrations/README.md` tells an application to make of them.
fn edit<D: Application>(tree: &Path) {
    let users = tree.join("2026-11-20-000000_create_users");
    std::fs::create_dir(&users).unwrap();
    std::fs::write(users.join("up.sql"), D::USERS).unwrap();
    std::fs::write(users.join("down.sql"), "DROP TABLE users").unwrap();
    let up = tree.join("2026-11-21-000000_create_sessions/up.sql");
    let text = std::fs::read_to_string(&up).unwrap();
    let mut edited = String::new();
    for line in text.lines() {
        let column = line.split_whitespace().next().unwrap_or_default();
        let line = match column {
            "--" if line.contains("CONSTRAINT sessions_user_id_fkey") => line.replacen("-- ", "", 1),
            "user_id" if D::NAME == "sqlite" => line.replace("BIGINT", "INTEGER"),
            "user_agent" => "    user_agent TEXT NOT NULL,\n    geo TEXT NULL,".to_owned(),
            _ => line.to_owned(),
        };
        edited.push_str(&line);
        edited.push('\n');
    }
    std::fs::write(&up, edited).unwrap();
}
