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

// SECURITY 14
fn only_verbs_of_two_writes_open_a_transaction<D: Db>(db: &D) {
    let mut opened = BTreeSet::new();
    for (scene, sent) in scenes::played(&mut Stage::new(db)) {
        let control: Vec<Sent> = sent.into_iter().filter(Sent::is_transaction_control).collect();
        if !control.is_empty() {
            assert_eq!(control.len(), 2, "{}: {control:?}", scene.name);
            opened.insert(scene.name);
        }
    }
    let expected = ["revoke_others", "revoke_others_in_transaction", "save_owner_replaced", "sign_in_over_another_owner"];
    assert_eq!(opened, BTreeSet::from(expected));
}
