//! The mapping interface on a stored session: typed columns and data keys side by side.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::connection::{Connection, InstrumentationEvent};
use diesel_sessions::{DbSession, ErrorKind, Saved, Session, SessionModel, SessionRepository, SignIn};
use serde_json::{Value, json};

use crate::support::{Db, Plain, noon, repository, suite, token_of};

mod changes;
mod stale;
mod values;

suite! {
    a_key_that_names_a_typed_column_is_that_column,
    data_is_json_that_plain_sql_reads,
    an_unset_typed_column_reads_null,
    removing_a_typed_column_sets_null_any_number_of_times,
    removing_what_is_missing_gives_none_or_not_found,
    columns_come_first_and_data_keys_by_their_bytes,
    clear_empties_columns_and_data,
    clear_removes_the_keys_that_this_handle_saw,
    every_column_of_the_library_is_reserved,
    a_row_of_the_applications_query_becomes_a_session,
}

/// A stored session of user 7 with some data, and its token.
pub(crate) fn stored<D: Db>(sessions: &SessionRepository<D::Model>, conn: &mut D::Conn) -> (Session<D::Model>, String) {
    let mut session = sessions.new_session();
    session.insert_all([("user_id", json!(7)), ("count", json!(1)), ("cart", json!({"lines": [1, 2]}))]).unwrap();
    sessions.save(conn, &mut session).unwrap();
    let token = token_of(&session);
    (session, token)
}

/// The session of a token, which must be live.
pub(crate) fn loaded<M: DbSession<C>, C>(sessions: &SessionRepository<M>, conn: &mut C, token: &str) -> Session<M> {
    sessions.load(conn, token).unwrap().expect("the session is live")
}

/// Keys and values as one JSON array of pairs, in their order.
pub(crate) fn pairs<M: SessionModel>(session: &Session<M>) -> Value {
    session.iter().map(|(key, value)| json!([key, value])).collect()
}

/// How many statements `work` sends.
pub(crate) fn sent<C: Connection>(conn: &mut C, work: impl FnOnce(&mut C)) -> usize {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if matches!(event, InstrumentationEvent::StartQuery { .. }) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    });
    work(conn);
    conn.set_instrumentation(|_: InstrumentationEvent<'_>| {});
    count.load(Ordering::Relaxed)
}

// S17 S34
fn a_key_that_names_a_typed_column_is_that_column<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = sessions.new_session();
    session.insert("remote_addr", "192.0.2.1").unwrap();
    assert_eq!(session.remote_addr(), Some("192.0.2.1"));
    *session.user_id_mut() = Some(14);
    assert_eq!(session.get::<i64>("user_id").unwrap(), Some(14));
    assert_eq!(session.get_value("user_id").as_deref(), Some(&json!(14)));
    session.insert("elsewhere", "192.0.2.2").unwrap();
    sessions.save(conn, &mut session).unwrap();

    assert_eq!(D::text(conn, "SELECT remote_addr FROM sessions").as_deref(), Some("192.0.2.1"));
    assert_eq!(D::number(conn, "SELECT user_id FROM sessions"), 14);
    let data: Value = serde_json::from_str(&D::text(conn, "SELECT _data FROM sessions").unwrap()).unwrap();
    assert_eq!(data, json!({"elsewhere": "192.0.2.2"}));
}

// S18 S19
fn data_is_json_that_plain_sql_reads<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = sessions.new_session();
    session.insert_all([("user_id", json!(7)), ("parrot", json!("ceased to be")), ("actor_id", json!(14))]).unwrap();
    sessions.save(conn, &mut session).unwrap();
    assert_eq!(session.core_field().data_text(), r#"{"actor_id":14,"parrot":"ceased to be"}"#);

    let actor = match D::NAME {
        "postgres" => "SELECT _data ->> 'actor_id' FROM sessions WHERE user_id = 7",
        _ => "SELECT json_extract(_data, '$.actor_id') FROM sessions WHERE user_id = 7",
    };
    assert_eq!(D::number(conn, actor), 14);
    let text = D::text(conn, "SELECT _data FROM sessions WHERE user_id = 7").unwrap();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), json!({"actor_id": 14, "parrot": "ceased to be"}));

    session.insert("user_id", 7).unwrap();
    session.remove("actor_id").unwrap();
    session.remove("parrot").unwrap();
    sessions.save(conn, &mut session).unwrap();
    assert_eq!(D::text(conn, "SELECT _data FROM sessions WHERE user_id = 7").as_deref(), Some("{}"));
}

// S20
fn an_unset_typed_column_reads_null<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = sessions.new_session();
    session.insert("a", 1).unwrap();
    assert_eq!((session.get::<i64>("user_id").unwrap(), session.get_value("user_id")), (None, None));
    sessions.save(conn, &mut session).unwrap();
    let found = loaded(&sessions, conn, &token_of(&session));
    assert_eq!((found.get::<i64>("user_id").unwrap(), found.get_value("user_id")), (None, None));
    assert_eq!(found.get_or("remote_addr", "nowhere".to_owned()).unwrap(), "nowhere");
    assert!(!found.contains_key("user_id"));
}

// S21
fn removing_a_typed_column_sets_null_any_number_of_times<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = sessions.new_session();
    session.insert_all([("remote_addr", "192.0.2.1"), ("user_agent", "curl")]).unwrap();
    sessions.save(conn, &mut session).unwrap();

    assert_eq!(session.remove("remote_addr").unwrap(), Some(json!("192.0.2.1")));
    assert_eq!(session.remove("remote_addr").unwrap(), None);
    assert_eq!(session.try_remove("user_agent").unwrap(), json!("curl"));
    assert_eq!(session.try_remove("user_agent").unwrap(), Value::Null);
    assert_eq!(session.try_remove("remote_addr").unwrap(), Value::Null);
    assert_eq!(session.get::<String>("remote_addr").unwrap(), None);
    assert!(session.was_changed() && session.is_empty());
    sessions.save(conn, &mut session).unwrap();
    assert_eq!(D::text(conn, "SELECT remote_addr FROM sessions"), None);
    assert_eq!(D::text(conn, "SELECT user_agent FROM sessions"), None);
}

// S22 S35
fn removing_what_is_missing_gives_none_or_not_found<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let (mut session, _) = stored::<D>(&sessions, conn);
    assert_eq!(session.remove("missing").unwrap(), None);
    assert_eq!(session.try_remove("missing").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(session.pop::<String>("missing").unwrap(), None);
    assert_eq!(session.pop::<String>("count").unwrap_err().kind(), ErrorKind::WrongType);
    assert_eq!(session.get::<i64>("count").unwrap(), Some(1), "what is of another type stays");
    assert!(!session.was_changed());
    assert_eq!(session.try_remove("count").unwrap(), json!(1));
    assert_eq!(session.pop::<Value>("cart").unwrap(), Some(json!({"lines": [1, 2]})));
    assert!(session.was_changed());
    session.revert();
}

// S23 S24
fn columns_come_first_and_data_keys_by_their_bytes<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = sessions.new_session();
    assert!(session.is_empty() && session.keys().next().is_none());
    assert_eq!(session.len(), 0);
    for key in ["zebra", "Zebra", "ä", "a", "user_agent", "user_id", "10", "9"] {
        session.insert(key, if key == "user_id" { json!(3) } else { json!("x") }).unwrap();
    }
    session.insert("nothing", Value::Null).unwrap();
    let expected = ["user_id", "user_agent", "10", "9", "Zebra", "a", "nothing", "zebra", "ä"];
    sessions.save(conn, &mut session).unwrap();
    let found = loaded(&sessions, conn, &token_of(&session));
    for session in [&session, &found] {
        assert_eq!(session.keys().collect::<Vec<_>>(), expected);
        assert_eq!(session.iter().map(|(key, _)| key).collect::<Vec<_>>(), expected);
        assert_eq!(session.values().next().unwrap().into_owned(), json!(3));
        assert_eq!((session.len(), session.values().count(), session.is_empty()), (9, 9, false));
        assert!(expected.iter().all(|key| session.contains_key(key)), "a data key counts even when it is null");
        assert!(!session.contains_key("remote_addr") && !session.contains_key("A"));
    }
}

// S24
fn clear_empties_columns_and_data<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = sessions.new_session();
    session.insert_all([("remote_addr", "192.0.2.1"), ("user_agent", "curl"), ("a", "1")]).unwrap();
    sessions.save(conn, &mut session).unwrap();
    session.insert("b", 2).unwrap();
    session.clear();
    assert!(session.is_empty() && session.was_changed());
    assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Updated);
    let found = loaded(&sessions, conn, &token_of(&session));
    assert!(found.is_empty() && found.remote_addr().is_none());
    assert_eq!(D::text(conn, "SELECT _data FROM sessions").as_deref(), Some("{}"));
}

// S24 S47
fn clear_removes_the_keys_that_this_handle_saw<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = sessions.new_session();
    session.insert_all([("remote_addr", "192.0.2.1"), ("a", "1")]).unwrap();
    sessions.save(conn, &mut session).unwrap();
    let token = token_of(&session);
    let mut other = loaded(&sessions, conn, &token);
    other.insert_all([("a", "2"), ("new", "3"), ("user_agent", "curl")]).unwrap();
    sessions.save(conn, &mut other).unwrap();
    session.clear();
    sessions.save(conn, &mut session).unwrap();
    let found = loaded(&sessions, conn, &token);
    assert_eq!(pairs(&found), json!([["user_agent", "curl"], ["new", "3"]]));
}

// S25 SECURITY 24
fn every_column_of_the_library_is_reserved<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let (mut session, token) = stored::<D>(&sessions, conn);
    let before = (session.to_model(), pairs(&session));
    let columns = [
        "id",
        "_uuid",
        "_previous_uuid",
        "_data",
        "_version",
        "created_at",
        "authenticated_at",
        "rotated_at",
        "last_seen_at",
        "expires_at",
        "deadline_at",
        "idle_timeout",
        "persistent",
    ];
    let library: Vec<&str> = D::Model::RESERVED.to_vec();
    assert!(columns.iter().all(|name| library.contains(name)) && library.len() == columns.len(), "{library:?}");
    for key in columns.iter().copied().chain(["_", "__", "_anything", "_ä"]) {
        let reserved = |error: diesel_sessions::Error| assert_eq!(error.kind(), ErrorKind::ReservedKey, "{key}");
        reserved(session.insert(key, 1).unwrap_err());
        reserved(session.insert(key, Value::Null).unwrap_err());
        reserved(session.insert_all([("fine", 1), (key, 2)]).unwrap_err());
        reserved(session.get::<Value>(key).unwrap_err());
        reserved(session.get_or(key, 1).unwrap_err());
        reserved(session.remove(key).unwrap_err());
        reserved(session.try_remove(key).unwrap_err());
        reserved(session.pop::<Value>(key).unwrap_err());
        reserved(session.get_or_insert_with(key, || 1).unwrap_err());
        assert!(session.get_value(key).is_none() && session.value_mut(key).is_none() && !session.contains_key(key));
        assert!(session.insert(key, 1).unwrap_err().to_string().contains(key), "the message names the key");
    }
    assert!(!session.was_changed());
    assert_eq!((session.to_model(), pairs(&session)), before);
    assert_eq!(pairs(&loaded(&sessions, conn, &token)), before.1);
    for key in ["ID", "Id", "uuid", "data", "version", "x_data", "Expires_At"] {
        session.insert(key, key).unwrap();
    }
    sessions.save(conn, &mut session).unwrap();
    assert_eq!(
        loaded(&sessions, conn, &token).get::<String>("data").unwrap().as_deref(),
        Some("data"),
        "only columns are reserved"
    );
}

// S61
fn a_row_of_the_applications_query_becomes_a_session<D: Db>(db: &D) {
    let (sessions, clock) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = sessions.new_session();
    sessions.sign_in(conn, &mut session, SignIn::new(7)).unwrap();
    session.insert("a", 1).unwrap();
    sessions.save(conn, &mut session).unwrap();
    let token = token_of(&session);
    let model = sessions.of(&7).list(conn).unwrap().remove(0);

    let mut found = sessions.from_row(model.clone()).unwrap();
    assert_eq!((found.row_id(), found.is_new(), found.was_changed()), (session.row_id(), false, false));
    assert!(found.new_token().is_none(), "a row does not know its token");
    found.insert("b", 2).unwrap();
    assert_eq!(sessions.save(conn, &mut found).unwrap(), Saved::Updated);
    assert_eq!(pairs(&loaded(&sessions, conn, &token)), json!([["user_id", 7], ["a", 1], ["b", 2]]));

    let left = session.expires_at().unwrap() - noon();
    clock.advance(left.to_std().unwrap());
    assert!(sessions.load(conn, token.as_str()).unwrap().is_none());
    assert_eq!(sessions.from_row(model).err().map(|error| error.kind()), Some(ErrorKind::Gone));
}
