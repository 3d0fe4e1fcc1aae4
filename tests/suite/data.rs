//! What data may hold: values that come back as they went, keys of a form, rows that cannot be read.

use diesel_sessions::{ErrorKind, Session, SessionModel, SignIn};
use serde_json::{Value, json};

use crate::mapping::{loaded, sent, stored};
use crate::support::{Db, Plain, repository, suite, token_of};

mod limits;

suite! {
    every_json_value_comes_back,
    a_large_float_is_the_same_after_a_reload,
    what_a_save_does_not_change_keeps_its_digits,
    keys_have_a_form,
    no_text_holds_a_nul,
    control_characters_in_values_come_back,
    quotes_and_sql_are_text_like_any_other,
    a_row_that_is_no_object_is_undecodable_and_stays_as_it_is,
}

fn round_trip<D: Db>(db: &D, entries: Vec<(String, Value)>) -> Session<D::Model> {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let mut session = sessions.new_session();
    session.insert_all(entries).unwrap();
    sessions.save(conn, &mut session).unwrap();
    loaded(&sessions, conn, &token_of(&session))
}

/// Equal to the last bit, a whole float and its integer counting as equal.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => match (whole(x), whole(y)) {
            (Some(x), Some(y)) => x == y,
            (None, None) => x.as_f64().map(f64::to_bits) == y.as_f64().map(f64::to_bits),
            _ => false,
        },
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(x, y)),
        (Value::Object(x), Value::Object(y)) => x.len() == y.len() && x.iter().all(|(k, x)| y.get(k).is_some_and(|y| same(x, y))),
        _ => a == b,
    }
}

/// The decimal digits of a whole number, as they are written: of a float the fewest that denote it.
fn whole(number: &serde_json::Number) -> Option<String> {
    match number.as_f64().filter(|float| number.is_f64() && (float.fract() == 0.0)) {
        Some(float) => Some((float + 0.0).to_string()),
        None => (!number.is_f64()).then(|| number.to_string()),
    }
}

/// A value within this many arrays, or objects.
fn nested(levels: usize, objects: bool) -> Value {
    (0..levels).fold(json!(1), |value, _| if objects { json!({"a": value}) } else { json!([value]) })
}

// S29
fn every_json_value_comes_back<D: Db>(db: &D) {
    let values = [
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(-1),
        json!(1),
        json!(i64::MIN),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(0.1),
        json!(-0.1),
        json!(1.5),
        json!(f64::MIN_POSITIVE),
        json!(5e-324),
        json!(-5e-324),
        json!(f64::MAX),
        json!(f64::MIN),
        json!(1e16),
        json!(1e300),
        json!(123_456_789.123_456_78),
        json!(std::f64::consts::PI),
        json!(0.1 + 0.2),
        json!(9_007_199_254_740_993_i64),
        json!(f64::from_bits(0x000f_ffff_ffff_ffff)),
        json!(1e-7),
        json!(4.35),
        json!(""),
        json!(" "),
        json!("ä ö 漢字 🦜 \u{10ffff} \u{feff}"),
        json!("\u{2028}\u{2029}"),
        json!("\\ / \" \\u0041 \\\\"),
        json!([]),
        json!({}),
        json!([[], {}, [null]]),
        json!({"": "", " ": {"b": [1, {"c": "d"}]}, "a": null, "A": 1}),
        json!({"zz": 1, "b": 2, "aaa": 3}),
        json!("null"),
        json!("{}"),
        json!("{\"a\":1}"),
    ];
    let entries = values.iter().enumerate().map(|(number, value)| (format!("v{number}"), value.clone())).collect();
    let found = round_trip(db, entries);
    for (number, value) in values.iter().enumerate() {
        let back = found.get_value(format!("v{number}")).unwrap();
        assert!(same(&back, value), "{value} came back as {back}");
    }
    assert_eq!(found.get::<f64>("v13").unwrap().map(f64::to_bits), Some(5e-324_f64.to_bits()));
    assert_eq!(found.get::<f64>("v15").unwrap(), Some(f64::MAX), "a whole float reads as a float all the same");
    assert_eq!(found.get::<u64>("v8").unwrap(), Some(u64::MAX));
    assert!(!found.was_changed());
}

// S29 S39: JSONB gives a whole float back as the integer of its decimal digits, which from 2^53 on is not its exact value.
fn a_large_float_is_the_same_after_a_reload<D: Db>(db: &D) {
    for float in [2.408_460_609_246_743e16, -2.408_460_609_246_743e16, 9.007_199_254_740_994e15, 1.8e19, 1e22, 1e300] {
        let mut found = round_trip(db, vec![("a".to_owned(), json!(float))]);
        assert_eq!(found.get("a").unwrap(), Some(float));
        found.insert("a", float).unwrap();
        assert!(!found.was_changed(), "{float} was set again over {:?}", found.get_value("a"));
        found.revert();
    }
}

// S29: a value that another program has stored, with more digits than an `f64` holds. MySQL rounds it, MariaDB does not.
fn what_a_save_does_not_change_keeps_its_digits<D: Db>(db: &D) {
    const DIGITS: [&str; 3] = ["3.14159265358979323846264338327950288", "1.50", "12345678901234567890123"];
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    for unsure in ["", r#", "e": "\ud83d\ude00""#] {
        let (session, token) = stored::<D>(&sessions, conn);
        let row = session.row_id().unwrap();
        let written = format!(r#"{{"a": 1, "pi": [{}, {{"b": {}}}], "z": {}{unsure}}}"#, DIGITS[0], DIGITS[1], DIGITS[2]);
        let written = if D::NAME == "mysql" { written.replace('\\', r"\\") } else { written };
        D::execute(conn, &format!("UPDATE sessions SET _data = '{written}' WHERE id = {row}"));
        let kept = |conn: &mut D::Conn| {
            let text = D::text(conn, &format!("SELECT _data FROM sessions WHERE id = {row}")).unwrap();
            DIGITS.map(|digits| text.contains(digits))
        };
        let before = kept(conn);
        assert!(D::NAME == "mysql" || before == [true; 3]);

        let mut late = loaded(&sessions, conn, &token);
        let mut found = loaded(&sessions, conn, &token);
        assert_eq!(found.get::<f64>("z").unwrap(), Some(12345678901234567890123.0), "to read changes nothing");
        found.insert_all([("a", 5), ("z", 6)]).unwrap();
        found.revert();
        assert_eq!(found.insert("b", "x".repeat(70_000)).unwrap_err().kind(), ErrorKind::Limit);
        let same = found.value_mut("pi").unwrap().clone();
        found.insert("pi", same).unwrap();
        found.insert("a", 2).unwrap();
        sessions.save(conn, &mut found).unwrap();
        assert_eq!(kept(conn), before);
        found.insert("a", 3).unwrap();
        sessions.save(conn, &mut found).unwrap();
        late.insert("new", 4).unwrap();
        sessions.save(conn, &mut late).unwrap();
        assert_eq!(kept(conn), before, "a merge");
        let mut again = sessions.from_row(loaded(&sessions, conn, &token).to_model()).unwrap();
        again.insert("last", 5).unwrap();
        sessions.save(conn, &mut again).unwrap();
        assert_eq!(kept(conn), before, "a copy of the model");
        assert_eq!((again.get("a").unwrap(), again.get("new").unwrap()), (Some(3), Some(4)));
        assert_eq!(again.get_value("pi").as_deref(), Some(&json!([std::f64::consts::PI, {"b": 1.5}])));
    }
}

// S25 SECURITY 29
fn keys_have_a_form<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let mut session = sessions.new_session();
    let controls = (0..=0x1f).chain(0x7f..=0x9f).map(|code| format!("a{}b", char::from_u32(code).unwrap()));
    let spaces = [" a", "a ", "\u{a0}a", "a\u{2003}", "\u{3000}", " "].map(str::to_owned);
    for key in controls.chain(spaces).chain([String::new()]) {
        assert_eq!(session.insert(&key, 1).unwrap_err().kind(), ErrorKind::InvalidArgument, "{key:?}");
        assert_eq!(session.get_or_insert_with(&key, || 1).unwrap_err().kind(), ErrorKind::InvalidArgument, "{key:?}");
        assert!(!session.contains_key(&key) && session.remove(&key).unwrap().is_none());
    }
    for key in ["x".repeat(192), "ä".repeat(96), "x".repeat(100_000)] {
        assert_eq!(session.insert(&key, 1).unwrap_err().kind(), ErrorKind::Limit);
    }
    assert!(session.is_empty() && !session.was_changed());
    let fine = [
        "x".repeat(191),
        "ä".repeat(95),
        "a b".to_owned(),
        "🦜".to_owned(),
        "$.a[0]".to_owned(),
        "a.b".to_owned(),
        "%s".to_owned(),
    ];
    let found = round_trip(db, fine.iter().map(|key| (key.clone(), json!(key))).collect());
    for key in &fine {
        assert_eq!(found.get::<String>(key).unwrap().as_ref(), Some(key));
    }
    assert_eq!(found.len(), fine.len());
}

// S29 SECURITY 29
fn no_text_holds_a_nul<D: Db>(db: &D) {
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let (mut session, _) = stored::<D>(&sessions, conn);
    for value in [json!("\0"), json!("a\0b"), json!([["\0"]]), json!({"a": {"b\0c": 1}})] {
        assert_eq!(session.insert("new", &value).unwrap_err().kind(), ErrorKind::InvalidArgument, "{value}");
    }
    assert_eq!(session.insert("new\0", 1).unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(session.insert("remote_addr", "a\0b").unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert!(!session.was_changed());
    // Set as a field, it is found at save.
    *session.remote_addr_mut() = Some("a\0b".to_owned());
    let statements = sent(conn, |conn| {
        assert_eq!(sessions.save(conn, &mut session).unwrap_err().kind(), ErrorKind::InvalidArgument);
        assert_eq!(sessions.sign_in(conn, &mut session, SignIn::new(7)).unwrap_err().kind(), ErrorKind::InvalidArgument);
    });
    assert_eq!(statements, 0);
    session.revert();
    let mut fresh = sessions.new_session();
    *fresh.user_agent_mut() = Some("\0".to_owned());
    assert_eq!(sessions.save(conn, &mut fresh).unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(sessions.create(conn, &mut fresh).unwrap_err().kind(), ErrorKind::InvalidArgument);
    fresh.revert();
    assert_eq!(D::number(conn, "SELECT count(*) FROM sessions"), 1);
}

// S29
fn control_characters_in_values_come_back<D: Db>(db: &D) {
    let text: String = (1..=0x9f).filter_map(char::from_u32).collect();
    let mut entries = vec![("text".to_owned(), json!(text)), ("names".to_owned(), json!({(text.as_str()): [text.as_str()]}))];
    entries.push(("remote_addr".to_owned(), json!(text)));
    let found = round_trip(db, entries);
    assert_eq!(found.get::<String>("text").unwrap().as_ref(), Some(&text));
    assert_eq!(found.get_value("names").as_deref(), Some(&json!({(text.as_str()): [text.as_str()]})));
    assert_eq!(found.remote_addr(), Some(text.as_str()));
}

// SECURITY 28
fn quotes_and_sql_are_text_like_any_other<D: Db>(db: &D) {
    let attacks = [
        "'; DROP TABLE sessions; --",
        "\"; DELETE FROM sessions; --",
        "' OR '1'='1",
        "\\'; DROP TABLE sessions; #",
        "`sessions`",
        "$1",
        "?",
        ":user_id",
        "%s",
        "{\"a\":1}",
        "\\u0000",
        "\\",
        "\\\\",
        "''",
        "\"\"",
        "/* */",
        "x'; UPDATE sessions SET user_id = 1; --",
    ];
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    let (_, bystander) = stored::<D>(&sessions, conn);
    let mut session = sessions.new_session();
    for attack in attacks {
        session.insert(attack, attack).unwrap();
    }
    sessions.save(conn, &mut session).unwrap();
    let token = token_of(&session);
    for attack in attacks {
        let mut session = loaded(&sessions, conn, &token);
        session.insert("remote_addr", attack).unwrap();
        session.insert("user_agent", attack).unwrap();
        session.remove(attack).unwrap();
        session.insert("last", json!({attack: attack})).unwrap();
        sessions.save(conn, &mut session).unwrap();
        let found = loaded(&sessions, conn, &token);
        assert_eq!((found.remote_addr(), found.user_id()), (Some(attack), None));
        assert_eq!(found.get_value("last").as_deref(), Some(&json!({attack: attack})));
        assert!(!found.contains_key(attack));
        assert!(!sessions.is_live(conn, attack).unwrap() && sessions.load(conn, attack).unwrap().is_none());
    }
    assert_eq!(D::number(conn, "SELECT count(*) FROM sessions"), 2);
    assert_eq!(loaded(&sessions, conn, &bystander).get("count").unwrap(), Some(1));
}

// SECURITY 23
fn a_row_that_is_no_object_is_undecodable_and_stays_as_it_is<D: Db>(db: &D) {
    let mut broken = vec!["'[]'", "'7'", "'null'", "'\"text\"'", "'[{\"a\": 1}]'"];
    if D::NAME == "sqlite" {
        broken.extend(["''", "'{\"a\":'", "'not JSON'", "'{\"a\": 1} {}'", "7", "X'C328'", "CAST(X'7B22C3' AS TEXT)"]);
    }
    let (sessions, _) = repository::<D>();
    let conn = &mut db.connect();
    for text in broken {
        let mut healthy = sessions.new_session();
        sessions.sign_in(conn, &mut healthy, SignIn::new(7)).unwrap();
        let mut session = sessions.new_session();
        sessions.sign_in(conn, &mut session, SignIn::new(7)).unwrap();
        let (token, row) = (token_of(&session), session.row_id().unwrap());
        D::execute(conn, &format!("UPDATE sessions SET _data = {text} WHERE id = {row}"));
        let stored =
            D::text(conn, &format!("SELECT hex(_data) FROM sessions WHERE id = {row}").replace("hex(_data)", hex::<D>()));

        assert_eq!(sessions.load(conn, token.as_str()).err().map(|error| error.kind()), Some(ErrorKind::Undecodable), "{text}");
        assert_eq!(sessions.open(conn, token.as_str()).err().map(|error| error.kind()), Some(ErrorKind::Undecodable), "{text}");
        assert!(sessions.is_live(conn, token.as_str()).unwrap(), "it is no end of the session");
        let mine = sessions.of(&7);
        let listed = mine.list(conn).unwrap();
        assert_eq!((listed.len(), listed[0].id_field(), mine.count(conn).unwrap()), (2, row, 2), "{text}");
        assert_eq!(listed[0].core_field().data().unwrap_err().kind(), ErrorKind::Undecodable);
        assert_eq!(sessions.from_row(listed[0].clone()).err().map(|error| error.kind()), Some(ErrorKind::Undecodable));
        let now = D::text(conn, &format!("SELECT hex(_data) FROM sessions WHERE id = {row}").replace("hex(_data)", hex::<D>()));
        assert_eq!(now, stored, "nothing has emptied it");

        // A handle that was loaded before cannot lay its changes over what it cannot read.
        D::execute(conn, &format!("UPDATE sessions SET _version = _version + 1 WHERE id = {row}"));
        session.insert("a", 1).unwrap();
        assert_eq!(sessions.save(conn, &mut session).unwrap_err().kind(), ErrorKind::Undecodable, "{text}");
        session.revert();
        assert!(mine.revoke(conn, row).unwrap());
        assert_eq!(mine.revoke_all(conn).unwrap(), 1);
    }
}

fn hex<D: Db>() -> &'static str {
    if D::NAME == "postgres" { "_data" } else { "hex(_data)" }
}
