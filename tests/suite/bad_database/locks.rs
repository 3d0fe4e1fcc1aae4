//! Locks that others hold, and transactions that saw the past.

use diesel::Connection;
use diesel_sessions::{Error, ErrorKind, Saved};

use crate::life::steps::{created, kind, loaded};
use crate::support::{Db, repository, suite, token_of};

suite! {
    a_lock_that_another_connection_holds_is_busy,
    inside_a_transaction_busy_is_not_retried_either,
    a_transaction_that_saw_the_past_merges_or_says_so,
}

/// Gives up at once, or after the shortest time that the engine knows, when a lock is not free.
fn impatient<D: Db>(conn: &mut D::Conn) {
    D::execute(
        conn,
        match D::NAME {
            "sqlite" => "PRAGMA busy_timeout = 0",
            "postgres" => "SET lock_timeout = '1ms'",
            _ => "SET SESSION innodb_lock_wait_timeout = 0",
        },
    );
}

/// Takes the lock that a write of any session has to wait for.
fn lock<D: Db>(conn: &mut D::Conn) {
    D::execute(conn, if D::NAME == "sqlite" { "BEGIN IMMEDIATE" } else { "BEGIN" });
    D::execute(conn, "UPDATE sessions SET user_agent = 'locked'");
}

// SECURITY 30
fn a_lock_that_another_connection_holds_is_busy<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let (one, two) = (&mut db.connect(), &mut db.connect());
    let mut session = created::<D>(&sessions, one);
    let token = token_of(&session);
    impatient::<D>(one);
    lock::<D>(two);
    session.insert("a", 1).unwrap();
    let errors = [
        sessions.save(one, &mut session).map(|_| ()).unwrap_err(),
        sessions.rotate(one, &mut session).unwrap_err(),
        sessions.extend(one, &mut session).map(|_| ()).unwrap_err(),
        sessions.revoke_everyone(one).map(|_| ()).unwrap_err(),
        sessions.end(one, &mut session).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Busy, "{error:?}");
        assert!(error.is_retryable() && std::error::Error::source(&error).is_some());
    }
    assert!(sessions.load(one, token.as_str()).unwrap().is_some(), "readers do not wait");
    D::execute(two, "ROLLBACK");
    assert_eq!(sessions.save(one, &mut session).unwrap(), Saved::Updated);
    assert_eq!(token_of(&session), token);
}

/// Statements that are stopped by the server when they take too long.
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod time_outs {
    use super::*;

    suite! { @ postgres "postgres" Postgres: a_statement_that_the_server_stops_is_busy }
    suite! { @ mysql "mysql" Mysql: a_statement_that_the_server_stops_is_busy }

    // SECURITY 30: the lock is held all the while, so a statement can only be stopped.
    fn a_statement_that_the_server_stops_is_busy<D: Db>(db: &D) {
        let (sessions, _) = repository::<D>();
        let (one, two) = (&mut db.connect(), &mut db.connect());
        let mut session = created::<D>(&sessions, one);
        let token = token_of(&session);
        let postgres = D::NAME == "postgres";
        let (limit, no_limit) = if postgres {
            ("SET statement_timeout = '50ms'", "SET statement_timeout = 0")
        } else {
            ("SET SESSION max_statement_time = 0.05", "SET SESSION max_statement_time = 0")
        };
        if !postgres && D::text(one, "SELECT VERSION()").is_some_and(|version| !version.contains("MariaDB")) {
            return eprintln!("skipped: MySQL limits the time of a SELECT alone");
        }
        D::execute(one, limit);
        lock::<D>(two);
        session.insert("a", 1).unwrap();
        let errors = [
            sessions.save(one, &mut session).map(|_| ()).unwrap_err(),
            sessions.rotate(one, &mut session).unwrap_err(),
            sessions.revoke_everyone(one).map(|_| ()).unwrap_err(),
            one.transaction(|conn| sessions.save(conn, &mut session)).map(|_| ()).unwrap_err(),
        ];
        for error in errors {
            assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Busy, true), "{error:?}");
        }
        D::execute(two, "ROLLBACK");
        D::execute(one, no_limit);
        assert_eq!(sessions.save(one, &mut session).unwrap(), Saved::Updated);
        assert_eq!(loaded::<D>(&sessions, two, &token).get("a").unwrap(), Some(1));
    }
}

// SECURITY 31 DESIGN rule 3
fn inside_a_transaction_busy_is_not_retried_either<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let (one, two) = (&mut db.connect(), &mut db.connect());
    let mut session = created::<D>(&sessions, one);
    impatient::<D>(one);
    lock::<D>(two);
    session.insert("a", 1).unwrap();
    let result = one.transaction(|conn| sessions.save(conn, &mut session));
    assert_eq!(kind(result), ErrorKind::Busy);
    D::execute(two, "ROLLBACK");
    one.transaction(|conn| sessions.save(conn, &mut session)).unwrap();
    assert!(!session.was_changed());
}

// S47 DESIGN rule 2: MySQL's default merges, PostgreSQL's REPEATABLE READ cannot, SQLite cannot wait for the upgrade.
fn a_transaction_that_saw_the_past_merges_or_says_so<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let (one, two) = (&mut db.connect(), &mut db.connect());
    if D::NAME == "postgres" {
        D::execute(one, "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ");
    }
    let token = token_of(&created::<D>(&sessions, one));
    let mut other = loaded::<D>(&sessions, two, &token);
    other.insert("b", 2).unwrap();
    let mut meanwhile = Some(other);
    let mut attempt = |conn: &mut D::Conn| {
        conn.transaction(|conn| {
            let mut session = loaded::<D>(&sessions, conn, &token);
            if let Some(mut other) = meanwhile.take() {
                sessions.save(two, &mut other)?;
                assert!(loaded::<D>(&sessions, conn, &token).is_empty(), "a snapshot is read");
            }
            session.insert("a", 1)?;
            let saved = sessions.save(conn, &mut session);
            session.revert();
            saved.map(|_| ()).map_err(|error: Error| error)
        })
    };
    let first = attempt(one).map_err(|error| (error.kind(), error.is_retryable()));
    match D::NAME {
        "sqlite" => assert_eq!(first, Err((ErrorKind::Busy, true))),
        "postgres" => assert_eq!(first, Err((ErrorKind::Serialization, true))),
        _ => assert_eq!(first, Ok(())),
    }
    if first.is_err() {
        attempt(one).unwrap();
    }
    let found = loaded::<D>(&sessions, one, &token);
    assert_eq!(found.keys().collect::<Vec<_>>(), ["a", "b"]);
}
