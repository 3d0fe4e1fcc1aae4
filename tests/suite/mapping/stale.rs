//! A model that took another's place: refused before SQL, and healed by taking it back.

use diesel_sessions::{ErrorKind, Saved, Session, SessionModel, SignIn};
use serde_json::json;

use super::{loaded, pairs, sent, stored};
use crate::support::{Db, repository, suite};

suite! {
    a_replaced_model_is_refused_before_sql,
    a_replaced_model_of_a_new_session_is_refused_too,
}

/// Puts something of another model into a session's own.
type Replace<M> = fn(&mut Session<M>, &M);

// SECURITY 24
fn a_replaced_model_is_refused_before_sql<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let (mut session, token) = stored::<D>(&sessions, conn);
    let (other, other_token) = stored::<D>(&sessions, conn);
    let theirs = other.to_model();
    let replacements: [Replace<D::Model>; 3] = [
        |session, theirs| session.set_id_field(theirs.id_field()),
        |session, theirs| *session.core_field_mut() = theirs.core_field().clone(),
        |session, theirs| **session = theirs.clone(),
    ];
    let before = pairs(&session);
    for (number, replace) in replacements.into_iter().enumerate() {
        replace(&mut session, &theirs);
        session.insert("count", 99).unwrap();
        let statements = sent(conn, |conn| {
            let stale = |result: diesel_sessions::Result<()>| {
                assert_eq!(result.unwrap_err().kind(), ErrorKind::StaleModel, "replacement {number}");
            };
            stale(sessions.save(conn, &mut session).map(drop));
            stale(sessions.rotate(conn, &mut session));
            stale(sessions.extend(conn, &mut session).map(drop));
            stale(sessions.touch(conn, &mut session).map(drop));
            stale(sessions.sign_in(conn, &mut session, SignIn::new(7)));
            stale(sessions.end(conn, &mut session));
            stale(sessions.revoke_others(conn, &mut session).map(drop));
        });
        assert_eq!(statements, 0, "replacement {number}");
        session.revert();
        assert_eq!(pairs(&session), before);
        assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Unchanged);
    }
    session.insert("count", 2).unwrap();
    assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Updated);
    assert_eq!(loaded(&sessions, conn, &token).get("count").unwrap(), Some(2));
    assert_eq!(loaded(&sessions, conn, &other_token).get("count").unwrap(), Some(1), "the other row was never written to");
    assert_eq!(D::number(conn, "SELECT count(*) FROM sessions"), 2);
}

// SECURITY 24
fn a_replaced_model_of_a_new_session_is_refused_too<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let (other, other_token) = stored::<D>(&sessions, conn);
    let mut session = sessions.new_session();
    *session = other.to_model();
    session.insert("count", 99).unwrap();
    let statements = sent(conn, |conn| {
        assert_eq!(sessions.save(conn, &mut session).unwrap_err().kind(), ErrorKind::StaleModel);
        assert_eq!(sessions.create(conn, &mut session).unwrap_err().kind(), ErrorKind::StaleModel);
        assert_eq!(sessions.sign_in(conn, &mut session, SignIn::new(7)).unwrap_err().kind(), ErrorKind::StaleModel);
    });
    assert_eq!(statements, 0);
    session.revert();
    assert!(session.is_empty() && session.is_new());
    session.insert("mine", 1).unwrap();
    assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Created);
    assert_eq!(pairs(&session), json!([["mine", 1]]));
    assert_eq!(loaded(&sessions, conn, &other_token).get("count").unwrap(), Some(1));
}
