//! Servers whose clocks disagree keep one session alive together.

use std::sync::Mutex;

use diesel_sessions::{ErrorKind, SignIn};

use crate::support::{repository_with, seconds, suite, token_of};
use crate::ways::{Failure, Levels, together};

suite! { what_was_seen_last_never_goes_back }

const THREADS: usize = 6;
const ROUNDS: usize = 20;

// S13 SECURITY 20: each thread is a server; the last one's clock is 25 seconds ahead of the first one's.
fn what_was_seen_last_never_goes_back<D: Levels>(db: &D) {
    for way in D::WAYS {
        let conn = &mut db.connect();
        let servers: Vec<_> = (0..THREADS).map(|_| repository_with::<D>(|builder| builder.touch_every(seconds(1)))).collect();
        let sessions = &servers[0].0;
        let mut session = sessions.new_session();
        sessions.sign_in(conn, &mut session, SignIn::new(7)).unwrap();
        let (cookie, row) = (Mutex::new(token_of(&session)), session.row_id().unwrap());
        let seen = format!("SELECT last_seen_at FROM sessions WHERE id = {row}");
        let created = format!("SELECT created_at FROM sessions WHERE id = {row}");
        let created_at = D::text(conn, &created);
        together(db, *way, THREADS, |number, caller| {
            let (sessions, clock) = &servers[number];
            clock.advance(seconds(5 * number as u64));
            let (mut last, mut held) = (String::new(), None);
            for round in 0..ROUNDS {
                clock.advance(seconds(3));
                // The handle was loaded a round ago, and other servers have seen the session since.
                let newer = sessions.load(&mut caller.conn, cookie.lock().unwrap().as_str()).unwrap();
                let Some(mut session) = std::mem::replace(&mut held, newer) else { continue };
                let done = caller.run(|conn| {
                    match (number + round) % 7 {
                        0 | 1 => drop(sessions.touch(conn, &mut session)?),
                        2 => drop(sessions.extend(conn, &mut session)?),
                        3 => {
                            session.insert(format!("{number}"), round)?;
                            sessions.save(conn, &mut session).inspect_err(|_| session.revert())?;
                        }
                        4 => {
                            session.set_idle_timeout(Some(seconds(3_600 + round as u64)));
                            sessions.save(conn, &mut session).inspect_err(|_| session.revert())?;
                        }
                        5 if round % 3 == 0 => sessions.rotate(conn, &mut session)?,
                        6 if round % 3 == 1 => sessions.sign_in(conn, &mut session, SignIn::new(7))?,
                        _ => drop(sessions.extend(conn, &mut session)?),
                    }
                    let is_same = session.row_id() == Some(row); // a sign-in on a rotated handle begins another session
                    Ok(session.new_token().filter(|_| is_same).map(|token| token.reveal().to_owned()))
                });
                match done {
                    Ok(Some(token)) => *cookie.lock().unwrap() = token,
                    Ok(None) => {}
                    Err(Failure::Session(error)) if error.kind() == ErrorKind::Rotated => {}
                    Err(failure) => panic!("{way:?}: {failure:?}"),
                }
                let now = D::text(&mut caller.conn, &seen).unwrap();
                assert!(last <= now, "{way:?}: seen at {last}, then at {now}");
                last = now;
            }
        });
        assert_eq!(D::text(conn, &created), created_at);
        assert!(D::text(conn, &seen) > created_at);
    }
}
