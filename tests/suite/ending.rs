//! The end of a session: by its own handle, by its owner, by an operator, and with its user.

use std::sync::atomic::Ordering;

use diesel_sessions::{ErrorKind, Saved, SessionModel, SignIn, Timeouts};

use crate::bad_database::counted;
use crate::life::steps::{attribute, created, kind, loaded, opens_nothing, rows, signed_in};
use crate::support::{Db, Plain, repository, repository_with, seconds, suite, token_of};

suite! {
    ending_removes_row_and_attributes,
    ending_beats_a_rotation,
    ending_what_is_missing_is_no_error,
    a_revoked_session_is_not_revived,
    an_owner_sees_live_sessions_newest_first,
    revoking_names_the_owner_too,
    revoke_all_and_revoke_except_count_what_they_delete,
    revoke_others_rotates_the_current_session,
    revoke_others_by_a_stale_handle_revokes_nothing,
    operators_revoke_rows_and_everyone,
    a_session_that_never_expires_can_be_revoked,
    deleting_the_user_ends_the_sessions,
}

// S11
fn ending_removes_row_and_attributes<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = signed_in::<D>(&sessions, conn, 7);
    let other = signed_in::<D>(&sessions, conn, 7);
    for session in [&session, &other] {
        attribute::<D>(conn, session.row_id().unwrap(), "theme");
    }
    let token = token_of(&session);
    sessions.end(conn, &mut session).unwrap();
    assert!(sessions.load(conn, token.as_str()).unwrap().is_none());
    assert!(opens_nothing::<D>(&sessions, conn, &token));
    assert_eq!((rows::<D>(conn), D::number(conn, "SELECT count(*) FROM session_attributes")), (1, 1));

    assert!(session.is_ended() && session.row_id().is_none() && session.new_token().is_none());
    session.insert("a", 1).unwrap();
    assert_eq!(kind(sessions.save(conn, &mut session)), ErrorKind::Gone);
    assert_eq!(kind(sessions.create(conn, &mut session)), ErrorKind::Gone);
    assert_eq!(kind(sessions.rotate(conn, &mut session)), ErrorKind::Gone);
    assert_eq!(kind(sessions.extend(conn, &mut session)), ErrorKind::Gone);
    assert_eq!(kind(sessions.touch(conn, &mut session)), ErrorKind::Gone);
    assert_eq!(kind(sessions.sign_in(conn, &mut session, SignIn::new(7))), ErrorKind::Gone);
    assert_eq!(rows::<D>(conn), 1);
}

// S11
fn ending_beats_a_rotation<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let (one, two) = (&mut db.connect(), &mut db.connect());
    let mut session = created::<D>(&sessions, one);
    let mut other = loaded::<D>(&sessions, two, &token_of(&session));
    sessions.rotate(two, &mut other).unwrap();
    sessions.rotate(two, &mut other).unwrap();
    sessions.end(one, &mut session).unwrap();
    assert!(opens_nothing::<D>(&sessions, one, &token_of(&other)));
    assert_eq!(kind(sessions.extend(two, &mut other)), ErrorKind::Gone);
    assert_eq!(rows::<D>(one), 0);
}

// S11
fn ending_what_is_missing_is_no_error<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(10)));
    let conn = &mut db.connect();
    let mut never = sessions.new_session();
    sessions.end(conn, &mut never).unwrap();
    let mut revoked = created::<D>(&sessions, conn);
    assert!(sessions.revoke_row(conn, revoked.row_id().unwrap()).unwrap());
    sessions.end(conn, &mut revoked).unwrap();
    sessions.end(conn, &mut revoked).unwrap();
    let mut expired = created::<D>(&sessions, conn);
    clock.advance(seconds(10));
    sessions.end(conn, &mut expired).unwrap();
    for session in [&never, &revoked, &expired] {
        assert!(session.is_ended() && session.new_token().is_none());
    }
    assert_eq!(rows::<D>(conn), 0);
}

// S49 SECURITY 13
fn a_revoked_session_is_not_revived<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(100)));
    let (one, two) = (&mut db.connect(), &mut db.connect());
    let session = signed_in::<D>(&sessions, one, 7);
    let token = token_of(&session);
    let mut late = loaded::<D>(&sessions, two, &token);
    assert_eq!(sessions.of(&7).revoke_all(one).unwrap(), 1);
    clock.advance(seconds(50));
    assert_eq!(kind(sessions.save(two, &mut late)), ErrorKind::Gone, "a touch is due");
    assert_eq!(kind(sessions.touch(two, &mut late)), ErrorKind::Gone);
    assert_eq!(kind(sessions.extend(two, &mut late)), ErrorKind::Gone);
    assert_eq!(kind(sessions.rotate(two, &mut late)), ErrorKind::Gone);
    assert_eq!(kind(sessions.revoke_others(two, &mut late)), ErrorKind::Gone);
    late.insert("a", 1).unwrap();
    assert_eq!(kind(sessions.save(two, &mut late)), ErrorKind::Gone);
    late.set_deadline(None);
    assert_eq!(kind(sessions.save(two, &mut late)), ErrorKind::Gone);
    assert!(late.was_changed(), "the changes are still pending");
    late.revert();
    assert_eq!(rows::<D>(one), 0);
    assert!(opens_nothing::<D>(&sessions, one, &token));
}

// S60
fn an_owner_sees_live_sessions_newest_first<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(100)));
    let conn = &mut db.connect();
    let expired = signed_in::<D>(&sessions, conn, 7);
    clock.advance(seconds(100));
    let mut phone = signed_in::<D>(&sessions, conn, 7);
    let laptop = signed_in::<D>(&sessions, conn, 7);
    signed_in::<D>(&sessions, conn, 8);
    created::<D>(&sessions, conn);
    *phone.remote_addr_mut() = Some("192.0.2.1".to_owned());
    sessions.save(conn, &mut phone).unwrap();

    let mine = sessions.of(&7);
    let devices = mine.list(conn).unwrap();
    let ids: Vec<_> = devices.iter().map(SessionModel::id_field).collect();
    assert_eq!(ids, [laptop.row_id().unwrap(), phone.row_id().unwrap()]);
    assert!(!ids.contains(&expired.row_id().unwrap()));
    assert_eq!((devices[1].remote_addr(), devices[1].core_field().created_at()), (Some("192.0.2.1"), phone.created_at()));
    assert_eq!(mine.count(conn).unwrap(), 2);
    assert_eq!(sessions.of(&9).count(conn).unwrap(), 0);
    assert!(sessions.of(&9).list(conn).unwrap().is_empty());
}

// SECURITY 15
fn revoking_names_the_owner_too<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mine = signed_in::<D>(&sessions, conn, 7);
    let theirs = signed_in::<D>(&sessions, conn, 8);
    let nobodys = created::<D>(&sessions, conn);
    for other in [&theirs, &nobodys] {
        assert!(!sessions.of(&7).revoke(conn, other.row_id().unwrap()).unwrap());
    }
    assert_eq!(rows::<D>(conn), 3);
    assert!(sessions.of(&7).revoke(conn, mine.row_id().unwrap()).unwrap());
    assert!(!sessions.of(&7).revoke(conn, mine.row_id().unwrap()).unwrap(), "there is none any more");
    assert!(opens_nothing::<D>(&sessions, conn, &token_of(&mine)));
    assert_eq!(sessions.of(&7).revoke_except(conn, theirs.row_id().unwrap()).unwrap(), 0);
    assert_eq!(rows::<D>(conn), 2);
}

// S64 SECURITY 14
fn revoke_all_and_revoke_except_count_what_they_delete<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let devices: Vec<_> = (0..4).map(|_| signed_in::<D>(&sessions, conn, 7)).collect();
    let theirs = signed_in::<D>(&sessions, conn, 8);
    let statements = counted::<D>(conn);
    assert_eq!(sessions.of(&7).revoke_except(conn, devices[1].row_id().unwrap()).unwrap(), 3);
    assert_eq!(statements.load(Ordering::Relaxed), 1);
    assert!(sessions.is_live(conn, token_of(&devices[1]).as_str()).unwrap(), "it keeps its token");
    assert!(opens_nothing::<D>(&sessions, conn, &token_of(&devices[0])));
    let before = statements.load(Ordering::Relaxed);
    assert_eq!(sessions.of(&7).revoke_all(conn).unwrap(), 1);
    assert_eq!(statements.load(Ordering::Relaxed) - before, 1);
    assert_eq!(sessions.of(&7).revoke_all(conn).unwrap(), 0);
    assert!(opens_nothing::<D>(&sessions, conn, &token_of(&devices[1])));
    assert!(sessions.is_live(conn, token_of(&theirs).as_str()).unwrap());
}

// S64 SECURITY 14
fn revoke_others_rotates_the_current_session<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut mine = signed_in::<D>(&sessions, conn, 7);
    let others: Vec<_> = (0..2).map(|_| signed_in::<D>(&sessions, conn, 7)).collect();
    let theirs = signed_in::<D>(&sessions, conn, 8);
    mine.insert("pending", 1).unwrap();
    let (old, row) = (token_of(&mine), mine.row_id());
    assert_eq!(sessions.revoke_others(conn, &mut mine).unwrap(), 2);
    assert_ne!(token_of(&mine), old);
    assert!(sessions.load(conn, old.as_str()).unwrap().is_none());
    assert_eq!(loaded::<D>(&sessions, conn, &token_of(&mine)).row_id(), row);
    for other in &others {
        assert!(opens_nothing::<D>(&sessions, conn, &token_of(other)));
    }
    assert!(sessions.is_live(conn, token_of(&theirs).as_str()).unwrap());
    assert_eq!(sessions.save(conn, &mut mine).unwrap(), Saved::Updated, "pending changes stay pending");

    let mut anonymous = created::<D>(&sessions, conn);
    assert_eq!(kind(sessions.revoke_others(conn, &mut anonymous)), ErrorKind::NotFound);
    let mut new = sessions.new_session();
    assert_eq!(kind(sessions.revoke_others(conn, &mut new)), ErrorKind::NotCreated);
}

// SECURITY 14
fn revoke_others_by_a_stale_handle_revokes_nothing<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut mine = signed_in::<D>(&sessions, conn, 7);
    let mut late = loaded::<D>(&sessions, conn, &token_of(&mine));
    let other = signed_in::<D>(&sessions, conn, 7);
    sessions.rotate(conn, &mut mine).unwrap();
    assert_eq!(kind(sessions.revoke_others(conn, &mut late)), ErrorKind::Rotated);
    assert!(late.new_token().is_none());
    for live in [&mine, &other] {
        assert!(sessions.is_live(conn, token_of(live).as_str()).unwrap());
    }
}

// SECURITY 15
fn operators_revoke_rows_and_everyone<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let owned = signed_in::<D>(&sessions, conn, 7);
    let anonymous = created::<D>(&sessions, conn);
    signed_in::<D>(&sessions, conn, 8);
    assert!(sessions.revoke_row(conn, owned.row_id().unwrap()).unwrap());
    assert!(!sessions.revoke_row(conn, owned.row_id().unwrap()).unwrap());
    assert_eq!(sessions.revoke_everyone(conn).unwrap(), 2);
    assert_eq!(sessions.revoke_everyone(conn).unwrap(), 0);
    assert!(opens_nothing::<D>(&sessions, conn, &token_of(&anonymous)));
}

// SECURITY 17
fn a_session_that_never_expires_can_be_revoked<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.timeouts(Timeouts::NEVER));
    let conn = &mut db.connect();
    let session = signed_in::<D>(&sessions, conn, 7);
    clock.advance(seconds(100 * 365 * 86_400));
    assert!(sessions.is_live(conn, token_of(&session).as_str()).unwrap());
    assert!(sessions.of(&7).revoke(conn, session.row_id().unwrap()).unwrap());
    assert!(opens_nothing::<D>(&sessions, conn, &token_of(&session)));
}

// S27 SECURITY 16
fn deleting_the_user_ends_the_sessions<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    D::execute(conn, "CREATE TABLE users (id BIGINT NOT NULL PRIMARY KEY)");
    D::execute(conn, "INSERT INTO users (id) VALUES (7), (8)");
    if D::NAME == "sqlite" {
        // SQLite adds a foreign key with a column only.
        D::execute(conn, "DROP INDEX sessions_user_id_idx");
        D::execute(conn, "ALTER TABLE sessions DROP COLUMN user_id");
        D::execute(conn, "ALTER TABLE sessions ADD COLUMN user_id BIGINT REFERENCES users (id) ON DELETE CASCADE");
    } else {
        D::execute(conn, "ALTER TABLE sessions ADD FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE");
    }
    let mut mine = signed_in::<D>(&sessions, conn, 7);
    let theirs = signed_in::<D>(&sessions, conn, 8);
    let anonymous = created::<D>(&sessions, conn);
    attribute::<D>(conn, mine.row_id().unwrap(), "theme");
    D::execute(conn, "DELETE FROM users WHERE id = 7");
    assert!(opens_nothing::<D>(&sessions, conn, &token_of(&mine)));
    assert_eq!(D::number(conn, "SELECT count(*) FROM session_attributes"), 0);
    for live in [&theirs, &anonymous] {
        assert!(sessions.is_live(conn, token_of(live).as_str()).unwrap());
    }
    mine.insert("a", 1).unwrap();
    assert_eq!(kind(sessions.save(conn, &mut mine)), ErrorKind::Gone);
    mine.revert();
    assert_eq!(kind(sessions.sign_in(conn, &mut sessions.new_session(), SignIn::new(7))), ErrorKind::ForeignKey);
}
