//! Attributes and the end of their session: they go with it, and nothing is written or read without it.

use diesel_sessions::{ErrorKind, Purged, SignIn, Timeouts};

use super::steps::{Attributes, a, about, assert_all_fail, count, every_verb, rows};
use crate::life::steps::{Handle, Repo, created, loaded, opens_nothing, rolled_back, signed_in};
use crate::mapping::sent;
use crate::support::{Db, Plain, noon, repository, repository_with, seconds, suite, token_of};

suite! {
    no_attribute_outlives_its_session,
    deleting_sessions_with_sql_deletes_their_attributes,
    an_ended_session_has_no_attributes,
    a_revoked_session_has_no_attributes,
    an_expired_session_has_no_attributes,
    a_session_expires_for_its_attributes_at_the_very_microsecond,
    a_rotated_session_has_attributes_under_its_new_token_alone,
    a_replaced_token_reaches_no_attributes,
    a_session_that_never_was_has_no_attributes,
    a_handle_of_a_rolled_back_session_reaches_no_attributes,
    attributes_survive_what_the_session_survives,
    a_batch_on_an_ended_session_writes_nothing,
}

/// A session of user 7 with two attributes, one that keeps another's expiry among them.
fn furnished<D: Db>(sessions: &Repo<D>, conn: &mut D::Conn) -> Handle<D> {
    let session = signed_in::<D>(sessions, conn, 7);
    let items = [a("theme", "dark"), a("otp", 1).expires_in(seconds(3_000))];
    sessions.attributes(&session).set_many(conn, items, Default::default()).unwrap();
    session
}

// S75 S11
fn no_attribute_outlives_its_session<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(10)));
    let conn = &mut db.connect();
    for way in 0..9 {
        clock.set(noon());
        let mut kept = signed_in::<D>(&sessions, conn, if way < 3 { 7 } else { 8 });
        sessions.attributes(&kept).set(conn, "kept", 1).unwrap();
        let mut session = furnished::<D>(&sessions, conn);
        let row = session.row_id().unwrap();
        assert_eq!(count::<D>(conn), 3);
        match way {
            0 => assert_eq!(sessions.of(&7).revoke_except(conn, kept.row_id().unwrap()).unwrap(), 1),
            1 => assert_eq!(sessions.revoke_others(conn, &mut kept).unwrap(), 1),
            2 => assert!(sessions.revoke_row(conn, row).unwrap()),
            3 => sessions.end(conn, &mut session).unwrap(),
            4 => assert!(sessions.of(&7).revoke(conn, row).unwrap()),
            5 => assert_eq!(sessions.of(&7).revoke_all(conn).unwrap(), 1),
            6 => sessions.sign_in(conn, &mut session, SignIn::new(9)).unwrap(),
            7 => {
                *session.user_id_mut() = Some(9);
                sessions.save(conn, &mut session).unwrap();
            }
            _ => {
                clock.advance(seconds(9));
                sessions.extend(conn, &mut kept).unwrap();
                clock.advance(seconds(1));
                assert_eq!(sessions.purge_batch(conn, 10).unwrap(), Purged { sessions: 1, attributes: 0 });
            }
        }
        let left: Vec<_> = rows::<D>(conn).into_iter().map(|row| (row.session.to_string(), row.name)).collect();
        assert_eq!(left, [(kept.row_id().unwrap().to_string(), "kept".to_owned())], "way {way}");
        sessions.revoke_everyone(conn).unwrap();
        assert_eq!(count::<D>(conn), 0, "way {way}");
    }
}

// S75 S27
fn deleting_sessions_with_sql_deletes_their_attributes<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    for foreign_keys in [true, false] {
        if D::NAME == "sqlite" {
            // A connection that asks for none of SQLite's foreign keys still leaves no attribute behind.
            D::execute(conn, &format!("PRAGMA foreign_keys = {foreign_keys}"));
        }
        let session = furnished::<D>(&sessions, conn);
        furnished::<D>(&sessions, conn);
        let other = signed_in::<D>(&sessions, conn, 8);
        sessions.attributes(&other).set(conn, "theme", 1).unwrap();
        D::execute(conn, "DELETE FROM sessions WHERE user_id = 7");
        assert_eq!(count::<D>(conn), 1);
        assert_eq!(about(sessions.attributes(&session).set(conn, "theme", 1)).0, ErrorKind::Gone);
        D::execute(conn, "DELETE FROM sessions");
        assert_eq!(count::<D>(conn), 0);
    }
}

/// Every verb says `kind`, for a name that was there and one that was not, and no row is written or lost.
fn assert_closed<D: Db>(attributes: &Attributes<D>, conn: &mut D::Conn, kind: ErrorKind, why: &str) {
    let before = rows::<D>(conn);
    for name in ["theme", "otp", "new"] {
        assert_all_fail(every_verb::<D>(attributes, conn, name), kind, why);
    }
    assert_eq!(rows::<D>(conn), before, "{why}");
}

// S94 S11
fn an_ended_session_has_no_attributes<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = furnished::<D>(&sessions, conn);
    let (before, row) = (sessions.attributes(&session), session.row_id().unwrap());
    sessions.end(conn, &mut session).unwrap();
    assert_closed::<D>(&before, conn, ErrorKind::Gone, "from before the end");
    assert_closed::<D>(&sessions.attributes_of(row), conn, ErrorKind::Gone, "by the row");
    let statements = sent(conn, |conn| {
        assert_all_fail(every_verb::<D>(&sessions.attributes(&session), conn, "theme"), ErrorKind::Gone, "from after the end");
    });
    assert_eq!((statements, count::<D>(conn)), (0, 0));
}

// S94 SECURITY 13
fn a_revoked_session_has_no_attributes<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let session = furnished::<D>(&sessions, conn);
    let attributes = sessions.attributes(&session);
    sessions.of(&7).revoke_all(&mut db.connect()).unwrap();
    assert_closed::<D>(&attributes, conn, ErrorKind::Gone, "revoked");
    assert_closed::<D>(&sessions.attributes(&session), conn, ErrorKind::Gone, "revoked, and the handle does not know");
    assert_closed::<D>(&sessions.attributes_of(session.row_id().unwrap()), conn, ErrorKind::Gone, "revoked, by the row");
    assert_eq!(count::<D>(conn), 0);
}

// S94 S53
fn an_expired_session_has_no_attributes<D: Db>(db: &D) {
    let deadline = Timeouts { idle: None, absolute: Some(seconds(10)) };
    for timeouts in [Timeouts { idle: Some(seconds(10)), absolute: None }, deadline] {
        let (sessions, clock) = repository_with::<D>(|builder| builder.timeouts(timeouts));
        let conn = &mut db.connect();
        let session = furnished::<D>(&sessions, conn);
        clock.advance(seconds(10));
        assert_closed::<D>(&sessions.attributes(&session), conn, ErrorKind::Gone, "expired");
        assert_closed::<D>(&sessions.attributes_of(session.row_id().unwrap()), conn, ErrorKind::Gone, "expired, by the row");
        assert_eq!(count::<D>(conn), 2, "not purged yet");
        clock.set(noon());
        assert_eq!(sessions.attributes(&session).names(conn).unwrap(), ["otp", "theme"]);
        sessions.revoke_everyone(conn).unwrap();
    }
}

// S94 S52
fn a_session_expires_for_its_attributes_at_the_very_microsecond<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(10)));
    let conn = &mut db.connect();
    let session = furnished::<D>(&sessions, conn);
    let end = noon() + seconds(10);
    for attributes in [sessions.attributes(&session), sessions.attributes_of(session.row_id().unwrap())] {
        clock.set(end - chrono::TimeDelta::microseconds(1));
        attributes.set(conn, "theme", 1).unwrap();
        assert_eq!(attributes.get(conn, "theme").unwrap(), Some(1));
        clock.set(end);
        assert_closed::<D>(&attributes, conn, ErrorKind::Gone, "the microsecond of its end");
    }
}

// S94 S49 SECURITY 11
fn a_rotated_session_has_attributes_under_its_new_token_alone<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = furnished::<D>(&sessions, conn);
    let before = sessions.attributes(&session);
    let late = loaded::<D>(&sessions, conn, &token_of(&session));
    sessions.rotate(conn, &mut session).unwrap();
    assert_closed::<D>(&before, conn, ErrorKind::Rotated, "from before the rotation");
    assert_closed::<D>(&before.clone(), conn, ErrorKind::Rotated, "cloned");
    assert_closed::<D>(&sessions.attributes(&late), conn, ErrorKind::Rotated, "another handle's");
    for attributes in [sessions.attributes(&session), sessions.attributes_of(session.row_id().unwrap())] {
        assert_eq!(attributes.names(conn).unwrap(), ["otp", "theme"]);
        attributes.update(conn, "theme", "light").unwrap();
    }
    sessions.end(conn, &mut session).unwrap();
    assert_closed::<D>(&before, conn, ErrorKind::Gone, "rotated, then ended");
}

// S94 S64
fn a_replaced_token_reaches_no_attributes<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = furnished::<D>(&sessions, conn);
    let old = token_of(&session);
    sessions.rotate(conn, &mut session).unwrap();
    let late = sessions.open(conn, old.as_str()).unwrap();
    assert!(late.is_superseded());
    let before = rows::<D>(conn);
    let statements = sent(conn, |conn| {
        assert_all_fail(every_verb::<D>(&sessions.attributes(&late), conn, "theme"), ErrorKind::Rotated, "superseded");
    });
    assert_eq!((statements, rows::<D>(conn)), (0, before));
}

// S94
fn a_session_that_never_was_has_no_attributes<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let nobodys = rolled_back::<D, _>(conn, |conn| {
        let session = created::<D>(&sessions, conn);
        D::execute(conn, "UPDATE sessions SET id = 987654");
        loaded::<D>(&sessions, conn, &token_of(&session)).row_id().unwrap()
    });
    furnished::<D>(&sessions, conn);
    for row in [nobodys, Default::default()] {
        assert_closed::<D>(&sessions.attributes_of(row), conn, ErrorKind::Gone, "never created");
    }
    assert_eq!(D::number(conn, "SELECT count(*) FROM sessions"), 1);
}

// S94 S43
fn a_handle_of_a_rolled_back_session_reaches_no_attributes<D: Db>(db: &D) {
    let (sessions, clock) = repository::<D>();
    let conn = &mut db.connect();
    let stale = rolled_back::<D, _>(conn, |conn| furnished::<D>(&sessions, conn));
    assert_closed::<D>(&sessions.attributes(&stale), conn, ErrorKind::Gone, "rolled back");
    clock.advance(seconds(1));
    // On SQLite the next session gets the very row id, under another token.
    let other = furnished::<D>(&sessions, conn);
    let kind = if other.row_id() == stale.row_id() { ErrorKind::Rotated } else { ErrorKind::Gone };
    assert_closed::<D>(&sessions.attributes(&stale), conn, kind, "another session's row");
    assert!(opens_nothing::<D>(&sessions, conn, &token_of(&stale)));
}

// S62 S75: they belong to the session, whatever becomes of its token and owner
fn attributes_survive_what_the_session_survives<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(10)));
    let conn = &mut db.connect();
    let mut session = created::<D>(&sessions, conn);
    sessions.attributes(&session).set(conn, "cart", 1).unwrap();
    let before = rows::<D>(conn);
    sessions.sign_in(conn, &mut session, SignIn::new(7)).unwrap();
    sessions.rotate(conn, &mut session).unwrap();
    clock.advance(seconds(5));
    sessions.extend(conn, &mut session).unwrap();
    sessions.sign_in(conn, &mut session, SignIn::new(7)).unwrap();
    session.insert("a", 1).unwrap();
    sessions.save(conn, &mut session).unwrap();
    sessions.revoke_others(conn, &mut session).unwrap();
    sessions.purge_expired(conn, 10).unwrap();
    clock.advance(seconds(9));
    assert_eq!(sessions.attributes(&session).get(conn, "cart").unwrap(), Some(1));
    assert_eq!(rows::<D>(conn), before);
}

// S94 S88
fn a_batch_on_an_ended_session_writes_nothing<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = furnished::<D>(&sessions, conn);
    let attributes = sessions.attributes(&session);
    sessions.rotate(&mut db.connect(), &mut session).unwrap();
    let before = rows::<D>(conn);
    for kind in [ErrorKind::Rotated, ErrorKind::Gone] {
        for size in [1, 2, 100, 101, 250] {
            let names: Vec<_> = (0..size).map(|number| format!("n{number}")).collect();
            let items = || names.iter().enumerate().map(|(n, name)| if n % 2 == 0 { a(name, n) } else { a(name, n).never() });
            assert_eq!(about(attributes.set_many(conn, items(), Default::default())).0, kind, "{size}");
            assert_eq!(about(attributes.create_many(conn, items(), Default::default())).0, kind, "{size}");
            assert_eq!(about(attributes.update_many(conn, items(), Default::default())).0, kind, "{size}");
            assert_eq!(about(attributes.set_expiry_many(conn, &names, diesel_sessions::Expiry::Never)).0, kind, "{size}");
            assert_eq!(about(attributes.delete_many(conn, &names)).0, kind, "{size}");
            assert_eq!(about(attributes.get_many(conn, &names)).0, kind, "{size}");
            assert_eq!(about(attributes.exists_many(conn, &names)).0, kind, "{size}");
        }
        if kind == ErrorKind::Rotated {
            assert_eq!(rows::<D>(conn), before);
            sessions.end(&mut db.connect(), &mut session).unwrap();
        }
    }
    assert_eq!(count::<D>(conn), 0);
}
