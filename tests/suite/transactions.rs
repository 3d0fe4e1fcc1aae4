//! Sessions in the application's own transactions: they commit and roll back with them, and a stale handle is found out.

use diesel::Connection;
use diesel_sessions::{Error, ErrorKind, Saved, SignIn};

use crate::life::steps::{Handle, Repo, created, kind, loaded, opens_nothing, rolled_back, rows, signed_in};
use crate::support::{Db, Plain, repository, repository_with, seconds, suite, token_of};

suite! {
    what_a_transaction_saves_commits_with_it,
    what_a_transaction_saves_is_rolled_back_with_it,
    a_handle_created_in_a_rolled_back_transaction_is_gone,
    a_handle_rotated_in_a_rolled_back_transaction_is_told_so,
    a_handle_signed_in_in_a_rolled_back_transaction_is_told_so,
    a_handle_saved_in_a_rolled_back_transaction_merges,
    a_rolled_back_key_does_not_come_back_over_another_save,
    a_rolled_back_owner_does_not_come_back_over_another_save,
    a_handle_loaded_in_a_rolled_back_transaction_loses_nobody_elses_save,
    a_savepoint_that_is_rolled_back_makes_a_handle_stale_too,
    an_id_that_is_used_again_after_a_rollback_is_not_ended,
    an_id_that_is_used_again_is_not_ended_by_a_handle_that_was_loaded,
    an_id_that_is_used_again_is_not_ended_under_a_replaced_token,
    an_end_that_is_rolled_back_can_be_repeated_by_another_handle,
    every_verb_works_inside_a_transaction,
}

// S43
fn what_a_transaction_saves_commits_with_it<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let (one, two) = (&mut db.connect(), &mut db.connect());
    let mut session = sessions.new_session();
    session.insert("a", 1).unwrap();
    let token = one
        .transaction(|conn| {
            sessions.save(conn, &mut session)?;
            assert!(sessions.load(two, token_of(&session).as_str())?.is_none(), "nobody else sees it yet");
            Ok::<_, Error>(token_of(&session))
        })
        .unwrap();
    assert_eq!(loaded::<D>(&sessions, two, &token).get("a").unwrap(), Some(1));
    session.insert("b", 2).unwrap();
    assert_eq!(sessions.save(one, &mut session).unwrap(), Saved::Updated);
    assert_eq!(loaded::<D>(&sessions, two, &token).len(), 2);
}

// S43
fn what_a_transaction_saves_is_rolled_back_with_it<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let kept = signed_in::<D>(&sessions, conn, 7);
    let before = loaded::<D>(&sessions, conn, &token_of(&kept)).to_model();
    rolled_back::<D, _>(conn, |conn| {
        let mut new = sessions.new_session();
        new.insert("a", 1).unwrap();
        sessions.save(conn, &mut new).unwrap();
        let mut session = loaded::<D>(&sessions, conn, &token_of(&kept));
        session.insert("a", 1).unwrap();
        sessions.save(conn, &mut session).unwrap();
        sessions.rotate(conn, &mut session).unwrap();
        assert_eq!(sessions.of(&7).revoke_all(conn).unwrap(), 1);
    });
    assert_eq!(rows::<D>(conn), 1);
    assert_eq!(loaded::<D>(&sessions, conn, &token_of(&kept)).to_model(), before);
}

/// A handle made by `make` in a transaction that is rolled back.
fn stale<D: Db>(sessions: &Repo<D>, conn: &mut D::Conn, make: impl FnOnce(&mut D::Conn) -> Handle<D>) -> (Handle<D>, String) {
    let session = rolled_back::<D, _>(conn, make);
    let token = token_of(&session);
    assert!(opens_nothing::<D>(sessions, conn, &token), "the token was rolled back too");
    (session, token)
}

// S43
fn a_handle_created_in_a_rolled_back_transaction_is_gone<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    for owner in [None, Some(7)] {
        let make = |conn: &mut D::Conn| match owner {
            None => created::<D>(&sessions, conn),
            Some(owner) => signed_in::<D>(&sessions, conn, owner),
        };
        let (mut session, _) = stale::<D>(&sessions, conn, make);
        assert_eq!(kind(sessions.rotate(conn, &mut session)), ErrorKind::Gone);
        assert_eq!(kind(sessions.extend(conn, &mut session)), ErrorKind::Gone);
        session.insert("a", 1).unwrap();
        assert_eq!(kind(sessions.save(conn, &mut session)), ErrorKind::Gone);
        *session.user_id_mut() = Some(8);
        assert_eq!(kind(sessions.save(conn, &mut session)), ErrorKind::Gone);
        session.revert();
        sessions.end(conn, &mut session).unwrap();
        assert_eq!(rows::<D>(conn), 0);
    }
}

// S43
fn a_handle_rotated_in_a_rolled_back_transaction_is_told_so<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = signed_in::<D>(&sessions, conn, 7);
    let old = token_of(&session);
    rolled_back::<D, _>(conn, |conn| sessions.rotate(conn, &mut session).unwrap());
    assert_eq!(kind(sessions.rotate(conn, &mut session)), ErrorKind::Rotated);
    assert_eq!(kind(sessions.extend(conn, &mut session)), ErrorKind::Rotated);
    assert_eq!(kind(sessions.revoke_others(conn, &mut session)), ErrorKind::Rotated);
    session.insert("a", 1).unwrap();
    assert_eq!(kind(sessions.save(conn, &mut session)), ErrorKind::Rotated);
    session.revert();
    let found = loaded::<D>(&sessions, conn, &old);
    assert!(!found.contains_key("a"), "the stored session is as it was");
    sessions.end(conn, &mut session).unwrap();
    assert_eq!(rows::<D>(conn), 0, "ending beats rotation");
}

// S43 S62
fn a_handle_signed_in_in_a_rolled_back_transaction_is_told_so<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    for pending in [false, true] {
        let mut session = created::<D>(&sessions, conn);
        let old = token_of(&session);
        if pending {
            session.insert("a", 1).unwrap();
        }
        rolled_back::<D, _>(conn, |conn| sessions.sign_in(conn, &mut session, SignIn::new(7)).unwrap());
        session.insert("b", 2).unwrap();
        assert_eq!(kind(sessions.save(conn, &mut session)), ErrorKind::Rotated);
        let found = loaded::<D>(&sessions, conn, &old);
        assert!(found.is_empty() && found.user_id().is_none());
        sessions.sign_in(conn, &mut session, SignIn::new(7)).unwrap();
        assert_eq!(loaded::<D>(&sessions, conn, &token_of(&session)).user_id(), Some(7));
    }
    // Over another owner the old row is deleted, which is rolled back as well.
    let mut session = signed_in::<D>(&sessions, conn, 8);
    let old = token_of(&session);
    rolled_back::<D, _>(conn, |conn| sessions.sign_in(conn, &mut session, SignIn::new(9)).unwrap());
    session.insert("b", 2).unwrap();
    assert!(matches!(kind(sessions.save(conn, &mut session)), ErrorKind::Gone | ErrorKind::Rotated));
    session.revert();
    assert_eq!(loaded::<D>(&sessions, conn, &old).user_id(), Some(8));
    assert_eq!(sessions.of(&9).count(conn).unwrap(), 0);
}

// S43
fn a_handle_saved_in_a_rolled_back_transaction_merges<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = created::<D>(&sessions, conn);
    rolled_back::<D, _>(conn, |conn| {
        session.insert("a", 1).unwrap();
        assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Updated);
        session.insert("b", 2).unwrap();
        assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Updated, "twice in one transaction");
    });
    session.insert("c", 3).unwrap();
    assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Updated);
    let found = loaded::<D>(&sessions, conn, &token_of(&session));
    for session in [&session, &found] {
        assert_eq!(session.keys().collect::<Vec<_>>(), ["c"], "what was rolled back is not there");
    }
}

// S43 S47
fn a_rolled_back_key_does_not_come_back_over_another_save<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(1_000)));
    let (one, two) = (&mut db.connect(), &mut db.connect());
    // The verb between the two saves of A reaches the row, but must not make A trust its version again.
    for between in 0..4 {
        let first = created::<D>(&sessions, one);
        let token = token_of(&first);
        let mut a = loaded::<D>(&sessions, one, &token);
        rolled_back::<D, _>(one, |conn| {
            a.insert("rolled back", 1).unwrap();
            *a.remote_addr_mut() = Some("rolled back".to_owned());
            assert_eq!(sessions.save(conn, &mut a).unwrap(), Saved::Updated);
        });
        let mut b = loaded::<D>(&sessions, two, &token);
        b.insert("b", 2).unwrap();
        assert_eq!(sessions.save(two, &mut b).unwrap(), Saved::Updated);
        assert_eq!(D::number(two, &version_of::<D>(&b)), 1, "the very version that A believes to have written");

        clock.advance(seconds(500));
        match between {
            0 => {}
            1 => assert!(sessions.touch(one, &mut a).unwrap()),
            2 => assert!(sessions.extend(one, &mut a).is_ok()),
            _ => sessions.rotate(one, &mut a).unwrap(),
        }
        let token = if between == 3 { token_of(&a) } else { token };
        a.insert("a", 3).unwrap();
        assert_eq!(sessions.save(one, &mut a).unwrap(), Saved::Updated);
        let found = loaded::<D>(&sessions, one, &token);
        for session in [&a, &found] {
            assert_eq!(session.keys().collect::<Vec<_>>(), ["a", "b"], "between {between}");
        }
    }
}

fn version_of<D: Db>(session: &Handle<D>) -> String {
    format!("SELECT _version FROM sessions WHERE id = {}", session.row_id().unwrap())
}

// S43 SECURITY 9
fn a_rolled_back_owner_does_not_come_back_over_another_save<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let (one, two) = (&mut db.connect(), &mut db.connect());
    let mut a = created::<D>(&sessions, one);
    let token = token_of(&a);
    rolled_back::<D, _>(one, |conn| {
        *a.user_id_mut() = Some(7);
        assert_eq!(sessions.save(conn, &mut a).unwrap(), Saved::Updated);
    });
    let mut b = loaded::<D>(&sessions, two, &token);
    b.insert("b", 2).unwrap();
    sessions.save(two, &mut b).unwrap();
    a.insert("a", 1).unwrap();
    assert_eq!(kind(sessions.save(one, &mut a)), ErrorKind::Rotated);
    a.revert();
    let found = loaded::<D>(&sessions, one, &token);
    assert_eq!(found.keys().collect::<Vec<_>>(), ["b"]);
}

// S43 S47
fn a_handle_loaded_in_a_rolled_back_transaction_loses_nobody_elses_save<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let (one, two) = (&mut db.connect(), &mut db.connect());
    let first = created::<D>(&sessions, one);
    let token = token_of(&first);
    let mut a = rolled_back::<D, _>(one, |conn| {
        let mut session = loaded::<D>(&sessions, conn, &token);
        session.insert("rolled back", 1).unwrap();
        sessions.save(conn, &mut session).unwrap();
        loaded::<D>(&sessions, conn, &token)
    });
    let mut b = loaded::<D>(&sessions, two, &token);
    b.insert("b", 2).unwrap();
    sessions.save(two, &mut b).unwrap();
    a.insert("a", 3).unwrap();
    sessions.save(one, &mut a).unwrap();
    let found = loaded::<D>(&sessions, one, &token);
    assert_eq!(found.keys().collect::<Vec<_>>(), ["a", "b"]);
}

// S43
fn a_savepoint_that_is_rolled_back_makes_a_handle_stale_too<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = created::<D>(&sessions, conn);
    conn.transaction(|conn| {
        rolled_back::<D, _>(conn, |conn| {
            session.insert("rolled back", 1).unwrap();
            sessions.save(conn, &mut session).unwrap();
        });
        session.insert("a", 1).unwrap();
        sessions.save(conn, &mut session)
    })
    .unwrap();
    let found = loaded::<D>(&sessions, conn, &token_of(&session));
    assert_eq!(found.keys().collect::<Vec<_>>(), ["a"]);
}

// S43 S11
fn an_id_that_is_used_again_after_a_rollback_is_not_ended<D: Db>(db: &D) {
    let (sessions, clock) = repository::<D>();
    let conn = &mut db.connect();
    // On SQLite the other session gets the very id; the other engines leave a gap. Rotated, it is still another session.
    for (way, rotated) in (0..4).flat_map(|way| [(way, false), (way, true)]) {
        let mut stale = rolled_back::<D, _>(conn, |conn| signed_in::<D>(&sessions, conn, 7));
        clock.advance(seconds(1));
        let mut other = signed_in::<D>(&sessions, conn, 7);
        assert_eq!(stale.row_id() == other.row_id(), D::NAME == "sqlite");
        if rotated {
            sessions.rotate(conn, &mut other).unwrap();
        }
        match way {
            0 => sessions.end(conn, &mut stale).unwrap(),
            1 => sessions.sign_in(conn, &mut stale, SignIn::new(8)).unwrap(),
            2 => {
                *stale.user_id_mut() = Some(8);
                assert!(matches!(kind(sessions.save(conn, &mut stale)), ErrorKind::Gone | ErrorKind::Rotated));
                stale.revert();
            }
            _ => {
                stale.insert("a", 1).unwrap();
                assert!(matches!(kind(sessions.save(conn, &mut stale)), ErrorKind::Gone | ErrorKind::Rotated));
                stale.revert();
            }
        }
        assert!(loaded::<D>(&sessions, conn, &token_of(&other)).contains_key("user_id"), "way {way}, rotated: {rotated}");
        sessions.revoke_everyone(conn).unwrap();
    }
}

// S43 S11
fn an_id_that_is_used_again_is_not_ended_by_a_handle_that_was_loaded<D: Db>(db: &D) {
    let (sessions, clock) = repository::<D>();
    let conn = &mut db.connect();
    let mut stale = rolled_back::<D, _>(conn, |conn| {
        let session = created::<D>(&sessions, conn);
        loaded::<D>(&sessions, conn, &token_of(&session))
    });
    clock.advance(seconds(1));
    let mut other = created::<D>(&sessions, conn);
    sessions.rotate(conn, &mut other).unwrap();
    sessions.end(conn, &mut stale).unwrap();
    assert!(sessions.is_live(conn, token_of(&other).as_str()).unwrap());
}

// S43 S64
fn an_id_that_is_used_again_is_not_ended_under_a_replaced_token<D: Db>(db: &D) {
    let (sessions, clock) = repository::<D>();
    let conn = &mut db.connect();
    let mut stale = rolled_back::<D, _>(conn, |conn| {
        let mut session = created::<D>(&sessions, conn);
        let old = token_of(&session);
        sessions.rotate(conn, &mut session).unwrap();
        sessions.open(conn, old.as_str()).unwrap()
    });
    assert!(stale.is_superseded());
    clock.advance(seconds(1));
    let mut other = created::<D>(&sessions, conn);
    sessions.rotate(conn, &mut other).unwrap();
    sessions.end(conn, &mut stale).unwrap();
    assert!(sessions.is_live(conn, token_of(&other).as_str()).unwrap());
}

// S43 S11
fn an_end_that_is_rolled_back_can_be_repeated_by_another_handle<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = created::<D>(&sessions, conn);
    let token = token_of(&session);
    rolled_back::<D, _>(conn, |conn| sessions.end(conn, &mut session).unwrap());
    assert!(session.is_ended());
    assert_eq!(kind(sessions.save(conn, &mut session)), ErrorKind::Gone);
    let mut again = loaded::<D>(&sessions, conn, &token);
    sessions.end(conn, &mut again).unwrap();
    assert!(opens_nothing::<D>(&sessions, conn, &token));
}

// S43 DESIGN rule 3
fn every_verb_works_inside_a_transaction<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.touch_every(seconds(0)));
    let conn = &mut db.connect();
    let mut session = sessions.new_session();
    let other = signed_in::<D>(&sessions, conn, 7);
    conn.transaction(|conn| {
        sessions.create(conn, &mut session)?;
        session.insert("a", 1)?;
        assert_eq!(sessions.save(conn, &mut session)?, Saved::Updated);
        clock.advance(seconds(1));
        assert!(sessions.touch(conn, &mut session)?);
        sessions.extend(conn, &mut session)?;
        sessions.rotate(conn, &mut session)?;
        sessions.authenticate(conn, &mut session)?;
        sessions.sign_in(conn, &mut session, SignIn::new(7))?;
        assert_eq!(sessions.of(&7).list(conn)?.len(), 2);
        assert_eq!(sessions.revoke_others(conn, &mut session)?, 1);
        assert!(sessions.open(conn, token_of(&session).as_str())?.row_id().is_some());
        sessions.sign_in(conn, &mut session, SignIn::new(8))?;
        *session.user_id_mut() = Some(9);
        assert_eq!(sessions.save(conn, &mut session)?, Saved::Updated);
        assert_eq!(sessions.of(&9).revoke_except(conn, session.row_id().unwrap())?, 0);
        sessions.check(conn)?;
        assert_eq!(sessions.purge_batch(conn, 10)?.sessions, 0);
        Ok::<_, Error>(())
    })
    .unwrap();
    assert!(!sessions.is_live(conn, token_of(&other).as_str()).unwrap());
    assert_eq!(loaded::<D>(&sessions, conn, &token_of(&session)).user_id(), Some(9));
    session.insert("b", 2).unwrap();
    assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Updated);
    conn.transaction(|conn| sessions.end(conn, &mut session)).unwrap();
    assert_eq!(rows::<D>(conn), 0);
}
