//! Which statements are prepared once for each connection.

use std::collections::BTreeSet;

use crate::scenes::{self, Scene};
use crate::stage::Stage;
use crate::support::{Db, suite};

suite! {
    every_hot_statement_is_prepared_once,
    repetition_prepares_nothing_new,
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

/// What the server itself says of it.
#[cfg(feature = "postgres")]
mod on_the_server {
    use super::{hot, play, statements};
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
