//! A token that is taken: another is drawn, and the other session's row is never touched.

use diesel::Connection;
use diesel_sessions::{Error, ErrorKind, KnownTokens, Saved, SignIn};

use crate::life::steps::{Handle, Repo, loaded, rows};
use crate::support::{Db, Plain, repository_with, suite, token_of};

suite! {
    a_taken_token_is_drawn_again_by_every_verb,
    inside_a_transaction_too_and_the_transaction_stays_usable,
    a_source_that_only_repeats_itself_is_an_error_and_changes_nothing,
    rotating_to_the_sessions_own_token_draws_again,
}

/// The number of the token that somebody else has.
const TAKEN: u64 = 1;

/// A repository whose source gives first the taken token, then these.
fn giving<D: Db>(numbers: impl IntoIterator<Item = u64>) -> Repo<D> {
    let tokens: Vec<_> = numbers.into_iter().map(KnownTokens::numbered).collect();
    let tokens = KnownTokens::new(tokens.iter().map(|token| token.reveal())).unwrap();
    repository_with::<D>(|builder| builder.token_source(tokens)).0
}

/// The session that has the taken token.
fn other<D: Db>(conn: &mut D::Conn) -> Handle<D> {
    let mut other = giving::<D>([TAKEN]).new_session();
    other.insert("whose", "the other's").unwrap();
    giving::<D>([TAKEN]).create(conn, &mut other).unwrap();
    other
}

const VERBS: [&str; 12] = [
    "create",
    "save",
    "sign_in of a new session",
    "rotate",
    "revoke_others",
    "authenticate",
    "sign_in",
    "sign_in with changes",
    "sign_in over another owner",
    "sign_in on a revoked session",
    "save with an owner",
    "save with another owner",
];

/// Runs a verb that draws a token; its session begins under the token `own`, if it has a row.
fn run<D: Db>(verb: &str, conn: &mut D::Conn, own: u64) -> Result<Handle<D>, Error> {
    let sessions = giving::<D>([own]);
    let mut session = sessions.new_session();
    let drawing = giving::<D>([TAKEN, TAKEN, own + 1]);
    let is_new = matches!(verb, "create" | "save" | "sign_in of a new session");
    if !is_new {
        let owned = matches!(verb, "revoke_others" | "sign_in over another owner" | "save with another owner");
        if owned {
            sessions.sign_in(conn, &mut session, SignIn::new(7))?;
        } else {
            sessions.create(conn, &mut session)?;
        }
    }
    match verb {
        "create" => drawing.create(conn, &mut session)?,
        "save" => {
            session.insert("a", 1)?;
            assert_eq!(drawing.save(conn, &mut session)?, Saved::Created);
        }
        "rotate" => drawing.rotate(conn, &mut session)?,
        "revoke_others" => drawing.revoke_others(conn, &mut session).map(|_| ())?,
        "authenticate" => drawing.authenticate(conn, &mut session)?,
        "sign_in with changes" => {
            session.insert("a", 1)?;
            drawing.sign_in(conn, &mut session, SignIn::new(7))?;
        }
        "sign_in on a revoked session" => {
            assert!(drawing.revoke_row(conn, session.row_id().unwrap())?);
            drawing.sign_in(conn, &mut session, SignIn::new(7))?;
        }
        "save with an owner" => {
            *session.user_id_mut() = Some(7);
            assert_eq!(drawing.save(conn, &mut session)?, Saved::Updated);
        }
        "save with another owner" => {
            *session.user_id_mut() = Some(8);
            assert_eq!(drawing.save(conn, &mut session)?, Saved::Updated);
        }
        "sign_in over another owner" => drawing.sign_in(conn, &mut session, SignIn::new(8))?,
        _ => drawing.sign_in(conn, &mut session, SignIn::new(7))?,
    }
    Ok(session)
}

/// Nobody has touched the other's session.
fn assert_untouched<D: Db>(conn: &mut D::Conn, other: &Handle<D>, verb: &str) {
    let found = loaded::<D>(&giving::<D>([]), conn, KnownTokens::numbered(TAKEN).reveal());
    assert_eq!(found.row_id(), other.row_id(), "{verb}");
    assert_eq!((found.user_id(), found.keys().collect::<Vec<_>>()), (None, vec!["whose"]), "{verb}");
}

// SECURITY 7
fn a_taken_token_is_drawn_again_by_every_verb<D: Db>(db: &D) {
    let conn = &mut db.connect();
    let other = other::<D>(conn);
    for (number, verb) in (1..).zip(VERBS) {
        let session = run::<D>(verb, conn, 10 * number).unwrap();
        assert_eq!(token_of(&session), KnownTokens::numbered(10 * number + 1).reveal(), "{verb}");
        let found = loaded::<D>(&giving::<D>([]), conn, &token_of(&session));
        assert_eq!(found.row_id(), session.row_id(), "{verb}");
        assert_ne!(found.row_id(), other.row_id(), "{verb}");
        assert_untouched::<D>(conn, &other, verb);
    }
}

// SECURITY 7 DESIGN rule 3
fn inside_a_transaction_too_and_the_transaction_stays_usable<D: Db>(db: &D) {
    let conn = &mut db.connect();
    let other = other::<D>(conn);
    for (number, verb) in (1..).zip(VERBS) {
        let session = conn
            .transaction(|conn| {
                let session = run::<D>(verb, conn, 10 * number)?;
                D::execute(conn, &format!("CREATE TEMPORARY TABLE IF NOT EXISTS work{number} (id INTEGER)"));
                D::execute(conn, &format!("INSERT INTO work{number} (id) VALUES ({number})"));
                Ok::<_, Error>(session)
            })
            .unwrap_or_else(|error| panic!("{verb}: {error:?}"));
        assert_eq!(token_of(&session), KnownTokens::numbered(10 * number + 1).reveal(), "{verb}");
        assert_eq!(loaded::<D>(&giving::<D>([]), conn, &token_of(&session)).row_id(), session.row_id(), "{verb}");
        assert_untouched::<D>(conn, &other, verb);
    }
}

// SECURITY 7 SECURITY 12
fn a_source_that_only_repeats_itself_is_an_error_and_changes_nothing<D: Db>(db: &D) {
    let conn = &mut db.connect();
    let other = other::<D>(conn);
    let mut anonymous = giving::<D>([10]).new_session();
    giving::<D>([10]).create(conn, &mut anonymous).unwrap();
    let mut owned = giving::<D>([20]).new_session();
    giving::<D>([20]).sign_in(conn, &mut owned, SignIn::new(7)).unwrap();
    let stuck = || giving::<D>([TAKEN; 1_000]);
    let refused = |result: Result<(), Error>| {
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Config, false), "{error:?}");
    };

    let mut new = stuck().new_session();
    refused(stuck().create(conn, &mut new));
    refused(stuck().sign_in(conn, &mut new, SignIn::new(7)));
    assert!(new.is_new() && new.new_token().is_none());
    for (session, own) in [(&mut anonymous, 10), (&mut owned, 20)] {
        refused(stuck().rotate(conn, session));
        refused(stuck().authenticate(conn, session));
        refused(stuck().sign_in(conn, session, SignIn::new(8)));
        *session.user_id_mut() = Some(9);
        refused(stuck().save(conn, session).map(|_| ()));
        session.revert();
        assert_eq!(token_of(session), KnownTokens::numbered(own).reveal());
        assert_eq!(loaded::<D>(&stuck(), conn, &token_of(session)).user_id(), session.user_id());
    }
    refused(stuck().revoke_others(conn, &mut owned).map(|_| ()));
    assert_eq!(rows::<D>(conn), 3);
    assert_untouched::<D>(conn, &other, "all");
}

// SECURITY 7 SECURITY 10
fn rotating_to_the_sessions_own_token_draws_again<D: Db>(db: &D) {
    let conn = &mut db.connect();
    let mut session = giving::<D>([10]).new_session();
    giving::<D>([10]).create(conn, &mut session).unwrap();
    giving::<D>([10, 10, 11]).rotate(conn, &mut session).unwrap();
    assert_eq!(token_of(&session), KnownTokens::numbered(11).reveal());
    giving::<D>([11, 12]).sign_in(conn, &mut session, SignIn::new(7)).unwrap();
    assert_eq!(token_of(&session), KnownTokens::numbered(12).reveal());
    giving::<D>([12, 13]).revoke_others(conn, &mut session).unwrap();
    assert_eq!(token_of(&session), KnownTokens::numbered(13).reveal());
    *session.user_id_mut() = None;
    giving::<D>([13, 14]).save(conn, &mut session).unwrap();
    assert_eq!(token_of(&session), KnownTokens::numbered(14).reveal());
    assert_eq!(rows::<D>(conn), 1);
}
