//! Models of every kind that the derive takes, at work on SQLite.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel_sessions::{DbSession, ErrorKind, Saved, SessionCore, SessionRepository, SignIn};

mod renamed {
    //! A table in which every name is the application's own.

    diesel::table! {
        visits (number) {
            number -> BigInt,
            digest -> Text,
            old_digest -> Nullable<Text>,
            payload -> Text,
            revision -> Integer,
            begun -> Timestamp,
            proved -> Nullable<Timestamp>,
            turned -> Nullable<Timestamp>,
            seen -> Timestamp,
            ends -> Timestamp,
            closes -> Nullable<Timestamp>,
            patience -> Nullable<Integer>,
            kept -> Bool,
            member -> Nullable<Text>,
            theme_name -> Text,
            pages -> Integer,
            places -> Text,
            note -> Nullable<Text>,
        }
    }

    pub(super) const SQL: &str = "
        CREATE TABLE visits (
            number INTEGER PRIMARY KEY AUTOINCREMENT, digest TEXT NOT NULL UNIQUE, old_digest TEXT UNIQUE,
            payload TEXT NOT NULL, revision INTEGER NOT NULL, begun TIMESTAMP NOT NULL, proved TIMESTAMP, turned TIMESTAMP,
            seen TIMESTAMP NOT NULL, ends TIMESTAMP NOT NULL, closes TIMESTAMP, patience INTEGER, kept BOOLEAN NOT NULL,
            member TEXT, theme_name TEXT NOT NULL, pages INTEGER NOT NULL, places TEXT NOT NULL, note TEXT
        )";
}

/// Every option of the derive at once: own names throughout, an `i64` key, an owner that is text, defaults of each kind, a
/// column that Diesel converts, and one that is no key.
#[derive(Debug, Clone, Queryable, Selectable, Identifiable, DbSession)]
#[diesel(table_name = self::renamed::visits, primary_key(number), check_for_backend(diesel::sqlite::Sqlite))]
#[session(columns(uuid = digest, previous_uuid = old_digest, data = payload, version = revision, created_at = begun))]
#[session(columns(authenticated_at = proved, rotated_at = turned, last_seen_at = seen, expires_at = ends))]
#[session(columns(deadline_at = closes, idle_timeout = patience, persistent = kept))]
pub(crate) struct Visit {
    number: i64,
    #[session(owner)]
    member: Option<String>,
    #[diesel(embed)]
    core: SessionCore<Visit>,
    #[session(default = "plain")]
    #[diesel(column_name = theme_name)]
    theme: String,
    #[session(default = 1)]
    pages: i32,
    #[session(default)]
    #[diesel(serialize_as = String, deserialize_as = String)]
    places: Places,
    #[session(skip)]
    note: Option<String>,
}

/// A list in a text column.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Places(Vec<String>);

impl From<Places> for String {
    fn from(places: Places) -> Self {
        places.0.join(",")
    }
}

impl From<String> for Places {
    fn from(text: String) -> Self {
        Places(text.split(',').filter(|place| !place.is_empty()).map(str::to_owned).collect())
    }
}

diesel::table! {
    machines (id) {
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
    }
}

/// The least that a model can be: no owner, no typed columns, and the table's name from the struct's.
#[derive(Clone, Queryable, Selectable, DbSession)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite))]
struct Machine {
    id: i32,
    #[diesel(embed)]
    core: SessionCore<Machine>,
}

const MACHINES: &str = "
    CREATE TABLE machines (
        id INTEGER PRIMARY KEY AUTOINCREMENT, _uuid TEXT NOT NULL UNIQUE, _previous_uuid TEXT UNIQUE, _data TEXT NOT NULL,
        _version INTEGER NOT NULL, created_at TIMESTAMP NOT NULL, authenticated_at TIMESTAMP, rotated_at TIMESTAMP,
        last_seen_at TIMESTAMP NOT NULL, expires_at TIMESTAMP NOT NULL, deadline_at TIMESTAMP, idle_timeout INTEGER,
        persistent BOOLEAN NOT NULL
    )";

fn connect() -> SqliteConnection {
    let mut conn = SqliteConnection::establish(":memory:").unwrap();
    conn.batch_execute(renamed::SQL).unwrap();
    conn.batch_execute(MACHINES).unwrap();
    conn
}

// S16 S17 S18 S21
#[test]
fn a_model_with_names_of_its_own_throughout_is_a_session() {
    let conn = &mut connect();
    let sessions = SessionRepository::<Visit>::builder().build().unwrap();
    let mut session = sessions.new_session();
    assert_eq!((session.theme.as_str(), session.pages, &session.places), ("plain", 1, &Places::default()));
    assert!(session.is_empty());
    session.insert("theme", "dark").unwrap();
    session.insert("places", ["Aldwych", "Bow"]).unwrap();
    session.insert("payload of mine", true).unwrap();
    session.note = Some("no key".to_owned());
    assert_eq!(session.insert("payload", 1).unwrap_err().kind(), ErrorKind::ReservedKey);
    assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Created);

    let token = session.new_token().unwrap().reveal().to_owned();
    let mut found = sessions.load(conn, token.as_str()).unwrap().unwrap();
    assert_eq!(found.keys().collect::<Vec<_>>(), ["theme", "places", "payload of mine"]);
    assert_eq!((&found.places.0[..], found.note.as_deref()), (&["Aldwych".to_owned(), "Bow".to_owned()][..], Some("no key")));
    assert_eq!(found.row_id(), Some(found.number));
    found.remove("theme").unwrap();
    found.places.0.push("Chelsea".to_owned());
    assert_eq!(sessions.save(conn, &mut found).unwrap(), Saved::Updated);
    let stored: (String, String, i32) = renamed::visits::table
        .select((renamed::visits::theme_name, renamed::visits::places, renamed::visits::revision))
        .first(conn)
        .unwrap();
    assert_eq!(stored, ("plain".to_owned(), "Aldwych,Bow,Chelsea".to_owned(), 1));
}

// S62
#[test]
fn an_owner_may_be_text() {
    let conn = &mut connect();
    let sessions = SessionRepository::<Visit>::builder().build().unwrap();
    let brian = "brian".to_owned();
    let (mut one, mut two) = (sessions.new_session(), sessions.new_session());
    for session in [&mut one, &mut two] {
        sessions.sign_in(conn, session, SignIn::new(brian.clone())).unwrap();
        sessions.rotate(conn, session).unwrap();
        sessions.extend(conn, session).unwrap();
    }
    assert_eq!(sessions.of(&brian).list(conn).unwrap().iter().map(|visit| visit.number).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(sessions.revoke_others(conn, &mut two).unwrap(), 1);
    sessions.authenticate(conn, &mut two).unwrap();
    assert_eq!(sessions.of(&brian).count(conn).unwrap(), 1);
}

#[test]
fn a_model_without_an_owner_can_prove_identity() {
    let conn = &mut connect();
    let sessions = SessionRepository::<Machine>::builder().build().unwrap();
    let mut session = sessions.new_session();
    session.insert("serial", 7).unwrap();
    sessions.save(conn, &mut session).unwrap();
    let before = session.new_token().unwrap().reveal().to_owned();
    sessions.authenticate(conn, &mut session).unwrap();
    assert!(session.authenticated_at().is_some() && !sessions.is_live(conn, before.as_str()).unwrap());
    assert_eq!((session.id, session.core.version()), (1, 1));
    assert_eq!(machines::table.filter(Machine::live(session.created_at())).count().get_result(conn), Ok(1));
}

// DESIGN section 3
#[test]
fn several_models_stand_side_by_side() {
    let conn = &mut connect();
    let (visits, machines) =
        (SessionRepository::<Visit>::builder().build().unwrap(), SessionRepository::<Machine>::builder().build().unwrap());
    let (mut visit, mut machine) = (visits.new_session(), machines.new_session());
    visits.create(conn, &mut visit).unwrap();
    machines.create(conn, &mut machine).unwrap();
    let token = visit.new_token().unwrap().reveal().to_owned();
    assert!(visits.is_live(conn, token.as_str()).unwrap() && !machines.is_live(conn, token.as_str()).unwrap());
    assert_eq!((visits.revoke_everyone(conn).unwrap(), machines::table.count().get_result(conn)), (1, Ok(1)));
}
