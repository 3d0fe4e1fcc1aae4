//! Deadlocks and serialisation failures: tried again outside of a transaction, with a bound; never inside a caller's.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::Connection;
use diesel::connection::InstrumentationEvent;

use crate::support::Db;

/// Counts the statements that a connection is given from now on; those that open and close transactions are not counted.
pub(crate) fn counted<D: Db>(conn: &mut D::Conn) -> Arc<AtomicUsize> {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            let sql = query.to_string();
            if !["BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE"].iter().any(|word| sql.starts_with(word)) {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    count
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
mod servers {
    use super::*;

    use diesel::connection::SimpleConnection;
    use diesel::result::Error as DieselError;
    use diesel_sessions::{Error, ErrorKind, Saved, SignIn};

    use crate::life::steps::{created, kind, loaded, rows, signed_in};
    use crate::support::{Plain, repository, suite, token_of};

    suite! { @ postgres "postgres" Postgres:
        a_deadlock_outside_of_a_transaction_is_tried_again
        the_retries_have_a_bound
        a_verb_of_several_statements_is_tried_again_as_a_whole
        inside_a_callers_transaction_nothing_is_tried_again
        a_serialisation_failure_is_tried_again
    }
    suite! { @ mysql "mysql" Mysql:
        a_deadlock_outside_of_a_transaction_is_tried_again
        the_retries_have_a_bound
        a_verb_of_several_statements_is_tried_again_as_a_whole
        inside_a_callers_transaction_nothing_is_tried_again
        a_real_deadlock_inside_a_callers_transaction_commits_nothing
        a_row_that_changed_since_the_snapshot_ends_a_callers_transaction
    }

    /// Lets the next updates of this connection fail as the server's own errors would.
    fn failing<D: Db>(conn: &mut D::Conn, times: u32, postgres_state: &str) {
        if D::NAME == "postgres" {
            D::execute(
                conn,
                &format!(
                    "CREATE SEQUENCE faults; \
                     CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                     IF nextval('faults') <= {times} THEN RAISE EXCEPTION USING ERRCODE = '{postgres_state}', MESSAGE = 'deadlock detected'; \
                     END IF; RETURN NEW; END $$; \
                     CREATE TRIGGER faulty BEFORE UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION fail()"
                ),
            );
        } else {
            D::execute(conn, "SET @faults = 0");
            D::execute(
                conn,
                &format!(
                    "CREATE TRIGGER faulty BEFORE UPDATE ON sessions FOR EACH ROW BEGIN SET @faults = @faults + 1; \
                     IF @faults <= {times} THEN SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213, \
                     MESSAGE_TEXT = 'Deadlock found when trying to get lock; try restarting transaction'; END IF; END"
                ),
            );
        }
    }

    // SECURITY 31
    fn a_deadlock_outside_of_a_transaction_is_tried_again<D: Db>(db: &D) {
        let (sessions, _) = repository::<D>();
        let conn = &mut db.connect();
        let mut session = created::<D>(&sessions, conn);
        failing::<D>(conn, 2, "40P01");
        session.insert("a", 1).unwrap();
        let count = counted::<D>(conn);
        assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Updated);
        assert_eq!(count.load(Ordering::Relaxed), 3);
        assert_eq!(loaded::<D>(&sessions, conn, &token_of(&session)).get("a").unwrap(), Some(1));
    }

    // SECURITY 31
    fn a_serialisation_failure_is_tried_again<D: Db>(db: &D) {
        let (sessions, _) = repository::<D>();
        let conn = &mut db.connect();
        let mut session = created::<D>(&sessions, conn);
        failing::<D>(conn, 2, "40001");
        sessions.rotate(conn, &mut session).unwrap();
        assert!(sessions.is_live(conn, token_of(&session).as_str()).unwrap());
    }

    // SECURITY 31 SECURITY 12
    fn the_retries_have_a_bound<D: Db>(db: &D) {
        let (sessions, _) = repository::<D>();
        let conn = &mut db.connect();
        let mut session = created::<D>(&sessions, conn);
        let token = token_of(&session);
        failing::<D>(conn, 1_000, "40P01");
        let count = counted::<D>(conn);
        let error = sessions.rotate(conn, &mut session).unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Deadlock, true));
        assert_eq!(count.load(Ordering::Relaxed), 10, "ten tries and no other statement");
        assert_eq!(token_of(&session), token);
        assert!(sessions.is_live(conn, token.as_str()).unwrap(), "the connection is still good");
    }

    // SECURITY 14 SECURITY 31
    fn a_verb_of_several_statements_is_tried_again_as_a_whole<D: Db>(db: &D) {
        let (sessions, _) = repository::<D>();
        let conn = &mut db.connect();
        let mut mine = signed_in::<D>(&sessions, conn, 7);
        signed_in::<D>(&sessions, conn, 7);
        let old = token_of(&mine);
        failing::<D>(conn, 2, "40P01");
        assert_eq!(sessions.revoke_others(conn, &mut mine).unwrap(), 1);
        assert_eq!(rows::<D>(conn), 1);
        assert!(sessions.is_live(conn, token_of(&mine).as_str()).unwrap() && token_of(&mine) != old);
    }

    // SECURITY 31 DESIGN rule 3
    fn inside_a_callers_transaction_nothing_is_tried_again<D: Db>(db: &D) {
        let (sessions, _) = repository::<D>();
        let mut first = db.connect();
        let conn = &mut first;
        let mut session = signed_in::<D>(&sessions, conn, 7);
        let token = token_of(&session);
        failing::<D>(conn, 1, "40P01");
        let count = counted::<D>(conn);
        let result = conn.transaction(|conn| {
            let mut first = sessions.new_session();
            sessions.sign_in(conn, &mut first, SignIn::new(8))?;
            session.insert("a", 1)?;
            let before = count.load(Ordering::Relaxed);
            let error = sessions.save(conn, &mut session).unwrap_err();
            assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Deadlock, true));
            assert_eq!(count.load(Ordering::Relaxed) - before, 1, "one statement, no other");
            // The caller takes no notice of the error.
            Ok::<_, Error>(())
        });
        if D::NAME == "mysql" {
            assert!(result.is_err(), "marked as broken, it cannot commit half");
        }
        assert!(session.was_changed() && token_of(&session) == token);
        drop(first);

        let conn = &mut db.connect();
        assert_eq!(sessions.of(&8).count(conn).unwrap(), 0, "nothing of it was committed");
        if D::NAME == "mysql" {
            D::execute(conn, "SET @faults = 1");
        }
        assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Updated);
        assert_eq!(loaded::<D>(&sessions, conn, &token).get("a").unwrap(), Some(1));
    }

    // SECURITY 31 DESIGN rule 3: after a deadlock of MySQL's the whole transaction is gone, though Diesel counts one.
    fn a_real_deadlock_inside_a_callers_transaction_commits_nothing<D: Db>(db: &D) {
        let (sessions, _) = repository::<D>();
        let conn = &mut db.connect();
        let mut a = created::<D>(&sessions, conn);
        let b = created::<D>(&sessions, conn);
        D::execute(conn, "CREATE TABLE ballast (id INTEGER NOT NULL PRIMARY KEY)");
        let ballast: Vec<String> = (0..500).map(|id| format!("({id})")).collect();
        let heavy_update = |row| format!("UPDATE sessions SET user_agent = 'heavy' WHERE id = {row}");
        let updates = [&a, &b].map(|session| heavy_update(session.row_id().unwrap()));
        let ready = std::sync::Barrier::new(2);
        std::thread::scope(|scope| {
            // The other transaction has changed more rows, so InnoDB ends the light one.
            let heavy = scope.spawn(|| {
                let conn = &mut db.connect();
                D::execute(conn, "BEGIN");
                D::execute(conn, &format!("INSERT INTO ballast (id) VALUES {}", ballast.join(",")));
                D::execute(conn, &updates[0]);
                ready.wait();
                D::execute(conn, &updates[1]);
                D::execute(conn, "COMMIT");
            });
            let mut light = loaded::<D>(&sessions, conn, &token_of(&b));
            let mut same = loaded::<D>(&sessions, conn, &token_of(&a));
            let result = conn.transaction(|conn| {
                let mut new = sessions.new_session();
                sessions.sign_in(conn, &mut new, SignIn::new(8))?;
                *light.remote_addr_mut() = Some("light".to_owned());
                sessions.save(conn, &mut light)?;
                ready.wait();
                same.insert("a", 1)?;
                let error = sessions.save(conn, &mut same).unwrap_err();
                assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Deadlock, true), "{error:?}");
                Ok::<_, Error>(())
            });
            assert!(result.is_err(), "the transaction cannot commit");
            let after = conn.transaction(|_| Ok::<_, DieselError>(()));
            assert!(matches!(after, Err(DieselError::BrokenTransactionManager)), "{after:?}");
            same.revert();
            heavy.join().unwrap();
        });
        let conn = &mut db.connect();
        assert_eq!(sessions.of(&8).count(conn).unwrap(), 0, "nothing of it was committed");
        assert_eq!(D::number(conn, "SELECT count(*) FROM sessions WHERE remote_addr = 'light'"), 0);
        assert_eq!(D::number(conn, "SELECT count(*) FROM sessions WHERE user_agent = 'heavy'"), 2);
        a.insert("a", 1).unwrap();
        assert_eq!(kind(sessions.create(conn, &mut a)), ErrorKind::AlreadyExists);
        assert_eq!(sessions.save(conn, &mut a).unwrap(), Saved::Updated);
    }

    // SECURITY 31 DESIGN rule 3: MariaDB rolls the whole transaction back, though Diesel counts one.
    fn a_row_that_changed_since_the_snapshot_ends_a_callers_transaction<D: Db>(db: &D) {
        let (sessions, _) = repository::<D>();
        let (mut first, two) = (db.connect(), &mut db.connect());
        let one = &mut first;
        if let Err(error) = one.batch_execute("SET SESSION innodb_snapshot_isolation = ON") {
            assert!(error.to_string().contains("Unknown system variable"), "{error}");
            return eprintln!("skipped: this server has no innodb_snapshot_isolation");
        }
        D::execute(one, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ");
        D::execute(one, "CREATE TABLE orders (id INTEGER NOT NULL PRIMARY KEY) ENGINE = InnoDB");
        let token = token_of(&created::<D>(&sessions, one));
        let mut other = loaded::<D>(&sessions, two, &token);
        let count = counted::<D>(one);
        let result = one.transaction(|conn| {
            D::execute(conn, "INSERT INTO orders (id) VALUES (1)");
            let mut session = loaded::<D>(&sessions, conn, &token);
            other.insert("b", 2)?;
            assert_eq!(sessions.save(two, &mut other)?, Saved::Updated);
            session.insert("a", 1)?;
            let before = count.load(Ordering::Relaxed);
            let error = sessions.save(conn, &mut session).unwrap_err();
            assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Serialization, true), "{error:?}");
            assert_eq!(count.load(Ordering::Relaxed) - before, 1, "one statement, no other");
            assert!(session.was_changed());
            session.revert();
            // The caller takes no notice of the error.
            Ok::<_, Error>(())
        });
        assert!(result.is_err(), "the transaction cannot commit");
        let after = one.transaction(|_| Ok::<_, DieselError>(()));
        assert!(matches!(after, Err(DieselError::BrokenTransactionManager)), "{after:?}");
        drop(first);
        assert_eq!(D::number(two, "SELECT count(*) FROM orders"), 0, "nothing of it was committed");
        assert_eq!(loaded::<D>(&sessions, two, &token).keys().collect::<Vec<_>>(), ["b"]);
    }
}
