//! Removing what has expired, and what an application's own foreign key says to that.

use diesel::Connection;
use diesel_sessions::{Error, ErrorKind, Purged, Timeouts};

use crate::life::steps::{attribute, created, kind, loaded, rows, signed_in};
use crate::support::{Db, noon, repository, repository_with, seconds, suite, token_of};

suite! {
    a_batch_removes_the_longest_expired_and_counts_them,
    purging_goes_on_until_nothing_is_expired,
    the_very_microsecond_of_expiry_counts,
    a_batch_of_nothing_is_refused,
    attributes_go_with_their_sessions,
    a_purge_joins_the_callers_transaction,
    two_purges_at_once_remove_each_row_once,
    a_foreign_key_of_the_applications_own_is_named,
    inside_a_transaction_the_foreign_key_is_named_too,
}

// S63
fn a_batch_removes_the_longest_expired_and_counts_them<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(10)));
    let conn = &mut db.connect();
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(created::<D>(&sessions, conn).row_id().unwrap());
        clock.advance(seconds(1));
    }
    clock.set(noon() + seconds(12));
    assert_eq!(sessions.purge_batch(conn, 2).unwrap(), Purged { sessions: 2, attributes: 0 });
    let left = D::texts(conn, "SELECT id FROM sessions ORDER BY id");
    assert_eq!(left, ids[2..].iter().map(|id| Some(id.to_string())).collect::<Vec<_>>());
    assert_eq!(sessions.purge_batch(conn, 2).unwrap().sessions, 1, "two are live");
    assert_eq!(sessions.purge_batch(conn, 2).unwrap().sessions, 0);
    assert_eq!(rows::<D>(conn), 2);
}

// S63
fn purging_goes_on_until_nothing_is_expired<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(10)));
    let conn = &mut db.connect();
    for _ in 0..4 {
        created::<D>(&sessions, conn);
    }
    clock.advance(seconds(10));
    let live = signed_in::<D>(&sessions, conn, 7);
    let (endless, _) = repository_with::<D>(|builder| builder.timeouts(Timeouts::NEVER));
    let never = created::<D>(&endless, conn);
    assert_eq!(sessions.purge_expired(conn, 2).unwrap().sessions, 4, "also when the last batch is a full one");
    assert_eq!(sessions.purge_expired(conn, 2).unwrap(), Purged::default());
    assert!(sessions.is_live(conn, token_of(&live).as_str()).unwrap());
    assert!(sessions.is_live(conn, token_of(&never).as_str()).unwrap());
    clock.advance(seconds(10));
    assert_eq!(sessions.purge_expired(conn, u32::MAX).unwrap().sessions, 1);
    assert_eq!(rows::<D>(conn), 1);
}

// S63 S52
fn the_very_microsecond_of_expiry_counts<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(10)));
    let conn = &mut db.connect();
    created::<D>(&sessions, conn);
    clock.set(noon() + seconds(10) - chrono::TimeDelta::microseconds(1));
    assert_eq!(sessions.purge_expired(conn, 10).unwrap().sessions, 0);
    clock.set(noon() + seconds(10));
    assert_eq!(sessions.purge_expired(conn, 10).unwrap().sessions, 1);
}

// S63
fn a_batch_of_nothing_is_refused<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    assert_eq!(kind(sessions.purge_batch(conn, 0)), ErrorKind::InvalidArgument);
    assert_eq!(kind(sessions.purge_expired(conn, 0)), ErrorKind::InvalidArgument);
}

// S63 S75
fn attributes_go_with_their_sessions<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(10)));
    let conn = &mut db.connect();
    let expired = created::<D>(&sessions, conn);
    attribute::<D>(conn, expired.row_id().unwrap(), "theme");
    clock.advance(seconds(10));
    let live = created::<D>(&sessions, conn);
    attribute::<D>(conn, live.row_id().unwrap(), "theme");
    assert_eq!(sessions.purge_expired(conn, 10).unwrap().sessions, 1);
    assert_eq!(D::texts(conn, "SELECT session_id FROM session_attributes"), [live.row_id().map(|id| id.to_string())]);
}

// S63 S43
fn a_purge_joins_the_callers_transaction<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(10)));
    let conn = &mut db.connect();
    created::<D>(&sessions, conn);
    clock.advance(seconds(10));
    let purged = crate::life::steps::rolled_back::<D, _>(conn, |conn| sessions.purge_expired(conn, 10).unwrap());
    assert_eq!((purged.sessions, rows::<D>(conn)), (1, 1));
}

// S63
fn two_purges_at_once_remove_each_row_once<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(10)));
    let conn = &mut db.connect();
    for _ in 0..40 {
        created::<D>(&sessions, conn);
    }
    clock.advance(seconds(10));
    let total: usize = std::thread::scope(|scope| {
        let purges = [(); 2].map(|()| scope.spawn(|| sessions.purge_expired(&mut db.connect(), 3).unwrap().sessions));
        purges.into_iter().map(|purge| purge.join().unwrap()).sum()
    });
    // PostgreSQL leaves a locked row to the other purge, which removes it.
    assert_eq!((total, rows::<D>(conn)), (40, 0));
}

/// A table of the application's own that keeps a session from being deleted.
fn orders<D: Db>(conn: &mut D::Conn) -> &'static str {
    D::execute(
        conn,
        "CREATE TABLE orders (id INTEGER NOT NULL PRIMARY KEY, session_id BIGINT, \
         CONSTRAINT orders_of_a_session FOREIGN KEY (session_id) REFERENCES sessions (id))",
    );
    // SQLite's error names none, so the column is named instead.
    if D::NAME == "sqlite" { "orders(session_id)" } else { "orders_of_a_session" }
}

// S63 SECURITY 30
fn a_foreign_key_of_the_applications_own_is_named<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(10)));
    let conn = &mut db.connect();
    let name = orders::<D>(conn);
    let mut held = signed_in::<D>(&sessions, conn, 7);
    let mut other = signed_in::<D>(&sessions, conn, 7);
    let row = held.row_id().unwrap();
    D::execute(conn, &format!("INSERT INTO orders (id, session_id) VALUES (1, {row})"));

    let mut blocked: Vec<Result<(), Error>> = vec![
        sessions.of(&7).revoke(conn, row).map(|_| ()),
        sessions.of(&7).revoke_all(conn).map(|_| ()),
        sessions.of(&7).revoke_except(conn, other.row_id().unwrap()).map(|_| ()),
        sessions.revoke_others(conn, &mut other).map(|_| ()),
        sessions.revoke_row(conn, row).map(|_| ()),
        sessions.revoke_everyone(conn).map(|_| ()),
        sessions.end(conn, &mut held),
        sessions.sign_in(conn, &mut held, diesel_sessions::SignIn::new(8)),
    ];
    clock.advance(seconds(10));
    blocked.push(sessions.purge_batch(conn, 10).map(|_| ()));
    blocked.push(sessions.purge_expired(conn, 10).map(|_| ()));
    clock.set(noon());
    for (number, result) in blocked.into_iter().enumerate() {
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.constraint_name()), (ErrorKind::ForeignKey, Some(name)), "number {number}");
        assert!(!error.is_retryable() && std::error::Error::source(&error).is_some());
    }
    assert_eq!(rows::<D>(conn), 2, "nothing was half-done");
    assert!(!held.is_ended() && held.row_id() == Some(row));
    for live in [&held, &other] {
        loaded::<D>(&sessions, conn, &token_of(live));
    }
    D::execute(conn, "DELETE FROM orders");
    sessions.end(conn, &mut held).unwrap();
}

// S63
fn inside_a_transaction_the_foreign_key_is_named_too<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(10)));
    let conn = &mut db.connect();
    let name = orders::<D>(conn);
    let held = created::<D>(&sessions, conn);
    D::execute(conn, &format!("INSERT INTO orders (id, session_id) VALUES (1, {})", held.row_id().unwrap()));
    clock.advance(seconds(10));
    let error = conn.transaction(|conn| sessions.purge_expired(conn, 10)).unwrap_err();
    assert_eq!((error.kind(), error.constraint_name()), (ErrorKind::ForeignKey, Some(name)));
    assert_eq!(rows::<D>(conn), 1);
}

#[cfg(feature = "postgres")]
mod before_all_time {
    use super::*;
    use crate::support::Postgres;

    suite! { @ postgres "postgres" Postgres:
        what_ended_before_all_time_is_removed
    }

    // S63
    fn what_ended_before_all_time_is_removed(db: &Postgres) {
        let (sessions, clock) = repository_with::<Postgres>(|builder| builder.idle_timeout(seconds(10)));
        let conn = &mut db.connect();
        let at_once: Vec<_> = (0..5).map(|_| created::<Postgres>(&sessions, conn)).collect();
        let row = at_once[0].row_id().unwrap();
        // An operator ends them all.
        Postgres::execute(conn, "UPDATE sessions SET expires_at = '-infinity'");
        let live = created::<Postgres>(&sessions, conn);
        for name in ["a", "b", "c"] {
            attribute::<Postgres>(conn, live.row_id().unwrap(), name);
        }
        Postgres::execute(conn, "UPDATE session_attributes SET expires_at = '-infinity'");
        assert_eq!(sessions.purge_expired(conn, 2).unwrap(), Purged { sessions: 5, attributes: 3 });
        assert!(!sessions.revoke_row(conn, row).unwrap());
        clock.advance(seconds(10));
        assert_eq!(sessions.purge_expired(conn, 2).unwrap(), Purged { sessions: 1, attributes: 0 });
    }
}
