//! Attributes against a plain model, under generated values and calls, with a clock moved by hand.

use std::cell::RefCell;

use diesel_sessions::{Attribute, EncryptAttributes, Keyring, Timeouts, WriteOptions};

use self::calls::call;
use self::model::Model;
use self::stage::Stage;
use super::*;
use crate::support::seconds;

mod calls;
mod model;
mod stage;

suite! {
    any_value_of_an_attribute_comes_back,
    any_calls_leave_what_a_plain_model_has,
    any_calls_leave_what_a_plain_model_has_where_all_is_encrypted,
}

/// So many cases on SQLite, an eighth of them on a server.
fn cases<D: Db>(sqlite: u32) -> u32 {
    if D::NAME == "sqlite" { sqlite } else { sqlite / 8 }
}

fn keyring() -> Keyring {
    Keyring::new("2026-11", [7; 32]).unwrap()
}

// S70 S77 S80 S81
fn any_value_of_an_attribute_comes_back<D: Db>(db: &D) {
    let (sessions, _) = repository_with::<D>(|builder| builder.keyring(keyring()));
    let conn = RefCell::new(db.connect());
    let mut session = sessions.new_session();
    sessions.create(&mut conn.borrow_mut(), &mut session).unwrap();
    let attributes = sessions.attributes(&session);
    check(cases::<D>(200), &proptest::collection::vec((json(), any::<bool>()), 1..6), |values| {
        let conn = &mut *conn.borrow_mut();
        let names: Vec<_> = (0..values.len()).map(|number| format!("v{number}")).collect();
        let mut batch = Vec::new();
        for (name, (value, encrypted)) in names.iter().zip(&values) {
            let options = if *encrypted { WriteOptions::new().encrypted() } else { WriteOptions::new() };
            attributes.set_with(conn, name, value, options).unwrap();
            let entry = attributes.entry(conn, name).unwrap().unwrap();
            prop_assert_eq!(entry.is_encrypted(), *encrypted);
            prop_assert!(same(&entry.json().unwrap(), value), "{value} came back as {}", entry.json().unwrap());
            // The batch has it the other way round.
            let one = Attribute::new(name, value).unwrap();
            batch.push(if *encrypted { one } else { one.encrypted() });
        }
        attributes.set_many(conn, batch, WriteOptions::new()).unwrap();
        let found = attributes.get_many(conn, &names).unwrap();
        for (name, (value, encrypted)) in names.iter().zip(&values) {
            let back = found[name].as_ref().unwrap().as_ref().unwrap();
            prop_assert!(same(back, value), "{value} came back as {back}");
            prop_assert!(attributes.entry(conn, name).unwrap().unwrap().is_encrypted() != *encrypted);
            let taken = attributes.take_value(conn, name).unwrap().unwrap();
            prop_assert!(same(&taken, value), "{value} was taken as {taken}");
        }
        prop_assert!(attributes.names(conn).unwrap().is_empty());
        Ok(())
    });
}

// S65 S66 S67 S68 S69 S71 S72 S73 S74 S75 S76 S80 S81 S87 S88 S89 S90 S91 S92 S93 S94
fn any_calls_leave_what_a_plain_model_has<D: Db>(db: &D) {
    compare(db, EncryptAttributes::WhenAsked);
}

// DESIGN 4: `.encrypt_attributes(Always)`
fn any_calls_leave_what_a_plain_model_has_where_all_is_encrypted<D: Db>(db: &D) {
    compare(db, EncryptAttributes::Always);
}

fn compare<D: Db>(db: &D, encrypt: EncryptAttributes) {
    let (sessions, clock) =
        repository_with::<D>(|builder| builder.timeouts(Timeouts::NEVER).keyring(keyring()).encrypt_attributes(encrypt));
    let stage = RefCell::new(Stage::<D>::new(db, sessions, clock));
    check(cases::<D>(192), &proptest::collection::vec(call(), 1..30), |calls| {
        let stage = &mut *stage.borrow_mut();
        let mut model = Model::new(encrypt == EncryptAttributes::Always);
        stage.clear();
        for call in calls {
            let (ours, theirs) = (stage.answer(&call), model.answer(&call));
            prop_assert!(theirs.is(&ours), "{call:?}: expected {theirs:?}, got {ours:?}");
            let (rows, expected) = (stage.rows(), model.rows());
            let equal = rows.len() == expected.len() && rows.iter().zip(&expected).all(|(a, b)| a.stands_as(b));
            prop_assert!(equal, "{call:?}: expected {expected:#?}, found {rows:#?}");
        }
        Ok(())
    });
}
