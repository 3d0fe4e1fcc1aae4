//! What a request changed, told from the record alone: no database is asked.

use serde_json::{Value, json};

use super::*;
use crate::plain::sqlite::PlainSession;
use crate::repository::SessionRepository;

fn new_session() -> Session<PlainSession> {
    SessionRepository::<PlainSession>::builder().build().unwrap().new_session()
}

/// A record that was read with these entries.
fn read<const N: usize>(entries: [(&str, Value); N]) -> Content {
    let mut content: Content = entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    let hashes = content.iter().map(|(key, value)| (key.clone(), Hash::of(value))).collect();
    let base = Base { row: 1, digest: uuid::Uuid::nil(), load: 7, hashes };
    content.insert(ROW_ID_KEY.to_owned(), json!(1));
    content.insert(BASE_KEY.to_owned(), base.entry());
    content
}

/// What was changed, as text: `a=2` or `-a`.
fn told(content: &Content, own: Option<&Own>) -> Vec<String> {
    let base = Base::of(content).unwrap();
    let changes = Changes::between(content, &base, own);
    let one = |(key, change): (&String, &Change<'_>)| change.value.map_or(format!("-{key}"), |value| format!("{key}={value}"));
    changes.keys.iter().map(one).collect()
}

#[test]
fn a_base_is_read_back_from_its_entry_or_not_at_all() {
    let content = read([("a", json!(1))]);
    let base = Base::of(&content).unwrap();
    assert_eq!((base.row, base.load, base.hashes.len()), (1, 7, 1));
    for spoilt in [json!(null), json!({}), json!({"row": 1}), json!({"row": 1, "digest": "", "load": 7, "hashes": {}})] {
        assert_eq!(Base::of(&[(BASE_KEY.to_owned(), spoilt)].into()), None);
    }
    assert_eq!(Base::of(&Content::new()), None);
}

// S37 S47
#[test]
fn what_was_only_carried_is_no_change() {
    let mut content = read([("a", json!(1)), ("b", json!([1.0])), ("c", json!(null))]);
    assert_eq!(told(&content, None), [""; 0]);
    content.insert("b".to_owned(), json!([1]));
    assert_eq!(told(&content, None), [""; 0], "a whole float is the integer");
    content.insert("a".to_owned(), json!(2));
    content.insert("d".to_owned(), json!(null));
    content.remove("c");
    content.insert(ROW_ID_KEY.to_owned(), json!(99));
    assert_eq!(told(&content, None), ["a=2", "-c", "d=null"]);
}

#[test]
fn what_was_saved_since_is_no_change_and_taking_it_back_is_one() {
    let mut content = read([("a", json!(1))]);
    content.insert("a".to_owned(), json!(2));
    content.insert("b".to_owned(), json!(1));
    let mut session = new_session();
    let base = Base::of(&content).unwrap();
    let changes = Changes::between(&content, &base, None);
    changes.lay_over(&mut session, None, OnConflict::Merge).unwrap();
    let mut own = Own::default();
    own.add(&changes, &session).unwrap();
    session.revert();
    assert_eq!(told(&content, Some(&own)), [""; 0]);
    assert_eq!(told(&content, None), ["a=2", "b=1"], "the base alone does not know");
    content.insert("a".to_owned(), json!(1));
    content.remove("b");
    assert_eq!(told(&content, Some(&own)), ["a=1", "-b"]);
    assert_eq!(told(&content, None), [""; 0]);
}

// S24
#[test]
fn a_record_without_a_base_removes_what_it_does_not_have() {
    let mut session = new_session();
    session.insert_all([("a", json!(1)), ("user_id", json!(7)), ("b", json!(1))]).unwrap();
    let content: Content = [("b".to_owned(), json!(2)), (ROW_ID_KEY.to_owned(), json!(1))].into();
    Changes::whole(&content).lay_over(&mut session, None, OnConflict::Refuse).unwrap();
    assert_eq!(session.keys().collect::<Vec<_>>(), ["b"]);
    assert!(!Changes::whole(&content).leave_nothing());
    assert!(Changes::whole(&[(ROW_ID_KEY.to_owned(), json!(1))].into()).leave_nothing());
    session.revert();
}

// S48
#[test]
fn a_conflict_is_a_changed_key_whose_value_is_no_longer_what_was_read() {
    let mut content = read([("a", json!(1)), ("b", json!(1))]);
    content.insert("a".to_owned(), json!(2));
    let base = Base::of(&content).unwrap();
    let changes = Changes::between(&content, &base, None);
    let mut session = new_session();
    for (a, b, is_conflict) in [(1, 9, false), (3, 1, true), (2, 1, true)] {
        session.insert_all([("a", a), ("b", b)]).unwrap();
        let refused = changes.lay_over(&mut session, None, OnConflict::Refuse);
        assert_eq!(refused.map_err(|error| error.kind()).err(), is_conflict.then_some(ErrorKind::Conflict));
        changes.lay_over(&mut session, None, OnConflict::Merge).unwrap();
        assert_eq!((session.get("a").unwrap(), session.get("b").unwrap()), (Some(2), Some(b)));
    }
    session.revert();
}

// SECURITY 9
#[test]
fn an_owner_that_was_set_without_its_path_is_carried_until_the_path_changes() {
    let path = OwnerPath::new(["login", "user"]);
    let whole = |content: &Content| {
        let (mut session, base) = (new_session(), Base::of(content));
        Changes::whole_since(content, base.as_ref()).lay_over(&mut session, Some(&path), OnConflict::Merge).unwrap();
        let owner = session.user_id;
        session.revert();
        owner
    };
    for read_with in [json!({"user": 8}), json!(null)] {
        let mut content = read([("user_id", json!(7)), ("login", read_with)]);
        assert_eq!(whole(&content), Some(7));
        content.insert("login".to_owned(), json!({"user": 9, "hash": 1}));
        assert_eq!(whole(&content), Some(9));
        content.remove("login");
        assert_eq!(whole(&content), None);
    }
}
