//! Many threads want the same token, or replace the same token.

use std::sync::Mutex;

use diesel_sessions::{ErrorKind, KnownTokens, SignIn};

use crate::support::{Plain, repository, repository_with, suite, token_of};
use crate::ways::{Failure, Levels, Way, together};

suite! {
    of_rotations_at_once_one_wins,
    a_login_sent_many_times_signs_in_every_time,
    a_token_drawn_by_many_is_given_to_one,
    a_rotation_to_a_token_that_others_draw_leaves_each_session_one_token,
}

const THREADS: usize = 8;
const ROUNDS: usize = 4;

fn rounds<D: Levels>() -> impl Iterator<Item = (Way, usize)> {
    D::WAYS.iter().flat_map(|way| (0..ROUNDS).map(move |round| (*way, round)))
}

// SECURITY 10 11 12
fn of_rotations_at_once_one_wins<D: Levels>(db: &D) {
    for (way, round) in rounds::<D>() {
        let (sessions, _) = repository::<D>();
        let conn = &mut db.connect();
        let mut session = sessions.new_session();
        sessions.create(conn, &mut session).unwrap();
        let (old, row) = (token_of(&session), session.row_id().unwrap());
        let handles: Vec<_> = (0..THREADS).map(|_| Mutex::new(sessions.load(conn, old.as_str()).unwrap().unwrap())).collect();
        let tokens = together(db, way, THREADS, |number, caller| {
            let mut handle = handles[number].lock().unwrap();
            match caller.run(|conn| Ok(sessions.rotate(conn, &mut handle)?)) {
                Ok(()) => {
                    assert!(!sessions.is_live(&mut caller.conn, old.as_str()).unwrap());
                    Some(token_of(&handle))
                }
                Err(Failure::Session(error)) if error.kind() == ErrorKind::Rotated => {
                    handle.insert("late", true).unwrap();
                    let refused = caller.run(|conn| Ok(sessions.save(conn, &mut handle)?));
                    handle.revert();
                    assert!(matches!(refused, Err(Failure::Session(error)) if error.kind() == ErrorKind::Rotated));
                    None
                }
                Err(failure) => panic!("{way:?}: {failure:?}"),
            }
        });
        let tokens: Vec<_> = tokens.into_iter().flatten().collect();
        assert_eq!(tokens.len(), 1, "{way:?} round {round}");
        let found = sessions.load(conn, tokens[0].as_str()).unwrap().unwrap();
        assert!(found.row_id() == Some(row) && !found.contains_key("late"), "{way:?}");
        assert!(sessions.load(conn, old.as_str()).unwrap().is_none());
    }
}

// S62 SECURITY 9: one keeps the row, the others begin new sessions.
fn a_login_sent_many_times_signs_in_every_time<D: Levels>(db: &D) {
    for (owner, (way, _)) in (1..).zip(rounds::<D>()) {
        let (sessions, _) = repository::<D>();
        let conn = &mut db.connect();
        let mut session = sessions.new_session();
        session.insert("cart", "spam").unwrap();
        sessions.save(conn, &mut session).unwrap();
        let old = token_of(&session);
        let handles: Vec<_> = (0..THREADS).map(|_| Mutex::new(sessions.load(conn, old.as_str()).unwrap().unwrap())).collect();
        let tokens = together(db, way, THREADS, |number, caller| {
            let mut handle = handles[number].lock().unwrap();
            if number % 2 == 0 {
                handle.insert("pending", number).unwrap();
            }
            let signed_in = caller.run(|conn| Ok(sessions.sign_in(conn, &mut handle, SignIn::new(owner))?));
            if signed_in.is_err() {
                handle.revert();
            }
            signed_in.unwrap_or_else(|failure| panic!("{way:?}: {failure:?}"));
            token_of(&handle)
        });
        assert!(sessions.load(conn, old.as_str()).unwrap().is_none());
        for (number, token) in tokens.iter().enumerate() {
            let found = sessions.load(conn, token.as_str()).unwrap().unwrap();
            assert_eq!((found.user_id(), found.get("cart").unwrap()), (Some(owner), Some("spam".to_owned())), "{way:?}");
            assert!(number % 2 != 0 || found.get("pending").unwrap() == Some(number), "{way:?}");
        }
        assert_eq!(sessions.of(&owner).count(conn).unwrap(), THREADS, "{way:?}");
        assert_eq!(D::number(conn, "SELECT count(*) FROM sessions WHERE user_id IS NULL"), 0);
    }
}

/// What thread `number` draws: first the token that all draw, then its own.
fn drawn(shared: u64, number: usize) -> KnownTokens {
    let own = (0..50).map(|draw| 1_000_000 + shared * 1_000 + number as u64 * 100 + draw);
    let tokens: Vec<_> =
        std::iter::once(shared).chain(own).map(|number| KnownTokens::numbered(number).reveal().to_owned()).collect();
    KnownTokens::new(tokens).unwrap()
}

// SECURITY 7
fn a_token_drawn_by_many_is_given_to_one<D: Levels>(db: &D) {
    for (shared, (way, round)) in (1..).zip(rounds::<D>()) {
        let tokens = together(db, way, THREADS, |number, caller| {
            let (sessions, _) = repository_with::<D>(|builder| builder.token_source(drawn(shared, number)));
            let mut session = sessions.new_session();
            session.insert("thread", number).unwrap();
            let created = caller.run(|conn| match round % 2 {
                0 => Ok(sessions.create(conn, &mut session)?),
                _ => Ok(sessions.sign_in(conn, &mut session, SignIn::new(7))?),
            });
            created.unwrap_or_else(|failure| panic!("{way:?}: {failure:?}"));
            token_of(&session)
        });
        let (sessions, _) = repository::<D>();
        let conn = &mut db.connect();
        for (number, token) in tokens.iter().enumerate() {
            let found = sessions.load(conn, token.as_str()).unwrap().unwrap();
            assert_eq!(found.get("thread").unwrap(), Some(number), "{way:?}");
        }
        let given = tokens.iter().filter(|token| *token == KnownTokens::numbered(shared).reveal()).count();
        assert_eq!(given, 1, "{way:?}");
    }
}

// SECURITY 7 12
fn a_rotation_to_a_token_that_others_draw_leaves_each_session_one_token<D: Levels>(db: &D) {
    for (shared, (way, _)) in (1..).zip(rounds::<D>()) {
        let together = together(db, way, 4, |number, caller| {
            let (before, _) = repository::<D>();
            let mut session = before.new_session();
            session.insert("thread", number).unwrap();
            before.save(&mut caller.conn, &mut session).unwrap();
            let old = token_of(&session);
            let (sessions, _) = repository_with::<D>(|builder| builder.token_source(drawn(shared, number)));
            let rotated = caller.run(|conn| Ok(sessions.rotate(conn, &mut session)?));
            (number, old, rotated.is_ok().then(|| token_of(&session)))
        });
        let (sessions, _) = repository::<D>();
        let conn = &mut db.connect();
        for (number, old, new) in &together {
            let live = new.as_ref().unwrap_or(old);
            assert_eq!(sessions.load(conn, live.as_str()).unwrap().unwrap().get("thread").unwrap(), Some(*number), "{way:?}");
            assert_eq!(sessions.is_live(conn, old.as_str()).unwrap(), new.is_none(), "{way:?}");
        }
        let given = together.iter().filter(|(_, _, new)| new.as_deref() == Some(KnownTokens::numbered(shared).reveal())).count();
        assert_eq!(given, 1, "{way:?}");
    }
}
