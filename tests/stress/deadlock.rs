//! A deadlock made on purpose, on the engines whose transactions lock rows one by one.

use std::sync::Barrier;

use diesel_sessions::ErrorKind;

use crate::orders::{ORDERS, orders, place};
use crate::support::{repository, suite, token_of};
use crate::ways::{Caller, Failure, Levels, together};

suite! { @ postgres "postgres" Postgres: one_of_two_callers_is_told_and_half_commits_nothing }
suite! { @ mysql "mysql" Mysql: one_of_two_callers_is_told_and_half_commits_nothing }

// SECURITY 31: one caller gives the error on, the other looks away and goes on; neither leaves a half.
fn one_of_two_callers_is_told_and_half_commits_nothing<D: Levels>(db: &D) {
    let conn = &mut db.connect();
    D::execute(conn, ORDERS);
    for (way, looks_away) in D::transactions().flat_map(|way| [(way, false), (way, true)]) {
        let (sessions, _) = repository::<D>();
        D::execute(conn, "DELETE FROM orders");
        let tokens = [(); 2].map(|()| {
            let mut session = sessions.new_session();
            sessions.create(conn, &mut session).unwrap();
            token_of(&session)
        });
        let both_hold_one = Barrier::new(2);
        let told = together(db, way, 2, |number, caller| {
            let mut told = None;
            let committed = D::transaction(&mut caller.conn, |conn| {
                place::<D>(conn, &format!("before {number}"))?;
                for turn in 0..2 {
                    let mut session = sessions.load(conn, tokens[(number + turn) % 2].as_str())?.expect("it is live");
                    session.insert(format!("key {number}"), turn)?;
                    let saved = sessions.save(conn, &mut session);
                    if turn == 0 {
                        both_hold_one.wait();
                    }
                    if let Err(error) = saved {
                        session.revert();
                        told = Some(error.kind());
                        assert!(error.is_retryable());
                        if !looks_away {
                            return Err(Failure::Session(error));
                        }
                    }
                }
                if told.is_some() {
                    // On MySQL the transaction is gone, and a statement of the caller's own would stand by itself: the
                    // connection must not be used further, and the library's verbs must not either.
                    let again = sessions.load(conn, tokens[0].as_str());
                    assert!(again.is_err(), "a verb worked in a transaction that is gone");
                }
                Ok(())
            });
            match told {
                None => assert!(committed.is_ok(), "{way:?}: {committed:?}"),
                // PostgreSQL answers the COMMIT of a failed transaction with a rollback, and Diesel calls that a success.
                Some(_) if looks_away && D::NAME == "postgres" => {}
                Some(_) => assert!(committed.is_err(), "{way:?}: a transaction that is gone was committed"),
            }
            told
        });
        let told: Vec<_> = told.into_iter().enumerate().filter_map(|(number, kind)| Some((number, kind?))).collect();
        let [(victim, kind)] = told[..] else { panic!("{way:?}: {told:?}") };
        assert!(matches!(kind, ErrorKind::Deadlock | ErrorKind::Serialization), "{way:?}: {kind:?}");
        assert_eq!(orders::<D>(conn), [format!("before {}", 1 - victim)], "{way:?}");
        for token in &tokens {
            let found = sessions.load(conn, token.as_str()).unwrap().unwrap();
            assert_eq!(found.keys().collect::<Vec<_>>(), [format!("key {}", 1 - victim)], "{way:?}");
        }

        let mut caller = Caller::new(db, way);
        let again = caller.run(|conn| {
            place::<D>(conn, &format!("before {victim}"))?;
            let mut session = sessions.load(conn, tokens[0].as_str())?.expect("it is live");
            session.insert(format!("key {victim}"), 0)?;
            Ok(sessions.save(conn, &mut session)?)
        });
        again.unwrap();
        assert_eq!(orders::<D>(conn), ["before 0", "before 1"]);
    }
}
