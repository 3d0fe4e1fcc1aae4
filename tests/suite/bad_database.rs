//! A database that is set up wrongly or refuses to write: an error that says so, and nothing half-stored.

use std::error::Error as _;

use diesel_sessions::{Error, ErrorKind, Saved, SignIn};

use crate::life::steps::{Handle, Repo, created, kind, loaded, rows, signed_in};
use crate::support::{Db, Plain, repository, suite, token_of};

#[cfg(any(feature = "postgres", feature = "mysql"))]
mod connections;
mod locks;
mod retries;

pub(crate) use retries::counted;

suite! {
    missing_tables_are_an_error_of_every_verb,
    check_finds_what_is_missing,
    a_missing_column_is_an_error_of_every_verb,
    a_read_only_database_refuses_every_write_and_keeps_what_is_pending,
    an_undecodable_row_is_an_error_and_can_still_be_listed_and_revoked,
}

/// Every verb that sends a statement, each on a session that lets it.
fn every_verb<D: Db>(
    sessions: &Repo<D>,
    conn: &mut D::Conn,
    mine: &mut Handle<D>,
    token: &str,
) -> Vec<(&'static str, Option<Error>)> {
    let mut new = sessions.new_session();
    let row = mine.row_id().unwrap();
    let mut results = vec![
        ("load", sessions.load(conn, token).err()),
        ("open", sessions.open(conn, token).err()),
        ("is_live", sessions.is_live(conn, token).err()),
        ("list", sessions.of(&7).list(conn).err()),
        ("count", sessions.of(&7).count(conn).err()),
    ];
    results.extend(every_write::<D>(sessions, conn, mine, &mut new));
    results.push(("revoke_row", sessions.revoke_row(conn, row).err()));
    results
}

/// The writes among them.
fn every_write<D: Db>(
    sessions: &Repo<D>,
    conn: &mut D::Conn,
    mine: &mut Handle<D>,
    new: &mut Handle<D>,
) -> Vec<(&'static str, Option<Error>)> {
    let row = mine.row_id().unwrap();
    let mut results = vec![
        ("create", sessions.create(conn, new).err()),
        ("extend", sessions.extend(conn, mine).err()),
        ("rotate", sessions.rotate(conn, mine).err()),
        ("authenticate", sessions.authenticate(conn, mine).err()),
        ("sign_in", sessions.sign_in(conn, mine, SignIn::new(7)).err()),
        ("sign_in over another", sessions.sign_in(conn, mine, SignIn::new(8)).err()),
        ("sign_in anew", sessions.sign_in(conn, new, SignIn::new(7)).err()),
        ("revoke_others", sessions.revoke_others(conn, mine).err()),
        ("revoke", sessions.of(&7).revoke(conn, row).err()),
        ("revoke_all", sessions.of(&7).revoke_all(conn).err()),
        ("revoke_everyone", sessions.revoke_everyone(conn).err()),
        ("purge", sessions.purge_batch(conn, 10).err()),
        ("end", sessions.end(conn, mine).err()),
    ];
    mine.insert("pending", 1).unwrap();
    results.push(("save", sessions.save(conn, mine).err()));
    for owner in [None, Some(8)] {
        *mine.user_id_mut() = owner;
        results.push(("save another owner", sessions.save(conn, mine).err()));
    }
    new.insert("pending", 1).unwrap();
    results.push(("first save", sessions.save(conn, new).err()));
    results
}

fn assert_refused(results: Vec<(&'static str, Option<Error>)>) {
    for (verb, error) in results {
        let Some(error) = error else { panic!("{verb} has not failed") };
        assert_eq!(error.kind(), ErrorKind::Database, "{verb}: {error:?}");
        let source = error.source().unwrap_or_else(|| panic!("{verb}: no source"));
        assert!(source.downcast_ref::<diesel::result::Error>().is_some(), "{verb}: {source:?}");
        assert!(!error.is_retryable() && !error.to_string().contains(&source.to_string()), "{verb}: {error}");
    }
}

// SECURITY 30
fn missing_tables_are_an_error_of_every_verb<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = signed_in::<D>(&sessions, conn, 7);
    let token = token_of(&session);
    D::execute(conn, "DROP TABLE session_attributes");
    D::execute(conn, "DROP TABLE sessions");
    assert_refused(every_verb::<D>(&sessions, conn, &mut session, &token));
    assert_eq!(token_of(&session), token, "the handle holds what it held");
    assert!(session.was_changed() && session.row_id().is_some());
    session.revert();
}

// SECURITY 30
fn check_finds_what_is_missing<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    sessions.check(conn).unwrap();
    for column in ["remote_addr", "_version", "persistent", "_previous_uuid"] {
        D::execute(conn, &format!("ALTER TABLE sessions RENAME COLUMN {column} TO elsewhere"));
        let error = sessions.check(conn).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{column}");
        assert!(error.to_string().contains("migrations") && error.source().is_some(), "{column}: {error}");
        D::execute(conn, &format!("ALTER TABLE sessions RENAME COLUMN elsewhere TO {column}"));
        sessions.check(conn).unwrap();
    }
    D::execute(conn, "DROP TABLE session_attributes");
    D::execute(conn, "DROP TABLE sessions");
    assert_eq!(kind(sessions.check(conn)), ErrorKind::Config);
}

// SECURITY 30
fn a_missing_column_is_an_error_of_every_verb<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = signed_in::<D>(&sessions, conn, 7);
    let token = token_of(&session);
    D::execute(conn, "ALTER TABLE sessions RENAME COLUMN remote_addr TO elsewhere");
    session.insert("pending", 1).unwrap();
    *session.remote_addr_mut() = Some("192.0.2.1".to_owned());
    let mut new = sessions.new_session();
    assert_refused(vec![
        ("load", sessions.load(conn, token.as_str()).err()),
        ("list", sessions.of(&7).list(conn).err()),
        ("create", sessions.create(conn, &mut new).err()),
        ("save", sessions.save(conn, &mut session).err()),
        ("sign_in", sessions.sign_in(conn, &mut session, SignIn::new(7)).err()),
        ("sign_in over another", sessions.sign_in(conn, &mut session, SignIn::new(8)).err()),
    ]);
    D::execute(conn, "ALTER TABLE sessions RENAME COLUMN elsewhere TO remote_addr");
    let found = loaded::<D>(&sessions, conn, &token);
    assert!(found.remote_addr().is_none() && !found.contains_key("pending") && found.user_id() == Some(7));
    assert_eq!(rows::<D>(conn), 1);
    assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Updated, "the changes were still pending");
}

// SECURITY 12 SECURITY 30
fn a_read_only_database_refuses_every_write_and_keeps_what_is_pending<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = signed_in::<D>(&sessions, conn, 7);
    let token = token_of(&session);
    let before = loaded::<D>(&sessions, conn, &token).to_model();
    // For the purge: what finds nothing to do does nothing.
    let mut expired = sessions.new_session();
    expired.set_deadline(Some("2000-01-01T00:00:00Z".parse().unwrap()));
    sessions.create(conn, &mut expired).unwrap();
    let (read_only, writable) = match D::NAME {
        "sqlite" => ("PRAGMA query_only = ON", "PRAGMA query_only = OFF"),
        "postgres" => ("SET default_transaction_read_only = on", "SET default_transaction_read_only = off"),
        _ => ("SET SESSION TRANSACTION READ ONLY", "SET SESSION TRANSACTION READ WRITE"),
    };
    D::execute(conn, read_only);
    let mut new = sessions.new_session();
    assert_refused(every_write::<D>(&sessions, conn, &mut session, &mut new));
    assert_eq!(loaded::<D>(&sessions, conn, &token).to_model(), before, "reading still works");
    if D::NAME == "postgres" {
        assert_eq!(kind(sessions.check(conn)), ErrorKind::Config);
    }

    D::execute(conn, writable);
    assert!(new.is_new() && new.new_token().is_none() && new.user_id().is_none());
    assert!(!session.is_ended() && token_of(&session) == token);
    *session.user_id_mut() = Some(7);
    assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Updated);
    assert_eq!(sessions.save(conn, &mut new).unwrap(), Saved::Created);
    assert_eq!(loaded::<D>(&sessions, conn, &token).get("pending").unwrap(), Some(1));
    assert_eq!(rows::<D>(conn), 3);
}

// SECURITY 23
fn an_undecodable_row_is_an_error_and_can_still_be_listed_and_revoked<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let good = signed_in::<D>(&sessions, conn, 7);
    let broken = signed_in::<D>(&sessions, conn, 7);
    let mut held = loaded::<D>(&sessions, conn, &token_of(&broken));
    created::<D>(&sessions, conn);
    let row = broken.row_id().unwrap();
    D::execute(conn, &format!("UPDATE sessions SET _data = '[\"no object\"]', _version = 9 WHERE id = {row}"));

    assert_eq!(kind(sessions.load(conn, token_of(&broken).as_str())), ErrorKind::Undecodable);
    assert_eq!(kind(sessions.open(conn, token_of(&broken).as_str())), ErrorKind::Undecodable);
    held.insert("a", 1).unwrap();
    assert_eq!(kind(sessions.save(conn, &mut held)), ErrorKind::Undecodable, "it is not silently emptied");
    held.revert();
    let text = D::text(conn, &format!("SELECT _data FROM sessions WHERE id = {row}"));
    assert_eq!(text.as_deref(), Some("[\"no object\"]"));
    assert_eq!(sessions.of(&7).list(conn).unwrap().len(), 2);
    assert!(sessions.of(&7).revoke(conn, row).unwrap());
    assert!(sessions.is_live(conn, token_of(&good).as_str()).unwrap());
}
