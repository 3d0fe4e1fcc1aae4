//! `init`, then the real diesel_cli, unconfigured, then a scratch application: what is written and printed is used unedited.
//!
//! Every case is a program of one package, so that Diesel and the library are compiled once for all of them.
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

#[path = "../../../tests/support/support.rs"]
mod support;

#[path = "../cli/tool.rs"]
mod tool;

mod case;
mod package;

use case::{CASES, Case};
use package::Package;
use support::{Db, skipped};

// S16 S27
#[test]
fn what_init_writes_migrates_compiles_and_runs_on_every_engine() {
    let Some(diesel) = package::diesel() else { return };
    let mut package = Package::new();
    // Databases live until their programs have run.
    #[cfg(feature = "sqlite")]
    let _sqlite = prepare::<support::Sqlite>(&mut package, &diesel);
    #[cfg(feature = "postgres")]
    let _postgres = prepare::<support::Postgres>(&mut package, &diesel);
    #[cfg(feature = "mysql")]
    let _mysql = prepare::<support::Mysql>(&mut package, &diesel);
    package.build();
    package.run_all();
}

/// A program for each of the engine's cases, and the databases that they use.
fn prepare<D: Db>(package: &mut Package, diesel: &std::path::Path) -> Vec<D> {
    let mut databases = Vec::new();
    for case in CASES.iter().filter(|case| case.engine == D::NAME) {
        let Some(db) = D::empty() else {
            skipped(D::NAME);
            break;
        };
        package.add(case, &db, diesel);
        databases.push(db);
    }
    databases
}

#[test]
fn every_engine_has_every_kind_of_owner_that_it_knows() {
    let owners = |engine: &str| -> Vec<&str> {
        let mut owners: Vec<&str> = CASES.iter().filter(|case: &&Case| case.engine == engine).map(|case| case.owner).collect();
        owners.sort_unstable();
        owners
    };
    assert_eq!(owners("postgres"), ["bigint", "integer", "none", "text", "uuid"]);
    assert_eq!(owners("mysql"), ["bigint", "integer", "text", "unsigned"]);
    assert_eq!(owners("sqlite"), ["bigint", "integer", "text"]);
}
