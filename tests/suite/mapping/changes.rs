//! What counts as a change, when it is written, and taking it back.

use diesel_sessions::{Saved, Session};
use serde_json::{Value, json};

use super::{loaded, pairs, sent, stored};
use crate::support::{Db, Plain, noon, repository, seconds, suite};

suite! {
    was_changed_follows_what_differs,
    a_second_save_sends_nothing,
    a_nested_value_changed_in_place_is_saved,
    unsaved_changes_are_invisible,
    revert_restores_what_is_stored,
    revert_on_a_new_session_leaves_no_row,
}

// S35 S37
fn was_changed_follows_what_differs<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let (_, token) = stored::<D>(&sessions, conn);
    let mut session = loaded(&sessions, conn, &token);
    let _ = (session.get::<i64>("count"), session.get_value("cart"), session.contains_key("x"), session.iter().count());
    assert_eq!(session.get_or_insert_with("count", || 9).unwrap(), 1);
    session.insert_all([("count", json!(1)), ("user_id", json!(7)), ("cart", json!({"lines": [1, 2]}))]).unwrap();
    session.insert("count", 1.0).unwrap();
    *session.user_id_mut() = Some(7);
    assert!(session.value_mut("cart").is_some() && session.value_mut("missing").is_none());
    assert!(session.value_mut("user_id").is_none(), "a typed column is changed through its field");
    session.set_idle_timeout(session.idle_timeout());
    assert!(!session.was_changed());
    assert_eq!(sent(conn, |conn| assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Unchanged)), 0);

    let changes: [fn(&mut Session<D::Model>); 8] = [
        |session| session.insert("count", true).unwrap(),
        |session| session.insert("count", "1").unwrap(),
        |session| session.insert("new", Value::Null).unwrap(),
        |session| *session.user_id_mut() = None,
        |session| session.insert("user_id", 8).unwrap(),
        |session| *session.value_mut("cart").unwrap() = json!({"lines": [2, 1]}),
        |session| session.set_deadline(None),
        |session| session.clear(),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        change(&mut session);
        assert!(session.was_changed(), "change {number}");
        session.revert();
        assert!(!session.was_changed(), "change {number}");
    }
    session.remove("count").unwrap();
    session.insert("count", 1).unwrap();
    assert!(!session.was_changed(), "what was set back is no change");
}

// S39
fn a_second_save_sends_nothing<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let (mut session, _) = stored::<D>(&sessions, conn);
    assert!(!session.was_changed());
    assert_eq!(sent(conn, |conn| assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Unchanged)), 0);
    session.insert("count", 2).unwrap();
    assert_eq!(sent(conn, |conn| assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Updated)), 1);
    assert!(!session.was_changed());
    assert_eq!(sent(conn, |conn| assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Unchanged)), 0);
    let mut empty = sessions.new_session();
    assert_eq!(sent(conn, |conn| assert_eq!(sessions.save(conn, &mut empty).unwrap(), Saved::Unchanged)), 0);
}

// S38
fn a_nested_value_changed_in_place_is_saved<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let (_, token) = stored::<D>(&sessions, conn);
    let mut session = loaded(&sessions, conn, &token);
    session.value_mut("cart").unwrap()["lines"].as_array_mut().unwrap().push(json!("spam"));
    assert!(session.was_changed());
    assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Updated);
    assert_eq!(loaded(&sessions, conn, &token).get::<Value>("cart").unwrap(), Some(json!({"lines": [1, 2, "spam"]})));
}

// S7 S40
fn unsaved_changes_are_invisible<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let (mut session, token) = stored::<D>(&sessions, conn);
    let before = pairs(&session);
    session.insert("count", 2).unwrap();
    session.remove("cart").unwrap();
    *session.remote_addr_mut() = Some("192.0.2.1".to_owned());
    assert_eq!(pairs(&loaded(&sessions, conn, &token)), before);
    assert_eq!(pairs(&loaded(&sessions, &mut db.connect(), &token)), before);
    assert_eq!(pairs(&session), json!([["user_id", 7], ["remote_addr", "192.0.2.1"], ["count", 2]]));
    session.revert();
}

// S41
fn revert_restores_what_is_stored<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let (mut session, token) = stored::<D>(&sessions, conn);
    let (before, idle, deadline) = (pairs(&session), session.idle_timeout(), session.deadline_at());
    for _ in 0..2 {
        session.insert("count", 2).unwrap();
        session.insert("count", 3).unwrap();
        session.insert("new", 1).unwrap();
        session.remove("cart").unwrap();
        session.insert("user_id", 8).unwrap();
        session.user_agent_mut().replace("curl".to_owned());
        session.set_idle_timeout(Some(seconds(5)));
        session.set_deadline(Some(noon()));
        session.clear();
        session.insert("after", 1).unwrap();
        session.revert();
        assert_eq!((pairs(&session), session.idle_timeout(), session.deadline_at()), (before.clone(), idle, deadline));
        assert!(!session.was_changed());
        assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Unchanged);
    }
    session.insert("count", 4).unwrap();
    sessions.save(conn, &mut session).unwrap();
    session.insert("count", 5).unwrap();
    session.revert();
    assert_eq!(session.get("count").unwrap(), Some(4), "what was saved last is what is stored");
    assert_eq!(pairs(&loaded(&sessions, conn, &token)), pairs(&session));
}

// S41
fn revert_on_a_new_session_leaves_no_row<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = sessions.new_session();
    session.insert_all([("a", json!(1)), ("user_id", json!(7))]).unwrap();
    session.revert();
    assert!(session.is_empty() && !session.was_changed() && session.user_id().is_none());
    assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Unchanged);
    assert!(session.is_new() && session.new_token().is_none());
    assert_eq!(D::number(conn, "SELECT count(*) FROM sessions"), 0);
}
