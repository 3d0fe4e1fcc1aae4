//! How a session begins, is saved and found again, and ends.

use diesel_sessions::{ErrorKind, Saved, SignIn};

use crate::support::{Db, Plain, repository, suite, token_of};

suite! {
    a_new_session_has_no_row_until_something_is_set,
    what_is_saved_is_loaded,
    signing_in_rotates_and_sets_the_owner,
    two_handles_changing_different_keys_both_keep_their_change,
    a_revoked_session_is_not_revived,
    purge_removes_what_has_expired,
}

// S1 S2
fn a_new_session_has_no_row_until_something_is_set<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = sessions.open(conn, None).unwrap();
    assert!(session.is_new() && session.is_empty() && !session.was_changed());
    assert!(session.row_id().is_none() && session.new_token().is_none());
    assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Unchanged);
    assert_eq!(D::number(conn, "SELECT count(*) FROM sessions"), 0);

    session.insert("parrot", "ceased to be").unwrap();
    assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Created);
    assert!(session.row_id().is_some() && session.new_token().is_some());
    assert_eq!(D::number(conn, "SELECT count(*) FROM sessions"), 1);
}

// S3 S17 S18 S19
fn what_is_saved_is_loaded<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = sessions.new_session();
    session.insert("user_id", 7).unwrap();
    session.insert("parrot", "ceased to be").unwrap();
    session.insert("actor_id", 14).unwrap();
    sessions.save(conn, &mut session).unwrap();
    assert_eq!(D::number(conn, "SELECT user_id FROM sessions"), 7);

    let found = sessions.load(conn, token_of(&session).as_str()).unwrap().unwrap();
    assert!(!found.is_new() && !found.was_changed());
    assert_eq!(found.user_id(), Some(7));
    assert_eq!(found.core_text(), r#"{"actor_id":14,"parrot":"ceased to be"}"#);
}

trait CoreText {
    fn core_text(&self) -> String;
}
impl<M: diesel_sessions::SessionModel> CoreText for diesel_sessions::Session<M> {
    fn core_text(&self) -> String {
        serde_json::to_string(&self.core_field().data().unwrap()).unwrap()
    }
}

// S62
fn signing_in_rotates_and_sets_the_owner<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = sessions.new_session();
    session.insert("cart", 1).unwrap();
    sessions.save(conn, &mut session).unwrap();
    let anonymous = token_of(&session);
    sessions.sign_in(conn, &mut session, SignIn::new(7)).unwrap();
    assert_ne!(token_of(&session), anonymous);
    assert!(sessions.load(conn, anonymous.as_str()).unwrap().is_none());
    let found = sessions.load(conn, token_of(&session).as_str()).unwrap().unwrap();
    assert_eq!((found.user_id(), found.get("cart").unwrap()), (Some(7), Some(1)));
}

// S47
fn two_handles_changing_different_keys_both_keep_their_change<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let (one, two) = (&mut db.connect(), &mut db.connect());
    let mut session = sessions.new_session();
    sessions.create(one, &mut session).unwrap();
    let token = token_of(&session);
    let mut a = sessions.load(one, token.as_str()).unwrap().unwrap();
    let mut b = sessions.load(two, token.as_str()).unwrap().unwrap();
    a.insert("a", 1).unwrap();
    b.insert("b", 2).unwrap();
    *b.remote_addr_mut() = Some("192.0.2.1".to_owned());
    sessions.save(one, &mut a).unwrap();
    sessions.save(two, &mut b).unwrap();
    let found = sessions.load(one, token.as_str()).unwrap().unwrap();
    assert_eq!(found.keys().collect::<Vec<_>>(), ["remote_addr", "a", "b"]);
}

// S49
fn a_revoked_session_is_not_revived<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = sessions.new_session();
    sessions.sign_in(conn, &mut session, SignIn::new(7)).unwrap();
    assert_eq!(sessions.of(&7).revoke_all(conn).unwrap(), 1);
    session.insert("a", 1).unwrap();
    assert_eq!(sessions.save(conn, &mut session).unwrap_err().kind(), ErrorKind::Gone);
    assert_eq!(D::number(conn, "SELECT count(*) FROM sessions"), 0);
    session.revert();
}

// S63
fn purge_removes_what_has_expired<D: Db>(db: &D) {
    let (sessions, clock) = repository::<D>();
    let conn = &mut db.connect();
    for _ in 0..5 {
        let mut session = sessions.new_session();
        sessions.create(conn, &mut session).unwrap();
    }
    clock.advance(std::time::Duration::from_secs(3_600));
    let mut live = sessions.new_session();
    sessions.create(conn, &mut live).unwrap();
    assert_eq!(sessions.purge_batch(conn, 2).unwrap().sessions, 2);
    assert_eq!(sessions.purge_expired(conn, 2).unwrap().sessions, 3);
    assert_eq!(D::number(conn, "SELECT count(*) FROM sessions"), 1);
}
