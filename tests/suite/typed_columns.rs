//! Columns of every type that applications have: created, saved, merged, reverted; nullable, with a default, skipped.

use diesel_sessions::{DbSession, ErrorKind, ManualClock, Saved, Session, SessionRepository};
use serde_json::{Value, json};

use crate::mapping::loaded;
use crate::mixin::table::{self, Owner};
use crate::support::{Db, noon, suite, token_of};

mod models;
mod samples;

use models::{Types, Wide};
use samples::SAMPLES;

suite! {
    nullable_columns_are_created_and_saved,
    nullable_columns_merge,
    nullable_columns_revert_and_reset,
    columns_with_a_default_are_created_and_saved,
    columns_with_a_default_merge,
    columns_with_a_default_revert_and_reset,
    skipped_columns_are_created_and_saved,
    skipped_columns_merge,
    skipped_columns_revert,
    every_type_is_read_and_set_by_key,
    a_wrong_type_is_refused_for_every_column,
    json_in_a_column_keeps_the_limits_of_values,
}

type Stage<D, M> = (SessionRepository<M>, <D as Db>::Conn);

fn set_up<D: Types, M: Wide>(db: &D) -> Stage<D, M> {
    let mut conn = db.connect();
    let nullable = M::TABLE == "nullable_columns";
    let columns = D::DDL.iter().map(|(name, ty)| match (nullable, ty.starts_with("TIMESTAMP(")) {
        (true, _) => format!("{name} {ty} NULL"),
        // Without a default, an old setting of MySQL would have each update set it to the present time.
        (false, true) => format!("{name} {ty} NOT NULL DEFAULT '2000-01-01 00:00:00'"),
        (false, false) => format!("{name} {ty} NOT NULL"),
    });
    table::create::<D>(&mut conn, M::TABLE, &columns.collect::<Vec<_>>().join(", "), Owner::Absent, &[]);
    let sessions = SessionRepository::builder().clock(ManualClock::new(noon())).build().unwrap();
    (sessions, conn)
}

fn assert_same<M: Wide>(session: &Session<M>, found: &Session<M>, what: &str) {
    for (number, column) in M::COLUMNS.iter().enumerate() {
        assert!(session.same_column(found, number), "{what}: `{}` came back changed", column.name);
    }
}

/// Every column alone, and all of them, in a new row and in an old one.
fn create_and_save<D: Types, M: DbSession<D::Conn> + Wide>(db: &D) {
    let (sessions, mut conn) = set_up::<D, M>(db);
    let conn = &mut conn;
    for sample in 0..SAMPLES {
        let mut all = sessions.new_session();
        sessions.create(conn, &mut all).unwrap();
        let token = token_of(&all);
        let fresh = loaded(&sessions, conn, &token);
        assert!(fresh.is_empty() && (0..M::COLUMNS.len()).all(|column| fresh.is_default(column)));
        for column in M::COLUMNS {
            let mut one = sessions.new_session();
            one.fill(column.name, sample);
            let changed = one.was_changed();
            sessions.create(conn, &mut one).unwrap();
            assert_same(&one, &loaded(&sessions, conn, &token_of(&one)), column.name);

            let expected = if changed { Saved::Updated } else { Saved::Unchanged };
            all.fill(column.name, sample);
            assert_eq!(sessions.save(conn, &mut all).unwrap(), expected, "`{}`, sample {sample}", column.name);
            let mut found = loaded(&sessions, conn, &token);
            assert_same(&all, &found, column.name);
            found.fill(column.name, sample);
            assert!(!found.was_changed(), "`{}`: an equal value is no change", column.name);
        }
        let mut new = sessions.new_session();
        M::COLUMNS.iter().for_each(|column| new.fill(column.name, sample));
        sessions.create(conn, &mut new).unwrap();
        assert_same(&new, &loaded(&sessions, conn, &token_of(&new)), "all at once");
    }
}

/// Two handles: different columns both survive, of the same column the last save wins.
fn merge<D: Types, M: DbSession<D::Conn> + Wide>(db: &D) {
    let (sessions, mut conn) = set_up::<D, M>(db);
    let conn = &mut conn;
    let mut session = sessions.new_session();
    sessions.create(conn, &mut session).unwrap();
    let token = token_of(&session);
    for number in 0..M::COLUMNS.len() {
        let (one, other) = (number, (number + 1) % M::COLUMNS.len());
        let mut a = loaded(&sessions, conn, &token);
        let mut b = loaded(&sessions, conn, &token);
        a.fill(M::COLUMNS[one].name, 1);
        b.fill(M::COLUMNS[one].name, 3);
        b.fill(M::COLUMNS[other].name, 1);
        a.insert("a", number).unwrap();
        sessions.save(conn, &mut b).unwrap();
        sessions.save(conn, &mut a).unwrap();
        let found = loaded(&sessions, conn, &token);
        assert!(found.same_column(&a, one), "`{}`: the last save wins", M::COLUMNS[one].name);
        assert!(found.same_column(&b, other), "`{}`: another handle's change survives", M::COLUMNS[other].name);
        assert_same(&a, &found, "what was merged is in hand");
        assert_eq!(found.get("a").unwrap(), Some(number));
    }
}

/// Taking back restores what is stored, resetting gives the default.
fn revert_and_reset<D: Types, M: DbSession<D::Conn> + Wide>(db: &D) {
    let (sessions, mut conn) = set_up::<D, M>(db);
    let conn = &mut conn;
    let mut session = sessions.new_session();
    M::COLUMNS.iter().for_each(|column| session.fill(column.name, 3));
    sessions.create(conn, &mut session).unwrap();
    let token = token_of(&session);
    for (number, column) in M::COLUMNS.iter().enumerate() {
        let mut found = loaded(&sessions, conn, &token);
        found.fill(column.name, 2);
        found.insert("a", 1).unwrap();
        assert!(found.was_changed());
        found.revert();
        assert!(!found.was_changed());
        assert_same(&session, &found, column.name);
        assert_eq!(sessions.save(conn, &mut found).unwrap(), Saved::Unchanged);

        found.reset_column(number);
        assert_eq!(sessions.save(conn, &mut found).unwrap(), Saved::Updated);
        let again = loaded(&sessions, conn, &token);
        assert!(again.is_default(number) && !again.contains_key(column.name), "`{}`", column.name);
        session.reset_column(number);
        assert_same(&session, &again, column.name);
    }
    session.revert();
}

// S16 S20
fn nullable_columns_are_created_and_saved<D: Types>(db: &D) {
    create_and_save::<D, D::Nullable>(db);
}

// S47 S48
fn nullable_columns_merge<D: Types>(db: &D) {
    merge::<D, D::Nullable>(db);
}

// S21 S41
fn nullable_columns_revert_and_reset<D: Types>(db: &D) {
    revert_and_reset::<D, D::Nullable>(db);
}

// S16
fn columns_with_a_default_are_created_and_saved<D: Types>(db: &D) {
    create_and_save::<D, D::Defaulted>(db);
}

// S47 S48
fn columns_with_a_default_merge<D: Types>(db: &D) {
    merge::<D, D::Defaulted>(db);
}

// S21 S41
fn columns_with_a_default_revert_and_reset<D: Types>(db: &D) {
    revert_and_reset::<D, D::Defaulted>(db);
}

// S16
fn skipped_columns_are_created_and_saved<D: Types>(db: &D) {
    create_and_save::<D, D::Skipped>(db);
}

// S47 S48
fn skipped_columns_merge<D: Types>(db: &D) {
    merge::<D, D::Skipped>(db);
}

// S21 S41
fn skipped_columns_revert<D: Types>(db: &D) {
    revert_and_reset::<D, D::Skipped>(db);
}

// S17 S21 S23
fn by_key<D: Types, M: DbSession<D::Conn> + Wide>(db: &D) {
    let (sessions, mut conn) = set_up::<D, M>(db);
    let conn = &mut conn;
    let mut row = sessions.new_session();
    sessions.create(conn, &mut row).unwrap();
    let token = token_of(&row);
    for sample in 0..SAMPLES {
        for (number, column) in M::COLUMNS.iter().enumerate() {
            let mut example = sessions.new_session();
            example.fill(column.name, sample);
            let value = example.get_value(column.name).map_or(Value::Null, |value| value.into_owned());
            assert_eq!(value, example.column_value(number).unwrap());

            let mut session = loaded(&sessions, conn, &token);
            session.insert(column.name, &value).unwrap();
            assert!(session.same_column(&example, number), "`{}` set by key", column.name);
            assert_eq!(session.contains_key(column.name), !session.is_default(number));
            sessions.save(conn, &mut session).unwrap();
            let mut found = loaded(&sessions, conn, &token);
            assert_eq!(found.get_value(column.name).as_deref(), Some(&value), "`{}` read by key", column.name);
            assert_eq!(found.try_remove(column.name).unwrap(), value);
            assert!(found.is_default(number));
            found.revert();
            example.revert();
        }
    }
    let data = D::text(conn, &format!("SELECT _data FROM {}", M::TABLE));
    assert_eq!(data.as_deref(), Some("{}"), "data never repeats a column");
}

// S17 S19 S21 S23
fn every_type_is_read_and_set_by_key<D: Types>(db: &D) {
    by_key::<D, D::Nullable>(db);
    by_key::<D, D::Defaulted>(db);
}

// S28
fn a_wrong_type_is_refused_for_every_column<D: Types>(db: &D) {
    let (nullable, conn) = set_up::<D, D::Nullable>(db);
    drop(conn);
    let (defaulted, _) = set_up::<D, D::Defaulted>(db);
    let (skipped, _) = set_up::<D, D::Skipped>(db);
    let wrong = [
        ("small", vec![json!(40_000), json!(-40_000), json!("1"), json!(1.5), json!(true), json!([])]),
        ("whole", vec![json!(1_i64 << 31), json!("1"), json!(0.5), json!(false)]),
        ("big", vec![json!(u64::MAX), json!(1e19), json!("1"), json!({})]),
        ("ratio", vec![json!("0.5"), json!(true), json!([0.5])]),
        ("text", vec![json!(1), json!(true), json!(["a"]), json!({"a": "b"})]),
        ("flag", vec![json!(0), json!(1), json!("true"), json!([])]),
        ("at", vec![json!("yesterday"), json!(1_700_000_000), json!("2026-13-01T00:00:00")]),
        ("instant", vec![json!("tomorrow"), json!(1), json!("2026-11-21T25:00:00Z")]),
        ("code", vec![json!("not a uuid"), json!(1), json!("00000000-0000-0000-0000-00000000000g")]),
        ("bytes", vec![json!("text"), json!([256]), json!([-1]), json!(1)]),
        ("mood", vec![json!("furious"), json!("Calm"), json!(""), json!(0)]),
    ];
    let mut one = nullable.new_session();
    let mut two = defaulted.new_session();
    let mut three = skipped.new_session();
    for (key, values) in &wrong {
        for value in values {
            assert_eq!(one.insert(key, value).unwrap_err().kind(), ErrorKind::WrongType, "{key} = {value}");
            assert_eq!(two.insert(key, value).unwrap_err().kind(), ErrorKind::WrongType, "{key} = {value}");
            assert_eq!(three.insert(key, value).unwrap_err().kind(), ErrorKind::ReservedKey, "{key} is skipped");
        }
        one.insert(key, Value::Null).unwrap();
        assert_eq!(two.insert(key, Value::Null).unwrap_err().kind(), ErrorKind::WrongType, "{key} holds no null");
    }
    assert!(!one.was_changed() && !two.was_changed() && !three.was_changed());
    assert_eq!(wrong.len() + 1, D::DDL.len(), "a JSON column takes any JSON; every other is tried");
}

// S29 SECURITY 29
fn json_in_a_column_keeps_the_limits_of_values<D: Types>(db: &D) {
    let (sessions, mut conn) = set_up::<D, D::Nullable>(db);
    let conn = &mut conn;
    let nested = |levels| (0..levels).fold(json!(1), |value, _| json!([value]));
    let mut session = sessions.new_session();
    for (value, kind) in [
        (nested(31), ErrorKind::Limit),
        (json!("a\0b"), ErrorKind::InvalidArgument),
        (json!({"a\0": 1}), ErrorKind::InvalidArgument),
        (json!([["\0"]]), ErrorKind::InvalidArgument),
    ] {
        assert_eq!(session.insert("json", &value).unwrap_err().kind(), kind, "{value}");
    }
    assert!(!session.was_changed());
    session.insert("json", nested(30)).unwrap();
    session.insert("text", "x".repeat(20_000)).unwrap();
    sessions.save(conn, &mut session).unwrap();
    let found = loaded(&sessions, conn, &token_of(&session));
    assert_eq!(found.get_value("json").as_deref(), Some(&nested(30)));
    assert_same(&session, &found, "columns at the limits");
}
