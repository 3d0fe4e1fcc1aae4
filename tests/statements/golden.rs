//! The SQL that each verb sends, kept in `tests/golden/<engine>/<verb>.sql` and compared to the letter.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::PathBuf;

use diesel::connection::{CacheSize, Connection};

use crate::recorder::Sent;
use crate::scenes::{self, Scene};
use crate::stage::Stage;
use crate::support::{Db, suite};

suite! {
    every_verb_sends_what_its_golden_file_says,
    the_same_is_sent_without_a_cache_of_statements,
    no_golden_file_is_left_over,
}

/// Set, it writes the golden files anew instead of comparing them; the tests then fail.
const UPDATE: &str = "UPDATE_GOLDEN";

fn every_verb_sends_what_its_golden_file_says<D: Db>(db: &D) {
    let (mut different, mut written) = (Vec::new(), Vec::new());
    for (scene, sent) in scenes::played(&mut Stage::new(db)) {
        let file = path::<D>().join(format!("{}.sql", scene.name));
        let sent = printed(&scene, &sent);
        if std::fs::read_to_string(&file).unwrap_or_default() == sent {
            continue;
        }
        if std::env::var_os(UPDATE).is_some() {
            std::fs::create_dir_all(path::<D>()).unwrap();
            std::fs::write(&file, &sent).unwrap();
            written.push(scene.name);
        } else {
            different.push(format!("{}:\n{sent}", file.display()));
        }
    }
    assert!(different.is_empty(), "sent is not what the golden file says ({UPDATE}=1 writes it anew):\n{}", different.join("\n"));
    assert!(written.is_empty(), "written anew, because {UPDATE} is set; read the difference, then run without it: {written:?}");
}

// DESIGN rule 8
fn the_same_is_sent_without_a_cache_of_statements<D: Db>(db: &D) {
    let mut stage = Stage::new(db);
    stage.conn.set_prepared_statement_cache_size(CacheSize::Disabled);
    for (scene, sent) in scenes::played(&mut stage) {
        assert_eq!(printed(&scene, &sent), golden::<D>(scene.name), "{}", scene.name);
    }
    assert_eq!(stage.cached(), Vec::<String>::new());
}

fn no_golden_file_is_left_over<D: Db>(_: &D) {
    let named: BTreeSet<String> = scenes::all::<D>().iter().map(|scene| format!("{}.sql", scene.name)).collect();
    let there = std::fs::read_dir(path::<D>()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(there.collect::<BTreeSet<String>>(), named);
}

/// The text of a golden file; empty when there is none.
fn golden<D: Db>(name: &str) -> String {
    std::fs::read_to_string(path::<D>().join(format!("{name}.sql"))).unwrap_or_default()
}

fn path<D: Db>() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(D::NAME)
}

/// One statement a line; what opens and closes a transaction stands in a comment.
fn printed<D: Db>(scene: &Scene<D>, sent: &[Sent]) -> String {
    let mut text = format!("-- {}\n", scene.what);
    for statement in sent {
        let sql = statement.sql.replace('\n', " ");
        if statement.is_transaction_control() {
            writeln!(text, "-- {sql}").unwrap();
        } else {
            writeln!(text, "{sql};").unwrap();
        }
    }
    if sent.is_empty() {
        text.push_str("-- Nothing is sent.\n");
    }
    text
}
