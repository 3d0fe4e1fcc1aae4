//! Attributes written inside callers' transactions, which keep their locks: what waits, and who is told of a deadlock.

use std::sync::Barrier;

use diesel::result::Error as DieselError;
use diesel_sessions::{ErrorKind, Session};

use crate::attributes::{endless, stored};
use crate::orders::{ORDERS, orders, place};
use crate::support::{suite, token_of};
use crate::ways::{Failure, Levels, Way, together};

suite! { @ postgres "postgres" Postgres:
    of_two_callers_who_write_two_sessions_in_different_orders_one_is_told
    two_callers_who_set_and_then_save_both_commit
    of_two_callers_who_set_and_then_rotate_one_commits
}
suite! { @ mysql "mysql" Mysql:
    of_two_callers_who_write_two_sessions_in_different_orders_one_is_told
    two_callers_who_set_and_then_save_both_commit
    of_two_callers_who_set_and_then_rotate_one_commits
}

// SECURITY 31
fn of_two_callers_who_write_two_sessions_in_different_orders_one_is_told<D: Levels>(db: &D) {
    let conn = &mut db.connect();
    D::execute(conn, ORDERS);
    for way in D::transactions() {
        D::execute(conn, "DELETE FROM orders; DELETE FROM sessions");
        let (sessions, _) = endless::<D>();
        let attributes = [(); 2].map(|()| sessions.attributes(&stored::<D>(&sessions, conn)));
        let both_hold_one = Barrier::new(2);
        let write_both = |conn: &mut D::Conn, number: usize, between: &dyn Fn()| -> Result<(), Failure> {
            place::<D>(conn, &format!("by {number}"))?;
            attributes[number].set(conn, "a", number)?;
            between();
            Ok(attributes[1 - number].set(conn, "a", number)?)
        };
        let done = together(db, way, 2, |number, caller| {
            let meet = || {
                both_hold_one.wait();
            };
            D::transaction(&mut caller.conn, |conn| write_both(conn, number, &meet))
        });
        let (victim, error) = match &done[..] {
            [Err(Failure::Session(error)), Ok(())] => (0, error),
            [Ok(()), Err(Failure::Session(error))] => (1, error),
            _ => panic!("{way:?}: {done:?}"),
        };
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Deadlock, true), "{way:?}");
        assert_eq!(orders::<D>(conn), [format!("by {}", 1 - victim)], "{way:?}");
        let values = |conn: &mut D::Conn| attributes.each_ref().map(|attributes| attributes.get(conn, "a").unwrap());
        assert_eq!(values(conn), [Some(1 - victim); 2], "{way:?}");
        D::transaction(conn, |conn| write_both(conn, victim, &|| ())).unwrap();
        assert_eq!(values(conn), [Some(victim); 2], "{way:?}");
    }
}

// SECURITY 31 S47: on PostgreSQL both hold the session before either saves it; on MySQL the second waits where it sets.
fn two_callers_who_set_and_then_save_both_commit<D: Levels>(db: &D) {
    D::execute(&mut db.connect(), ORDERS);
    for way in D::transactions() {
        let done = both_set_and::<D>(db, way, |conn, sessions, session, number| {
            session.insert(format!("by {number}"), number)?;
            sessions.save(conn, session).map(drop)
        });
        let told: Vec<_> = done.iter().flat_map(|(_, told)| told).collect();
        // PostgreSQL lets no snapshot go on that has missed a save.
        let one_is_told = D::NAME == "postgres" && way != D::WAYS[1];
        assert_eq!(told, vec![&ErrorKind::Serialization; usize::from(one_is_told)], "{way:?}");
        assert_eq!(done.iter().filter(|(committed, _)| *committed).count(), 2 - told.len(), "{way:?}");
    }
}

// SECURITY 10 31: only PostgreSQL lets both come to the rotation, which locks out whoever has written an attribute.
fn of_two_callers_who_set_and_then_rotate_one_commits<D: Levels>(db: &D) {
    D::execute(&mut db.connect(), ORDERS);
    for way in D::transactions() {
        let done = both_set_and::<D>(db, way, |conn, sessions, session, _| sessions.rotate(conn, session));
        let told = match done[..] {
            [(true, None), (false, told)] | [(false, told), (true, None)] => told,
            _ => panic!("{way:?}: {done:?}"),
        };
        match D::NAME {
            "postgres" => assert_eq!(told, Some(ErrorKind::Deadlock), "{way:?}"),
            _ => assert!(told.is_none_or(|kind| kind == ErrorKind::Rotated), "{way:?}: {told:?}"),
        }
    }
}

/// Two callers load a session, set an attribute of it and do something further to it, each with an order of their own in the
/// transaction. Gives for each whether it has committed, and the error that it met. What is there is whole.
fn both_set_and<D: Levels>(
    db: &D,
    way: Way,
    further: impl Fn(
        &mut D::Conn,
        &diesel_sessions::SessionRepository<D::Model>,
        &mut Session<D::Model>,
        usize,
    ) -> diesel_sessions::Result<()>
    + Sync,
) -> Vec<(bool, Option<ErrorKind>)> {
    let conn = &mut db.connect();
    D::execute(conn, "DELETE FROM orders; DELETE FROM sessions");
    let (sessions, _) = endless::<D>();
    let session = stored::<D>(&sessions, conn);
    let (token, attributes) = (token_of(&session), sessions.attributes_of(session.row_id().unwrap()));
    let both_have_set = Barrier::new(2);
    let done = together(db, way, 2, |number, caller| {
        let name = format!("by {number}");
        let done = D::transaction(&mut caller.conn, |conn| {
            place::<D>(conn, &name)?;
            let Some(mut session) = sessions.load(conn, token.as_str())? else {
                return Err(DieselError::RollbackTransaction.into());
            };
            let set = sessions.attributes(&session).set(conn, &name, number);
            if D::NAME == "postgres" {
                both_have_set.wait();
            }
            set.and_then(|()| further(conn, &sessions, &mut session, number)).inspect_err(|_| session.revert())?;
            Ok(())
        });
        match done {
            Ok(()) => (true, None),
            // Where the other one was done before, it finds no session.
            Err(Failure::Database(DieselError::RollbackTransaction)) => (false, None),
            Err(Failure::Session(error)) => (false, Some(error.kind())),
            Err(failure) => panic!("{way:?}: {failure:?}"),
        }
    });
    let names = |keep: bool| -> Vec<_> {
        done.iter().enumerate().filter(|(_, (committed, _))| *committed == keep).map(|(at, _)| format!("by {at}")).collect()
    };
    assert_eq!(orders::<D>(conn), names(true), "{way:?}");
    assert_eq!(attributes.names(conn).unwrap(), names(true), "{way:?}");
    if let Some(session) = sessions.load(conn, token.as_str()).unwrap() {
        assert_eq!(session.keys().filter(|key| *key != "user_id").collect::<Vec<_>>(), names(true), "{way:?}");
    }
    done
}
