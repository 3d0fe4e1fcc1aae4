//! A sign-in code, sent by mail and good for once: `cargo run --example one_time_code`.
//!
//! It is an attribute: encrypted, so that no dump of the database holds it, and gone after five minutes. It is submitted
//! twice at the same moment, by a double click or by a thief who was faster: one of the two gets in.
#![allow(clippy::print_stdout, reason = "it tells what it does")]

use std::error::Error;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel_sessions::plain::sqlite::PlainSession;
use diesel_sessions::plain::sqlite::schema::session_attributes;
use diesel_sessions::{Keyring, ManualClock, Session, SessionRepository, SignIn, WriteOptions, migrations};

type Sessions = SessionRepository<PlainSession>;
type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

const CODE: &str = "sign-in code";
const FIVE_MINUTES: Duration = Duration::from_secs(5 * 60);
/// Wrong guesses before the code is void: with six digits, a guess is right once in a million.
const MAX_GUESSES: u32 = 3;
const ANNA: i64 = 14;

fn main() -> Outcome {
    let folder = tempfile::tempdir()?;
    let url = folder.path().join("shop.sqlite3").display().to_string();
    let conn = &mut connect(&url)?;
    migrations::run(conn)?;
    // The manual clock is for this example alone: it makes five minutes pass in no time.
    let clock = ManualClock::new("2026-11-21T12:00:00Z".parse()?);
    let keyring = Keyring::new("2026-11", [7; 32])?; // in earnest: Keyring::from_env("SESSION_KEYS")?
    let sessions = Sessions::builder().clock(clock.clone()).keyring(keyring).build()?;

    // Anna types her address. The code goes into the session of that browser, and into a mail.
    let session = ask_for_code(conn, &sessions, "417302")?;
    let stored: Vec<Option<Vec<u8>>> = session_attributes::table.select(session_attributes::sealed).load(conn)?;
    let in_clear = |bytes: &Option<Vec<u8>>| bytes.as_ref().is_none_or(|bytes| bytes.windows(6).any(|six| six == b"417302"));
    assert!(!stored.iter().any(in_clear), "the table does not hold the code");
    println!("A code is sent. The table holds {} sealed bytes.", stored.iter().flatten().map(Vec::len).sum::<usize>());

    // A wrong guess does not use it up, but is counted.
    assert!(!submit(conn, &sessions, &session, "000000")?);
    println!("A wrong guess: the code stays, and two guesses are left.");

    // The right one, twice at once.
    let cookie = session.new_token().ok_or("created")?.reveal().to_owned();
    let start = Barrier::new(2);
    let answers = thread::scope(|scope| {
        let submission = || -> Outcome<bool> {
            let conn = &mut connect(&url)?;
            let session = sessions.load(conn, cookie.as_str())?.ok_or("the session is live")?;
            start.wait();
            Ok(submit(conn, &sessions, &session, "417302")?)
        };
        let both = [scope.spawn(submission), scope.spawn(submission)];
        both.map(|thread| thread.join().expect("it does not panic"))
    });
    let wins = answers.into_iter().collect::<Outcome<Vec<_>>>()?;
    assert_eq!(wins.iter().filter(|won| **won).count(), 1, "one of the two");
    println!("The right code, submitted twice at the same moment: one of the two gets in.");
    let mut session = sessions.load(conn, cookie.as_str())?.ok_or("the session is live")?;
    sessions.sign_in(conn, &mut session, SignIn::new(ANNA))?;
    assert_eq!(session.user_id, Some(ANNA));

    // Another code is not used in time.
    let session = ask_for_code(conn, &sessions, "998001")?;
    clock.advance(FIVE_MINUTES);
    assert!(!submit(conn, &sessions, &session, "998001")?);
    println!("Another code, five minutes later: it is void.");

    // And one is guessed at too often.
    let session = ask_for_code(conn, &sessions, "555123")?;
    for guess in ["000000", "000001", "000002"] {
        assert!(!submit(conn, &sessions, &session, guess)?);
    }
    assert!(!submit(conn, &sessions, &session, "555123")?);
    println!("One more code, guessed at three times: it is void, too.");
    Ok(())
}

/// Remembers a code for a new browser. A code that is asked for again replaces the old one.
fn ask_for_code(conn: &mut SqliteConnection, sessions: &Sessions, code: &str) -> diesel_sessions::Result<Session<PlainSession>> {
    let mut session = sessions.new_session();
    sessions.create(conn, &mut session)?;
    let options = WriteOptions::new().expires_in(FIVE_MINUTES).encrypted();
    sessions.attributes(&session).set_with(conn, CODE, (code, MAX_GUESSES), options)?;
    Ok(session)
}

/// Whether this submission is the one that gets in: the one that takes the code.
fn submit(
    conn: &mut SqliteConnection,
    sessions: &Sessions,
    session: &Session<PlainSession>,
    guess: &str,
) -> diesel_sessions::Result<bool> {
    let attributes = sessions.attributes(session);
    // One submission after the other, so that no wrong guess goes uncounted.
    conn.immediate_transaction(|conn| {
        let Some((code, guesses)) = attributes.get::<(String, u32), _>(conn, CODE)? else { return Ok(false) };
        if code == guess {
            return Ok(attributes.take_value(conn, CODE)?.is_some());
        }
        if guesses > 1 {
            // An update keeps the expiry, and says so if the code is gone.
            attributes.update_with(conn, CODE, (code, guesses - 1), WriteOptions::new().encrypted())?;
        } else {
            attributes.delete(conn, CODE)?;
        }
        Ok(false)
    })
}

/// A connection that waits for others, as every connection of an application on SQLite should.
fn connect(url: &str) -> Outcome<SqliteConnection> {
    let mut conn = SqliteConnection::establish(url)?;
    conn.batch_execute("PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON")?;
    Ok(conn)
}
