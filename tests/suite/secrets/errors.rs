//! What `Debug` and errors say: neither tokens nor values.

use std::error::Error as _;
use std::fmt::Debug;

use diesel_sessions::{Error, ErrorKind, KnownTokens, SessionModel, SessionToken, SignIn, Timeouts};

use crate::life::steps::{created, loaded, signed_in};
use crate::support::{Db, Plain, repository, repository_with, suite, token_of};

suite! {
    debug_says_nothing_secret,
    errors_of_the_library_hold_no_value,
    errors_of_the_database_hold_no_value,
}

const SECRET: &str = "correct horse battery staple";

/// All that an error says of itself and of its sources.
fn everything(error: &Error) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!(" {error} {error:?}"));
        source = error.source();
    }
    text
}

// SECURITY 8
fn debug_says_nothing_secret<D: Db>(db: &D) {
    let known = KnownTokens::counting();
    let (sessions, _) = repository_with::<D>(|builder| builder.token_source(known.clone()));
    let conn = &mut db.connect();
    let mut session = sessions.new_session();
    session.insert("key", SECRET).unwrap();
    let unsaved = format!("{session:?}");
    sessions.sign_in(conn, &mut session, SignIn::new(7)).unwrap();
    sessions.rotate(conn, &mut session).unwrap();
    let found = loaded::<D>(&sessions, conn, &token_of(&session));
    let token = SessionToken::random().unwrap();
    let given = KnownTokens::new([token.reveal()]).unwrap();
    let (model, builder) =
        (session.to_model(), diesel_sessions::SessionRepository::<D::Model>::builder().token_source(given.clone()));
    let core = session.core_field();
    let shown: Vec<Box<dyn Debug>> = vec![
        Box::new(unsaved),
        Box::new(format!("{session:?} {session:#?} {found:?} {:?}", session.new_token())),
        Box::new(format!("{core:?} {core:#?} {model:?} {:?} {:?}", core.digest(), core.previous_digest())),
        Box::new(format!("{sessions:?} {:?} {builder:?} {:?}", sessions.of(&7), SignIn::new(7))),
        Box::new(format!("{token:?} {:?} {:?}", token.digest(), Timeouts::AAL2)),
        Box::new(format!("{known:?} {given:?}")),
    ];
    let digests = [core.digest(), core.previous_digest().unwrap(), token.digest()];
    let mut secrets: Vec<String> = digests.iter().map(|digest| digest.as_uuid().to_string()).collect();
    secrets.extend(digests.iter().map(|digest| digest.as_uuid().simple().to_string()));
    secrets.extend([1, 2].map(|number| KnownTokens::numbered(number).reveal().to_owned()));
    secrets.extend([token.reveal().to_owned(), SECRET.to_owned()]);
    for shown in shown {
        let shown = format!("{shown:?}");
        assert!(shown.len() > 10);
        for secret in &secrets {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
    }
}

// SECURITY 8
fn errors_of_the_library_hold_no_value<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = created::<D>(&sessions, conn);
    session.insert("key", SECRET).unwrap();
    let mut errors = vec![
        session.get::<u32>("key").unwrap_err(),
        session.insert("user_id", SECRET).unwrap_err(),
        session.insert("key", format!("{SECRET}\0")).unwrap_err(),
        session.insert("key", SECRET.repeat(4_000)).unwrap_err(),
        sessions.create(conn, &mut session).unwrap_err(),
        KnownTokens::new([SECRET]).unwrap_err(),
    ];
    session.revert();
    let (stored, row) = (format!("{{\"key\": [\"{SECRET}\"]}}"), session.row_id().unwrap());
    D::execute(conn, &format!("UPDATE sessions SET _data = '[{stored}]' WHERE id = {row}"));
    errors.push(sessions.load(conn, token_of(&session).as_str()).unwrap_err());
    assert_eq!(errors[6].kind(), ErrorKind::Undecodable);
    for error in errors {
        let text = everything(&error);
        assert!(!text.contains(SECRET) && !text.contains("horse"), "{text}");
        assert!(!text.contains(&token_of(&session)), "{text}");
    }
}

// SECURITY 8 SECURITY 30
fn errors_of_the_database_hold_no_value<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    // A constraint of the application's own on a typed column: some engines quote the value that it refuses.
    D::execute(
        conn,
        match D::NAME {
            "mysql" => "CREATE UNIQUE INDEX one_address ON sessions (remote_addr(40))",
            _ => "CREATE UNIQUE INDEX one_address ON sessions (remote_addr)",
        },
    );
    let mut first = signed_in::<D>(&sessions, conn, 7);
    *first.remote_addr_mut() = Some(SECRET.to_owned());
    sessions.save(conn, &mut first).unwrap();
    let mut second = signed_in::<D>(&sessions, conn, 7);
    let token = token_of(&second);
    let mut new = sessions.new_session();
    for session in [&mut second, &mut new] {
        *session.remote_addr_mut() = Some(SECRET.to_owned());
        let errors = [
            sessions.save(conn, session).unwrap_err(),
            sessions.sign_in(conn, session, SignIn::new(7)).unwrap_err(),
            sessions.sign_in(conn, session, SignIn::new(8)).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::Database, "{error:?}");
            assert!(error.source().is_some());
            let text = everything(&error);
            assert!(!text.contains(SECRET) && !text.contains(&token), "{text}");
        }
        session.revert();
    }
    assert!(sessions.is_live(conn, token.as_str()).unwrap(), "the old session is whole");
}
