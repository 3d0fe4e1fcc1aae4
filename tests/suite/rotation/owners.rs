//! A change of owner, whichever way it is made: a new token each time, and nothing of one user's for another.

use diesel::Connection;
use diesel_sessions::{Error, ErrorKind, KnownTokens, Saved, SignIn};

use crate::life::steps::{attribute, created, kind, loaded, opens_nothing, rows, signed_in};
use crate::support::{Db, Plain, noon, repository, repository_with, suite, token_of};

suite! {
    saving_a_first_owner_rotates,
    clearing_the_owner_rotates_and_forgets_the_proof_of_identity,
    saving_another_owner_starts_an_empty_session,
    signing_in_over_another_owner_starts_an_empty_session,
    signing_in_over_another_owner_ends_a_row_that_was_rotated_twice,
    a_change_of_owner_merges_under_one_new_token,
    setting_the_owner_back_is_no_change,
    another_owner_is_refused_over_a_row_that_is_gone,
    a_token_is_never_given_again_to_the_session_that_takes_its_place,
}

// SECURITY 9 DESIGN rule 4
fn saving_a_first_owner_rotates<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    for by_key in [false, true] {
        let mut session = created::<D>(&sessions, conn);
        session.insert("cart", 1).unwrap();
        sessions.save(conn, &mut session).unwrap();
        let (old, row) = (token_of(&session), session.row_id());
        if by_key {
            session.insert("user_id", 7).unwrap();
        } else {
            *session.user_id_mut() = Some(7);
        }
        assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Updated);
        assert_ne!(token_of(&session), old);
        assert!(sessions.load(conn, old.as_str()).unwrap().is_none());
        let found = loaded::<D>(&sessions, conn, &token_of(&session));
        assert_eq!((found.row_id(), found.user_id(), found.get("cart").unwrap()), (row, Some(7), Some(1)));
        assert_eq!(found.authenticated_at(), None, "no identity was proved");
    }
}

// SECURITY 9 DESIGN rule 4
fn clearing_the_owner_rotates_and_forgets_the_proof_of_identity<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    for by_key in [false, true] {
        let mut session = signed_in::<D>(&sessions, conn, 7);
        assert_eq!(session.authenticated_at(), Some(noon()));
        let (old, row) = (token_of(&session), session.row_id());
        if by_key {
            assert!(session.remove("user_id").unwrap().is_some());
        } else {
            *session.user_id_mut() = None;
        }
        assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Updated);
        assert_ne!(token_of(&session), old);
        assert!(sessions.load(conn, old.as_str()).unwrap().is_none());
        let found = loaded::<D>(&sessions, conn, &token_of(&session));
        for session in [&session, &found] {
            assert_eq!((session.row_id(), session.user_id(), session.authenticated_at()), (row, None, None));
        }
    }
}

// SECURITY 9 DESIGN rule 4
fn saving_another_owner_starts_an_empty_session<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = signed_in::<D>(&sessions, conn, 7);
    session.insert("private", 1).unwrap();
    *session.remote_addr_mut() = Some("192.0.2.1".to_owned());
    sessions.save(conn, &mut session).unwrap();
    let (old, row) = (token_of(&session), session.row_id().unwrap());
    attribute::<D>(conn, row, "private");
    session.insert("pending", 2).unwrap();
    *session.user_agent_mut() = Some("changed".to_owned());
    *session.user_id_mut() = Some(8);
    assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Updated);

    assert!(session.row_id().is_some_and(|new| new != row));
    assert!(opens_nothing::<D>(&sessions, conn, &old));
    let found = loaded::<D>(&sessions, conn, &token_of(&session));
    for session in [&session, &found] {
        assert_eq!((session.user_id(), session.remote_addr(), session.authenticated_at()), (Some(8), None, None));
        assert_eq!(session.keys().collect::<Vec<_>>(), ["user_id", "user_agent"]);
        assert!(!session.was_changed());
    }
    assert_eq!(rows::<D>(conn), 1);
    assert_eq!(D::number(conn, "SELECT count(*) FROM session_attributes"), 0);
}

// S62 SECURITY 9
fn signing_in_over_another_owner_starts_an_empty_session<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let (one, two) = (&mut db.connect(), &mut db.connect());
    for rotated_meanwhile in [false, true] {
        let mut session = signed_in::<D>(&sessions, one, 7);
        session.insert("private", 1).unwrap();
        sessions.save(one, &mut session).unwrap();
        let (old, row) = (token_of(&session), session.row_id().unwrap());
        attribute::<D>(one, row, "private");
        let mut other = loaded::<D>(&sessions, two, &old);
        if rotated_meanwhile {
            sessions.rotate(two, &mut other).unwrap();
        }
        sessions.sign_in(one, &mut session, SignIn::new(8)).unwrap();
        assert!(session.row_id().is_some_and(|new| new != row));
        assert!(opens_nothing::<D>(&sessions, one, &old));
        assert_eq!(sessions.of(&7).count(one).unwrap(), 0, "the row ends, rotated or not");
        let found = loaded::<D>(&sessions, one, &token_of(&session));
        assert_eq!((found.user_id(), found.authenticated_at()), (Some(8), Some(noon())));
        assert_eq!(found.keys().collect::<Vec<_>>(), ["user_id"]);
        assert_eq!(D::number(one, "SELECT count(*) FROM session_attributes"), 0);
        other.insert("a", 1).unwrap();
        assert_eq!(kind(sessions.save(two, &mut other)), ErrorKind::Gone);
        other.revert();
        assert_eq!(sessions.revoke_everyone(one).unwrap(), 1);
    }
}

// S62 SECURITY 9 DESIGN rule 4: where a handle cannot be sure of its row's id, it knows the row by its time of creation.
fn signing_in_over_another_owner_ends_a_row_that_was_rotated_twice<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let (one, two) = (&mut db.connect(), &mut db.connect());
    for in_transaction in [false, true] {
        let mut other = signed_in::<D>(&sessions, two, 7);
        other.insert("private", 1).unwrap();
        sessions.save(two, &mut other).unwrap();
        let first = token_of(&other);
        let mut stale = if in_transaction {
            one.transaction(|conn| Ok::<_, Error>(loaded::<D>(&sessions, conn, &first))).unwrap()
        } else {
            sessions.from_row(sessions.of(&7).list(one).unwrap().remove(0)).unwrap()
        };
        let row = stale.row_id().unwrap();
        sessions.rotate(two, &mut other).unwrap();
        sessions.rotate(two, &mut other).unwrap();
        sessions.sign_in(one, &mut stale, SignIn::new(8)).unwrap();
        assert_eq!((sessions.of(&7).count(one).unwrap(), rows::<D>(one)), (0, 1), "in a transaction: {in_transaction}");
        assert!(stale.row_id().is_some_and(|new| new != row));
        assert!(opens_nothing::<D>(&sessions, two, &token_of(&other)));
        let found = loaded::<D>(&sessions, one, &token_of(&stale));
        assert_eq!((found.user_id(), found.contains_key("private")), (Some(8), false));
        assert_eq!(sessions.revoke_everyone(one).unwrap(), 1);
    }
}

// S47 DESIGN rule 4
fn a_change_of_owner_merges_under_one_new_token<D: Db>(db: &D) {
    let (sessions, _) = repository_with::<D>(|builder| builder.token_source(KnownTokens::counting()));
    let (one, two) = (&mut db.connect(), &mut db.connect());
    for (number, owner) in [(2, Some(7)), (4, Some(8))] {
        let first = created::<D>(&sessions, one);
        let mut a = loaded::<D>(&sessions, one, &token_of(&first));
        let mut b = loaded::<D>(&sessions, two, &token_of(&first));
        b.insert("b", 2).unwrap();
        sessions.save(two, &mut b).unwrap();
        a.insert("a", 1).unwrap();
        if number == 2 {
            *a.user_id_mut() = owner;
            assert_eq!(sessions.save(one, &mut a).unwrap(), Saved::Updated);
        } else {
            sessions.sign_in(one, &mut a, SignIn::new(8)).unwrap();
        }
        assert_eq!(token_of(&a), KnownTokens::numbered(number).reveal(), "kept over the retry");
        let found = loaded::<D>(&sessions, one, &token_of(&a));
        assert_eq!((found.user_id(), found.get("a").unwrap(), found.get("b").unwrap()), (owner, Some(1), Some(2)));
    }
}

// S37 SECURITY 9
fn setting_the_owner_back_is_no_change<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = signed_in::<D>(&sessions, conn, 7);
    let token = token_of(&session);
    *session.user_id_mut() = Some(8);
    *session.user_id_mut() = Some(7);
    assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Unchanged);
    assert_eq!(token_of(&session), token);
}

// S49 SECURITY 13
fn another_owner_is_refused_over_a_row_that_is_gone<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = signed_in::<D>(&sessions, conn, 7);
    let old = token_of(&session);
    assert_eq!(sessions.of(&7).revoke_all(conn).unwrap(), 1);
    for owner in [Some(8), None] {
        *session.user_id_mut() = owner;
        assert_eq!(kind(sessions.save(conn, &mut session)), ErrorKind::Gone);
        assert_eq!(session.user_id(), owner, "the change is still pending");
    }
    session.revert();
    assert_eq!((token_of(&session), rows::<D>(conn)), (old, 0));
}

// SECURITY 9 SECURITY 10
fn a_token_is_never_given_again_to_the_session_that_takes_its_place<D: Db>(db: &D) {
    let tokens = [1, 1, 2, 2, 3, 3, 4].map(KnownTokens::numbered);
    let given = KnownTokens::new(tokens.iter().map(|token| token.reveal())).unwrap();
    let (sessions, _) = repository_with::<D>(|builder| builder.token_source(given));
    let conn = &mut db.connect();
    let mut session = signed_in::<D>(&sessions, conn, 7);
    assert_eq!(token_of(&session), tokens[0].reveal());
    sessions.sign_in(conn, &mut session, SignIn::new(8)).unwrap();
    assert_eq!(token_of(&session), tokens[2].reveal(), "over another owner");
    *session.user_id_mut() = Some(9);
    sessions.save(conn, &mut session).unwrap();
    assert_eq!(token_of(&session), tokens[4].reveal(), "saved with another owner");
    assert!(sessions.revoke_row(conn, session.row_id().unwrap()).unwrap());
    sessions.sign_in(conn, &mut session, SignIn::new(9)).unwrap();
    assert_eq!(token_of(&session), tokens[6].reveal(), "in place of a revoked one");
}
