//! What the statements of all verbs have in common.

mod attributes;

use crate::recorder::Sent;
use crate::scenes;
use crate::stage::Stage;
use crate::support::{Db, suite};

suite! {
    every_update_is_guarded_by_row_token_and_expiry,
    every_change_but_a_touch_or_a_rotation_names_the_version_it_saw,
    looking_up_never_writes,
    one_statement_inserts_a_session,
    a_save_leaves_indexed_columns_alone_unless_a_touch_is_due,
    a_transaction_begins_with_a_write,
    nothing_needs_a_server_session,
}

/// What each scene sends, without the quotes around names.
pub(crate) fn played<D: Db>(db: &D) -> Vec<(&'static str, Vec<String>)> {
    let bare = |sent: Sent| sent.sql.replace(['`', '"'], "");
    let played = scenes::played(&mut Stage::new(db)).into_iter();
    played.map(|(scene, sent)| (scene.name, sent.into_iter().map(bare).collect())).collect()
}

pub(crate) fn one<'a>(played: &'a [(&str, Vec<String>)], name: &str) -> &'a [String] {
    &played.iter().find(|(scene, _)| *scene == name).unwrap().1
}

/// The two halves of an UPDATE: what it sets, and which row it must find.
fn halves(sql: &str) -> Option<(&str, &str)> {
    sql.strip_prefix("UPDATE sessions SET ")?.split_once(" WHERE ")
}

// S49 SECURITY 11 SECURITY 13
fn every_update_is_guarded_by_row_token_and_expiry<D: Db>(db: &D) {
    let mut updates = 0;
    for (verb, sent) in played(db) {
        for sql in sent.iter().filter(|sql| sql.starts_with("UPDATE") && !verb.starts_with("attribute_")) {
            let (_, guard) = halves(sql).unwrap();
            for part in ["(sessions.id = ", "(sessions._uuid = ", "(sessions.expires_at > "] {
                assert!(guard.contains(part), "{verb}: {part} is missing in {sql}");
            }
            assert!(!guard.contains(" OR "), "{verb}: {sql}");
            updates += 1;
        }
    }
    assert!(updates > 10);
}

// S47 SECURITY 20
fn every_change_but_a_touch_or_a_rotation_names_the_version_it_saw<D: Db>(db: &D) {
    for (verb, sent) in played(db) {
        for (set, guard) in sent.iter().filter_map(|sql| halves(sql)) {
            let (data, touch) = (set.contains("_data = "), set.contains("last_seen_at = "));
            assert!(!data || guard.contains("(sessions._version = "), "{verb}: {set} WHERE {guard}");
            let is_touch = !set.contains("_version = ");
            assert!(!is_touch || guard.contains("(sessions._version = "), "{verb}: {set} WHERE {guard}");
            let never_back = guard.contains("(sessions.last_seen_at <= ")
                || set.contains("last_seen_at = CASE WHEN ((sessions.last_seen_at > ");
            assert!(!touch || never_back, "{verb}: {set} WHERE {guard}");
        }
    }
}

// S55 DESIGN rule 5
fn looking_up_never_writes<D: Db>(db: &D) {
    for (verb, sent) in played(db) {
        const VERBS: [&str; 10] = [
            "load",
            "open",
            "is_live",
            "list",
            "count",
            "check",
            "attribute_get",
            "attribute_exists",
            "attribute_entry",
            "attribute_names",
        ];
        if VERBS.iter().any(|name| verb.starts_with(name)) {
            assert!(sent.iter().all(|sql| sql.starts_with("SELECT ") && !sql.contains("FOR UPDATE")), "{verb}: {sent:?}");
        }
    }
}

// DESIGN rule 1
fn one_statement_inserts_a_session<D: Db>(db: &D) {
    let played = played(db);
    let insert = &one(&played, "create")[0];
    assert!(insert.starts_with("INSERT INTO sessions "));
    for verb in ["save_new", "sign_in_new", "sign_in_on_gone", "sign_in_over_another_owner", "save_owner_replaced"] {
        assert!(one(&played, verb).contains(insert), "{verb}");
    }
    let others = played.iter().flat_map(|(_, sent)| sent).filter(|sql| sql.starts_with("INSERT INTO sessions") && *sql != insert);
    assert_eq!(others.count(), 0);
}

// DESIGN rule 5
fn a_save_leaves_indexed_columns_alone_unless_a_touch_is_due<D: Db>(db: &D) {
    let played = played(db);
    let sets = |verb: &str, column: &str| {
        let (set, _) = halves(&one(&played, verb)[0]).unwrap();
        set.split(", ").any(|assignment| assignment.starts_with(&format!("{column} = ")))
    };
    for column in ["last_seen_at", "expires_at"] {
        for (verb, due) in
            [("save_data", false), ("save_columns", false), ("save_data_touch", true), ("save_columns_touch", true)]
        {
            assert_eq!(sets(verb, column), due, "{verb}: {column}");
        }
    }
    assert!(!sets("save_data", "user_id") && sets("save_columns", "user_id"));
    assert!(!sets("save_unchanged_touch", "_version") && !sets("touch", "_data"));
}

// DESIGN rule 8
fn a_transaction_begins_with_a_write<D: Db>(db: &D) {
    let mut begun = 0;
    for (verb, sent) in played(db) {
        if let [first, second, ..] = &sent[..]
            && (first.starts_with("BEGIN") || first.starts_with("SAVEPOINT"))
        {
            begun += 1;
            let writes =
                ["INSERT ", "UPDATE ", "DELETE ", "WITH held AS MATERIALIZED "].iter().any(|verb| second.starts_with(verb));
            let locks = D::NAME != "sqlite" && second.ends_with(" FOR UPDATE");
            assert!(writes || locks, "{verb}: {second}");
        }
    }
    assert!(begun >= 10);
}

// DESIGN rule 8
fn nothing_needs_a_server_session<D: Db>(db: &D) {
    const PLAIN: [&str; 10] =
        ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE"];
    for (verb, sent) in played(db) {
        for sql in sent {
            let first = sql.split_whitespace().next().unwrap_or_default();
            assert!(PLAIN.contains(&first), "{verb}: {sql}");
            assert!(!sql.contains("advisory") && !sql.contains("GET_LOCK"), "{verb}: {sql}");
        }
    }
}
