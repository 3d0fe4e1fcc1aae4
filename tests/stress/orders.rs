//! Rows of the application's own, written in the transactions that write sessions.

use std::hash::{BuildHasher, Hash, RandomState};

use diesel::connection::SimpleConnection;
use diesel::result::Error as DieselError;
use diesel_sessions::SignIn;

use crate::support::{Db, repository, suite, token_of};
use crate::ways::{Failure, Levels, together};

suite! {
    an_order_is_there_exactly_if_its_key_is,
    an_order_is_there_exactly_if_its_sign_in_is,
}

const THREADS: usize = 8;
const ROUNDS: usize = 12;

/// True one time out of `of`.
fn one_in(random: &RandomState, what: impl Hash, of: usize) -> bool {
    random.hash_one(what) % of as u64 == 0
}

pub(crate) fn place<D: Db>(conn: &mut D::Conn, id: &str) -> Result<(), Failure> {
    Ok(conn.batch_execute(&format!("INSERT INTO orders (id) VALUES ('{id}')"))?)
}

pub(crate) fn orders<D: Db>(conn: &mut D::Conn) -> Vec<String> {
    let mut ids: Vec<_> = D::texts(conn, "SELECT id FROM orders").into_iter().flatten().collect();
    ids.sort();
    ids
}

pub(crate) const ORDERS: &str = "CREATE TABLE orders (id VARCHAR(80) NOT NULL PRIMARY KEY)";

// SECURITY 31 S43: two sessions are changed in either sequence, so that transactions meet in deadlocks.
fn an_order_is_there_exactly_if_its_key_is<D: Levels>(db: &D) {
    let conn = &mut db.connect();
    D::execute(conn, ORDERS);
    for way in D::transactions() {
        let (sessions, _) = repository::<D>();
        let random = RandomState::new();
        let tokens = [(); 2].map(|()| {
            let mut session = sessions.new_session();
            sessions.create(conn, &mut session).unwrap();
            token_of(&session)
        });
        D::execute(conn, "DELETE FROM orders");
        let placed = together(db, way, THREADS, |number, caller| {
            let mut placed = Vec::new();
            for round in 0..ROUNDS {
                let id = format!("{number} {round}");
                let chance = |kind: &str, of: usize| one_in(&random, (number, round, kind), of);
                let (first, give_up) = (usize::from(chance("sequence", 8)), chance("give up", 4));
                let order_at = if chance("late", 3) { 2 } else { round % 2 };
                let done = caller.run(|conn| {
                    for turn in 0..2 {
                        if order_at == turn {
                            place::<D>(conn, &id)?;
                        }
                        let token = &tokens[(first + turn) % 2];
                        let mut session = sessions.load(conn, token.as_str())?.expect("it is live");
                        session.insert(&id, round)?;
                        sessions.save(conn, &mut session).inspect_err(|_| session.revert())?;
                    }
                    if order_at == 2 {
                        place::<D>(conn, &id)?;
                    }
                    if give_up { Err(DieselError::RollbackTransaction.into()) } else { Ok(()) }
                });
                match done {
                    Ok(()) => placed.push(id),
                    Err(Failure::Database(DieselError::RollbackTransaction)) if give_up => {}
                    Err(failure) => panic!("{way:?}: {failure:?}"),
                }
            }
            placed
        });
        let mut placed: Vec<_> = placed.into_iter().flatten().collect();
        placed.sort();
        assert_eq!(orders::<D>(conn), placed, "{way:?}");
        for token in &tokens {
            let found = sessions.load(conn, token.as_str()).unwrap().unwrap();
            assert_eq!(found.keys().collect::<Vec<_>>(), placed, "{way:?}");
        }
    }
}

// SECURITY 31 S43 S62: the sign-in deletes one row and inserts another, in a savepoint of the caller's transaction.
fn an_order_is_there_exactly_if_its_sign_in_is<D: Levels>(db: &D) {
    let conn = &mut db.connect();
    D::execute(conn, ORDERS);
    for (owner, way) in (10..).zip(D::transactions()) {
        let (sessions, _) = repository::<D>();
        D::execute(conn, "DELETE FROM orders; DELETE FROM sessions");
        let placed = together(db, way, THREADS, |number, caller| {
            let mut placed = Vec::new();
            for round in 0..ROUNDS {
                let id = format!("{number} {round}");
                let done = caller.run(|conn| {
                    let mut session = sessions.new_session();
                    sessions.sign_in(conn, &mut session, SignIn::new(1))?;
                    place::<D>(conn, &id)?;
                    sessions.sign_in(conn, &mut session, SignIn::new(owner))?;
                    session.insert("order", &id)?;
                    sessions.save(conn, &mut session).inspect_err(|_| session.revert())?;
                    let token = token_of(&session);
                    if round % 3 == 0 { Err(DieselError::RollbackTransaction.into()) } else { Ok(token) }
                });
                match done {
                    Ok(token) => placed.push((id, token)),
                    Err(Failure::Database(DieselError::RollbackTransaction)) if round % 3 == 0 => {}
                    Err(failure) => panic!("{way:?}: {failure:?}"),
                }
            }
            placed
        });
        let mut placed: Vec<_> = placed.into_iter().flatten().collect();
        placed.sort();
        assert_eq!(orders::<D>(conn), placed.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>(), "{way:?}");
        for (id, token) in &placed {
            let found = sessions.load(conn, token.as_str()).unwrap().unwrap();
            assert_eq!(found.get("order").unwrap().as_ref(), Some(id), "{way:?}");
        }
        assert_eq!(sessions.of(&1).count(conn).unwrap(), 0, "{way:?}");
        assert_eq!(D::number(conn, "SELECT count(*) FROM sessions"), placed.len() as i64, "{way:?}");
    }
}
