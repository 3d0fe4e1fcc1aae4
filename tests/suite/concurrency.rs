//! Two handles on one session: both keep their change, and of the same key the last save wins or says so.

use diesel_sessions::{ErrorKind, OnConflict, Saved};
use serde_json::{Value, json};

use crate::life::steps::{Handle, Repo, created, kind, loaded, rows};
use crate::support::{Db, Plain, noon, repository, repository_with, seconds, suite, token_of};

suite! {
    two_handles_changing_different_keys_both_keep_their_change,
    different_typed_columns_both_survive,
    of_the_same_key_the_last_save_wins,
    of_the_same_typed_column_the_last_save_wins,
    a_removed_key_stays_removed_and_a_set_one_stays_set,
    clear_removes_the_keys_that_this_handle_saw,
    a_conflict_is_refused_when_so_configured,
    setting_what_another_has_set_leaves_nothing_to_write,
    a_changed_timeout_survives_a_change_of_data,
    a_touch_never_conflicts_with_a_change,
    threads_on_one_session_lose_nothing,
    threads_on_their_own_sessions_do_not_meet,
}

/// Two handles on one stored session with `data`.
fn two<D: Db>(sessions: &Repo<D>, one: &mut D::Conn, other: &mut D::Conn, data: Value) -> (Handle<D>, Handle<D>, String) {
    let mut session = sessions.new_session();
    session.insert_all(data.as_object().unwrap()).unwrap();
    sessions.create(one, &mut session).unwrap();
    let token = token_of(&session);
    (loaded::<D>(sessions, one, &token), loaded::<D>(sessions, other, &token), token)
}

/// The stored data.
fn stored<D: Db>(sessions: &Repo<D>, conn: &mut D::Conn, token: &str) -> Value {
    json!(loaded::<D>(sessions, conn, token).iter().map(|(key, value)| (key.to_owned(), value.into_owned())).collect::<Vec<_>>())
}

// S47
fn two_handles_changing_different_keys_both_keep_their_change<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let (one, other) = (&mut db.connect(), &mut db.connect());
    let (mut a, mut b, token) = two::<D>(&sessions, one, other, json!({"kept": 0}));
    a.insert("a", 1).unwrap();
    b.insert("b", 2).unwrap();
    *b.remote_addr_mut() = Some("192.0.2.1".to_owned());
    assert_eq!(sessions.save(one, &mut a).unwrap(), Saved::Updated);
    assert_eq!(sessions.save(other, &mut b).unwrap(), Saved::Updated);
    let found = loaded::<D>(&sessions, one, &token);
    assert_eq!(found.keys().collect::<Vec<_>>(), ["remote_addr", "a", "b", "kept"]);
    assert_eq!(b.keys().collect::<Vec<_>>(), ["remote_addr", "a", "b", "kept"], "the later handle has merged");
    assert!(!b.was_changed());

    a.insert("c", 3).unwrap();
    assert_eq!(sessions.save(one, &mut a).unwrap(), Saved::Updated, "the earlier one merges next time");
    assert_eq!(loaded::<D>(&sessions, one, &token).len(), 5);
}

// S47
fn different_typed_columns_both_survive<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let (one, other) = (&mut db.connect(), &mut db.connect());
    let (mut a, mut b, token) = two::<D>(&sessions, one, other, json!({}));
    *a.remote_addr_mut() = Some("192.0.2.1".to_owned());
    *b.user_agent_mut() = Some("parrot/1.0".to_owned());
    sessions.save(one, &mut a).unwrap();
    sessions.save(other, &mut b).unwrap();
    assert_eq!(stored::<D>(&sessions, one, &token), json!([["remote_addr", "192.0.2.1"], ["user_agent", "parrot/1.0"]]));
}

// S48
fn of_the_same_key_the_last_save_wins<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let (one, other) = (&mut db.connect(), &mut db.connect());
    let (mut a, mut b, token) = two::<D>(&sessions, one, other, json!({"k": {"x": 0, "y": 0}}));
    a.insert("k", json!({"x": 1})).unwrap();
    b.insert("k", json!({"y": 2})).unwrap();
    sessions.save(other, &mut b).unwrap();
    sessions.save(one, &mut a).unwrap();
    assert_eq!(stored::<D>(&sessions, one, &token), json!([["k", {"x": 1}]]), "one of the two, never a mix");
}

// S48
fn of_the_same_typed_column_the_last_save_wins<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let (one, other) = (&mut db.connect(), &mut db.connect());
    let (mut a, mut b, token) = two::<D>(&sessions, one, other, json!({}));
    *a.remote_addr_mut() = Some("a".to_owned());
    *b.remote_addr_mut() = Some("b".to_owned());
    sessions.save(one, &mut a).unwrap();
    sessions.save(other, &mut b).unwrap();
    assert_eq!(loaded::<D>(&sessions, one, &token).remote_addr(), Some("b"));
}

// S47 S48
fn a_removed_key_stays_removed_and_a_set_one_stays_set<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let (one, other) = (&mut db.connect(), &mut db.connect());
    let (mut a, mut b, token) = two::<D>(&sessions, one, other, json!({"x": 1, "y": 1}));
    a.remove("x").unwrap();
    b.insert("y", 2).unwrap();
    sessions.save(one, &mut a).unwrap();
    sessions.save(other, &mut b).unwrap();
    assert_eq!(stored::<D>(&sessions, one, &token), json!([["y", 2]]));
    let mut a = loaded::<D>(&sessions, one, &token);
    a.insert("y", 3).unwrap();
    b.remove("y").unwrap();
    sessions.save(one, &mut a).unwrap();
    sessions.save(other, &mut b).unwrap();
    assert_eq!(stored::<D>(&sessions, one, &token), json!([]), "the last save was the removal");
}

// S24 S47
fn clear_removes_the_keys_that_this_handle_saw<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let (one, other) = (&mut db.connect(), &mut db.connect());
    let (mut a, mut b, token) = two::<D>(&sessions, one, other, json!({"x": 1, "y": 1}));
    b.insert("new", 2).unwrap();
    b.insert("x", 2).unwrap();
    sessions.save(other, &mut b).unwrap();
    a.clear();
    sessions.save(one, &mut a).unwrap();
    assert_eq!(stored::<D>(&sessions, one, &token), json!([["new", 2]]));
}

// S48
fn a_conflict_is_refused_when_so_configured<D: Db>(db: &D) {
    let (sessions, _) = repository_with::<D>(|builder| builder.on_conflict(OnConflict::Refuse));
    let (one, other) = (&mut db.connect(), &mut db.connect());
    let (mut a, mut b, token) = two::<D>(&sessions, one, other, json!({"k": 0, "gone": 0}));
    let mut c = loaded::<D>(&sessions, one, &token);
    let mut d = loaded::<D>(&sessions, one, &token);
    let mut e = loaded::<D>(&sessions, one, &token);
    b.insert("k", "b").unwrap();
    b.insert("b", 2).unwrap();
    b.remove("gone").unwrap();
    *b.remote_addr_mut() = Some("b".to_owned());
    sessions.save(other, &mut b).unwrap();

    a.insert("k", "a").unwrap();
    a.insert("a", 1).unwrap();
    *c.remote_addr_mut() = Some("c".to_owned());
    d.insert("gone", 4).unwrap();
    for session in [&mut a, &mut c, &mut d] {
        let error = sessions.save(one, session).unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Conflict, true));
        assert!(session.was_changed() && !session.contains_key("b"), "the handle is as it was");
    }
    let changed = ["k", "remote_addr", "gone"];
    for (session, key) in [&mut a, &mut c, &mut d].into_iter().zip(changed) {
        let message = sessions.save(one, session).unwrap_err().to_string();
        assert!(message.contains(key), "{message}");
        session.revert();
    }
    e.insert("e", 5).unwrap();
    assert_eq!(sessions.save(one, &mut e).unwrap(), Saved::Updated, "different keys both survive");
    assert_eq!(stored::<D>(&sessions, one, &token), json!([["remote_addr", "b"], ["b", 2], ["e", 5], ["k", "b"]]));
}

// S48
fn setting_what_another_has_set_leaves_nothing_to_write<D: Db>(db: &D) {
    for on_conflict in [OnConflict::Merge, OnConflict::Refuse] {
        let (sessions, _) = repository_with::<D>(|builder| builder.on_conflict(on_conflict));
        let (one, other) = (&mut db.connect(), &mut db.connect());
        let (mut a, mut b, token) = two::<D>(&sessions, one, other, json!({}));
        for session in [&mut a, &mut b] {
            session.insert("k", "same").unwrap();
            *session.remote_addr_mut() = Some("same".to_owned());
        }
        assert_eq!(sessions.save(one, &mut a).unwrap(), Saved::Updated);
        match on_conflict {
            OnConflict::Merge => assert_eq!(sessions.save(other, &mut b).unwrap(), Saved::Unchanged),
            OnConflict::Refuse => assert_eq!(kind(sessions.save(other, &mut b)), ErrorKind::Conflict),
        }
        b.revert();
        assert_eq!(stored::<D>(&sessions, one, &token), json!([["remote_addr", "same"], ["k", "same"]]));
    }
}

// S47 DESIGN rule 2
fn a_changed_timeout_survives_a_change_of_data<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let (one, other) = (&mut db.connect(), &mut db.connect());
    for policy_first in [false, true] {
        let (mut a, mut b, token) = two::<D>(&sessions, one, other, json!({}));
        a.set_idle_timeout(Some(seconds(77)));
        b.insert("b", 2).unwrap();
        if policy_first {
            sessions.save(one, &mut a).unwrap();
            sessions.save(other, &mut b).unwrap();
        } else {
            sessions.save(other, &mut b).unwrap();
            sessions.save(one, &mut a).unwrap();
        }
        let found = loaded::<D>(&sessions, one, &token);
        assert_eq!((found.idle_timeout(), found.get("b").unwrap()), (Some(seconds(77)), Some(2)));
        assert_eq!(found.expires_at(), Some(noon() + seconds(77)));
    }
}

// SECURITY 20 DESIGN rule 5
fn a_touch_never_conflicts_with_a_change<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| {
        builder.idle_timeout(seconds(100)).touch_every(seconds(0)).on_conflict(OnConflict::Refuse)
    });
    let (one, other) = (&mut db.connect(), &mut db.connect());
    let (mut a, mut b, token) = two::<D>(&sessions, one, other, json!({}));
    clock.advance(seconds(10));
    assert!(sessions.touch(one, &mut a).unwrap());
    b.insert("b", 2).unwrap();
    assert_eq!(sessions.save(other, &mut b).unwrap(), Saved::Updated);
    clock.advance(seconds(10));
    assert!(sessions.touch(one, &mut a).unwrap(), "over a version that it has not seen");
    a.insert("a", 1).unwrap();
    assert_eq!(sessions.save(one, &mut a).unwrap(), Saved::Updated);
    let found = loaded::<D>(&sessions, one, &token);
    assert_eq!((found.len(), found.last_seen_at()), (2, noon() + seconds(20)));
    assert_eq!(found.expires_at(), Some(noon() + seconds(120)));
}

// S47 S95
fn threads_on_one_session_lose_nothing<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let token = token_of(&created::<D>(&sessions, conn));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (sessions, token) = (&sessions, &token);
            scope.spawn(move || {
                let conn = &mut db.connect();
                for number in 0..5 {
                    let mut session = loaded::<D>(sessions, conn, token);
                    session.insert(format!("{thread}.{number}"), number).unwrap();
                    assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Updated);
                }
            });
        }
    });
    let found = loaded::<D>(&sessions, conn, &token);
    assert_eq!((found.len(), D::number(conn, "SELECT _version FROM sessions")), (20, 20));
}

// S47
fn threads_on_their_own_sessions_do_not_meet<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let sessions = &sessions;
            scope.spawn(move || {
                let conn = &mut db.connect();
                let mut session = created::<D>(sessions, conn);
                for number in 0..5 {
                    session.insert("number", number).unwrap();
                    assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Updated);
                    sessions.rotate(conn, &mut session).unwrap();
                }
                *session.user_id_mut() = Some(thread);
                sessions.save(conn, &mut session).unwrap();
                let found = loaded::<D>(sessions, conn, &token_of(&session));
                assert_eq!((found.user_id(), found.get("number").unwrap()), (Some(thread), Some(4)));
            });
        }
    });
    let conn = &mut db.connect();
    assert_eq!(rows::<D>(conn), 4);
}
