//! What the statements over attributes have in common: which session they are for, and what they lock.

use diesel_sessions::{ErrorKind, Expiry};

use super::{one, played};
use crate::stage::{ATTRIBUTE, Stage, VALUE};
use crate::support::{Db, suite};

suite! {
    every_statement_over_attributes_names_the_live_session,
    every_write_of_attributes_locks_the_session,
    looking_attributes_up_locks_nothing,
    a_session_named_by_its_row_takes_the_same_statements,
    one_attribute_and_many_take_the_same_statement_where_arrays_exist,
    several_attributes_are_locked_in_the_order_of_their_names,
    what_a_write_reads_again_is_read_as_it_is_now,
    a_session_that_ended_after_the_transaction_began_is_gone,
    purging_takes_expired_attributes_of_live_sessions_alone,
}

/// Verbs that name no session, and MySQL's second halves of create and take, which the first half has guarded and locked.
fn is_elsewhere(verb: &str, sql: &str) -> bool {
    let second_half = sql.starts_with("DELETE FROM session_attributes WHERE ((")
        && (verb.starts_with("attribute_create") || verb.starts_with("attribute_take"))
        && !sql.contains("RETURNING");
    verb.starts_with("attribute_purge") || verb.starts_with("attribute_reseal") || second_half
}

fn is_write(sql: &str) -> bool {
    ["INSERT ", "UPDATE ", "DELETE ", "WITH "].iter().any(|verb| sql.starts_with(verb))
}

fn looks_up(verb: &str) -> bool {
    ["get", "exists", "entry", "names"].iter().any(|name| verb.starts_with(&format!("attribute_{name}")))
}

/// What is sent about attributes, by verbs that name a session.
fn about_attributes<D: Db>(db: &D) -> Vec<(&'static str, String)> {
    let verbs = played(db).into_iter().filter(|(verb, _)| verb.starts_with("attribute_"));
    let sent = verbs.flat_map(|(verb, sent)| sent.into_iter().map(move |sql| (verb, sql)));
    sent.filter(|(verb, sql)| sql.contains("session_attributes") && !is_elsewhere(verb, sql)).collect()
}

// S94 SECURITY 11 DESIGN rule 1
fn every_statement_over_attributes_names_the_live_session<D: Db>(db: &D) {
    let statements = about_attributes(db);
    for (verb, sql) in &statements {
        let (_, live) = sql.split_once("SELECT sessions.id FROM sessions WHERE ").unwrap_or_else(|| panic!("{verb}: {sql}"));
        for part in ["(sessions.id = ", "(sessions._uuid = coalesce(", "(sessions.expires_at > "] {
            let (before, _) = live.split_once(part).unwrap_or_else(|| panic!("{verb}: {part} is missing in {sql}"));
            assert!(!before.contains(" OR "), "{verb}: {sql}");
        }
    }
    assert!(statements.len() > 60);
}

// DESIGN rule 6
fn every_write_of_attributes_locks_the_session<D: Db>(db: &D) {
    let lock = match D::NAME {
        "postgres" => " FOR KEY SHARE)",
        "mysql" => " LIMIT ? FOR UPDATE) AS live",
        _ => ")",
    };
    let mut writes = 0;
    for (verb, sql) in about_attributes(db).into_iter().filter(|(_, sql)| is_write(sql)) {
        let (_, live) = sql.split_once("SELECT sessions.id FROM sessions WHERE ").unwrap();
        let (_, after) = live.split_once("(sessions.expires_at > ").unwrap();
        let (_, after) = after.split_once("))").unwrap();
        // The first of two statements over one session keeps other writers away from it.
        let lock = if D::NAME == "postgres" && verb.contains("keep_and_never") && after.starts_with(" FOR UPDATE)") {
            " FOR UPDATE)"
        } else {
            lock
        };
        assert!(after.trim_start().starts_with(lock.trim_start()), "{verb}: {lock} is missing in {sql}");
        writes += 1;
    }
    assert!(writes > 30);
}

// DESIGN rule 6
fn looking_attributes_up_locks_nothing<D: Db>(db: &D) {
    for (verb, sql) in about_attributes(db) {
        assert!(!looks_up(verb) || !sql.contains(" FOR "), "{verb}: {sql}");
    }
}

// DESIGN rule 1
fn a_session_named_by_its_row_takes_the_same_statements<D: Db>(db: &D) {
    let played = played(db);
    assert_eq!(one(&played, "attribute_get_of_row"), one(&played, "attribute_get"));
    assert_eq!(one(&played, "attribute_set_of_row"), one(&played, "attribute_set"));
}

// DESIGN rule 7
fn one_attribute_and_many_take_the_same_statement_where_arrays_exist<D: Db>(db: &D) {
    let played = played(db);
    assert_eq!(one(&played, "attribute_set_many_1"), one(&played, "attribute_set"));
    for (few, many) in [
        ("attribute_set", "attribute_set_many_101"),
        ("attribute_update", "attribute_update_many_101"),
        ("attribute_delete", "attribute_delete_many_101"),
        ("attribute_exists", "attribute_exists_many"),
        ("attribute_set_expiry", "attribute_set_expiry_many"),
        ("attribute_get_many", "attribute_get_many_101"),
    ] {
        assert_eq!(one(&played, few) == one(&played, many), D::NAME == "postgres", "{few} and {many}");
    }
}

// DESIGN rule 6
fn several_attributes_are_locked_in_the_order_of_their_names<D: Db>(db: &D) {
    if D::NAME != "postgres" {
        // Elsewhere one writer at a time has the session: SQLite's is the only one, MySQL's has locked the row for update.
        return;
    }
    let mut held = 0;
    for (verb, sql) in about_attributes(db).into_iter().filter(|(_, sql)| sql.starts_with("WITH ")) {
        assert!(sql.contains(" ORDER BY session_attributes.name FOR UPDATE)"), "{verb}: {sql}");
        held += 1;
    }
    assert!(held > 10);
}

// DESIGN rule 2: within REPEATABLE READ a plain read would see the rows of its beginning.
fn what_a_write_reads_again_is_read_as_it_is_now<D: Db>(db: &D) {
    let mut read = 0;
    for (verb, sent) in played(db) {
        let fails = ["_on_gone", "_on_rotated", "_missing", "_existing"].iter().any(|end| verb.ends_with(end));
        if D::NAME == "mysql" && verb.starts_with("attribute_") && !looks_up(verb) && fails && sent.len() > 1 {
            let last = sent.iter().rfind(|sql| sql.starts_with("SELECT ")).unwrap_or_else(|| panic!("{verb}: {sent:?}"));
            assert!(last.ends_with(" FOR UPDATE"), "{verb}: {last}");
            // The lock of the outer query does not reach into the derived table.
            for sql in sent.iter().filter(|sql| sql.starts_with("SELECT ") && sql.contains(" AS live")) {
                assert!(sql.contains(" FOR UPDATE) AS live "), "{verb}: {sql}");
            }
            read += 1;
        }
    }
    assert!(read > 10 || D::NAME != "mysql");
}

// S94 DESIGN rule 2
fn a_session_that_ended_after_the_transaction_began_is_gone<D: Db>(db: &D) {
    if D::NAME == "sqlite" {
        // Its snapshot can no longer be written from.
        return;
    }
    let mut stage = Stage::new(db);
    let session = stage.anonymous();
    let attributes = stage.sessions.attributes(&session);
    attributes.set(&mut stage.conn, ATTRIBUTE, VALUE).unwrap();
    let (sessions, mut other) = (stage.sessions.clone(), db.connect());
    stage.in_transaction(|conn, _, _| {
        assert!(attributes.exists(conn, ATTRIBUTE).unwrap());
        sessions.revoke_row(&mut other, session.row_id().unwrap()).unwrap();
        for refused in [
            attributes.set(conn, ATTRIBUTE, VALUE),
            attributes.update(conn, ATTRIBUTE, VALUE),
            attributes.create(conn, "another", VALUE),
            attributes.set_expiry(conn, ATTRIBUTE, Expiry::Never),
            attributes.delete(conn, ATTRIBUTE).map(|_| ()),
            attributes.take_value(conn, ATTRIBUTE).map(|_| ()),
        ] {
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::Gone);
        }
    });
}

// S63 DESIGN rule 6
fn purging_takes_expired_attributes_of_live_sessions_alone<D: Db>(db: &D) {
    let played = played(db);
    let sent = one(&played, "attribute_purge_batch");
    assert!(sent[0].contains(" FROM sessions ") && !sent[0].contains("session_attributes"), "sessions first: {sent:?}");
    let batch = &sent[1];
    for part in ["(session_attributes.expires_at <= ", "(sessions.expires_at > ", " LIMIT "] {
        assert!(batch.contains(part), "{part} is missing in {batch}");
    }
    assert_eq!(batch.contains(" FOR UPDATE SKIP LOCKED"), D::NAME == "postgres", "{batch}");
    let last = sent.last().unwrap();
    assert!(last.contains("session_attributes.expires_at <= "), "what was renewed meanwhile stays: {last}");
}
