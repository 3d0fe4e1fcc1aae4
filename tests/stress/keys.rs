//! Many threads save keys of one session.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use diesel_sessions::{ErrorKind, OnConflict, Session, SessionRepository};

use crate::support::{Plain, repository, repository_with, suite, token_of};
use crate::ways::{Caller, Failure, Levels, Way, together};

suite! {
    fifty_keys_of_fifty_threads_are_all_there,
    keys_of_their_own_on_shared_sessions_are_never_lost,
    the_same_keys_hold_what_one_save_wrote,
    a_refused_save_leaves_a_counter_exact,
    typed_columns_and_keys_do_not_overwrite_each_other,
}

const THREADS: usize = 8;

/// A stored session's token.
fn stored<D: Levels>(db: &D, sessions: &SessionRepository<D::Model>) -> String {
    let mut session = sessions.new_session();
    sessions.create(&mut db.connect(), &mut session).unwrap();
    token_of(&session)
}

fn loaded<D: Levels>(sessions: &SessionRepository<D::Model>, conn: &mut D::Conn, token: &str) -> Session<D::Model> {
    sessions.load(conn, token).unwrap().expect("it is live")
}

/// Loads, changes and saves, as one piece of work.
fn change<D: Levels>(
    caller: &mut Caller<'_, D>,
    sessions: &SessionRepository<D::Model>,
    token: &str,
    change: impl Fn(&mut Session<D::Model>),
) {
    let changed = caller.run(|conn| {
        let mut session = sessions.load(conn, token)?.expect("it is live");
        change(&mut session);
        sessions.save(conn, &mut session).inspect_err(|_| session.revert())?;
        Ok(())
    });
    changed.unwrap();
}

fn each_way<D: Levels>(db: &D, test: impl Fn(&D, Way)) {
    for way in D::WAYS {
        test(db, *way);
    }
}

// S47: every handle has read the same version.
fn fifty_keys_of_fifty_threads_are_all_there<D: Levels>(db: &D) {
    const FIFTY: usize = 50;
    static ONE_ENGINE: Mutex<()> = Mutex::new(()); // so that no server runs out of connections
    let _turn = ONE_ENGINE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    each_way(db, |db, way| {
        let (sessions, _) = repository::<D>();
        let token = stored(db, &sessions);
        let conn = &mut db.connect();
        let handles: Vec<_> = (0..FIFTY).map(|_| Mutex::new(loaded::<D>(&sessions, conn, &token))).collect();
        together(db, way, FIFTY, |number, caller| {
            let mut session = handles[number].lock().unwrap();
            session.insert(format!("key {number}"), number).unwrap();
            let saved = caller.run(|conn| Ok(sessions.save(conn, &mut session)?));
            if saved.is_err() {
                session.revert();
            }
            saved.unwrap_or_else(|failure| panic!("{way:?}: {failure:?}"));
        });
        let found = loaded::<D>(&sessions, conn, &token);
        assert_eq!(found.len(), FIFTY, "{way:?}");
        for number in 0..FIFTY {
            assert_eq!(found.get(format!("key {number}")).unwrap(), Some(number));
        }
        assert_eq!(D::number(conn, "SELECT max(_version) FROM sessions"), 50, "each save counts once");
    });
}

// S47
fn keys_of_their_own_on_shared_sessions_are_never_lost<D: Levels>(db: &D) {
    const ROUNDS: usize = 15;
    each_way(db, |db, way| {
        let (sessions, _) = repository::<D>();
        let tokens = [stored(db, &sessions), stored(db, &sessions), stored(db, &sessions)];
        together(db, way, THREADS, |number, caller| {
            for round in 0..ROUNDS {
                let token = &tokens[(number + round) % tokens.len()];
                change(caller, &sessions, token, |session| {
                    session.insert(format!("thread {number} round {round}"), round).unwrap();
                });
            }
        });
        let conn = &mut db.connect();
        let found: Vec<_> = tokens.iter().map(|token| loaded::<D>(&sessions, conn, token)).collect();
        assert_eq!(found.iter().map(|session| session.len()).sum::<usize>(), THREADS * ROUNDS, "{way:?}");
        for (number, round) in (0..THREADS).flat_map(|number| (0..ROUNDS).map(move |round| (number, round))) {
            let key = format!("thread {number} round {round}");
            assert_eq!(found[(number + round) % tokens.len()].get(&key).unwrap(), Some(round), "{way:?}: {key}");
        }
    });
}

// S48: two keys and a column that every save sets alike are alike whenever they are read.
fn the_same_keys_hold_what_one_save_wrote<D: Levels>(db: &D) {
    const ROUNDS: usize = 15;
    each_way(db, |db, way| {
        let (sessions, _) = repository::<D>();
        let token = stored(db, &sessions);
        let written = together(db, way, THREADS, |number, caller| {
            let mut written = String::new();
            for round in 0..ROUNDS {
                written = format!("{number} {round}");
                change(caller, &sessions, &token, |session| {
                    session.insert("one", &written).unwrap();
                    session.insert("two", &written).unwrap();
                    *session.remote_addr_mut() = Some(written.clone());
                });
                assert_alike(&loaded::<D>(&sessions, &mut caller.conn, &token));
            }
            written
        });
        let found = loaded::<D>(&sessions, &mut db.connect(), &token);
        assert_alike(&found);
        let last: String = found.get("one").unwrap().unwrap();
        assert!(written.contains(&last), "{way:?}: {last} is nobody's last save");
    });
}

fn assert_alike<M: diesel_sessions::SessionModel + Plain>(session: &Session<M>) {
    let one: String = session.get("one").unwrap().unwrap();
    assert_eq!(session.get("two").unwrap(), Some(one.clone()));
    assert_eq!(session.remote_addr(), Some(one.as_str()));
}

// S48: a conflict that is refused is tried again by the caller.
fn a_refused_save_leaves_a_counter_exact<D: Levels>(db: &D) {
    const ROUNDS: usize = 10;
    each_way(db, |db, way| {
        let (sessions, _) = repository_with::<D>(|builder| builder.on_conflict(OnConflict::Refuse));
        let token = stored(db, &sessions);
        let tries = AtomicUsize::new(0);
        together(db, way, THREADS, |_, caller| {
            for _ in 0..ROUNDS {
                loop {
                    tries.fetch_add(1, Ordering::Relaxed);
                    let counted = caller.run(|conn| {
                        let mut session = sessions.load(conn, token.as_str())?.expect("it is live");
                        let count: usize = session.get("count")?.unwrap_or(0);
                        session.insert("count", count + 1)?;
                        Ok(sessions.save(conn, &mut session).inspect_err(|_| session.revert())?)
                    });
                    match counted {
                        Ok(_) => break,
                        Err(Failure::Session(error)) if error.kind() == ErrorKind::Conflict => assert!(error.is_retryable()),
                        Err(failure) => panic!("{way:?}: {failure:?}"),
                    }
                }
            }
        });
        let found = loaded::<D>(&sessions, &mut db.connect(), &token);
        assert_eq!(found.get("count").unwrap(), Some(THREADS * ROUNDS), "{way:?} after {tries:?} tries");
    });
}

// S47: typed columns beside keys.
fn typed_columns_and_keys_do_not_overwrite_each_other<D: Levels>(db: &D) {
    each_way(db, |db, way| {
        let (sessions, _) = repository::<D>();
        for round in 0..5 {
            let token = stored(db, &sessions);
            together(db, way, 4, |number, caller| {
                change(caller, &sessions, &token, |session| match number {
                    0 => *session.remote_addr_mut() = Some(format!("address {round}")),
                    1 => *session.user_agent_mut() = Some(format!("agent {round}")),
                    2 => session.insert("key", round).unwrap(),
                    _ => session.set_idle_timeout(Some(std::time::Duration::from_secs(1_234))),
                });
            });
            let found = loaded::<D>(&sessions, &mut db.connect(), &token);
            assert_eq!(found.remote_addr(), Some(format!("address {round}").as_str()), "{way:?}");
            assert_eq!(found.get("user_agent").unwrap(), Some(format!("agent {round}")), "{way:?}");
            assert_eq!(found.get("key").unwrap(), Some(round), "{way:?}");
            assert_eq!(found.idle_timeout().unwrap().as_secs(), 1_234, "{way:?}");
        }
    });
}
