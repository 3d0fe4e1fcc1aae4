//! Many threads at one attribute.

use std::sync::atomic::{AtomicUsize, Ordering};

use diesel_sessions::{
    Attribute, Error, ErrorKind, Expiry, Keyring, ManualClock, Session, SessionRepository, SignIn, Timeouts, WriteOptions,
};

use crate::support::{repository_with, seconds, suite};
use crate::ways::{Caller, Failure, Levels, Way, at_once, callers, together};

suite! {
    a_name_that_many_set_has_one_row_and_one_of_their_values,
    an_attribute_that_many_take_is_given_to_one,
    a_name_that_many_create_is_created_once,
    nothing_is_written_to_a_session_that_has_ended,
    an_update_meets_an_attribute_or_is_told_that_there_is_none,
    a_new_key_brings_no_older_value_back,
}

const THREADS: usize = 8;

/// Sessions that never expire, and whose attributes can be encrypted.
pub(crate) fn endless<D: Levels>() -> (SessionRepository<D::Model>, ManualClock) {
    repository_with::<D>(|builder| {
        builder.timeouts(Timeouts::NEVER).keyring(Keyring::new("2026-11", [7; 32]).expect("the key is long enough"))
    })
}

/// A stored session, of user 7.
pub(crate) fn stored<D: Levels>(sessions: &SessionRepository<D::Model>, conn: &mut D::Conn) -> Session<D::Model> {
    let mut session = sessions.new_session();
    sessions.sign_in(conn, &mut session, SignIn::new(7)).unwrap();
    session
}

/// Each way with so many rounds: `rounds` in the first, an eighth of them in the others.
fn rounds<D: Levels>(rounds: usize) -> impl Iterator<Item = (Way, usize)> {
    D::WAYS.iter().enumerate().map(move |(at, way)| (*way, if at == 0 { rounds } else { rounds / 8 }))
}

/// The library's error, where there is one; any other failure is the test's.
fn refusal<T>(way: Way, done: Result<T, Failure>) -> Result<T, Error> {
    match done {
        Ok(done) => Ok(done),
        Err(Failure::Session(error)) => Err(error),
        Err(failure) => panic!("{way:?}: {failure:?}"),
    }
}

// S95: every second round, the name is one that was deleted before.
fn a_name_that_many_set_has_one_row_and_one_of_their_values<D: Levels>(db: &D) {
    let conn = &mut db.connect();
    for (way, rounds) in rounds::<D>(500) {
        let (sessions, _) = endless::<D>();
        let session = stored::<D>(&sessions, conn);
        let (attributes, row) = (sessions.attributes(&session), session.row_id().unwrap());
        let callers = &mut callers(db, way, THREADS);
        for round in 0..rounds {
            let name = if round % 2 == 0 { format!("round {round}") } else { "again".to_owned() };
            attributes.delete(conn, &name).unwrap();
            let set = at_once(callers, |number, caller| {
                let options = if number % 2 == 0 { WriteOptions::new() } else { WriteOptions::new().never() };
                caller.run(|conn| Ok(attributes.set_with(conn, &name, number, options)?))
            });
            for set in set {
                set.unwrap_or_else(|failure| panic!("{way:?}: {failure:?}"));
            }
            let sql = format!("SELECT value FROM session_attributes WHERE session_id = {row} AND name = '{name}'");
            let [Some(value)] = &D::texts(conn, &sql)[..] else { panic!("{way:?}: not one row of {name}") };
            assert!(value.parse::<usize>().unwrap() < THREADS, "{way:?}: {value} was set by nobody");
        }
        let all = format!("SELECT count(*) FROM session_attributes WHERE session_id = {row}");
        assert_eq!(D::number(conn, &all), rounds.div_ceil(2) as i64 + 1, "{way:?}");
    }
}

// DESIGN 4: delete and return, one winner.
fn an_attribute_that_many_take_is_given_to_one<D: Levels>(db: &D) {
    let conn = &mut db.connect();
    for (way, rounds) in rounds::<D>(200) {
        let (sessions, _) = endless::<D>();
        let attributes = sessions.attributes(&stored::<D>(&sessions, conn));
        let callers = &mut callers(db, way, THREADS);
        for round in 0..rounds {
            let options = if round % 2 == 0 { WriteOptions::new() } else { WriteOptions::new().encrypted() };
            attributes.set_with(conn, "otp", round, options).unwrap();
            let taken = at_once(callers, |_, caller| caller.run(|conn| Ok(attributes.take::<usize, _>(conn, "otp")?)));
            let taken: Vec<_> = taken.into_iter().filter_map(|taken| refusal(way, taken).unwrap()).collect();
            assert_eq!(taken, [round], "{way:?}");
            assert!(!attributes.exists(conn, "otp").unwrap());
        }
    }
}

// S65 S72: every second round, one of that name has expired.
fn a_name_that_many_create_is_created_once<D: Levels>(db: &D) {
    let conn = &mut db.connect();
    for (way, rounds) in rounds::<D>(200) {
        let (sessions, clock) = endless::<D>();
        let attributes = sessions.attributes(&stored::<D>(&sessions, conn));
        let callers = &mut callers(db, way, THREADS);
        for round in 0..rounds {
            attributes.delete(conn, "once").unwrap();
            if round % 2 == 0 {
                attributes.set_with(conn, "once", "expired", WriteOptions::new().expires_in(seconds(1))).unwrap();
                clock.advance(seconds(1));
            }
            let created = at_once(callers, |number, caller| {
                caller.run(|conn| match number {
                    // Half of them bring another one along.
                    0..4 => Ok(attributes.create(conn, "once", number)?),
                    _ => {
                        let both = [Attribute::new("once", number)?, Attribute::new(format!("with {number}"), round)?];
                        Ok(attributes.create_many(conn, both, WriteOptions::new())?)
                    }
                })
            });
            let mut winners = Vec::new();
            for (number, created) in created.into_iter().enumerate() {
                match refusal(way, created) {
                    Ok(()) => winners.push(number),
                    Err(error) => {
                        let told = (error.kind(), error.attribute_name());
                        assert_eq!(told, (ErrorKind::AlreadyExists, Some("once")), "{way:?}");
                    }
                }
            }
            let [winner] = winners[..] else { panic!("{way:?}: created by {winners:?}") };
            assert_eq!(attributes.get(conn, "once").unwrap(), Some(winner), "{way:?}");
            let mut names = vec!["once".to_owned()];
            names.extend((winner >= 4).then(|| format!("with {winner}")));
            assert_eq!(attributes.names(conn).unwrap(), names, "{way:?}");
            attributes.delete(conn, format!("with {winner}")).unwrap();
        }
    }
}

// S75 S94 SECURITY 13: never a row without its session, and never a foreign-key error.
fn nothing_is_written_to_a_session_that_has_ended<D: Levels>(db: &D) {
    let conn = &mut db.connect();
    for (way, rounds) in rounds::<D>(160) {
        let (sessions, _) = endless::<D>();
        let callers = &mut callers(db, way, THREADS);
        for round in 0..rounds {
            let mut session = stored::<D>(&sessions, conn);
            let (attributes, row) = (sessions.attributes(&session), session.row_id().unwrap());
            attributes.set(conn, "there", 0).unwrap();
            let session = &std::sync::Mutex::new(&mut session);
            let answers = at_once(callers, |number, caller| {
                let write = |conn: &mut D::Conn, turn: usize| -> Result<(), Failure> {
                    match (number + turn) % 6 {
                        0 => attributes.set(conn, "new", number)?,
                        1 => {
                            let pair = [Attribute::new("b", number)?.never(), Attribute::new("a", turn)?];
                            attributes.set_many(conn, pair, WriteOptions::new())?;
                        }
                        2 => attributes.set_with(conn, "there", turn, WriteOptions::new().encrypted())?,
                        3 => attributes.create(conn, format!("{number} {turn}"), turn)?,
                        4 => attributes.update(conn, "there", turn)?,
                        _ => attributes.set_expiry(conn, "there", Expiry::In(seconds(60)))?,
                    }
                    Ok(())
                };
                if number == 0 {
                    return caller.run(|conn| {
                        match round % 3 {
                            0 => sessions.end(conn, &mut session.lock().unwrap())?,
                            1 => drop(sessions.of(&7).revoke_all(conn)?),
                            _ => drop(sessions.revoke_row(conn, row)?),
                        }
                        Ok(())
                    });
                }
                (0..4).try_for_each(|turn| caller.run(|conn| write(conn, turn)))
            });
            for (number, answer) in answers.into_iter().enumerate() {
                if let Err(error) = refusal(way, answer) {
                    assert_eq!((number > 0, error.kind()), (true, ErrorKind::Gone), "{way:?}: {error:?}");
                }
            }
            assert_eq!(attributes.get_value(conn, "there").unwrap_err().kind(), ErrorKind::Gone);
            assert_eq!(D::number(conn, "SELECT count(*) FROM session_attributes"), 0, "{way:?}");
            assert_eq!(D::number(conn, "SELECT count(*) FROM sessions"), 0, "{way:?}");
        }
    }
}

// S68 S69 S91
fn an_update_meets_an_attribute_or_is_told_that_there_is_none<D: Levels>(db: &D) {
    let conn = &mut db.connect();
    for (way, rounds) in rounds::<D>(160) {
        let (sessions, _) = endless::<D>();
        let attributes = sessions.attributes(&stored::<D>(&sessions, conn));
        let callers = &mut callers(db, way, THREADS);
        for round in 0..rounds {
            attributes.set(conn, "a", round).unwrap();
            let answers = at_once(callers, |number, caller| {
                caller.run(|conn| match number % 4 {
                    0 => Ok(attributes.update(conn, "a", number).map(|()| 0)?),
                    1 => Ok(attributes.set_expiry(conn, "a", Expiry::In(seconds(60))).map(|()| 0)?),
                    2 => Ok(attributes.delete(conn, "a")?),
                    _ => Ok(attributes.delete_many(conn, ["b", "a"])?),
                })
            });
            let mut deleted = 0;
            for (number, answer) in answers.into_iter().enumerate() {
                match refusal(way, answer) {
                    Ok(rows) => deleted += rows,
                    Err(error) => {
                        let told = (number % 4 < 2, error.kind(), error.attribute_name());
                        assert_eq!(told, (true, ErrorKind::NotFound, Some("a")), "{way:?}");
                    }
                }
            }
            assert_eq!(deleted, 1, "{way:?}");
            assert_eq!(D::number(conn, "SELECT count(*) FROM session_attributes"), 0, "{way:?}");
        }
        sessions.revoke_everyone(conn).unwrap();
    }
}

// S85: each thread writes an attribute of its own under the old key while one moves what there is to the new.
fn a_new_key_brings_no_older_value_back<D: Levels>(db: &D) {
    const ROUNDS: usize = 60;
    let conn = &mut db.connect();
    for way in D::WAYS {
        let (old, _) = endless::<D>();
        let (new, _) = repository_with::<D>(|builder| {
            let keyring = Keyring::new("2027-01", [8; 32]).and_then(|keyring| keyring.and("2026-11", [7; 32])).unwrap();
            builder.timeouts(Timeouts::NEVER).keyring(keyring)
        });
        let session = stored::<D>(&old, conn);
        let (writing, reading) = (old.attributes(&session), new.attributes(&session));
        let at_work = AtomicUsize::new(THREADS - 1);
        let moved = together(db, *way, THREADS, |number, caller: &mut Caller<'_, D>| {
            let mut moved = 0;
            if number == 0 {
                while at_work.load(Ordering::Acquire) > 0 {
                    moved += refusal(*way, caller.run(|conn| Ok(new.reseal(conn, 3)?.resealed))).unwrap();
                }
                return moved;
            }
            let name = format!("of {number}");
            let done = (0..ROUNDS).try_for_each(|round| {
                caller.run(|conn| Ok(writing.set_with(conn, &name, round, WriteOptions::new().encrypted())?))?;
                let read: Option<usize> = caller.run(|conn| Ok(reading.get(conn, &name)?))?;
                assert_eq!(read, Some(round), "{way:?}: a value went back");
                Ok(())
            });
            at_work.fetch_sub(1, Ordering::Release);
            refusal(*way, done).unwrap();
            0
        });
        let rest = new.reseal(conn, 1_000).unwrap();
        assert_eq!((rest.remaining, rest.unreadable), (0, 0), "{way:?}");
        assert!(moved[0] + rest.resealed >= THREADS - 1, "{way:?}");
        for number in 1..THREADS {
            assert_eq!(reading.get(conn, format!("of {number}")).unwrap(), Some(ROUNDS - 1), "{way:?}");
        }
        old.revoke_everyone(conn).unwrap();
    }
}
