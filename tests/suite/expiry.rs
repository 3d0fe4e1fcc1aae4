//! When a session ends by itself: timeouts, deadlines, and the microsecond between live and expired.

use chrono::{DateTime, TimeDelta, Utc};
use diesel_sessions::{Clock, ErrorKind, ManualClock, Saved, SignIn, Timeouts};

use crate::life::steps::{created, kind, loaded, rows, signed_in};
use crate::support::{Db, Plain, noon, repository, repository_with, seconds, suite, token_of};

suite! {
    timeouts_come_from_the_repository_the_session_and_the_application,
    a_session_is_live_until_the_very_microsecond,
    times_are_cut_to_microseconds,
    an_expired_session_can_be_neither_found_nor_written,
    extend_starts_the_idle_time_anew,
    extend_never_passes_the_deadline,
    is_live_renews_nothing,
    a_session_may_never_expire,
    a_single_session_may_differ_from_the_default,
    a_deadline_that_has_passed_ends_the_session,
    what_a_deadline_has_ended_is_not_revived_by_a_proof_in_flight,
    the_idle_timeline_of_ten_seconds,
    activity_never_moves_the_deadline,
    the_last_sign_of_life_never_goes_back,
    a_throttled_touch_errs_on_the_strict_side,
    the_throttle_is_a_tenth_of_the_idle_time_at_most,
}

/// Microseconds after noon.
fn at(micros: i64) -> DateTime<Utc> {
    noon() + TimeDelta::microseconds(micros)
}

const SECOND: i64 = 1_000_000;

// S51
fn timeouts_come_from_the_repository_the_session_and_the_application<D: Db>(db: &D) {
    let (sessions, _) = repository_with::<D>(|builder| {
        builder.idle_timeout(seconds(600)).absolute_timeout(seconds(6_000)).timeouts_by(|model: &D::Model| {
            let strict = model.user_id() == Some(1) || model.remote_addr() == Some("192.0.2.1");
            strict.then_some(Timeouts { idle: Some(seconds(60)), absolute: None })
        })
    });
    let conn = &mut db.connect();
    let default = created::<D>(&sessions, conn);
    assert_eq!((default.idle_timeout(), default.deadline_at()), (Some(seconds(600)), Some(noon() + seconds(6_000))));

    let by_owner = signed_in::<D>(&sessions, conn, 1);
    let mut by_column = sessions.new_session();
    *by_column.remote_addr_mut() = Some("192.0.2.1".to_owned());
    sessions.save(conn, &mut by_column).unwrap();
    for session in [&by_owner, &by_column] {
        assert_eq!((session.idle_timeout(), session.deadline_at()), (Some(seconds(60)), None));
        assert_eq!(loaded::<D>(&sessions, conn, &token_of(session)).expires_at(), Some(noon() + seconds(60)));
    }

    let mut own = sessions.new_session();
    own.set_idle_timeout(Some(seconds(7)));
    own.set_deadline(Some(noon() + seconds(70)));
    own.insert("a", 1).unwrap();
    sessions.save(conn, &mut own).unwrap();
    let found = loaded::<D>(&sessions, conn, &token_of(&own));
    assert_eq!((found.idle_timeout(), found.deadline_at()), (Some(seconds(7)), Some(noon() + seconds(70))));
    assert_eq!(found.expires_at(), Some(noon() + seconds(7)));
}

// S52 SECURITY 19
fn a_session_is_live_until_the_very_microsecond<D: Db>(db: &D) {
    let both = |idle, absolute| Timeouts { idle: Some(seconds(idle)), absolute: Some(seconds(absolute)) };
    for timeouts in [both(100, 1_000), both(1_000, 100)] {
        let (sessions, clock) = repository_with::<D>(|builder| builder.timeouts(timeouts));
        let conn = &mut db.connect();
        clock.set(at(123_456));
        let session = signed_in::<D>(&sessions, conn, 7);
        let (token, row) = (token_of(&session), session.row_id().unwrap());
        let end = 100 * SECOND + 123_456;
        assert_eq!(session.expires_at(), Some(at(end)));
        let model = session.to_model();
        for (now, live) in [(end - 1, true), (end, false), (end + 1, false), (end - 1, true)] {
            clock.set(at(now));
            assert_eq!(sessions.load(conn, token.as_str()).unwrap().is_some(), live, "{now}");
            assert_eq!(sessions.is_live(conn, token.as_str()).unwrap(), live, "{now}");
            assert_eq!(sessions.open(conn, token.as_str()).unwrap().row_id().is_some(), live, "{now}");
            assert_eq!(sessions.from_row(model.clone()).is_ok(), live, "{now}");
            assert_eq!(sessions.of(&7).list(conn).unwrap().len(), usize::from(live), "{now}");
            assert_eq!(sessions.of(&7).count(conn).unwrap(), usize::from(live), "{now}");
        }
        assert_eq!(sessions.purge_batch(conn, 10).unwrap().sessions, 0);
        clock.set(at(end));
        assert_eq!(sessions.purge_batch(conn, 10).unwrap().sessions, 1, "row {row}");
    }
}

// S52
fn times_are_cut_to_microseconds<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(10)).absolute_timeout(seconds(100)));
    let conn = &mut db.connect();
    clock.set(noon() + TimeDelta::nanoseconds(999_999_999));
    let session = created::<D>(&sessions, conn);
    let found = loaded::<D>(&sessions, conn, &token_of(&session));
    for session in [&session, &found] {
        assert_eq!((session.created_at(), session.last_seen_at()), (at(999_999), at(999_999)));
        assert_eq!(session.expires_at(), Some(at(10 * SECOND + 999_999)));
        assert_eq!(session.deadline_at(), Some(at(100 * SECOND + 999_999)));
    }
    clock.set(at(10 * SECOND + 999_999) - TimeDelta::nanoseconds(1));
    assert!(sessions.is_live(conn, token_of(&session).as_str()).unwrap());
}

// S53 S49
fn an_expired_session_can_be_neither_found_nor_written<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(10)));
    let conn = &mut db.connect();
    let mut session = signed_in::<D>(&sessions, conn, 7);
    let token = token_of(&session);
    let before = D::text(conn, "SELECT concat(_uuid, _version, last_seen_at, expires_at) FROM sessions");
    clock.advance(seconds(10));
    assert!(sessions.load(conn, token.as_str()).unwrap().is_none());
    assert!(sessions.of(&7).list(conn).unwrap().is_empty());
    assert_eq!(kind(sessions.touch(conn, &mut session)), ErrorKind::Gone);
    assert_eq!(kind(sessions.extend(conn, &mut session)), ErrorKind::Gone);
    assert_eq!(kind(sessions.rotate(conn, &mut session)), ErrorKind::Gone);
    assert_eq!(kind(sessions.revoke_others(conn, &mut session)), ErrorKind::Gone);
    session.insert("a", 1).unwrap();
    assert_eq!(kind(sessions.save(conn, &mut session)), ErrorKind::Gone);
    session.set_idle_timeout(None);
    session.set_deadline(None);
    assert_eq!(kind(sessions.save(conn, &mut session)), ErrorKind::Gone);
    *session.user_id_mut() = None;
    assert_eq!(kind(sessions.save(conn, &mut session)), ErrorKind::Gone);
    *session.user_id_mut() = Some(8);
    assert_eq!(kind(sessions.save(conn, &mut session)), ErrorKind::Gone);
    assert_eq!(D::text(conn, "SELECT concat(_uuid, _version, last_seen_at, expires_at) FROM sessions"), before);
    session.revert();
}

// S54
fn extend_starts_the_idle_time_anew<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(100)));
    let conn = &mut db.connect();
    let mut session = created::<D>(&sessions, conn);
    session.insert("pending", true).unwrap();
    clock.advance(seconds(1));
    assert_eq!(sessions.extend(conn, &mut session).unwrap(), noon() + seconds(101));
    assert_eq!(session.expires_at(), Some(noon() + seconds(101)));
    assert!(session.was_changed());
    let found = loaded::<D>(&sessions, conn, &token_of(&session));
    assert_eq!((found.expires_at(), found.is_empty()), (Some(noon() + seconds(101)), true));
    assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Updated);

    assert!(sessions.revoke_row(conn, session.row_id().unwrap()).unwrap());
    assert_eq!(kind(sessions.extend(conn, &mut session)), ErrorKind::Gone);
    assert_eq!(rows::<D>(conn), 0);
}

// S54
fn extend_never_passes_the_deadline<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(40)).absolute_timeout(seconds(60)));
    let conn = &mut db.connect();
    let mut session = created::<D>(&sessions, conn);
    clock.advance(seconds(30));
    let deadline = noon() + seconds(60);
    assert_eq!(sessions.extend(conn, &mut session).unwrap(), deadline);
    assert_eq!(loaded::<D>(&sessions, conn, &token_of(&session)).expires_at(), Some(deadline));
}

// S55
fn is_live_renews_nothing<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(10)).touch_every(seconds(0)));
    let conn = &mut db.connect();
    let token = token_of(&created::<D>(&sessions, conn));
    clock.advance(seconds(9));
    assert!(sessions.is_live(conn, token.as_str()).unwrap());
    assert!(sessions.load(conn, token.as_str()).unwrap().is_some());
    assert!(sessions.open(conn, token.as_str()).unwrap().row_id().is_some());
    clock.advance(seconds(1));
    assert!(!sessions.is_live(conn, token.as_str()).unwrap());
}

// S57
fn a_session_may_never_expire<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.timeouts(Timeouts::NEVER));
    let conn = &mut db.connect();
    let mut session = created::<D>(&sessions, conn);
    assert_eq!((session.expires_at(), session.deadline_at(), session.idle_timeout()), (None, None, None));
    assert!(D::text(conn, "SELECT expires_at FROM sessions").unwrap().starts_with("9999-12-31 00:00:00"));
    clock.advance(seconds(1_000 * 365 * 86_400));
    let found = loaded::<D>(&sessions, conn, &token_of(&session));
    assert_eq!(found.expires_at(), None);
    assert_eq!(sessions.purge_expired(conn, 10).unwrap().sessions, 0);
    session.insert("a", 1).unwrap();
    assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Updated);
    assert_eq!(session.expires_at(), None);
}

// S57
fn a_single_session_may_differ_from_the_default<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(10)).absolute_timeout(None));
    let conn = &mut db.connect();
    let mut endless = created::<D>(&sessions, conn);
    let default = created::<D>(&sessions, conn);
    endless.set_idle_timeout(None);
    assert!(endless.was_changed());
    assert_eq!(sessions.save(conn, &mut endless).unwrap(), Saved::Updated);
    assert_eq!(endless.expires_at(), None);
    assert_eq!(sessions.save(conn, &mut endless).unwrap(), Saved::Unchanged);
    clock.advance(seconds(10));
    assert!(sessions.is_live(conn, token_of(&endless).as_str()).unwrap());
    assert!(!sessions.is_live(conn, token_of(&default).as_str()).unwrap());

    for bad in [seconds(0), std::time::Duration::from_millis(1_500), seconds(2_147_483_648)] {
        endless.set_idle_timeout(Some(bad));
        assert_eq!(kind(sessions.save(conn, &mut endless)), ErrorKind::InvalidArgument, "{bad:?}");
    }
    endless.revert();
    assert_eq!(endless.idle_timeout(), None);
}

// S57 SECURITY 19
fn a_deadline_that_has_passed_ends_the_session<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = created::<D>(&sessions, conn);
    session.set_deadline(Some(noon()));
    assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Updated);
    assert!(!sessions.is_live(conn, token_of(&session).as_str()).unwrap());
    session.insert("a", 1).unwrap();
    assert_eq!(kind(sessions.save(conn, &mut session)), ErrorKind::Gone);
    session.revert();
}

// S49 SECURITY 13: a request that has read its clock before the deadline was set, and then waited for the row.
fn what_a_deadline_has_ended_is_not_revived_by_a_proof_in_flight<D: Db>(db: &D) {
    let (sessions, clock) = repository::<D>();
    let conn = &mut db.connect();
    for with_changes in [false, true] {
        for signs_in in [false, true] {
            clock.set(noon());
            let mut session = signed_in::<D>(&sessions, conn, 7);
            let (token, row) = (token_of(&session), session.row_id());
            let mut late = loaded::<D>(&sessions, conn, &token);
            clock.advance(seconds(1));
            session.set_deadline(Some(clock.now()));
            assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Updated);
            clock.set(noon());
            if with_changes {
                late.insert("a", 1).unwrap();
            }
            if signs_in {
                sessions.sign_in(conn, &mut late, SignIn::new(7)).unwrap();
            } else {
                sessions.authenticate(conn, &mut late).unwrap();
            }
            assert_ne!(late.row_id(), row, "it has begun anew");
            assert!(sessions.is_live(conn, token_of(&late).as_str()).unwrap());
            clock.advance(seconds(1));
            assert!(sessions.load(conn, token.as_str()).unwrap().is_none());
            assert_eq!(sessions.purge_expired(conn, 10).unwrap().sessions, 1);
            sessions.end(conn, &mut session).unwrap();
            assert_eq!(sessions.of(&7).revoke_all(conn).unwrap(), 1);
        }
    }
}

// S58 SECURITY 19
fn the_idle_timeline_of_ten_seconds<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(10)).absolute_timeout(None));
    let conn = &mut db.connect();
    let mut session = sessions.new_session();
    session.insert("written at", 0).unwrap();
    sessions.save(conn, &mut session).unwrap();
    let token = token_of(&session);
    let write = |conn: &mut D::Conn, clock: &ManualClock, second: u64| {
        clock.set(noon() + seconds(second));
        let mut session = loaded::<D>(&sessions, conn, &token);
        session.insert("written at", second).unwrap();
        assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Updated);
    };
    write(conn, &clock, 8);
    clock.set(noon() + seconds(15));
    assert!(sessions.is_live(conn, token.as_str()).unwrap(), "alive at 15");
    write(conn, &clock, 15);
    clock.set(noon() + seconds(30));
    assert!(!sessions.is_live(conn, token.as_str()).unwrap(), "dead at 30");
    assert!(sessions.load(conn, token.as_str()).unwrap().is_none());
}

// S59 SECURITY 19
fn activity_never_moves_the_deadline<D: Db>(db: &D) {
    let (sessions, clock) =
        repository_with::<D>(|builder| builder.idle_timeout(seconds(40)).absolute_timeout(seconds(100)).touch_every(seconds(0)));
    let conn = &mut db.connect();
    let mut session = created::<D>(&sessions, conn);
    let deadline = noon() + seconds(100);
    for second in [30_u64, 60, 90, 99] {
        clock.set(noon() + seconds(second));
        session.insert("second", second).unwrap();
        sessions.save(conn, &mut session).unwrap();
        sessions.rotate(conn, &mut session).unwrap();
        sessions.extend(conn, &mut session).unwrap();
        assert_eq!(session.deadline_at(), Some(deadline));
        assert_eq!(session.expires_at(), Some(deadline.min(noon() + seconds(second + 40))));
        let found = loaded::<D>(&sessions, conn, &token_of(&session));
        assert_eq!((found.deadline_at(), found.expires_at()), (session.deadline_at(), session.expires_at()));
    }
    clock.set(deadline);
    assert!(!sessions.is_live(conn, token_of(&session).as_str()).unwrap());
}

// SECURITY 20
fn the_last_sign_of_life_never_goes_back<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(1_000)).touch_every(seconds(0)));
    let conn = &mut db.connect();
    let mut session = created::<D>(&sessions, conn);
    let mut late = loaded::<D>(&sessions, conn, &token_of(&session));
    clock.advance(seconds(100));
    assert!(sessions.touch(conn, &mut session).unwrap());
    let seen = noon() + seconds(100);
    clock.set(noon() + seconds(50));
    for (number, session) in [&mut late, &mut session].into_iter().enumerate() {
        assert!(!sessions.touch(conn, session).unwrap());
        assert_eq!(sessions.extend(conn, session).unwrap(), seen + seconds(1_000));
        session.insert("number", number).unwrap();
        assert_eq!(sessions.save(conn, session).unwrap(), Saved::Updated);
        session.set_idle_timeout(Some(seconds(1_000)));
        sessions.save(conn, session).unwrap();
        assert_eq!(session.last_seen_at(), seen);
    }
    *session.user_id_mut() = Some(7);
    assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Updated);
    sessions.sign_in(conn, &mut session, SignIn::new(7)).unwrap();
    let found = loaded::<D>(&sessions, conn, &token_of(&session));
    assert_eq!((found.last_seen_at(), found.expires_at()), (seen, Some(seen + seconds(1_000))));
}

// SECURITY 21
fn a_throttled_touch_errs_on_the_strict_side<D: Db>(db: &D) {
    // A twentieth of 100 seconds: a touch is due 5 seconds after the last one, no microsecond earlier.
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(100)).absolute_timeout(None));
    let conn = &mut db.connect();
    let mut session = created::<D>(&sessions, conn);
    let token = token_of(&session);
    clock.set(at(5 * SECOND - 1));
    assert!(!sessions.touch(conn, &mut session).unwrap());
    assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Unchanged);
    session.insert("a", 1).unwrap();
    assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Updated);
    assert_eq!(session.expires_at(), Some(at(100 * SECOND)), "95.000001 s after it was last used: strict, within the throttle");
    clock.set(at(5 * SECOND));
    assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Unchanged, "a touch is no change");
    assert_eq!(session.expires_at(), Some(at(105 * SECOND)));
    assert_eq!(loaded::<D>(&sessions, conn, &token).expires_at(), Some(at(105 * SECOND)));
    clock.set(at(105 * SECOND));
    assert!(!sessions.is_live(conn, token.as_str()).unwrap());
}

// SECURITY 21
fn the_throttle_is_a_tenth_of_the_idle_time_at_most<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(100)).touch_every(seconds(3_600)));
    let conn = &mut db.connect();
    let mut session = created::<D>(&sessions, conn);
    clock.set(at(10 * SECOND - 1));
    assert!(!sessions.touch(conn, &mut session).unwrap());
    clock.set(at(10 * SECOND));
    assert!(sessions.touch(conn, &mut session).unwrap());
    assert!(!sessions.touch(conn, &mut session).unwrap());
    assert_eq!(session.expires_at(), Some(at(110 * SECOND)));
}
