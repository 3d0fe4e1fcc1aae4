//! How many statements each verb sends, and when it opens a transaction.

use std::collections::BTreeSet;

use crate::recorder::Sent;
use crate::scenes;
use crate::stage::Stage;
use crate::support::{Db, suite};

suite! {
    each_verb_sends_as_few_statements_as_promised,
    only_verbs_of_two_writes_open_a_transaction,
}

// S39 DESIGN rule 7
fn each_verb_sends_as_few_statements_as_promised<D: Db>(db: &D) {
    for (scene, sent) in scenes::played(&mut Stage::new(db)) {
        let sent: Vec<Sent> = sent.into_iter().filter(|sent| !sent.is_transaction_control()).collect();
        assert_eq!(sent.len(), scene.statements, "{}: {sent:#?}", scene.name);
    }
}

// SECURITY 14 S88
fn only_verbs_of_two_writes_open_a_transaction<D: Db>(db: &D) {
    let mut opened = BTreeSet::new();
    for (scene, sent) in scenes::played(&mut Stage::new(db)) {
        let control: Vec<Sent> = sent.into_iter().filter(Sent::is_transaction_control).collect();
        if !control.is_empty() {
            assert_eq!(control.len(), 2, "{}: {control:?}", scene.name);
            opened.insert(scene.name);
        }
    }
    let mut expected = BTreeSet::from(EVERYWHERE);
    if D::NAME == "sqlite" {
        // A transaction of its own for each value would wait for the disk each time.
        expected.extend(["attribute_reseal", "attribute_reseal_bounded"]);
    }
    if D::NAME != "postgres" {
        expected.extend(WITHOUT_ARRAYS);
    }
    assert_eq!(opened, expected);
}

/// What takes two writes, or is undone when its one write meets less than it wants.
const EVERYWHERE: [&str; 17] = [
    "attribute_create_many",
    "attribute_create_many_existing",
    "attribute_create_many_mixed",
    "attribute_create_many_on_gone",
    "attribute_set_many_keep_and_never",
    "attribute_set_many_keep_and_never_on_gone",
    "attribute_take",
    "attribute_take_in_transaction",
    "attribute_take_missing",
    "attribute_take_of_another_type",
    "attribute_take_on_gone",
    "attribute_take_on_rotated",
    "attribute_update_many_keep_and_never",
    "revoke_others",
    "revoke_others_in_transaction",
    "save_owner_replaced",
    "sign_in_over_another_owner",
];

/// What one statement does on PostgreSQL alone.
const WITHOUT_ARRAYS: [&str; 8] = [
    "attribute_delete_many_101",
    "attribute_set_expiry_many",
    "attribute_set_expiry_many_missing",
    "attribute_set_many_101",
    "attribute_set_many_101_in_transaction",
    "attribute_update_many",
    "attribute_update_many_101",
    "attribute_update_many_missing",
];
