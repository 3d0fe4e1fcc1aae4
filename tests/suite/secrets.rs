//! Tokens: where they are, and where they must never be.

use std::sync::atomic::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use diesel_sessions::SignIn;

use crate::bad_database::counted;
use crate::life::steps::{Repo, created, loaded, opens_nothing, signed_in};
use crate::support::{Db, Plain, repository, suite, token_of};

mod collisions;
mod errors;
mod traces;

suite! {
    a_token_has_256_bits,
    a_dump_of_the_database_holds_no_token,
    a_stored_id_sent_as_a_cookie_opens_nothing,
    malformed_tokens_end_before_sql,
}

// SECURITY 1
fn a_token_has_256_bits<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = created::<D>(&sessions, conn);
    let mut seen = std::collections::BTreeSet::new();
    // A bit that is always set stays in `set`, one that never is stays out of `ever`; by chance that is 1 in 2^191.
    let (mut set, mut ever) = ([u8::MAX; 32], [0; 32]);
    for _ in 0..200 {
        let token = token_of(&session);
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        assert_eq!((token.len(), bytes.len()), (43, 32));
        for (at, byte) in bytes.into_iter().enumerate() {
            set[at] &= byte;
            ever[at] |= byte;
        }
        assert!(seen.insert(token));
        sessions.rotate(conn, &mut session).unwrap();
    }
    assert_eq!((set, ever), ([0; 32], [u8::MAX; 32]), "every bit varies");
}

/// Uses every verb that draws a token, and gives all tokens that were issued.
pub(crate) fn every_token<D: Db>(sessions: &Repo<D>, conn: &mut D::Conn, secret: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut session = sessions.new_session();
    session.insert("secret", secret).unwrap();
    sessions.save(conn, &mut session).unwrap();
    tokens.push(token_of(&session));
    sessions.rotate(conn, &mut session).unwrap();
    tokens.push(token_of(&session));
    sessions.sign_in(conn, &mut session, SignIn::new(7)).unwrap();
    tokens.push(token_of(&session));
    sessions.authenticate(conn, &mut session).unwrap();
    tokens.push(token_of(&session));
    sessions.revoke_others(conn, &mut session).unwrap();
    tokens.push(token_of(&session));
    sessions.sign_in(conn, &mut session, SignIn::new(8)).unwrap();
    session.insert("secret", secret).unwrap();
    sessions.save(conn, &mut session).unwrap();
    tokens.push(token_of(&session));
    for owner in [None, Some(9), Some(10)] {
        *session.user_id_mut() = owner;
        sessions.save(conn, &mut session).unwrap();
        tokens.push(token_of(&session));
    }
    let mut late = loaded::<D>(sessions, conn, &token_of(&session));
    sessions.rotate(conn, &mut session).unwrap();
    tokens.push(token_of(&session));
    sessions.sign_in(conn, &mut late, SignIn::new(10)).unwrap();
    tokens.push(token_of(&late));
    late.insert("secret", secret).unwrap();
    sessions.save(conn, &mut late).unwrap();
    tokens
}

/// Every row of every table, as text.
fn dump<D: Db>(conn: &mut D::Conn) -> String {
    let tables = match D::NAME {
        "sqlite" => "SELECT name FROM sqlite_master WHERE type = 'table'",
        "postgres" => "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'",
        _ => "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()",
    };
    let mut dump = String::new();
    for table in D::texts(conn, tables).into_iter().flatten() {
        let columns = match D::NAME {
            "sqlite" => format!("SELECT name FROM pragma_table_info('{table}')"),
            "postgres" => format!(
                "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = '{table}'"
            ),
            _ => format!(
                "SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = '{table}'"
            ),
        };
        for column in D::texts(conn, &columns).into_iter().flatten() {
            let quote = if D::NAME == "mysql" { '`' } else { '"' };
            let column = format!("SELECT {quote}{column}{quote} FROM {quote}{table}{quote}");
            for value in D::texts(conn, &column).into_iter().flatten() {
                dump.push_str(&value);
                dump.push('\n');
            }
        }
    }
    dump
}

// SECURITY 2
fn a_dump_of_the_database_holds_no_token<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let tokens = every_token::<D>(&sessions, conn, "not of a token");
    let dump = dump::<D>(conn).to_lowercase();
    let digest = D::text(conn, "SELECT max(CAST(_uuid AS CHAR(36))) FROM sessions").unwrap();
    assert!(dump.contains("not of a token") && dump.contains(&digest), "the dump is one");
    for token in &tokens {
        let bytes = URL_SAFE_NO_PAD.decode(token).unwrap();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        for form in [token.to_lowercase(), STANDARD.encode(&bytes).to_lowercase(), hex] {
            assert!(!dump.contains(&form), "a token is in the database");
        }
    }
    if D::NAME == "sqlite" {
        // The files too, with what was deleted and what is in the log.
        for file in [db.url(), format!("{}-wal", db.url())] {
            let file = std::fs::read(file).unwrap();
            for token in &tokens {
                let bytes = URL_SAFE_NO_PAD.decode(token).unwrap();
                let holds = |needle: &[u8]| file.windows(needle.len()).any(|window| window == needle);
                assert!(!holds(token.as_bytes()) && !holds(&bytes), "a token is in the file");
            }
        }
    }
}

// SECURITY 3
fn a_stored_id_sent_as_a_cookie_opens_nothing<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = signed_in::<D>(&sessions, conn, 7);
    sessions.rotate(conn, &mut session).unwrap();
    let mut presented = vec![session.row_id().unwrap().to_string()];
    for column in ["_uuid", "_previous_uuid"] {
        let text = D::text(conn, &format!("SELECT {column} FROM sessions")).unwrap();
        let hex = text.replace('-', "");
        let bytes: Vec<u8> = (0..16).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect();
        let encoded = URL_SAFE_NO_PAD.encode(&bytes);
        assert!(diesel_sessions::SessionToken::parse(&encoded).is_some(), "it has the form of a token");
        presented.extend([text.to_uppercase(), text, hex, encoded]);
    }
    for cookie in presented {
        assert!(opens_nothing::<D>(&sessions, conn, &cookie), "{cookie}");
        assert!(!sessions.open(conn, cookie.as_str()).unwrap().is_superseded(), "{cookie}");
    }
    assert!(sessions.is_live(conn, token_of(&session).as_str()).unwrap());
}

// S4 SECURITY 4
fn malformed_tokens_end_before_sql<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let good = token_of(&created::<D>(&sessions, conn));
    let count = counted::<D>(conn);
    let long = "A".repeat(4_096);
    let malformed = [
        String::new(),
        " ".to_owned(),
        "short".to_owned(),
        long.clone(),
        format!("{good}{long}"),
        format!("{good}="),
        format!(" {good}"),
        format!("{good}\n"),
        format!("{good}\0"),
        format!("{}\0{}", &good[..20], &good[21..]),
        format!("{}ü", &good[..41]),
        format!("{}+", &good[..42]),
        format!("{}\u{2028}", &good[..40]),
        "\u{1f99c}".repeat(20),
        "'; DROP TABLE sessions; --".to_owned(),
        "A".repeat(87),
        "A".repeat(20),
    ];
    for token in &malformed {
        assert!(opens_nothing::<D>(&sessions, conn, token), "{token:?}");
    }
    assert_eq!(count.load(Ordering::Relaxed), 0, "nothing was asked of the database");
    assert!(sessions.is_live(conn, good.as_str()).unwrap());
    assert_eq!(count.load(Ordering::Relaxed), 1, "what is sent is counted");
}
