//! The mapping interface, merging and JSON against plain models, under generated sequences and values.

use std::collections::BTreeMap;

use diesel_sessions::{ErrorKind, OnConflict, Saved, Session, SessionModel, SessionRepository};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseResult, TestRunner};
use serde_json::{Map, Value};

use crate::data::same;
use crate::mapping::loaded;
use crate::support::{Db, repository_with, suite, token_of};

mod attributes;
mod mapping;
mod merging;

suite! {
    any_value_comes_back_from_the_database,
}

/// Runs a property a bounded number of times.
fn check<S: Strategy>(cases: u32, strategy: &S, test: impl Fn(S::Value) -> TestCaseResult) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    if let Err(failure) = TestRunner::new(config).run(strategy, test) {
        panic!("{failure}");
    }
}

/// Texts without U+0000, awkward ones more often than chance has them.
fn text() -> impl Strategy<Value = String> {
    let any = proptest::collection::vec(any::<char>().prop_filter("U+0000", |letter| *letter != '\0'), 0..12);
    prop_oneof![
        any.prop_map(|letters| letters.into_iter().collect()),
        proptest::sample::select(vec!["", " ", "\"", "\\", "\\u0000", "'", "\u{1}", "\u{7f}", "null", "{}", "🦜", "\u{feff}"])
            .prop_map(str::to_owned),
    ]
}

/// Numbers of every kind that JSON has, floats of any bits among them.
fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-100..100_i64).prop_map(Value::from),
        any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |float| float.is_finite()).prop_map(Value::from),
        (any::<i32>(), 0..20_i32).prop_map(|(digits, point)| Value::from(f64::from(digits) / 10_f64.powi(point))),
    ]
}

/// JSON within the limits: shallow and broad, with now and then a value at the full depth.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), number(), text().prop_map(Value::from)];
    let tree = leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map(text(), inner, 0..5).prop_map(|fields| Value::from(Map::from_iter(fields))),
        ]
    });
    (tree, 0..=26_usize, any::<bool>()).prop_map(|(value, levels, deep)| {
        let levels = if deep { levels } else { 0 };
        (0..levels).fold(value, |value, _| Value::from(vec![value]))
    })
}

// S29
fn any_value_comes_back_from_the_database<D: Db>(db: &D) {
    let (sessions, _) = repository_with::<D>(|builder| builder);
    let conn = std::cell::RefCell::new(db.connect());
    check(100, &proptest::collection::vec(json(), 1..6), |values| {
        let conn = &mut *conn.borrow_mut();
        let mut session = sessions.new_session();
        for (number, value) in values.iter().enumerate() {
            session.insert(format!("v{number}"), value).unwrap();
        }
        sessions.save(conn, &mut session).unwrap();
        let found = loaded(&sessions, conn, &token_of(&session));
        for (number, value) in values.iter().enumerate() {
            let back = found.get_value(format!("v{number}")).unwrap();
            prop_assert!(same(&back, value), "{value} came back as {back}");
        }
        prop_assert_eq!(found.len(), values.len());
        Ok(())
    });
}

/// The typed columns of the ready-made model, in their order.
const COLUMNS: [&str; 3] = ["user_id", "remote_addr", "user_agent"];

/// What a session holds, written without the library: columns that are set, and data.
#[derive(Debug, Clone, PartialEq, Default)]
struct Content {
    columns: BTreeMap<usize, Value>,
    data: BTreeMap<String, Value>,
}

impl Content {
    fn get(&self, key: &str) -> Option<&Value> {
        match COLUMNS.iter().position(|column| *column == key) {
            Some(column) => self.columns.get(&column),
            None => self.data.get(key),
        }
    }

    fn set(&mut self, key: &str, value: Option<Value>) -> Option<Value> {
        match (COLUMNS.iter().position(|column| *column == key), value) {
            (Some(column), Some(Value::Null) | None) => self.columns.remove(&column),
            (Some(column), Some(value)) => self.columns.insert(column, value),
            (None, Some(value)) => self.data.insert(key.to_owned(), value),
            (None, None) => self.data.remove(key),
        }
    }

    /// Keys and values in the order of the mapping interface.
    fn pairs(&self) -> Vec<(&str, &Value)> {
        let columns = self.columns.iter().map(|(column, value)| (COLUMNS[*column], value));
        columns.chain(self.data.iter().map(|(key, value)| (key.as_str(), value))).collect()
    }

    fn is_in<M: SessionModel>(&self, session: &Session<M>) -> TestCaseResult {
        let ours: Vec<_> = session.iter().collect();
        let ours: Vec<_> = ours.iter().map(|(key, value)| (*key, &**value)).collect();
        prop_assert_eq!(session.len(), ours.len());
        prop_assert_eq!(session.is_empty(), ours.is_empty());
        prop_assert!(session.keys().eq(ours.iter().map(|(key, _)| *key)));
        let pairs = self.pairs();
        let equal = pairs.len() == ours.len() && pairs.iter().zip(&ours).all(|(a, b)| a.0 == b.0 && same(a.1, b.1));
        prop_assert!(equal, "expected {:?}, found {:?}", pairs, ours);
        Ok(())
    }
}

/// A key, typed columns and data keys alike, and a value that it takes.
fn entry() -> impl Strategy<Value = (&'static str, Value)> {
    let small = prop_oneof![(0..3_i64).prop_map(Value::from), Just(Value::Null), Just(Value::from(true)), json()];
    prop_oneof![
        3 => (proptest::sample::select(vec!["a", "b", "c", "ä"]), small),
        1 => (proptest::sample::select(vec!["remote_addr", "user_agent"]), prop_oneof![text().prop_map(Value::from), Just(Value::Null)]),
    ]
}
