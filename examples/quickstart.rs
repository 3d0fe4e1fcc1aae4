//! A session from the first visit to the clean-up: `cargo run --example quickstart`.
//!
//! SQLite in memory, so there is nothing to set up. Every step is printed, and asserted.
#![allow(clippy::print_stdout, reason = "it tells what it does")]

use std::error::Error;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use diesel_sessions::{
    Attribute, Clock, DbSession, ErrorKind, Keyring, ManualClock, Saved, Session, SessionCore, SessionRepository, SignIn,
    WriteOptions, migrations,
};

use self::schema::{session_attributes, sessions};

/// What `diesel print-schema` prints: the library's columns, then the application's own.
mod schema {
    diesel::table! {
        session_attributes (session_id, name) {
            session_id -> Integer,
            name -> Text,
            value -> Nullable<Text>,
            sealed -> Nullable<Binary>,
            created_at -> Timestamp,
            updated_at -> Timestamp,
            expires_at -> Nullable<Timestamp>,
        }
    }

    diesel::table! {
        sessions (id) {
            id -> Integer,
            _uuid -> Text,
            _previous_uuid -> Nullable<Text>,
            _data -> Text,
            _version -> Integer,
            created_at -> Timestamp,
            authenticated_at -> Nullable<Timestamp>,
            rotated_at -> Nullable<Timestamp>,
            last_seen_at -> Timestamp,
            expires_at -> Timestamp,
            deadline_at -> Nullable<Timestamp>,
            idle_timeout -> Nullable<Integer>,
            persistent -> Bool,
            user_id -> Nullable<BigInt>,
            remote_addr -> Nullable<Text>,
            device -> Text,
        }
    }
}

/// The application's own Diesel model of a session.
#[derive(Debug, Clone, Queryable, Selectable, Identifiable, DbSession)]
#[diesel(table_name = sessions, check_for_backend(diesel::sqlite::Sqlite))]
#[session(attributes = session_attributes)]
struct AppSession {
    id: i32,
    #[diesel(embed)]
    core: SessionCore<AppSession>, // the library's columns
    #[session(owner)]
    user_id: Option<i64>,
    remote_addr: Option<String>,
    #[session(default = "unknown device")]
    device: String,
}

/// A row of a query in plain SQL.
#[derive(Debug, PartialEq, QueryableByName)]
struct Theme {
    #[diesel(sql_type = Integer)]
    id: i32,
    #[diesel(sql_type = Nullable<Text>)]
    theme: Option<String>,
}

const ANNA: i64 = 14;
const FIVE_MINUTES: Duration = Duration::from_secs(5 * 60);
const HALF_AN_HOUR: Duration = Duration::from_secs(30 * 60);
const TWELVE_HOURS: Duration = Duration::from_secs(12 * 60 * 60);
const THIRTY_DAYS: Duration = Duration::from_secs(30 * 24 * 60 * 60);

fn main() -> Result<(), Box<dyn Error>> {
    let conn = &mut SqliteConnection::establish(":memory:")?;
    migrations::run(conn)?;
    diesel::sql_query("ALTER TABLE sessions ADD COLUMN device TEXT NOT NULL DEFAULT 'unknown device'").execute(conn)?;
    println!("The tables are made, and one of the columns is the application's own.");

    // The manual clock is for this example alone: it makes half an hour pass in no time.
    let clock = ManualClock::new("2026-11-21T12:00:00Z".parse()?);
    let sessions = SessionRepository::<AppSession>::builder()
        .idle_timeout(HALF_AN_HOUR)
        .absolute_timeout(TWELVE_HOURS)
        .clock(clock.clone())
        .keyring(Keyring::new("2026-11", [7; 32])?) // in earnest: Keyring::from_env("SESSION_KEYS")?
        .build()?;
    sessions.check(conn)?; // that the tables and the settings will do

    // A visitor without a cookie. There is no row until there is something to keep.
    let mut laptop = sessions.open(conn, None)?;
    assert_eq!(sessions.save(conn, &mut laptop)?, Saved::Unchanged);
    laptop.insert("cart", ["spam"])?;
    laptop.device = "laptop".to_owned();
    assert_eq!(sessions.save(conn, &mut laptop)?, Saved::Created);
    let anonymous = cookie(&laptop)?;
    println!("A visitor fills a cart: session {} is created.", row_id(&laptop)?);

    // Anna signs in. The token changes, the cart stays.
    sessions.sign_in(conn, &mut laptop, SignIn::new(ANNA))?;
    let on_laptop = cookie(&laptop)?;
    assert!(laptop.contains_key("cart") && !sessions.is_live(conn, anonymous.as_str())?);
    println!("Anna signs in: the same session, a new token; the old one opens nothing.");

    // And once more, on a device that is to remember her.
    clock.advance(Duration::from_secs(60));
    let mut phone = sessions.new_session();
    phone.device = "phone".to_owned();
    phone.insert("theme", "dark")?;
    sessions.sign_in(conn, &mut phone, SignIn::new(ANNA).remember(THIRTY_DAYS))?;
    let on_phone = cookie(&phone)?;
    assert!(phone.is_persistent());
    println!("Anna signs in on her phone too, and stays signed in there for 30 days.");

    // Two requests at the same time change different keys. Neither is lost.
    let mut one = sessions.load(conn, on_laptop.as_str())?.ok_or("the session is live")?;
    let mut two = sessions.load(conn, on_laptop.as_str())?.ok_or("the session is live")?;
    one.insert("theme", "light")?;
    two.insert("cart", ["spam", "egg"])?;
    sessions.save(conn, &mut one)?;
    sessions.save(conn, &mut two)?;
    let merged = sessions.load(conn, on_laptop.as_str())?.ok_or("the session is live")?;
    assert_eq!(merged.get::<String>("theme")?.as_deref(), Some("light"));
    assert_eq!(merged.get::<Vec<String>>("cart")?, Some(vec!["spam".to_owned(), "egg".to_owned()]));
    println!("Two requests change the session together, and both changes are there.");

    // The data is JSON in a column: plain SQL reads it …
    let themes: Vec<Theme> =
        diesel::sql_query("SELECT id, json_extract(_data, '$.theme') AS theme FROM sessions WHERE user_id = ? ORDER BY id")
            .bind::<BigInt, _>(ANNA)
            .load(conn)?;
    let expected = [(row_id(&laptop)?, "light"), (row_id(&phone)?, "dark")];
    assert_eq!(themes, expected.map(|(id, theme)| Theme { id, theme: Some(theme.to_owned()) }));
    println!("Plain SQL finds her themes: {themes:?}.");

    // … and the sessions are rows of an ordinary model.
    let devices: Vec<String> = sessions::table
        .filter(sessions::user_id.eq(ANNA))
        .filter(AppSession::live(clock.now()))
        .order(sessions::id)
        .select(sessions::device)
        .load(conn)?;
    assert_eq!(devices, ["laptop", "phone"]);
    println!("Diesel finds her devices: {}.", devices.join(", "));

    // Attributes are rows of their own: written at once, with an expiry of their own, encrypted if asked.
    let attributes = sessions.attributes(&merged);
    attributes.set(conn, "currency", "EUR")?;
    attributes.set_with(conn, "otp", "123456", WriteOptions::new().expires_in(FIVE_MINUTES).encrypted())?;
    attributes.set_many(conn, [Attribute::new("page", 3)?, Attribute::new("currency", "CHF")?], WriteOptions::new())?;
    let missing = attributes.update(conn, "colour", "red").err().ok_or("an update creates nothing")?;
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert_eq!(attributes.names(conn)?, ["currency", "otp", "page"]);
    assert_eq!(session_attributes::table.filter(session_attributes::value.is_null()).count().get_result::<i64>(conn)?, 1);
    let code: Option<String> = attributes.take(conn, "otp")?;
    assert_eq!(code.as_deref(), Some("123456"));
    assert!(!attributes.exists(conn, "otp")?);
    let currency: Option<String> = attributes.get(conn, "currency")?;
    assert_eq!(currency.as_deref(), Some("CHF"));
    println!("Attributes are set at once: a currency, a page, and an encrypted code that can be taken once.");

    // A new token for the laptop, for instance before a payment.
    let mut laptop = merged;
    sessions.rotate(conn, &mut laptop)?;
    assert!(sessions.load(conn, on_laptop.as_str())?.is_none());
    let on_laptop = cookie(&laptop)?;
    println!("The laptop's token is rotated; it is still session {}.", row_id(&laptop)?);

    // "Sign out this device", from the list of her sessions, while a slow request of the phone is under way.
    let mut slow = sessions.load(conn, on_phone.as_str())?.ok_or("the session is live")?;
    let mine = sessions.of(&ANNA);
    for session in mine.list(conn)? {
        println!("  {} · signed in at {}", session.device, session.core.authenticated_at().ok_or("signed in")?.format("%H:%M"));
    }
    assert!(mine.revoke(conn, row_id(&phone)?)?);
    slow.insert("theme", "pink")?;
    let refused = sessions.save(conn, &mut slow).err().ok_or("the session is revoked")?;
    assert_eq!(refused.kind(), ErrorKind::Gone);
    slow.revert(); // a change that is dropped unsaved is warned of
    assert!(sessions.load(conn, on_phone.as_str())?.is_none());
    println!("She signs the phone out. Its slow request is told: {refused}.");

    // Half an hour passes. What has expired is dead at once, and removed by the purge.
    clock.advance(HALF_AN_HOUR);
    assert!(sessions.load(conn, on_laptop.as_str())?.is_none());
    assert_eq!(mine.count(conn)?, 0);
    let purged = sessions.purge_expired(conn, 1_000)?;
    assert_eq!(purged.sessions, 1);
    assert_eq!(sessions::table.count().get_result::<i64>(conn)?, 0);
    println!("Half an hour later the laptop's session has expired; the purge removes {} row.", purged.sessions);
    Ok(())
}

/// The value of the cookie that the client must be sent.
fn cookie(session: &Session<AppSession>) -> Result<String, &'static str> {
    session.new_token().map(|token| token.reveal().to_owned()).ok_or("there is nothing new to tell the client")
}

/// The session's key in the table: the same over its whole life.
fn row_id(session: &Session<AppSession>) -> Result<i32, &'static str> {
    session.row_id().ok_or("the session has no row")
}
