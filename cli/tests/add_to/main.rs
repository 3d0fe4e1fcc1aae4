//! `init --add-to` on a table of a million rows that is in use: how long the migration makes a writer wait.
//!
//! The evidence is the writer's own clock: its longest single write. Where that is long, the machine may be to blame: a million
//! rows keep its disk and its processor busy under any migration. So PostgreSQL is asked how long the writer waited for locks,
//! and failing that, the write is held against the longest while the same migration runs on another table of that size, which
//! costs the machine the same and locks nothing of the writer's. A lock that is held too long shows in every attempt, a pause of
//! the machine while one is held does not: the best of three counts. That the measures see such a lock at all is shown with a
//! migration that takes one.
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]
#![cfg(any(feature = "postgres", feature = "mysql"))]

#[path = "../../../tests/support/support.rs"]
mod support;

#[path = "../cli/tool.rs"]
mod tool;

mod migration;
mod writer;

use std::time::Duration;

use migration::{Diesel, Server};
use support::skipped;
use writer::{Seen, Writer};

const ROWS: u32 = 1_000_000;
/// The table that somebody writes to.
const WRITTEN: &str = "visits";
/// What a writer may wait.
const PATIENCE: Duration = Duration::from_millis(50);
const ATTEMPTS: usize = 3;

#[cfg(feature = "postgres")]
#[test]
fn on_postgres_no_writer_waits_for_the_migration() {
    no_writer_waits::<support::Postgres>();
}

#[cfg(feature = "mysql")]
#[test]
fn on_mariadb_no_writer_waits_for_the_migration() {
    no_writer_waits::<support::Mysql>();
}

fn no_writer_waits<D: Server>() {
    let Some(diesel) = Diesel::installed() else { return };
    let mut waited = Vec::new();
    for _ in 0..ATTEMPTS {
        let Some(here) = during::<D>(&diesel, WRITTEN) else { return skipped(D::NAME) };
        eprintln!("{}: {here:?}", D::NAME);
        if here.waited() < PATIENCE {
            return;
        }
        let Some(elsewhere) = during::<D>(&diesel, "calls") else { return skipped(D::NAME) };
        eprintln!("{}: {elsewhere:?} with the migration elsewhere", D::NAME);
        if here.longest < elsewhere.longest + PATIENCE {
            return;
        }
        waited.push((here, elsewhere));
    }
    panic!("in every attempt the writer waited too long: {waited:?}");
}

/// What a writer to `visits` sees while sessions are added to `table`.
fn during<D: Server>(diesel: &Diesel, table: &str) -> Option<Seen> {
    let db = D::empty()?;
    db.fill(WRITTEN, ROWS);
    if table != WRITTEN {
        db.fill(table, ROWS);
    }
    let writer = Writer::start(&db, ROWS);
    // A transaction that stays open for a while is in the way of the first steps: nobody may queue behind those.
    let mut other = db.connect();
    D::execute(&mut other, "BEGIN");
    D::number(&mut other, &format!("SELECT count(*) FROM {table} WHERE id < 10"));
    let running = diesel.add_sessions(&db, table);
    writer.wait_for(1_000);
    D::execute(&mut other, "COMMIT");
    running.finish();
    let seen = writer.stop();

    let [rows, distinct] =
        ["*", "DISTINCT _uuid"].map(|what| D::number(&mut other, &format!("SELECT count({what}) FROM {table}")));
    assert!(rows >= ROWS.into());
    assert_eq!(distinct, rows, "each row has a _uuid of its own");
    assert!(seen.writes > 2_000, "the writer went on: {seen:?}");
    Some(seen)
}

#[cfg(feature = "postgres")]
#[test]
fn on_postgres_the_writer_notices_a_migration_that_locks() {
    a_lock_is_noticed::<support::Postgres>("ALTER TABLE visits ADD COLUMN _uuid UUID NOT NULL DEFAULT gen_random_uuid()");
}

#[cfg(feature = "mysql")]
#[test]
fn on_mariadb_the_writer_notices_a_migration_that_locks() {
    a_lock_is_noticed::<support::Mysql>(
        "ALTER TABLE visits ADD COLUMN _uuid CHAR(36) NOT NULL DEFAULT (UUID()), ALGORITHM = COPY, LOCK = SHARED",
    );
}

fn a_lock_is_noticed<D: Server>(migration: &str) {
    let Some(db) = D::empty() else { return skipped(D::NAME) };
    db.fill(WRITTEN, ROWS);
    let writer = Writer::start(&db, ROWS);
    writer.wait_for(1_000);
    D::execute(&mut db.connect(), migration);
    let seen = writer.stop();
    assert!(seen.waited() > PATIENCE, "{seen:?}");
}
