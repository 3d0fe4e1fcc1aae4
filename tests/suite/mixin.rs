//! Models of an application's own: columns, defaults, foreign keys, names, and several models side by side.

use diesel_sessions::{ErrorKind, Saved, SessionModel, SignIn};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::mapping::{loaded, pairs, sent};
use crate::support::{repository, seconds, suite, token_of};

mod app;
mod foreign;
pub(crate) mod table;
pub(crate) mod text;
mod visit;

use app::{App, Fields, Geo};
use visit::{Account, RENAMED, Visits};

suite! {
    a_column_with_a_default_starts_with_it,
    removing_a_column_with_a_default_sets_the_default,
    a_column_counts_when_it_differs_from_its_default,
    a_skipped_column_is_a_field_and_no_key,
    a_users_sessions_are_found_by_ordinary_queries,
    deleting_a_user_ends_the_sessions,
    an_owner_that_does_not_exist_is_a_foreign_key_error,
    the_live_predicate_agrees_with_load,
    every_column_can_have_another_name,
    renamed_columns_are_reserved_under_their_names,
    a_model_without_an_owner_authenticates,
    an_owner_can_be_a_text,
    a_column_can_be_bound_as_another_type,
    models_stand_side_by_side,
}

// S16 S20
fn a_column_with_a_default_starts_with_it<D: App>(db: &D) {
    let conn = &mut db.connect();
    let (sessions, _) = D::set_up(conn);
    let mut session = sessions.new_session();
    assert_eq!((session.user_agent(), session.visits(), session.geo()), ("unknown", 1, None));
    assert_eq!(session.get::<String>("user_agent").unwrap().as_deref(), Some("unknown"));
    assert!(session.is_empty() && !session.was_changed());
    assert_eq!((session.row_id(), session.id_field(), session.get_value("remote_addr")), (None, Default::default(), None));
    sessions.create(conn, &mut session).unwrap();
    assert_eq!(D::text(conn, "SELECT user_agent FROM app_sessions").as_deref(), Some("unknown"));
    assert_eq!(D::number(conn, "SELECT visits FROM app_sessions"), 1);
    assert_eq!(
        D::number(conn, "SELECT count(*) FROM app_sessions WHERE remote_addr IS NULL AND user_id IS NULL AND geo IS NULL"),
        1
    );
    let found = loaded(&sessions, conn, &token_of(&session));
    assert!(found.is_empty() && *found == *session);
}

// S21
fn removing_a_column_with_a_default_sets_the_default<D: App>(db: &D) {
    let conn = &mut db.connect();
    let (sessions, _) = D::set_up(conn);
    let mut session = sessions.new_session();
    session.insert_all([("user_agent", json!("curl")), ("visits", json!(5)), ("remote_addr", json!("192.0.2.1"))]).unwrap();
    sessions.save(conn, &mut session).unwrap();
    assert_eq!(session.remove("user_agent").unwrap(), Some(json!("curl")));
    for _ in 0..2 {
        assert_eq!(session.remove("user_agent").unwrap(), None);
        assert_eq!(session.try_remove("user_agent").unwrap(), json!("unknown"));
    }
    assert_eq!(session.pop::<i32>("visits").unwrap(), Some(5));
    assert_eq!(session.pop::<i32>("visits").unwrap(), Some(1), "what is read is the default");
    assert_eq!(session.get::<String>("user_agent").unwrap().as_deref(), Some("unknown"));
    assert_eq!(session.insert("visits", Value::Null).unwrap_err().kind(), ErrorKind::WrongType, "NOT NULL holds no null");
    sessions.save(conn, &mut session).unwrap();
    let found = loaded(&sessions, conn, &token_of(&session));
    assert_eq!((found.user_agent(), found.visits()), ("unknown", 1));
    assert_eq!(pairs(&found), json!([["remote_addr", "192.0.2.1"]]));
}

// S23 S24
fn a_column_counts_when_it_differs_from_its_default<D: App>(db: &D) {
    let conn = &mut db.connect();
    let (sessions, _) = D::set_up(conn);
    let mut session = sessions.new_session();
    session.insert_all([("a", json!(1)), ("visits", json!(2)), ("user_agent", json!("unknown")), ("user_id", json!(7))]).unwrap();
    assert_eq!(session.keys().collect::<Vec<_>>(), ["user_id", "visits", "a"]);
    assert!(!session.contains_key("user_agent") && session.contains_key("visits"));
    session.insert("user_agent", "").unwrap();
    assert_eq!((session.len(), session.contains_key("user_agent")), (4, true), "an empty text is no default");
    *session.visits_mut() = 1;
    assert_eq!(pairs(&session), json!([["user_id", 7], ["user_agent", ""], ["a", 1]]));
    session.clear();
    assert_eq!((session.is_empty(), session.len()), (true, 0));
    assert_eq!((session.user_agent(), session.visits()), ("unknown", 1));
    session.revert();
    assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Unchanged);
}

// S16 S41
fn a_skipped_column_is_a_field_and_no_key<D: App>(db: &D) {
    let conn = &mut db.connect();
    let (sessions, _) = D::set_up(conn);
    let mut session = sessions.new_session();
    *session.geo_mut() = Some(Geo("Lancre".to_owned()));
    assert!(session.was_changed() && session.is_empty() && !session.contains_key("geo"));
    for error in
        [session.insert("geo", "x").unwrap_err(), session.get::<Value>("geo").unwrap_err(), session.remove("geo").unwrap_err()]
    {
        assert_eq!(error.kind(), ErrorKind::ReservedKey);
    }
    sessions.save(conn, &mut session).unwrap();
    let token = token_of(&session);
    let mut found = loaded(&sessions, conn, &token);
    assert_eq!(found.geo(), Some(&Geo("Lancre".to_owned())));
    found.clear();
    assert!(found.geo().is_some() && !found.was_changed(), "clear empties what keys reach");
    *found.geo_mut() = None;
    found.revert();
    assert!(found.geo().is_some());
    *found.geo_mut() = Some(Geo("Klatch".to_owned()));
    let mut other = loaded(&sessions, conn, &token);
    other.insert("visits", 3).unwrap();
    sessions.save(conn, &mut other).unwrap();
    assert_eq!(sessions.save(conn, &mut found).unwrap(), Saved::Updated);
    let found = loaded(&sessions, conn, &token);
    assert_eq!((found.geo(), found.visits()), (Some(&Geo("Klatch".to_owned())), 3), "it is merged like any column");
}

// S26 S61
fn a_users_sessions_are_found_by_ordinary_queries<D: App>(db: &D) {
    let conn = &mut db.connect();
    let (sessions, _) = D::set_up(conn);
    let mut rows = Vec::new();
    for owner in [7, 8, 7] {
        let mut session = sessions.new_session();
        sessions.sign_in(conn, &mut session, SignIn::new(owner)).unwrap();
        session.insert("number", rows.len()).unwrap();
        sessions.save(conn, &mut session).unwrap();
        rows.push(session.row_id().unwrap());
    }
    sessions.create(conn, &mut sessions.new_session()).unwrap();
    let of_ada = vec![(rows[0], Some(7), json!({"number": 0})), (rows[2], Some(7), json!({"number": 2}))];
    let told = |models: Vec<D::Session>| -> Vec<_> {
        models
            .iter()
            .map(|model| (model.id_field(), model.owner_field().copied(), json!(model.core_field().data().unwrap())))
            .collect()
    };
    assert_eq!(told(D::of_user(conn, 7)), of_ada);
    assert_eq!(told(D::belonging_to(conn, 7)), of_ada);
    let mut listed = sessions.of(&7).list(conn).unwrap();
    listed.reverse();
    assert_eq!(told(listed), of_ada);
    let joined: Vec<_> = D::joined(conn).into_iter().map(|(name, model)| (name, model.id_field())).collect();
    assert_eq!(joined, [("7 Ada".to_owned(), rows[0]), ("8 Bob".to_owned(), rows[1]), ("7 Ada".to_owned(), rows[2])]);

    let mut found = sessions.from_row(D::of_user(conn, 8).remove(0)).unwrap();
    assert_eq!(found.get("number").unwrap(), Some(1));
    found.insert("visits", 9).unwrap();
    assert_eq!(sessions.save(conn, &mut found).unwrap(), Saved::Updated);
    assert_eq!(D::belonging_to(conn, 8)[0].visits(), 9);
}

// S27 SECURITY 16
fn deleting_a_user_ends_the_sessions<D: App>(db: &D) {
    let conn = &mut db.connect();
    let (sessions, _) = D::set_up(conn);
    let mut handles = Vec::new();
    for owner in [7, 7, 8] {
        let mut session = sessions.new_session();
        sessions.sign_in(conn, &mut session, SignIn::new(owner)).unwrap();
        handles.push(session);
    }
    D::execute(conn, "DELETE FROM users WHERE id = 7");
    assert_eq!(D::number(conn, "SELECT count(*) FROM app_sessions"), 1);
    for session in &mut handles[..2] {
        assert!(!sessions.is_live(conn, token_of(session).as_str()).unwrap());
        session.insert("visits", 2).unwrap();
        assert_eq!(sessions.save(conn, session).unwrap_err().kind(), ErrorKind::Gone);
        session.revert();
    }
    assert!(sessions.is_live(conn, token_of(&handles[2]).as_str()).unwrap());
}

// S27
fn an_owner_that_does_not_exist_is_a_foreign_key_error<D: App>(db: &D) {
    let conn = &mut db.connect();
    let (sessions, _) = D::set_up(conn);
    let mut session = sessions.new_session();
    let error = sessions.sign_in(conn, &mut session, SignIn::new(99)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ForeignKey);
    assert!(session.is_new() && session.new_token().is_none());
    session.revert();
    session.insert("user_id", 99).unwrap();
    assert_eq!(sessions.save(conn, &mut session).unwrap_err().kind(), ErrorKind::ForeignKey);
    session.insert("user_id", 8).unwrap();
    assert_eq!(sessions.save(conn, &mut session).unwrap(), Saved::Created);
}

// S52 S61
fn the_live_predicate_agrees_with_load<D: App>(db: &D) {
    let conn = &mut db.connect();
    let (sessions, clock) = D::set_up(conn);
    let mut session = sessions.new_session();
    sessions.create(conn, &mut session).unwrap();
    let token = token_of(&session);
    let end = session.expires_at().unwrap();
    for (now, live) in [(end - chrono::TimeDelta::microseconds(1), true), (end, false), (end + seconds(1), false)] {
        clock.set(now);
        assert_eq!(sessions.load(conn, token.as_str()).unwrap().is_some(), live, "{now}");
        assert_eq!(D::live(conn, now).len(), usize::from(live), "{now}");
    }
}

// S16 S17
fn every_column_can_have_another_name<D: Visits>(db: &D) {
    let conn = &mut db.connect();
    let (visits, _, clock) = D::set_up(conn);
    let mut visit = visits.new_session();
    visit.insert_all([("software", json!("curl")), ("agent", json!("a data key")), ("score", json!(1.25))]).unwrap();
    assert_eq!(visits.save(conn, &mut visit).unwrap(), Saved::Created);
    let token = token_of(&visit);
    assert_eq!(D::text(conn, "SELECT agent FROM visitor_log").as_deref(), Some("curl"));
    let payload = D::text(conn, "SELECT payload FROM visitor_log").unwrap();
    assert_eq!(serde_json::from_str::<Value>(&payload).unwrap(), json!({"agent": "a data key"}));

    let mut found = loaded(&visits, conn, &token);
    assert_eq!(found.keys().collect::<Vec<_>>(), ["software", "score", "agent"], "declaration order, then data");
    *D::software(&mut found) = None;
    found.insert("lines", 1).unwrap();
    visits.save(conn, &mut found).unwrap();
    visit.insert("score", 2.5).unwrap();
    visits.save(conn, &mut visit).unwrap();
    assert_eq!(pairs(&loaded(&visits, conn, &token)), json!([["score", 2.5], ["agent", "a data key"], ["lines", 1]]));

    visits.rotate(conn, &mut visit).unwrap();
    let token = token_of(&visit);
    clock.advance(seconds(600));
    visit.set_idle_timeout(Some(seconds(900)));
    visits.save(conn, &mut visit).unwrap();
    assert_eq!(D::number(conn, "SELECT idle FROM visitor_log"), 900);
    visits.extend(conn, &mut visit).unwrap();
    assert!(visits.is_live(conn, token.as_str()).unwrap());
    visits.check(conn).unwrap();
    assert!(visits.revoke_row(conn, visit.row_id().unwrap()).unwrap());
    visits.create(conn, &mut visits.new_session()).unwrap();
    clock.advance(seconds(30 * 24 * 3_600));
    assert_eq!(visits.purge_expired(conn, 10).unwrap().sessions, 1);
}

// S25 SECURITY 24
fn renamed_columns_are_reserved_under_their_names<D: Visits>(db: &D) {
    let conn = &mut db.connect();
    let (visits, _, _) = D::set_up(conn);
    let mut visit = visits.new_session();
    for (_, name) in RENAMED {
        assert_eq!(visit.insert(name, 1).unwrap_err().kind(), ErrorKind::ReservedKey, "{name}");
    }
    for name in ["id", "_uuid", "_data", "_other"] {
        assert_eq!(visit.insert(name, 1).unwrap_err().kind(), ErrorKind::ReservedKey, "{name}");
    }
    assert!(visit.is_empty() && !visit.was_changed());
}

// DESIGN 3: without an owner there is still a proof of identity
fn a_model_without_an_owner_authenticates<D: Visits>(db: &D) {
    let conn = &mut db.connect();
    let (visits, _, clock) = D::set_up(conn);
    let mut visit = visits.new_session();
    visit.insert("cart", 1).unwrap();
    visits.save(conn, &mut visit).unwrap();
    let anonymous = token_of(&visit);
    assert_eq!(visit.require_fresh(seconds(60)).unwrap_err().kind(), ErrorKind::NotFresh);
    clock.advance(seconds(5));
    visits.authenticate(conn, &mut visit).unwrap();
    visit.require_fresh(seconds(60)).unwrap();
    assert_ne!(token_of(&visit), anonymous);
    assert!(visits.load(conn, anonymous.as_str()).unwrap().is_none());
    let found = loaded(&visits, conn, &token_of(&visit));
    assert_eq!((found.get("cart").unwrap(), found.authenticated_at()), (Some(1), visit.authenticated_at()));
    assert!(found.authenticated_at().is_some());
    visits.end(conn, &mut visit).unwrap();
    assert_eq!(D::number(conn, "SELECT count(*) FROM visitor_log"), 0);
}

// S26 S62
fn an_owner_can_be_a_text<D: Visits>(db: &D) {
    let conn = &mut db.connect();
    let (_, guests, _) = D::set_up(conn);
    let (ada, bob) = (Account(Uuid::from_u128(7)), Account(Uuid::from_u128(8)));
    let mut guest = guests.new_session();
    guests.sign_in(conn, &mut guest, SignIn::new(ada)).unwrap();
    assert_eq!(D::text(conn, "SELECT account FROM guests"), Some(ada.0.to_string()));
    assert_eq!(guest.get::<Uuid>("account").unwrap(), Some(ada.0));
    assert_eq!(guest.insert("account", "ada").unwrap_err().kind(), ErrorKind::WrongType);
    let mut other = guests.new_session();
    guests.sign_in(conn, &mut other, SignIn::new(bob)).unwrap();
    assert_eq!((guests.of(&ada).count(conn).unwrap(), guests.of(&bob).count(conn).unwrap()), (1, 1));
    assert!(!guests.of(&ada).revoke(conn, other.row_id().unwrap()).unwrap());
    assert_eq!(guests.of(&ada).list(conn).unwrap()[0].owner_field(), Some(&ada));
    guest.insert("account", bob.0).unwrap();
    let before = token_of(&guest);
    guests.save(conn, &mut guest).unwrap();
    assert_ne!(token_of(&guest), before, "a change of owner rotates");
    assert_eq!(guests.of(&bob).revoke_all(conn).unwrap(), 2);
}

// S16 S17
fn a_column_can_be_bound_as_another_type<D: Visits>(db: &D) {
    let conn = &mut db.connect();
    let (_, guests, _) = D::set_up(conn);
    let mut guest = guests.new_session();
    assert_eq!(guest.get::<Vec<String>>("tags").unwrap(), Some(Vec::new()));
    guest.insert("tags", ["a", "b"]).unwrap();
    guests.save(conn, &mut guest).unwrap();
    assert_eq!(D::text(conn, "SELECT tags FROM guests").as_deref(), Some("a,b"));
    let token = token_of(&guest);
    let mut found = loaded(&guests, conn, &token);
    assert!(!found.was_changed());
    assert_eq!(found.get_value("tags").as_deref(), Some(&json!(["a", "b"])));
    D::tags(&mut found).push("c".to_owned());
    guests.save(conn, &mut found).unwrap();
    guest.insert("x", 1).unwrap();
    guests.save(conn, &mut guest).unwrap();
    assert_eq!(pairs(&loaded(&guests, conn, &token)), json!([["tags", ["a", "b", "c"]], ["x", 1]]));
}

// S16
fn models_stand_side_by_side<D: App + Visits>(db: &D) {
    let conn = &mut db.connect();
    let (plain, _) = repository::<D>();
    let (app, _) = <D as App>::set_up(conn);
    let (visits, guests, _) = <D as Visits>::set_up(conn);
    let (mut one, mut two, mut three, mut four) =
        (plain.new_session(), app.new_session(), visits.new_session(), guests.new_session());
    plain.create(conn, &mut one).unwrap();
    app.create(conn, &mut two).unwrap();
    visits.create(conn, &mut three).unwrap();
    guests.create(conn, &mut four).unwrap();
    let tokens = [token_of(&one), token_of(&two), token_of(&three), token_of(&four)];
    for (number, token) in tokens.iter().enumerate() {
        let live = [
            plain.is_live(conn, token.as_str()).unwrap(),
            app.is_live(conn, token.as_str()).unwrap(),
            visits.is_live(conn, token.as_str()).unwrap(),
            guests.is_live(conn, token.as_str()).unwrap(),
        ];
        assert!(live.iter().enumerate().all(|(place, live)| *live == (place == number)), "a token opens one model's session");
    }
    assert_eq!(app.revoke_everyone(conn).unwrap(), 1);
    assert_eq!(D::number(conn, "SELECT count(*) FROM sessions"), 1);
    assert_eq!(D::number(conn, "SELECT count(*) FROM visitor_log"), 1);
    three.insert("score", 2.0).unwrap();
    four.insert("tags", ["x"]).unwrap();
    let statements = sent(conn, |conn| {
        visits.save(conn, &mut three).unwrap();
        guests.save(conn, &mut four).unwrap();
    });
    assert_eq!(statements, 2);
}
