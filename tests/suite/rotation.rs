//! New tokens: rotation, sign-in, change of owner, and the requests that are under way meanwhile.

use diesel_sessions::{ErrorKind, KnownTokens, Saved, SignIn};

use crate::life::steps::{created, kind, loaded, opens_nothing, rows, signed_in};
use crate::support::{Db, Plain, noon, repository, repository_with, seconds, suite, token_of};

mod grace;
mod owners;

suite! {
    rotating_replaces_the_token_and_nothing_else,
    a_handle_with_the_old_token_is_told_so_and_restores_nothing,
    a_rotation_that_fails_leaves_the_old_session_whole,
    signing_in_rotates_and_takes_the_visitors_data_along,
    signing_in_starts_fresh_clocks,
    remembering_sets_all_three_limits_and_signing_in_again_takes_them_back,
    signing_in_writes_pending_changes,
    proving_identity_again_rotates,
    authenticate_needs_no_owner,
    authenticating_again_keeps_a_remembered_session_remembered,
    authenticating_again_brings_the_policy_back_and_keeps_limits_that_are_pending,
    a_fresh_proof_of_identity_can_be_demanded,
    a_login_sent_twice_does_not_fail,
    signing_in_on_a_session_that_is_gone_starts_a_new_one,
    a_sign_in_that_is_refused_leaves_handle_and_row_as_they_were,
    signing_in_under_a_clock_that_is_behind_rotates_all_the_same,
}

// SECURITY 9 SECURITY 10
fn rotating_replaces_the_token_and_nothing_else<D: Db>(db: &D) {
    let (sessions, clock) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = signed_in::<D>(&sessions, conn, 7);
    session.insert("a", 1).unwrap();
    sessions.save(conn, &mut session).unwrap();
    let (old, row, expires_at) = (token_of(&session), session.row_id(), session.expires_at());
    session.insert("pending", true).unwrap();
    clock.advance(seconds(1));
    sessions.rotate(conn, &mut session).unwrap();
    let new = token_of(&session);
    assert_ne!(new, old);
    assert!(session.was_changed(), "pending changes stay pending");

    assert!(sessions.load(conn, old.as_str()).unwrap().is_none());
    assert!(!sessions.is_live(conn, old.as_str()).unwrap());
    let found = loaded::<D>(&sessions, conn, &new);
    assert_eq!((found.row_id(), found.expires_at(), found.user_id()), (row, expires_at, Some(7)));
    assert_eq!(found.keys().collect::<Vec<_>>(), ["user_id", "a"]);
    assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Updated);
    clock.advance(seconds(60));
    assert!(opens_nothing::<D>(&sessions, conn, &old));
}

// S49 SECURITY 11
fn a_handle_with_the_old_token_is_told_so_and_restores_nothing<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.touch_every(seconds(0)));
    let (one, two) = (&mut db.connect(), &mut db.connect());
    let mut session = signed_in::<D>(&sessions, one, 7);
    let old = token_of(&session);
    let mut late = loaded::<D>(&sessions, two, &old);
    sessions.rotate(one, &mut session).unwrap();

    clock.advance(seconds(1));
    assert_eq!(kind(sessions.touch(two, &mut late)), ErrorKind::Rotated);
    assert_eq!(kind(sessions.extend(two, &mut late)), ErrorKind::Rotated);
    assert_eq!(kind(sessions.rotate(two, &mut late)), ErrorKind::Rotated);
    assert_eq!(kind(sessions.revoke_others(two, &mut late)), ErrorKind::Rotated);
    late.insert("a", 1).unwrap();
    assert_eq!(kind(sessions.save(two, &mut late)), ErrorKind::Rotated);
    for owner in [None, Some(8)] {
        *late.user_id_mut() = owner;
        assert_eq!(kind(sessions.save(two, &mut late)), ErrorKind::Rotated);
    }
    late.revert();

    assert!(opens_nothing_but_grace::<D>(&sessions, one, &old));
    let found = loaded::<D>(&sessions, one, &token_of(&session));
    assert_eq!((found.user_id(), found.contains_key("a")), (Some(7), false));
    assert_eq!(rows::<D>(one), 1);
}

/// Whether a token that was replaced just now opens no session.
fn opens_nothing_but_grace<D: Db>(sessions: &crate::life::steps::Repo<D>, conn: &mut D::Conn, token: &str) -> bool {
    let opened = sessions.open(conn, token).unwrap();
    sessions.load(conn, token).unwrap().is_none() && opened.is_superseded() && opened.is_empty() && opened.row_id().is_none()
}

// SECURITY 12 SECURITY 30
fn a_rotation_that_fails_leaves_the_old_session_whole<D: Db>(db: &D) {
    let only = KnownTokens::numbered(1);
    let (sessions, _) = repository_with::<D>(|builder| builder.token_source(KnownTokens::new([only.reveal()]).unwrap()));
    let conn = &mut db.connect();
    let mut session = created::<D>(&sessions, conn);
    session.insert("a", 1).unwrap();
    sessions.save(conn, &mut session).unwrap();
    assert_eq!(kind(sessions.rotate(conn, &mut session)), ErrorKind::Config);
    assert_eq!(kind(sessions.sign_in(conn, &mut session, SignIn::new(7))), ErrorKind::Config);
    assert_eq!(kind(sessions.authenticate(conn, &mut session)), ErrorKind::Config);
    *session.user_id_mut() = Some(7);
    assert_eq!(kind(sessions.save(conn, &mut session)), ErrorKind::Config);
    session.revert();
    assert_eq!(token_of(&session), only.reveal());
    let found = loaded::<D>(&sessions, conn, only.reveal());
    assert_eq!((found.get("a").unwrap(), found.user_id(), found.authenticated_at()), (Some(1), None, None));
    session.insert("b", 2).unwrap();
    assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Updated, "the handle is whole too");
}

// S62 SECURITY 9 SECURITY 10
fn signing_in_rotates_and_takes_the_visitors_data_along<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = sessions.new_session();
    session.insert("cart", 1).unwrap();
    sessions.save(conn, &mut session).unwrap();
    let (anonymous, row) = (token_of(&session), session.row_id());
    sessions.sign_in(conn, &mut session, SignIn::new(7)).unwrap();
    assert_ne!(token_of(&session), anonymous);
    assert_eq!((session.row_id(), session.user_id()), (row, Some(7)));
    assert!(sessions.load(conn, anonymous.as_str()).unwrap().is_none());
    let found = loaded::<D>(&sessions, conn, &token_of(&session));
    assert_eq!((found.user_id(), found.get("cart").unwrap()), (Some(7), Some(1)));
    assert_eq!(rows::<D>(conn), 1);
}

// S62
fn signing_in_starts_fresh_clocks<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(100)).absolute_timeout(seconds(200)));
    let conn = &mut db.connect();
    let mut session = created::<D>(&sessions, conn);
    clock.advance(seconds(90));
    let now = noon() + seconds(90);
    sessions.sign_in(conn, &mut session, SignIn::new(7)).unwrap();
    let found = loaded::<D>(&sessions, conn, &token_of(&session));
    for session in [&session, &found] {
        assert_eq!((session.created_at(), session.authenticated_at(), session.last_seen_at()), (noon(), Some(now), now));
        assert_eq!(session.expires_at(), Some(now + seconds(100)));
        assert_eq!(session.deadline_at(), Some(now + seconds(200)));
    }
}

// S62
fn remembering_sets_all_three_limits_and_signing_in_again_takes_them_back<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(100)).absolute_timeout(seconds(200)));
    let conn = &mut db.connect();
    let month = 30 * 86_400;
    let mut session = sessions.new_session();
    sessions.sign_in(conn, &mut session, SignIn::new(7).remember(seconds(month))).unwrap();
    let found = loaded::<D>(&sessions, conn, &token_of(&session));
    for session in [&session, &found] {
        assert!(session.is_persistent());
        assert_eq!((session.idle_timeout(), session.deadline_at()), (Some(seconds(month)), Some(noon() + seconds(month))));
    }
    clock.advance(seconds(10));
    sessions.sign_in(conn, &mut session, SignIn::new(7)).unwrap();
    let found = loaded::<D>(&sessions, conn, &token_of(&session));
    for session in [&session, &found] {
        assert!(!session.is_persistent());
        assert_eq!((session.idle_timeout(), session.deadline_at()), (Some(seconds(100)), Some(noon() + seconds(210))));
    }
}

// S62
fn signing_in_writes_pending_changes<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut fresh = sessions.new_session();
    let mut stored = created::<D>(&sessions, conn);
    for session in [&mut fresh, &mut stored] {
        session.insert("a", 1).unwrap();
        *session.remote_addr_mut() = Some("192.0.2.1".to_owned());
        sessions.sign_in(conn, session, SignIn::new(7)).unwrap();
        assert!(!session.was_changed());
        let found = loaded::<D>(&sessions, conn, &token_of(session));
        assert_eq!(found.keys().collect::<Vec<_>>(), ["user_id", "remote_addr", "a"]);
    }
    assert_eq!(rows::<D>(conn), 2);
}

// SECURITY 9
fn proving_identity_again_rotates<D: Db>(db: &D) {
    let (sessions, clock) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = signed_in::<D>(&sessions, conn, 7);
    session.insert("a", 1).unwrap();
    sessions.save(conn, &mut session).unwrap();
    let row = session.row_id();
    for prove in [0, 1] {
        let old = token_of(&session);
        clock.advance(seconds(5));
        if prove == 0 {
            sessions.sign_in(conn, &mut session, SignIn::new(7)).unwrap();
        } else {
            sessions.authenticate(conn, &mut session).unwrap();
        }
        assert!(!sessions.is_live(conn, old.as_str()).unwrap());
        let found = loaded::<D>(&sessions, conn, &token_of(&session));
        assert_eq!((found.row_id(), found.user_id(), found.get("a").unwrap()), (row, Some(7), Some(1)));
        assert_eq!(found.authenticated_at(), Some(noon() + seconds(5 * (prove + 1))));
    }
    assert_eq!(rows::<D>(conn), 1);
}

// S62 SECURITY 9
fn authenticate_needs_no_owner<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = created::<D>(&sessions, conn);
    let old = token_of(&session);
    sessions.authenticate(conn, &mut session).unwrap();
    assert!(!sessions.is_live(conn, old.as_str()).unwrap());
    let found = loaded::<D>(&sessions, conn, &token_of(&session));
    assert_eq!((found.user_id(), found.authenticated_at()), (None, Some(noon())));
}

// S62
fn authenticating_again_keeps_a_remembered_session_remembered<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(100)).absolute_timeout(seconds(200)));
    let conn = &mut db.connect();
    let month = seconds(30 * 86_400);
    let mut session = sessions.new_session();
    sessions.sign_in(conn, &mut session, SignIn::new(7).remember(month)).unwrap();
    for (after, idle) in [(10, month), (20, seconds(60))] {
        let old = token_of(&session);
        clock.advance(seconds(10));
        if idle != month {
            session.set_idle_timeout(Some(idle));
        }
        sessions.authenticate(conn, &mut session).unwrap();
        assert!(opens_nothing_but_grace::<D>(&sessions, conn, &old));
        let found = loaded::<D>(&sessions, conn, &token_of(&session));
        for session in [&session, &found] {
            assert!(session.is_persistent() && !session.was_changed());
            assert_eq!((session.idle_timeout(), session.deadline_at()), (Some(idle), Some(noon() + month)));
            assert_eq!(session.authenticated_at(), Some(noon() + seconds(after)));
            assert_eq!(session.expires_at(), Some((noon() + seconds(after) + idle).min(noon() + month)));
        }
    }
}

// S62
fn authenticating_again_brings_the_policy_back_and_keeps_limits_that_are_pending<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(100)).absolute_timeout(seconds(200)));
    let conn = &mut db.connect();
    let mut session = signed_in::<D>(&sessions, conn, 7);
    session.set_idle_timeout(Some(seconds(30)));
    session.set_deadline(None);
    sessions.save(conn, &mut session).unwrap();
    let after = |n: u64| Some(noon() + seconds(n));
    // At each step: what is pending, and the limits after it.
    for (now, pending, idle, deadline) in
        [(10, None, 100, after(210)), (20, Some(60), 60, after(220)), (30, None, 100, after(230))]
    {
        clock.advance(seconds(10));
        if let Some(idle) = pending {
            session.set_idle_timeout(Some(seconds(idle)));
        }
        sessions.authenticate(conn, &mut session).unwrap();
        let found = loaded::<D>(&sessions, conn, &token_of(&session));
        for session in [&session, &found] {
            assert!(!session.is_persistent() && !session.was_changed());
            assert_eq!((session.idle_timeout(), session.deadline_at()), (Some(seconds(idle)), deadline));
            assert_eq!((session.authenticated_at(), session.expires_at()), (after(now), after(now + idle)));
        }
    }
    session.set_deadline(Some(noon() + seconds(45)));
    sessions.authenticate(conn, &mut session).unwrap();
    let found = loaded::<D>(&sessions, conn, &token_of(&session));
    assert_eq!((found.idle_timeout(), found.deadline_at()), (Some(seconds(100)), after(45)));
}

// S62
fn a_fresh_proof_of_identity_can_be_demanded<D: Db>(db: &D) {
    let (sessions, clock) = repository::<D>();
    let conn = &mut db.connect();
    let anonymous = created::<D>(&sessions, conn);
    assert_eq!(kind(anonymous.require_fresh(seconds(300))), ErrorKind::NotFresh);
    let session = signed_in::<D>(&sessions, conn, 7);
    clock.advance(seconds(300));
    let found = loaded::<D>(&sessions, conn, &token_of(&session));
    assert!(session.require_fresh(seconds(300)).is_ok() && found.require_fresh(seconds(300)).is_ok());
    clock.set(noon() + seconds(300) + chrono::TimeDelta::microseconds(1));
    assert_eq!(kind(session.require_fresh(seconds(300))), ErrorKind::NotFresh);
    assert_eq!(kind(found.require_fresh(seconds(300))), ErrorKind::NotFresh);
    assert!(found.require_fresh(std::time::Duration::MAX).is_ok());
}

// S62 DESIGN rule 4
fn a_login_sent_twice_does_not_fail<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let (one, two) = (&mut db.connect(), &mut db.connect());
    let mut visitor = sessions.new_session();
    visitor.insert("cart", 1).unwrap();
    sessions.save(one, &mut visitor).unwrap();
    let anonymous = token_of(&visitor);
    let mut first = loaded::<D>(&sessions, one, &anonymous);
    let mut second = loaded::<D>(&sessions, two, &anonymous);
    let mut third = loaded::<D>(&sessions, two, &anonymous);
    third.insert("pending", 3).unwrap();
    for (number, session) in [&mut first, &mut second, &mut third].into_iter().enumerate() {
        let conn = if number == 1 { &mut *two } else { &mut *one };
        sessions.sign_in(conn, session, SignIn::new(7)).unwrap();
        let found = loaded::<D>(&sessions, conn, &token_of(session));
        assert_eq!((found.user_id(), found.get("cart").unwrap()), (Some(7), Some(1)));
        assert_eq!((found.row_id(), session.was_changed()), (session.row_id(), false));
    }
    assert_eq!(third.get("pending").unwrap(), Some(3));
    assert_eq!(sessions.of(&7).count(one).unwrap(), 3);
    assert!(sessions.load(one, anonymous.as_str()).unwrap().is_none());
}

// S62 SECURITY 13
fn signing_in_on_a_session_that_is_gone_starts_a_new_one<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(100)));
    let conn = &mut db.connect();
    for pending in [false, true] {
        for expires in [false, true] {
            let mut session = signed_in::<D>(&sessions, conn, 7);
            session.insert("private", 1).unwrap();
            sessions.save(conn, &mut session).unwrap();
            let (old, row) = (token_of(&session), session.row_id().unwrap());
            if expires {
                clock.advance(seconds(100));
            } else {
                assert!(sessions.revoke_row(conn, row).unwrap());
            }
            if pending {
                session.insert("pending", 2).unwrap();
            }
            sessions.sign_in(conn, &mut session, SignIn::new(7)).unwrap();
            assert!(session.row_id().is_some_and(|new| new != row));
            assert!(opens_nothing::<D>(&sessions, conn, &old));
            let found = loaded::<D>(&sessions, conn, &token_of(&session));
            assert_eq!(found.contains_key("pending"), pending);
            assert!(!found.contains_key("private"), "what was revoked does not come back");
        }
    }
}

// S62 SECURITY 12
fn a_sign_in_that_is_refused_leaves_handle_and_row_as_they_were<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut anonymous = created::<D>(&sessions, conn);
    let mut owned = signed_in::<D>(&sessions, conn, 7);
    let mut fresh = sessions.new_session();
    for (session, owner) in [(&mut anonymous, None), (&mut owned, Some(7)), (&mut fresh, None)] {
        for pending in [false, true] {
            if pending {
                session.insert("a", 1).unwrap();
            }
            for user in [7, 8] {
                let refused = sessions.sign_in(conn, session, SignIn::new(user).remember(seconds(0)));
                assert_eq!(kind(refused), ErrorKind::InvalidArgument);
                assert_eq!((session.user_id(), session.was_changed()), (owner, pending));
            }
        }
        session.revert();
    }
    assert!(sessions.is_live(conn, token_of(&anonymous).as_str()).unwrap());
    assert!(sessions.is_live(conn, token_of(&owned).as_str()).unwrap());
    assert!(fresh.is_new() && fresh.new_token().is_none());

    sessions.end(conn, &mut anonymous).unwrap();
    assert_eq!(kind(sessions.sign_in(conn, &mut anonymous, SignIn::new(7))), ErrorKind::Gone);
    assert_eq!(rows::<D>(conn), 1);
}

// SECURITY 9 SECURITY 10 SECURITY 20
fn signing_in_under_a_clock_that_is_behind_rotates_all_the_same<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(1_000)).touch_every(seconds(0)));
    let (one, two) = (&mut db.connect(), &mut db.connect());
    for pending in [false, true] {
        clock.set(noon());
        let mut session = created::<D>(&sessions, one);
        let old = token_of(&session);
        let mut other = loaded::<D>(&sessions, two, &old);
        clock.set(noon() + seconds(100));
        assert!(sessions.touch(two, &mut other).unwrap());
        clock.set(noon() + seconds(50));
        if pending {
            session.insert("a", 1).unwrap();
        }
        sessions.sign_in(one, &mut session, SignIn::new(7)).unwrap();
        assert!(sessions.load(one, old.as_str()).unwrap().is_none(), "the token of before the sign-in is dead");
        let found = loaded::<D>(&sessions, one, &token_of(&session));
        assert_eq!((found.row_id(), found.user_id()), (other.row_id(), Some(7)));
        assert_eq!(found.last_seen_at(), noon() + seconds(100));
    }
}
