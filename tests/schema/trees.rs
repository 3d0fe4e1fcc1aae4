//! The three migration trees: in step with each other, undone by their own down.sql, and embedded as they are.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use diesel::connection::{Connection, InstrumentationEvent};
use diesel::migration::MigrationSource;
use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use diesel_sessions::migrations;
use diesel_sessions::migrations::Migrations;

use crate::support::{Db, suite};

suite! {
    down_undoes_up,
    what_is_embedded_is_what_the_folder_holds,
    running_again_changes_nothing,
}

/// The folder of an engine's migrations.
pub(crate) fn folder(engine: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("migrations").join(engine)
}

#[test]
fn the_three_trees_march_in_step() {
    let names = |engine: &str| -> BTreeSet<String> {
        std::fs::read_dir(folder(engine)).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert!(!names("sqlite").is_empty());
    assert_eq!(names("sqlite"), names("postgres"));
    assert_eq!(names("sqlite"), names("mysql"));
}

fn down_undoes_up<D: Db>(_: &D)
where
    D::Conn: MigrationHarness<Backend<D>>,
    FileBasedMigrations: MigrationSource<Backend<D>>,
{
    let db = D::empty().unwrap();
    let conn = &mut db.connect();
    let tree = || FileBasedMigrations::from_path(folder(D::NAME)).unwrap();
    let (before, made) = (catalogue::<D>(conn), conn.run_pending_migrations(tree()).unwrap().len());
    let there = catalogue::<D>(conn);
    assert!(made > 0 && there.len() > before.len() && there.iter().any(|line| line.contains("session_attributes")));

    assert_eq!(conn.revert_all_migrations(tree()).unwrap().len(), made);
    assert_eq!(catalogue::<D>(conn), before);
    conn.run_pending_migrations(tree()).unwrap();
    assert_eq!(catalogue::<D>(conn), there);
}

fn what_is_embedded_is_what_the_folder_holds<D: Db>(_: &D)
where
    D::Conn: MigrationHarness<Backend<D>>,
    Backend<D>: Migrations,
    FileBasedMigrations: MigrationSource<Backend<D>>,
{
    let embedded = sent::<D>(|conn| {
        conn.run_pending_migrations(<Backend<D> as Migrations>::FOLDER).unwrap();
        conn.revert_all_migrations(<Backend<D> as Migrations>::FOLDER).unwrap();
    });
    let tree = || FileBasedMigrations::from_path(folder(D::NAME)).unwrap();
    let on_disk = sent::<D>(|conn| {
        conn.run_pending_migrations(tree()).unwrap();
        conn.revert_all_migrations(tree()).unwrap();
    });
    assert!(embedded.iter().any(|sql| sql.contains("CREATE TABLE session_attributes")));
    assert_eq!(embedded, on_disk, "build the library anew: it embeds other migrations");
}

fn running_again_changes_nothing<D: Db>(db: &D)
where
    D::Conn: MigrationHarness<Backend<D>>,
    Backend<D>: Migrations,
{
    let conn = &mut db.connect();
    let there = catalogue::<D>(conn);
    migrations::run(conn).unwrap();
    assert_eq!(catalogue::<D>(conn), there);
}

type Backend<D> = <<D as Db>::Conn as Connection>::Backend;

/// What is sent to an empty database.
fn sent<D: Db>(work: impl FnOnce(&mut D::Conn)) -> Vec<String> {
    let db = D::empty().unwrap();
    let (mut conn, sent) = (db.connect(), Arc::new(Mutex::new(Vec::new())));
    let heard = Arc::clone(&sent);
    conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            heard.lock().unwrap().push(query.to_string());
        }
    });
    work(&mut conn);
    let sent = sent.lock().unwrap();
    sent.clone()
}

/// Everything that a migration can make, but Diesel's own table: a line each.
fn catalogue<D: Db>(conn: &mut D::Conn) -> Vec<String> {
    let queries: &[&str] = match D::NAME {
        "sqlite" => &["SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"],
        "postgres" => &[
            "SELECT relkind::text || ' ' || relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace",
            "SELECT conname::text || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace",
            "SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
            "SELECT typname::text FROM pg_type WHERE typnamespace = 'public'::regnamespace",
        ],
        _ => &[
            "SELECT CONCAT_WS(' ', table_name, table_collation) FROM information_schema.tables WHERE table_schema = DATABASE()",
            "SELECT CONCAT_WS(' ', table_name, column_name, column_type, is_nullable, column_default, collation_name) \
             FROM information_schema.columns WHERE table_schema = DATABASE()",
            "SELECT CONCAT_WS(' ', table_name, index_name, column_name) FROM information_schema.statistics WHERE table_schema = DATABASE()",
            "SELECT CONCAT_WS(' ', table_name, constraint_name) FROM information_schema.table_constraints WHERE table_schema = DATABASE()",
            "SELECT routine_name FROM information_schema.routines WHERE routine_schema = DATABASE()",
        ],
    };
    let lines = queries.iter().flat_map(|query| D::texts(conn, query)).flatten();
    let mut lines: Vec<String> = lines.filter(|line| !line.contains("__diesel_schema_migrations")).collect();
    lines.sort();
    lines
}
