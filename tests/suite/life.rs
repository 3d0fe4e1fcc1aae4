//! How a session begins, is saved and found again.

use diesel::prelude::*;
use diesel_sessions::{ErrorKind, KnownTokens, Saved, SessionModel, SessionToken, SignIn};

use crate::support::{Db, Plain, noon, repository, repository_with, seconds, suite, token_of};

use steps::{created, kind, loaded, opens_nothing, rows};

pub(crate) mod steps;

suite! {
    a_new_session_has_no_row_until_something_is_set,
    reading_never_creates_a_row,
    what_is_saved_is_loaded,
    asking_again_gives_the_same_state,
    an_unknown_token_gives_a_fresh_session_and_is_never_adopted,
    a_fresh_session_is_had_on_demand,
    the_token_source_can_be_replaced,
    after_an_end_the_old_token_opens_nothing,
    the_state_of_a_session_is_readable,
    the_beginning_never_changes,
    create_gives_an_empty_session_its_row,
    a_row_of_the_applications_own_query_becomes_a_session,
    unsaved_changes_are_seen_by_nobody_else,
    a_save_that_has_nothing_to_write_writes_nothing,
}

// S1 S2 SECURITY 6
fn a_new_session_has_no_row_until_something_is_set<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = sessions.open(conn, None).unwrap();
    assert!(session.is_new() && session.is_empty() && !session.was_changed());
    assert!(session.row_id().is_none() && session.new_token().is_none());
    assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Unchanged);
    assert_eq!(rows::<D>(conn), 0);

    session.insert("parrot", "ceased to be").unwrap();
    assert_eq!(rows::<D>(conn), 0);
    assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Created);
    assert!(session.row_id().is_some() && session.new_token().is_some() && !session.is_new());
    assert_eq!(rows::<D>(conn), 1);
}

// S2 S6 SECURITY 6
fn reading_never_creates_a_row<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let unknown = SessionToken::random().unwrap();
    assert!(sessions.load(conn, unknown.reveal()).unwrap().is_none());
    assert!(!sessions.is_live(conn, unknown.reveal()).unwrap());
    let mut session = sessions.open(conn, unknown.reveal()).unwrap();
    assert_eq!(session.get::<String>("parrot").unwrap(), None);
    assert!(!session.contains_key("parrot") && session.keys().next().is_none());
    assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Unchanged);
    assert!(session.is_new() && session.new_token().is_none());
    assert_eq!(rows::<D>(conn), 0);
}

// S3 S17 S18 S19
fn what_is_saved_is_loaded<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = sessions.new_session();
    session.insert("user_id", 7).unwrap();
    session.insert("parrot", "ceased to be").unwrap();
    session.insert("actor_id", 14).unwrap();
    sessions.save(conn, &mut session).unwrap();
    assert_eq!(D::number(conn, "SELECT user_id FROM sessions"), 7);

    let found = loaded::<D>(&sessions, conn, &token_of(&session));
    assert!(!found.is_new() && !found.was_changed() && found.new_token().is_none());
    assert_eq!((found.row_id(), found.user_id()), (session.row_id(), Some(7)));
    let data = serde_json::to_string(&found.core_field().data().unwrap()).unwrap();
    assert_eq!(data, r#"{"actor_id":14,"parrot":"ceased to be"}"#);
}

// S7
fn asking_again_gives_the_same_state<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = sessions.new_session();
    session.insert("lines", [1, 2]).unwrap();
    sessions.save(conn, &mut session).unwrap();
    let token = token_of(&session);
    let first = loaded::<D>(&sessions, conn, &token);
    let second = sessions.open(conn, token.as_str()).unwrap();
    assert_eq!(first.to_model(), second.to_model());
}

// S4 S5 SECURITY 5 SECURITY 6
fn an_unknown_token_gives_a_fresh_session_and_is_never_adopted<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let unknown = SessionToken::random().unwrap().reveal().to_owned();
    let long = "A".repeat(4_096);
    let tokens =
        [None, Some(""), Some("short"), Some("für immer"), Some("nul\0nul"), Some(long.as_str()), Some(unknown.as_str())];
    for (number, presented) in tokens.into_iter().enumerate() {
        let mut session = sessions.open(conn, presented).unwrap();
        assert!(session.is_new() && session.is_empty() && !session.is_superseded());
        session.insert("number", number).unwrap();
        assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Created);
        assert_ne!(Some(token_of(&session).as_str()), presented);
        assert!(!sessions.is_live(conn, presented).unwrap());
    }
    assert_eq!(rows::<D>(conn), 7);
}

// S8
fn a_fresh_session_is_had_on_demand<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut first = created::<D>(&sessions, conn);
    first.insert("a", 1).unwrap();
    sessions.save(conn, &mut first).unwrap();
    let mut second = sessions.new_session();
    assert!(second.is_empty());
    sessions.create(conn, &mut second).unwrap();
    assert_ne!(first.row_id(), second.row_id());
    assert_ne!(token_of(&first), token_of(&second));
    assert!(sessions.is_live(conn, token_of(&first).as_str()).unwrap());
}

// S9
fn the_token_source_can_be_replaced<D: Db>(db: &D) {
    let (sessions, _) = repository_with::<D>(|builder| builder.token_source(KnownTokens::counting()));
    let conn = &mut db.connect();
    let mut session = created::<D>(&sessions, conn);
    assert_eq!(token_of(&session), KnownTokens::numbered(1).reveal());
    sessions.rotate(conn, &mut session).unwrap();
    assert_eq!(token_of(&session), KnownTokens::numbered(2).reveal());
    assert!(sessions.is_live(conn, KnownTokens::numbered(2).reveal()).unwrap());

    let short = SessionToken::from_bytes(&[7; 16]).unwrap();
    let (sessions, _) = repository_with::<D>(|builder| builder.token_source(KnownTokens::new([short.reveal()]).unwrap()));
    let session = created::<D>(&sessions, conn);
    assert_eq!(loaded::<D>(&sessions, conn, short.reveal()).row_id(), session.row_id());
    assert_eq!(kind(sessions.create(conn, &mut sessions.new_session())), ErrorKind::Config);
}

// S10 S11
fn after_an_end_the_old_token_opens_nothing<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = created::<D>(&sessions, conn);
    let old = token_of(&session);
    sessions.end(conn, &mut session).unwrap();
    assert!(session.is_ended() && session.row_id().is_none() && session.new_token().is_none());

    let mut replayed = sessions.open(conn, old.as_str()).unwrap();
    assert!(replayed.is_new());
    sessions.sign_in(conn, &mut replayed, SignIn::new(7)).unwrap();
    assert_ne!(token_of(&replayed), old);
    assert!(opens_nothing::<D>(&sessions, conn, &old));
    assert_eq!(loaded::<D>(&sessions, conn, &token_of(&replayed)).user_id(), Some(7));
}

// S12
fn the_state_of_a_session_is_readable<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(600)).absolute_timeout(seconds(3_600)));
    let conn = &mut db.connect();
    let mut session = sessions.new_session();
    assert!(session.is_new() && session.row_id().is_none() && session.is_empty());
    assert_eq!((session.created_at(), session.authenticated_at()), (noon(), None));
    session.insert("a", 1).unwrap();
    assert!(session.was_changed());
    sessions.sign_in(conn, &mut session, SignIn::new(7)).unwrap();
    clock.advance(seconds(100));

    let found = loaded::<D>(&sessions, conn, &token_of(&session));
    for session in [&session, &found] {
        assert!(!session.is_new() && !session.was_changed() && !session.is_ended() && !session.is_persistent());
        assert_eq!((session.created_at(), session.last_seen_at()), (noon(), noon()));
        assert_eq!(session.authenticated_at(), Some(noon()));
        assert_eq!(session.expires_at(), Some(noon() + seconds(600)));
        assert_eq!(session.deadline_at(), Some(noon() + seconds(3_600)));
        assert_eq!(session.idle_timeout(), Some(seconds(600)));
        assert_eq!((session.len(), session.is_empty()), (2, false));
    }
}

// S13
fn the_beginning_never_changes<D: Db>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.touch_every(seconds(0)));
    let conn = &mut db.connect();
    let mut session = created::<D>(&sessions, conn);
    let began = D::text(conn, "SELECT created_at FROM sessions");
    for step in 0..5 {
        clock.advance(seconds(60));
        match step {
            0 => {
                session.insert("a", 1).unwrap();
                sessions.save(conn, &mut session).unwrap();
            }
            1 => assert!(sessions.touch(conn, &mut session).unwrap()),
            2 => assert!(sessions.extend(conn, &mut session).unwrap() > noon()),
            3 => sessions.rotate(conn, &mut session).unwrap(),
            _ => sessions.sign_in(conn, &mut session, SignIn::new(7)).unwrap(),
        }
        assert_eq!(session.created_at(), noon(), "step {step}");
        assert_eq!(D::text(conn, "SELECT created_at FROM sessions"), began, "step {step}");
    }
}

// S61
fn create_gives_an_empty_session_its_row<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = created::<D>(&sessions, conn);
    assert!(session.is_empty() && session.row_id().is_some());
    assert_eq!(kind(sessions.create(conn, &mut session)), ErrorKind::AlreadyExists);
    assert_eq!(rows::<D>(conn), 1);

    let mut changed = sessions.new_session();
    changed.insert("a", 1).unwrap();
    sessions.create(conn, &mut changed).unwrap();
    assert_eq!(loaded::<D>(&sessions, conn, &token_of(&changed)).get("a").unwrap(), Some(1));

    let mut new = sessions.new_session();
    assert_eq!(kind(sessions.rotate(conn, &mut new)), ErrorKind::NotCreated);
    assert_eq!(kind(sessions.extend(conn, &mut new)), ErrorKind::NotCreated);
    assert_eq!(kind(sessions.touch(conn, &mut new)), ErrorKind::NotCreated);
}

/// The application's own query over the ready-made model of each engine.
trait OwnQuery: Db {
    fn live_at(conn: &mut Self::Conn, now: chrono::DateTime<chrono::Utc>) -> Vec<Self::Model>;
}

macro_rules! own_query {
    ($feature:literal $engine:ident $db:ident) => {
        #[cfg(feature = $feature)]
        impl OwnQuery for crate::support::$db {
            fn live_at(conn: &mut Self::Conn, now: chrono::DateTime<chrono::Utc>) -> Vec<Self::Model> {
                use diesel_sessions::plain::$engine::{PlainSession, schema::sessions};
                sessions::table
                    .filter(PlainSession::live(now))
                    .order(sessions::id)
                    .select(PlainSession::as_select())
                    .load(conn)
                    .unwrap()
            }
        }
    };
}
own_query! { "sqlite" sqlite Sqlite }
own_query! { "postgres" postgres Postgres }
own_query! { "mysql" mysql Mysql }

// S61
fn a_row_of_the_applications_own_query_becomes_a_session<D: OwnQuery>(db: &D) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(60)));
    let conn = &mut db.connect();
    let mut session = created::<D>(&sessions, conn);
    session.insert("a", 1).unwrap();
    sessions.save(conn, &mut session).unwrap();
    let token = token_of(&session);

    let mut own = sessions.from_row(D::live_at(conn, noon()).remove(0)).unwrap();
    assert!(!own.is_new() && !own.was_changed() && own.new_token().is_none());
    own.insert("b", 2).unwrap();
    assert_eq!(sessions.save(conn, &mut own).unwrap(), Saved::Updated);
    let found = loaded::<D>(&sessions, conn, &token);
    assert_eq!((found.get("a").unwrap(), found.get("b").unwrap()), (Some(1), Some(2)));

    let row = D::live_at(conn, noon()).remove(0);
    let almost = noon() + seconds(60) - chrono::TimeDelta::microseconds(1);
    for (at, live) in [(almost, true), (noon() + seconds(60), false)] {
        clock.set(at);
        assert_eq!(D::live_at(conn, at).len(), usize::from(live), "{at}");
        assert_eq!(sessions.load(conn, token.as_str()).unwrap().is_some(), live, "{at}");
        assert_eq!(sessions.from_row(row.clone()).is_ok(), live, "{at}");
    }
    assert_eq!(kind(sessions.from_row(row)), ErrorKind::Gone);
}

// S40
fn unsaved_changes_are_seen_by_nobody_else<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = created::<D>(&sessions, conn);
    session.insert("a", 1).unwrap();
    *session.remote_addr_mut() = Some("192.0.2.1".to_owned());
    let other = loaded::<D>(&sessions, conn, &token_of(&session));
    assert!(other.is_empty() && other.remote_addr().is_none());
    session.revert();
    assert!(session.is_empty() && session.remote_addr().is_none() && !session.was_changed());
}

// S39
fn a_save_that_has_nothing_to_write_writes_nothing<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = created::<D>(&sessions, conn);
    session.insert("a", 1).unwrap();
    assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Updated);
    assert!(!session.was_changed());
    session.insert("a", 1).unwrap();
    assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Unchanged);
    assert_eq!(D::number(conn, "SELECT _version FROM sessions"), 1);
}
