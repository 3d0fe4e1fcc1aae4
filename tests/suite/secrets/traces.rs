//! What is said through tracing: every event that operators need, and nothing secret.

use diesel_sessions::{ErrorKind, SignIn};

use super::every_token;
use crate::life::steps::{created, kind, loaded, signed_in};
use crate::support::{Db, Plain, repository, repository_with, said as everywhere, seconds, suite, token_of};

suite! {
    nothing_secret_is_said_at_trace_level,
    every_test_listens_for_tokens,
    every_event_is_said_with_row_and_reason,
    a_change_that_is_dropped_unsaved_is_said_once,
    a_verb_that_fails_says_nothing_of_unsaved_changes,
    check_says_what_it_advises,
}

// SECURITY 8
fn nothing_secret_is_said_at_trace_level<D: Db>(db: &D) {
    const SECRET: &str = "correct horse battery staple";
    let ((tokens, digests), said) = everywhere::on_this_thread(|| {
        let (sessions, clock) = repository_with::<D>(|builder| builder.touch_every(seconds(0)));
        let conn = &mut db.connect();
        let mut tokens = every_token::<D>(&sessions, conn, SECRET);
        let mut digests = Vec::new();
        for column in ["_uuid", "_previous_uuid"] {
            let query = format!("SELECT {column} FROM sessions WHERE {column} IS NOT NULL");
            digests.extend(D::texts(conn, &query).into_iter().flatten());
        }
        for token in &tokens {
            sessions.open(conn, token.as_str()).unwrap();
            sessions.open(conn, format!("{token}=").as_str()).unwrap();
        }
        clock.advance(seconds(61));
        for token in &tokens {
            sessions.open(conn, token.as_str()).unwrap();
        }
        let mut session = signed_in::<D>(&sessions, conn, 7);
        let mut late = loaded::<D>(&sessions, conn, &token_of(&session));
        tokens.push(token_of(&session));
        sessions.rotate(conn, &mut session).unwrap();
        tokens.push(token_of(&session));
        late.insert(SECRET, SECRET).unwrap();
        assert_eq!(kind(sessions.save(conn, &mut late)), ErrorKind::Rotated);
        drop(late);
        clock.advance(seconds(1));
        sessions.touch(conn, &mut session).unwrap();
        sessions.extend(conn, &mut session).unwrap();
        sessions.end(conn, &mut session).unwrap();
        D::execute(conn, "DROP TABLE session_attributes");
        D::execute(conn, "DROP TABLE sessions");
        for token in &tokens {
            assert_eq!(kind(sessions.load(conn, token.as_str())), ErrorKind::Database);
        }
        (tokens, digests)
    });
    assert!(said.lines().count() > 20 && said.contains("old token seen again"), "{said}");
    for secret in tokens.iter().chain(&digests).map(String::as_str).chain([SECRET]) {
        assert!(!said.contains(secret), "{secret} in {said}");
    }
}

// SECURITY 8
fn every_test_listens_for_tokens<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let before = everywhere::length();
    let session = created::<D>(&sessions, conn);
    assert!(everywhere::length() > before, "the creation was heard");
    let token = token_of(&session);
    for line in [token.clone(), format!("created token={token} row_id=1"), format!("x{token}x"), format!("ü{token}")] {
        assert!(everywhere::token_in(line.as_bytes()).is_some(), "{line}");
    }
    assert_eq!(everywhere::token_in(format!("{} {}", &token[..42], &token[1..]).as_bytes()), None);
}

// SECURITY events
fn every_event_is_said_with_row_and_reason<D: Db>(db: &D) {
    let (sessions, clock) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = sessions.new_session();
    let (row, mut other) = (created::<D>(&sessions, conn).row_id().unwrap(), created::<D>(&sessions, conn));
    let mut expect = |event: &str, with_row: bool, verb: &mut dyn FnMut(&mut D::Conn)| {
        let ((), said) = everywhere::on_this_thread(|| verb(conn));
        let line =
            said.lines().find(|line| line.contains(&format!(": {event}"))).unwrap_or_else(|| panic!("no {event} in {said:?}"));
        assert!(line.contains("diesel_sessions") && line.contains("reason="), "{line}");
        assert_eq!(line.contains("row_id="), with_row, "{line}");
    };
    expect("created", true, &mut |conn| sessions.create(conn, &mut session).unwrap());
    let old = token_of(&session);
    expect("rotated", true, &mut |conn| sessions.rotate(conn, &mut session).unwrap());
    clock.advance(seconds(60));
    expect("old token seen again", true, &mut |conn| assert!(sessions.load(conn, old.as_str()).unwrap().is_none()));
    expect("signed_in", true, &mut |conn| sessions.sign_in(conn, &mut session, SignIn::new(7)).unwrap());
    expect("refused", false, &mut |conn| assert!(sessions.load(conn, "malformed").unwrap().is_none()));
    expect("refused", false, &mut |conn| assert!(sessions.load(conn, "A".repeat(43).as_str()).unwrap().is_none()));
    expect("revoked", true, &mut |conn| assert!(sessions.of(&7).revoke(conn, session.row_id().unwrap()).unwrap()));
    expect("revoked", true, &mut |conn| assert!(sessions.revoke_row(conn, row).unwrap()));
    expect("ended", true, &mut |conn| sessions.end(conn, &mut other).unwrap());
    expect("revoked", false, &mut |conn| assert_eq!(sessions.of(&7).revoke_all(conn).unwrap(), 0));
    expect("revoked", false, &mut |conn| assert_eq!(sessions.revoke_everyone(conn).unwrap(), 0));
    expect("purged", false, &mut |conn| {
        created::<D>(&sessions, conn);
        clock.advance(seconds(86_400));
        assert_eq!(sessions.purge_batch(conn, 10).unwrap().sessions, 1);
    });
}

/// How often unsaved changes are complained of.
fn complaints(said: &str) -> usize {
    said.lines().filter(|line| line.contains("WARN") && line.contains(": unsaved")).count()
}

// S50
fn a_change_that_is_dropped_unsaved_is_said_once<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut unsaved = created::<D>(&sessions, conn);
    unsaved.insert("a", 1).unwrap();
    let ((), text) = everywhere::on_this_thread(|| drop(unsaved));
    assert_eq!(complaints(&text), 1, "{text}");
    assert!(text.contains("row_id="), "{text}");
    let mut column = sessions.new_session();
    *column.remote_addr_mut() = Some("192.0.2.1".to_owned());
    let ((), text) = everywhere::on_this_thread(|| drop(column));
    assert_eq!(complaints(&text), 1, "{text}");

    let ((), text) = everywhere::on_this_thread(|| {
        drop(sessions.new_session());
        let mut saved = sessions.new_session();
        saved.insert("a", 1).unwrap();
        sessions.save(conn, &mut saved).unwrap();
        saved.insert("a", 1).unwrap();
        drop(saved);
        let mut reverted = sessions.new_session();
        reverted.insert("a", 1).unwrap();
        reverted.revert();
        drop(reverted);
        let mut ended = created::<D>(&sessions, conn);
        ended.insert("a", 1).unwrap();
        sessions.end(conn, &mut ended).unwrap();
        drop(ended);
        // A session that gives way to another one is none that was forgotten.
        let mut replaced = signed_in::<D>(&sessions, conn, 7);
        replaced.insert("a", 1).unwrap();
        sessions.sign_in(conn, &mut replaced, SignIn::new(8)).unwrap();
        let mut late = loaded::<D>(&sessions, conn, &token_of(&replaced));
        sessions.rotate(conn, &mut replaced).unwrap();
        late.insert("a", 1).unwrap();
        sessions.sign_in(conn, &mut late, SignIn::new(8)).unwrap();
    });
    assert_eq!(complaints(&text), 0, "{text}");
}

// S50
fn a_verb_that_fails_says_nothing_of_unsaved_changes<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut owned = signed_in::<D>(&sessions, conn, 7);
    let mut gone = signed_in::<D>(&sessions, conn, 7);
    assert!(sessions.revoke_row(conn, gone.row_id().unwrap()).unwrap());
    let mut new = sessions.new_session();
    let ((), text) = everywhere::on_this_thread(|| {
        let refused = |user: i64| SignIn::new(user).remember(seconds(0));
        for session in [&mut owned, &mut gone, &mut new] {
            for user in [7, 8] {
                assert_eq!(kind(sessions.sign_in(conn, session, refused(user))), ErrorKind::InvalidArgument);
            }
        }
        *gone.user_id_mut() = Some(8);
        assert_eq!(kind(sessions.save(conn, &mut gone)), ErrorKind::Gone);
        gone.revert();
    });
    assert_eq!(complaints(&text), 0, "{text}");
}

// SECURITY 29 SECURITY 33
fn check_says_what_it_advises<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let (setting, word) = match D::NAME {
        "sqlite" => ("PRAGMA foreign_keys = OFF", "foreign_keys"),
        "postgres" => ("SET synchronous_commit = off", "synchronous_commit"),
        _ => ("SET SESSION sql_mode = ''", "sql_mode"),
    };
    D::execute(conn, setting);
    let (result, text) = everywhere::on_this_thread(|| sessions.check(conn));
    match result {
        Ok(()) => assert!(text.lines().any(|line| line.contains("WARN") && line.contains(word)), "{text}"),
        Err(error) => {
            assert!(error.kind() == ErrorKind::Config && error.to_string().contains(word) && D::NAME == "mysql", "{error}")
        }
    }
}
