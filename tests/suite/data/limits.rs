//! Limits before SQL, the same on every engine: size, number of keys, nesting.

use diesel_sessions::{ErrorKind, Saved, SessionModel};
use serde_json::json;

use super::{nested, round_trip};
use crate::mapping::{loaded, pairs, sent, stored};
use crate::support::{Db, repository, suite, token_of};

const LIMIT: usize = 64 * 1024;

/// The length of a text that makes the data `{"a":"…"}` as long as `bytes`.
const fn filling(bytes: usize) -> usize {
    bytes - r#"{"a":""}"#.len()
}

suite! {
    data_of_exactly_the_limit_passes,
    data_over_the_limit_is_refused,
    what_an_engine_adds_to_a_text_is_not_counted,
    a_value_grown_in_place_is_measured_at_save,
    a_thousand_and_twenty_four_keys_pass,
    values_nest_thirty_levels_deep,
}

// S29 SECURITY 29
fn data_of_exactly_the_limit_passes<D: Db>(db: &D) {
    let texts = ["x".repeat(filling(LIMIT)), "\n".repeat(filling(LIMIT) / 2), "🦜".repeat(filling(LIMIT) / 4)];
    for text in texts {
        let (sessions, _) = repository::<D>();
        let conn = &mut db.connect();
        let mut session = sessions.new_session();
        session.insert("a", &text).unwrap();
        assert_eq!(session.to_model().core_field().data_text().len(), LIMIT);
        assert_eq!(session.insert("b", "").unwrap_err().kind(), ErrorKind::Limit, "there is no room for another key");
        assert_eq!(session.insert("a", format!("{text}x")).unwrap_err().kind(), ErrorKind::Limit);
        sessions.save(conn, &mut session).unwrap();
        let mut found = loaded(&sessions, conn, &token_of(&session));
        assert!(found.get::<String>("a").unwrap().as_ref() == Some(&text), "the text came back changed");
        assert_eq!(found.insert("b", "").unwrap_err().kind(), ErrorKind::Limit, "the limit holds for a loaded session too");
        found.insert("a", "short").unwrap();
        found.insert("b", "").unwrap();
        assert_eq!(sessions.save(conn, &mut found).unwrap(), Saved::Updated);
    }
}

// SECURITY 29
fn data_over_the_limit_is_refused<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let (mut session, token) = stored::<D>(&sessions, conn);
    let before = pairs(&session);
    for value in [json!("x".repeat(LIMIT)), json!("\u{1}".repeat(LIMIT / 6)), json!(vec![0; LIMIT / 2])] {
        assert_eq!(session.insert("big", &value).unwrap_err().kind(), ErrorKind::Limit);
    }
    assert_eq!(session.insert("k".repeat(192), 1).unwrap_err().kind(), ErrorKind::Limit);
    assert_eq!(pairs(&session), before);
    assert!(!session.was_changed());
    // Small steps add up, and what is removed makes room again.
    let step = "x".repeat(1_000);
    let mut fitted = 0;
    while session.insert(format!("step{fitted}"), &step).is_ok() {
        fitted += 1;
    }
    assert_eq!(session.insert("one", &step).unwrap_err().kind(), ErrorKind::Limit);
    session.remove("step0").unwrap();
    session.insert("one", &step).unwrap();
    sessions.save(conn, &mut session).unwrap();
    assert_eq!(loaded(&sessions, conn, &token).len(), session.len());
}

// S29: PostgreSQL gives back `[1, 1]`, and the digits of 1e300.
fn what_an_engine_adds_to_a_text_is_not_counted<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let (mut session, token) = stored::<D>(&sessions, conn);
    session.insert_all([("ones", json!(vec![1; LIMIT / 2 - 500])), ("large", json!(vec![1e300; 50]))]).unwrap();
    sessions.save(conn, &mut session).unwrap();
    let mut found = loaded(&sessions, conn, &token);
    found.insert("a", 1).unwrap();
    found.insert("b", 2).unwrap();
    sessions.save(conn, &mut found).unwrap();
    let again = loaded(&sessions, conn, &token);
    assert_eq!((pairs(&again), again.get("b").unwrap()), (pairs(&found), Some(2)));
    assert_eq!(found.insert("c", "x".repeat(1_000)).unwrap_err().kind(), ErrorKind::Limit);
}

// SECURITY 29
fn a_value_grown_in_place_is_measured_at_save<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let (_, token) = stored::<D>(&sessions, conn);
    let refused = [
        (json!("x".repeat(LIMIT)), ErrorKind::Limit),
        (nested(31, false), ErrorKind::Limit),
        (json!({"a": [{"b\0": 1}]}), ErrorKind::InvalidArgument),
        (json!(["a\0"]), ErrorKind::InvalidArgument),
    ];
    for (value, kind) in refused {
        let mut session = loaded(&sessions, conn, &token);
        *session.value_mut("cart").unwrap() = value;
        let statements = sent(conn, |conn| assert_eq!(sessions.save(conn, &mut session).unwrap_err().kind(), kind));
        assert_eq!(statements, 0);
        assert!(session.was_changed(), "the change is still pending");
        *session.value_mut("cart").unwrap() = json!("small");
        assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Updated);
        session.insert("cart", json!({})).unwrap();
        sessions.save(conn, &mut session).unwrap();
    }
    let mut session = loaded(&sessions, conn, &token);
    session.remove("count").unwrap();
    let room = filling(LIMIT) - "cart".len() + "a".len();
    *session.value_mut("cart").unwrap() = json!("x".repeat(room));
    sessions.save(conn, &mut session).unwrap();
    assert_eq!(session.core_field().data_text().len(), LIMIT, "exactly the limit passes here too");
    *session.value_mut("cart").unwrap() = json!("x".repeat(room + 1));
    assert_eq!(sessions.save(conn, &mut session).unwrap_err().kind(), ErrorKind::Limit);
    session.revert();
}

// SECURITY 29
fn a_thousand_and_twenty_four_keys_pass<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = sessions.new_session();
    session.insert("user_id", 7).unwrap();
    session.insert_all((0..1_024).map(|number| (format!("k{number}"), number))).unwrap();
    assert_eq!(session.insert("one more", 1).unwrap_err().kind(), ErrorKind::Limit);
    session.insert("k5", "replaced").unwrap();
    session.insert("remote_addr", "a column is no data key").unwrap();
    sessions.save(conn, &mut session).unwrap();
    let token = token_of(&session);
    let mut found = loaded(&sessions, conn, &token);
    assert_eq!(found.len(), 1_026);
    assert_eq!(found.insert("one more", 1).unwrap_err().kind(), ErrorKind::Limit);
    found.remove("k0").unwrap();
    found.insert("one more", 1).unwrap();
    sessions.save(conn, &mut found).unwrap();

    // Two handles that are within the limit each, and together over it.
    let mut one = loaded(&sessions, conn, &token);
    one.remove("k1").unwrap();
    sessions.save(conn, &mut one).unwrap();
    let mut two = loaded(&sessions, conn, &token);
    one.insert("one", 1).unwrap();
    two.insert("two", 2).unwrap();
    sessions.save(conn, &mut one).unwrap();
    assert_eq!(sessions.save(conn, &mut two).unwrap_err().kind(), ErrorKind::Limit);
    two.remove("k2").unwrap();
    sessions.save(conn, &mut two).unwrap();
    let found = loaded(&sessions, conn, &token);
    assert_eq!((found.len(), found.get("one").unwrap(), found.get("two").unwrap()), (1_026, Some(1), Some(2)));
}

// S29 SECURITY 29
fn values_nest_thirty_levels_deep<D: Db>(db: &D) {
    let entries = vec![("arrays".to_owned(), nested(30, false)), ("objects".to_owned(), nested(30, true))];
    let mut found = round_trip(db, entries);
    assert_eq!(found.get_value("arrays").as_deref(), Some(&nested(30, false)));
    assert_eq!(found.get_value("objects").as_deref(), Some(&nested(30, true)));
    for value in [nested(31, false), nested(31, true), nested(1_000, false), json!([1, {"a": nested(29, true)}])] {
        assert_eq!(found.insert("deep", &value).unwrap_err().kind(), ErrorKind::Limit);
    }
    assert_eq!(found.insert("remote_addr", nested(31, false)).unwrap_err().kind(), ErrorKind::Limit);
    assert!(!found.was_changed());
}
