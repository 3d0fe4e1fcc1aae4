//! Which statements are prepared once for each connection.

use std::collections::BTreeSet;

use diesel_sessions::{Attribute, Expiry, WriteOptions};

use crate::scenes::{self, Scene};
use crate::stage::{Stage, VALUE};
use crate::support::{Db, seconds, suite};

suite! {
    every_hot_statement_is_prepared_once,
    repetition_prepares_nothing_new,
    neither_names_nor_numbers_of_attributes_prepare_anything_new,
}

fn hot<D: Db>() -> Vec<Scene<D>> {
    scenes::all::<D>().into_iter().filter(|scene| scene.hot).collect()
}

/// Plays the scenes on one connection, and gives what Diesel has put into its cache so far.
fn play<D: Db>(stage: &mut Stage<D>, scenes: &[Scene<D>]) -> Vec<String> {
    scenes.iter().for_each(|scene| (scene.play)(stage));
    stage.cached()
}

/// The statements of each scene.
fn statements<D: Db>(stage: &mut Stage<D>, scenes: &[Scene<D>]) -> BTreeSet<(&'static str, String)> {
    let mut statements = BTreeSet::new();
    for scene in scenes {
        (scene.play)(stage);
        let sent = stage.sent().into_iter().filter(|sent| !sent.is_transaction_control());
        statements.extend(sent.map(|sent| (scene.name, sent.sql)));
    }
    statements
}

// DESIGN rule 7
fn every_hot_statement_is_prepared_once<D: Db>(db: &D) {
    let mut stage = Stage::new(db);
    let statements = statements(&mut stage, &hot());
    let cached = stage.cached();
    let distinct: BTreeSet<&String> = cached.iter().collect();
    assert_eq!(distinct.len(), cached.len(), "a statement was prepared twice: {cached:#?}");
    for (verb, statement) in &statements {
        assert!(distinct.contains(statement), "{verb}: its plan is not kept: {statement}");
    }
}

// DESIGN rule 7
fn repetition_prepares_nothing_new<D: Db>(db: &D) {
    let mut stage = Stage::new(db);
    let first = play(&mut stage, &hot());
    for _ in 0..3 {
        assert_eq!(play(&mut stage, &hot()), first);
    }
}

/// Writes, reads and removes so many attributes, with every verb whose statement might depend on how many there are.
fn handle_attributes<D: Db>(stage: &mut Stage<D>, count: usize, prefix: &str) {
    let session = stage.anonymous();
    let (attributes, conn) = (stage.sessions.attributes(&session), &mut stage.conn);
    let names: Vec<String> = (0..count).map(|number| format!("{prefix}_{number:04}")).collect();
    let given = || names.iter().map(|name| Attribute::new(name, VALUE).unwrap());
    attributes.create_many(conn, given(), WriteOptions::new()).unwrap();
    attributes.set_many(conn, given(), WriteOptions::new()).unwrap();
    attributes.set_many(conn, given().map(Attribute::encrypted), WriteOptions::new().never()).unwrap();
    attributes.update_many(conn, given(), WriteOptions::new()).unwrap();
    attributes.update_many(conn, given(), WriteOptions::new().expires_in(seconds(60))).unwrap();
    attributes.set_expiry_many(conn, &names, Expiry::Never).unwrap();
    assert_eq!(attributes.get_many(conn, &names).unwrap().len(), count);
    assert!(attributes.exists_many(conn, &names).unwrap().into_values().all(|exists| exists));
    assert_eq!(attributes.names(conn).unwrap(), names);
    for name in names.iter().take(3) {
        attributes.set(conn, name, VALUE).unwrap();
        attributes.update(conn, name, VALUE).unwrap();
        assert!(attributes.exists(conn, name).unwrap() && attributes.get_value(conn, name).unwrap().is_some());
        attributes.set_expiry(conn, name, Expiry::In(seconds(60))).unwrap();
        attributes.take_value(conn, name).unwrap();
        attributes.create(conn, name, VALUE).unwrap();
    }
    assert_eq!(attributes.delete_many(conn, &names).unwrap(), count);
    assert_eq!(attributes.delete(conn, &names[0]).unwrap(), 0);
}

/// Few and many, and on both sides of what goes into one statement without arrays.
const NUMBERS: [usize; 6] = [1, 2, 7, 100, 101, 1_000];

// DESIGN rule 7
fn neither_names_nor_numbers_of_attributes_prepare_anything_new<D: Db>(db: &D) {
    let mut stage = Stage::new(db);
    handle_attributes(&mut stage, 1, "first");
    let first = stage.cached();
    for count in NUMBERS {
        handle_attributes(&mut stage, count, "later");
        assert_eq!(stage.cached(), first, "{count} attributes");
    }
}

/// What the server itself says of it.
#[cfg(feature = "postgres")]
mod on_the_server {
    use super::{NUMBERS, handle_attributes, hot, play, statements};
    use crate::scenes;
    use crate::stage::Stage;
    use crate::support::{Db, Postgres, run};

    const PREPARED: &str = "SELECT statement FROM pg_prepared_statements ORDER BY statement";

    fn prepared(stage: &mut Stage<Postgres>) -> Vec<String> {
        Postgres::texts(&mut stage.conn, PREPARED).into_iter().flatten().collect()
    }

    // DESIGN rule 7
    #[test]
    fn postgres_keeps_each_hot_statement_once() {
        run::<Postgres>(|db| {
            let mut stage = Stage::new(db);
            let statements = statements(&mut stage, &hot());
            let first = prepared(&mut stage);
            for _ in 0..3 {
                play(&mut stage, &hot());
            }
            assert_eq!(prepared(&mut stage), first, "the number of prepared statements grew");
            for (verb, statement) in &statements {
                let times = first.iter().filter(|prepared| prepared.trim() == statement).count();
                assert_eq!(times, 1, "{verb}: {statement}");
            }
        });
    }

    // DESIGN rule 7
    #[test]
    fn postgres_keeps_one_plan_for_every_number_of_attributes() {
        run::<Postgres>(|db| {
            let mut stage = Stage::new(db);
            handle_attributes(&mut stage, 1, "first");
            let first = prepared(&mut stage);
            for count in NUMBERS {
                handle_attributes(&mut stage, count, "later");
                assert_eq!(prepared(&mut stage), first, "{count} attributes");
            }
            let upserts = first.iter().filter(|sql| sql.starts_with("INSERT INTO \"session_attributes\""));
            assert_eq!(upserts.count(), 3, "create, set, and set with another expiry: {first:#?}");
        });
    }

    // DESIGN rule 8
    #[test]
    fn postgres_keeps_none_when_the_cache_is_disabled() {
        use diesel::connection::{CacheSize, Connection};
        run::<Postgres>(|db| {
            let mut stage = Stage::new(db);
            stage.conn.set_prepared_statement_cache_size(CacheSize::Disabled);
            scenes::played(&mut stage);
            assert_eq!(prepared(&mut stage), Vec::<String>::new());
        });
    }
}
