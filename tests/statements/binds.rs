//! Values are bound and never part of a statement's text; what is secret is not printed as a bind either.

use crate::recorder::Sent;
use crate::scenes;
use crate::stage::{ADDRESS, ANOTHER, ATTRIBUTE, KEY, OWNER, Stage, VALUE};
use crate::support::{Db, noon, suite};

suite! {
    no_value_is_part_of_a_statement,
    statements_hold_no_literals,
    neither_data_nor_digests_are_printed_as_binds,
}

/// Everything that all verbs send.
fn everything<D: Db>(db: &D) -> Vec<(&'static str, Sent)> {
    let played = scenes::played(&mut Stage::new(db)).into_iter();
    played.flat_map(|(scene, sent)| sent.into_iter().map(move |sent| (scene.name, sent))).collect()
}

// SECURITY 28
fn no_value_is_part_of_a_statement<D: Db>(db: &D) {
    let (owner, another, today) = (OWNER.to_string(), ANOTHER.to_string(), noon().format("%Y-%m-%d").to_string());
    let sent = everything(db);
    for value in [owner.as_str(), &another, &today, ADDRESS, ATTRIBUTE] {
        assert!(sent.iter().any(|(_, sent)| sent.binds.contains(value)), "no verb binds {value}");
        for (verb, sent) in &sent {
            assert!(!sent.sql.contains(value), "{verb}: {value} is part of {}", sent.sql);
        }
    }
}

// SECURITY 28
fn statements_hold_no_literals<D: Db>(db: &D) {
    // `check` reads settings of the engine by their names.
    for (verb, sent) in everything(db).into_iter().filter(|(verb, _)| *verb != "check") {
        assert!(!sent.sql.contains('\''), "{verb}: {}", sent.sql);
        // The type of a time on MySQL.
        let sql = sent.sql.replace("DATETIME(6)", "DATETIME");
        let words = sql.split(|letter: char| !letter.is_alphanumeric() && letter != '$' && letter != '_');
        let numbers: Vec<&str> = words.filter(|word| word.starts_with(|first: char| first.is_ascii_digit())).collect();
        assert!(numbers.is_empty(), "{verb}: {numbers:?} in {}", sent.sql);
    }
}

// SECURITY 8
fn neither_data_nor_digests_are_printed_as_binds<D: Db>(db: &D) {
    let mut digests = 0;
    let mut stage = Stage::new(db);
    for scene in scenes::all::<D>() {
        (scene.play)(&mut stage);
        let stored = D::texts(&mut stage.other, "SELECT _uuid FROM sessions").into_iter().flatten();
        let secrets: Vec<String> = stored.chain([KEY.to_owned(), VALUE.to_owned()]).collect();
        digests += secrets.len() - 2;
        for Sent { sql, binds } in stage.sent() {
            for secret in &secrets {
                let plain = secret.replace('-', "");
                assert!(!sql.contains(secret) && !sql.contains(&plain), "{}: {sql}", scene.name);
                assert!(!binds.contains(secret) && !binds.contains(&plain), "{}: {binds}", scene.name);
            }
        }
    }
    assert!(digests > 0, "there was something to look for");
}
