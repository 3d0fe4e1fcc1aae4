//! What may be set: types that fit, values that serialise, all of a batch or none of it.

use std::collections::BTreeMap;

use diesel_sessions::ErrorKind;
use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};

use super::{loaded, pairs, stored};
use crate::support::{Db, Plain, repository, suite, token_of};

suite! {
    a_wrong_type_for_a_typed_column_is_refused_when_it_is_set,
    what_cannot_be_serialised_is_refused_when_it_is_set,
    many_keys_are_set_together_or_not_at_all,
    typed_values_and_raw_json_are_two_views_of_one_value,
    a_value_is_made_only_where_there_is_none,
}

// S28
fn a_wrong_type_for_a_typed_column_is_refused_when_it_is_set<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let (mut session, token) = stored::<D>(&sessions, conn);
    let before = pairs(&session);
    for value in
        [json!("7"), json!("seven"), json!(true), json!(7.5), json!(u64::MAX), json!(1e300), json!([7]), json!({"id": 7})]
    {
        assert_eq!(session.insert("user_id", &value).unwrap_err().kind(), ErrorKind::WrongType, "{value}");
    }
    for value in [json!(7), json!(false), json!(["192.0.2.1"]), json!({})] {
        assert_eq!(session.insert("remote_addr", &value).unwrap_err().kind(), ErrorKind::WrongType, "{value}");
        assert_eq!(session.get_or_insert_with("remote_addr", || value.clone()).unwrap_err().kind(), ErrorKind::WrongType);
    }
    let secret = session.insert("user_id", "swordfish").unwrap_err();
    assert!(!format!("{secret} {secret:?}").contains("swordfish") && secret.to_string().contains("user_id"));
    assert!(!session.was_changed());
    assert_eq!(pairs(&session), before);
    assert_eq!(session.get::<String>("user_id").unwrap_err().kind(), ErrorKind::WrongType);
    session.insert("user_id", Value::Null).unwrap();
    assert_eq!(session.user_id(), None, "null is the absence of a value");
    session.revert();
    assert_eq!(pairs(&loaded(&sessions, conn, &token)), before);
}

/// Fails in the middle of its own text.
struct Broken;

impl Serialize for Broken {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom("swordfish"))
    }
}

// S30
fn what_cannot_be_serialised_is_refused_when_it_is_set<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let (mut session, token) = stored::<D>(&sessions, conn);
    let before = pairs(&session);
    let pair_as_key = BTreeMap::from([((1, 2), 3)]);
    for key in ["count", "new", "user_id"] {
        let error = session.insert(key, vec![Some(Broken), None]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotSerializable);
        assert!(!format!("{error} {error:?}").contains("swordfish"), "an error never repeats the value");
        assert_eq!(session.insert(key, &pair_as_key).unwrap_err().kind(), ErrorKind::NotSerializable);
        assert_eq!(session.insert(key, u128::MAX).unwrap_err().kind(), ErrorKind::NotSerializable);
        for float in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let error = session.insert(key, vec![float]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotSerializable, "JSON has no {float}");
        }
    }
    assert!(!session.was_changed());
    assert_eq!(pairs(&session), before);
    session.insert("fine", 1).unwrap();
    sessions.save(conn, &mut session).unwrap();
    assert_eq!(loaded(&sessions, conn, &token).len(), session.len());
}

// S31
fn many_keys_are_set_together_or_not_at_all<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let (mut session, token) = stored::<D>(&sessions, conn);
    session.insert("pending", 1).unwrap();
    let before = pairs(&session);
    let bad =
        [("user_id", json!("seven")), ("_data", json!(1)), ("", json!(1)), ("x", json!("\0")), ("y", json!("z".repeat(65_536)))];
    for (key, value) in bad {
        let entries =
            [("count", json!(9)), ("remote_addr", json!("192.0.2.1")), ("new", json!(1)), (key, value), ("last", json!(1))];
        session.insert_all(entries).unwrap_err();
        assert_eq!(pairs(&session), before, "{key}");
    }
    session.revert();
    assert!(!session.was_changed(), "nothing of the failed batches is left to take back");
    session.insert_all([("count", json!(2)), ("remote_addr", json!("192.0.2.1")), ("count", json!(3))]).unwrap();
    session.insert_all(Vec::<(String, i32)>::new()).unwrap();
    sessions.save(conn, &mut session).unwrap();
    let found = loaded(&sessions, conn, &token);
    assert_eq!((found.get("count").unwrap(), found.remote_addr()), (Some(3), Some("192.0.2.1")), "of one key the last wins");
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Cart {
    lines: Vec<(String, u32)>,
    coupon: Option<char>,
}

// S34
fn typed_values_and_raw_json_are_two_views_of_one_value<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let cart = Cart { lines: vec![("egg".to_owned(), 2), ("spam".to_owned(), 4)], coupon: None };
    let mut session = sessions.new_session();
    session.insert("cart", &cart).unwrap();
    session.insert("raw", json!({"lines": [["bacon", 1]], "coupon": "x"})).unwrap();
    sessions.save(conn, &mut session).unwrap();

    let mut found = loaded(&sessions, conn, &token_of(&session));
    assert_eq!(found.get::<Cart>("cart").unwrap(), Some(cart));
    assert_eq!(found.get_value("cart").as_deref(), Some(&json!({"coupon": null, "lines": [["egg", 2], ["spam", 4]]})));
    let raw = Cart { lines: vec![("bacon".to_owned(), 1)], coupon: Some('x') };
    assert_eq!(found.pop::<Cart>("raw").unwrap(), Some(raw));
    assert_eq!(found.get::<Cart>("raw").unwrap(), None);
    assert_eq!(found.get::<u8>("cart").unwrap_err().kind(), ErrorKind::WrongType);
    found.revert();
}

// S31
fn a_value_is_made_only_where_there_is_none<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let (mut session, token) = stored::<D>(&sessions, conn);
    assert_eq!(session.get_or_insert_with("count", || -> i32 { unreachable!("there is one") }).unwrap(), 1);
    assert_eq!(session.get_or_insert_with("user_id", || 9).unwrap(), 7);
    assert!(!session.was_changed());
    assert_eq!(session.get_or("missing", 5).unwrap(), 5);
    assert!(!session.contains_key("missing"), "get_or sets nothing");
    assert_eq!(session.get_or_insert_with("made", || "a".to_owned()).unwrap(), "a");
    assert_eq!(session.get_or_insert_with("remote_addr", || "192.0.2.1".to_owned()).unwrap(), "192.0.2.1");
    session.insert("nothing", Value::Null).unwrap();
    assert_eq!(session.get_or_insert_with("nothing", || 3).unwrap(), 3, "null is no value");
    sessions.save(conn, &mut session).unwrap();
    let found = loaded(&sessions, conn, &token);
    assert_eq!((found.get("made").unwrap(), found.remote_addr()), (Some("a".to_owned()), Some("192.0.2.1")));
}
