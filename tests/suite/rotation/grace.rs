//! The token that a rotation replaced, while requests that carry it may still be under way.

use diesel_sessions::{ErrorKind, SignIn};

use crate::life::steps::{Handle, created, kind, loaded, opens_nothing, rows, signed_in};
use crate::support::{Db, Plain, noon, repository, repository_with, seconds, suite, token_of};

suite! {
    a_replaced_token_opens_an_anonymous_session_that_cannot_be_saved,
    a_sign_out_under_the_replaced_token_is_not_lost,
    signing_in_under_the_replaced_token_starts_a_new_session,
    grace_lasts_sixty_seconds_to_the_microsecond,
    only_the_last_replaced_token_has_grace,
    grace_ends_with_the_session,
}

/// A request that is under way with the token that a rotation has just replaced.
fn superseded<D: Db>(sessions: &crate::life::steps::Repo<D>, conn: &mut D::Conn) -> (Handle<D>, Handle<D>) {
    let mut session = signed_in::<D>(sessions, conn, 7);
    session.insert("a", 1).unwrap();
    sessions.save(conn, &mut session).unwrap();
    let old = token_of(&session);
    sessions.rotate(conn, &mut session).unwrap();
    (session, sessions.open(conn, old.as_str()).unwrap())
}

// S64
fn a_replaced_token_opens_an_anonymous_session_that_cannot_be_saved<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let (session, mut late) = superseded::<D>(&sessions, conn);
    assert!(late.is_superseded() && !late.is_new() && !late.is_ended() && late.is_empty());
    assert!(late.user_id().is_none() && late.row_id().is_none() && late.new_token().is_none());
    assert!(late.authenticated_at().is_none());

    assert_eq!(kind(sessions.save(conn, &mut late)), ErrorKind::Rotated);
    late.insert("b", 2).unwrap();
    assert_eq!(kind(sessions.save(conn, &mut late)), ErrorKind::Rotated);
    assert_eq!(kind(sessions.create(conn, &mut late)), ErrorKind::Rotated);
    assert_eq!(kind(sessions.rotate(conn, &mut late)), ErrorKind::Rotated);
    assert_eq!(kind(sessions.touch(conn, &mut late)), ErrorKind::Rotated);
    assert_eq!(kind(sessions.extend(conn, &mut late)), ErrorKind::Rotated);
    assert_eq!(kind(sessions.revoke_others(conn, &mut late)), ErrorKind::Rotated);
    assert_eq!(late.get("b").unwrap(), Some(2), "the handle can still be read and written");
    assert!(late.new_token().is_none());
    late.revert();

    let found = loaded::<D>(&sessions, conn, &token_of(&session));
    assert_eq!((found.get("a").unwrap(), found.contains_key("b"), rows::<D>(conn)), (Some(1), false, 1));
}

// S64 S11
fn a_sign_out_under_the_replaced_token_is_not_lost<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let (session, mut late) = superseded::<D>(&sessions, conn);
    let other = signed_in::<D>(&sessions, conn, 7);
    sessions.end(conn, &mut late).unwrap();
    assert!(late.is_ended() && !late.is_superseded());
    assert!(opens_nothing::<D>(&sessions, conn, &token_of(&session)));
    assert!(sessions.is_live(conn, token_of(&other).as_str()).unwrap());
    assert_eq!(rows::<D>(conn), 1);
    assert_eq!(kind(sessions.save(conn, &mut late)), ErrorKind::Gone);
}

// S64 S62
fn signing_in_under_the_replaced_token_starts_a_new_session<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let (session, mut late) = superseded::<D>(&sessions, conn);
    late.insert("b", 2).unwrap();
    sessions.sign_in(conn, &mut late, SignIn::new(7)).unwrap();
    assert!(!late.is_superseded() && late.row_id() != session.row_id());
    let found = loaded::<D>(&sessions, conn, &token_of(&late));
    assert_eq!(found.keys().collect::<Vec<_>>(), ["user_id", "b"]);
    assert!(sessions.is_live(conn, token_of(&session).as_str()).unwrap());
}

// S64 SECURITY 10
fn grace_lasts_sixty_seconds_to_the_microsecond<D: Db>(db: &D) {
    let (sessions, clock) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = created::<D>(&sessions, conn);
    let old = token_of(&session);
    sessions.rotate(conn, &mut session).unwrap();
    let end = noon() + seconds(60);
    for (now, superseded) in [(noon(), true), (end - chrono::TimeDelta::microseconds(1), true), (end, false)] {
        clock.set(now);
        let opened = sessions.open(conn, old.as_str()).unwrap();
        assert_eq!((opened.is_superseded(), opened.is_new()), (superseded, !superseded), "{now}");
        assert!(sessions.load(conn, old.as_str()).unwrap().is_none(), "{now}");
        assert!(!sessions.is_live(conn, old.as_str()).unwrap(), "{now}");
    }
    let mut late = sessions.open(conn, old.as_str()).unwrap();
    sessions.end(conn, &mut late).unwrap();
    assert!(sessions.is_live(conn, token_of(&session).as_str()).unwrap(), "after the grace it ends nothing");
}

// S64 SECURITY 10
fn only_the_last_replaced_token_has_grace<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = created::<D>(&sessions, conn);
    let first = token_of(&session);
    sessions.rotate(conn, &mut session).unwrap();
    let second = token_of(&session);
    sessions.rotate(conn, &mut session).unwrap();
    assert!(opens_nothing::<D>(&sessions, conn, &first));
    assert!(!sessions.open(conn, first.as_str()).unwrap().is_superseded());
    assert!(sessions.open(conn, second.as_str()).unwrap().is_superseded());
}

// S64 SECURITY 13
fn grace_ends_with_the_session<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(30)));
    let conn = &mut db.connect();
    for revoked in [false, true] {
        let mut session = created::<D>(&sessions, conn);
        let old = token_of(&session);
        sessions.rotate(conn, &mut session).unwrap();
        if revoked {
            assert!(sessions.revoke_row(conn, session.row_id().unwrap()).unwrap());
        } else {
            clock.advance(seconds(30));
        }
        let opened = sessions.open(conn, old.as_str()).unwrap();
        assert!(opened.is_new() && !opened.is_superseded());
    }
}
