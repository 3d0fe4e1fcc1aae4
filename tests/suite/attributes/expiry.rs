//! When an attribute ends by itself: to the microsecond, and what keeps, replaces and clears its expiry.

use std::time::Duration;

use chrono::TimeDelta;
use diesel_sessions::{ErrorKind, Expiry, Timeouts, WriteOptions};
use serde_json::Value;

use super::steps::{SECOND, Stage, a, about, count, error, line, rows, stage, told};
use crate::life::steps::created;
use crate::mapping::sent;
use crate::support::{Db, noon, repository_with, seconds, suite};

suite! {
    an_attribute_is_live_until_the_very_microsecond,
    an_expiry_is_cut_to_microseconds,
    an_expiry_of_no_time_or_too_long_is_refused,
    the_shortest_and_the_longest_expiry_are_taken,
    an_expiry_that_is_not_named_is_kept,
    never_clears_an_expiry,
    another_expiry_replaces_the_stored_one,
    a_batch_can_keep_clear_and_replace_at_once,
    set_expiry_changes_the_expiry_alone,
    set_expiry_of_a_missing_one_changes_nothing,
    an_expiry_does_not_outlast_the_session,
}

// S71 S52
fn an_attribute_is_live_until_the_very_microsecond<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    let begin = TimeDelta::microseconds(123_456);
    s.clock.set(noon() + begin);
    attributes.set_with(conn, "otp", 1, WriteOptions::new().expires_in(seconds(10))).unwrap();
    attributes.set(conn, "stays", 2).unwrap();
    let end = 10 * SECOND + 123_456;
    let before = rows::<D>(conn);
    assert_eq!(before[0].expires, Some(end));
    for (now, live) in [(end - 1, true), (end, false), (end + 1, false), (end - 1, true)] {
        s.clock.set(noon() + TimeDelta::microseconds(now));
        assert_eq!(attributes.get::<u32, _>(conn, "otp").unwrap(), live.then_some(1), "{now}");
        assert_eq!(attributes.get_value(conn, "otp").unwrap().is_some(), live, "{now}");
        let values = attributes.get_many(conn, ["otp", "stays"]).unwrap();
        assert_eq!(values["otp"].as_ref().unwrap().as_ref(), live.then_some(&Value::from(1)), "{now}");
        assert_eq!(values["stays"].as_ref().unwrap(), &Some(Value::from(2)));
        assert_eq!(attributes.entry(conn, "otp").unwrap().map(|entry| entry.value::<u32>().unwrap()), live.then_some(1));
        assert_eq!(attributes.exists(conn, "otp").unwrap(), live, "{now}");
        assert_eq!(attributes.exists_many(conn, ["otp", "stays"]).unwrap()["otp"], live, "{now}");
        assert_eq!(attributes.names(conn).unwrap(), if live { vec!["otp", "stays"] } else { vec!["stays"] }, "{now}");
        assert_eq!(rows::<D>(conn), before, "reading changes and deletes nothing");
    }
}

// S71
fn an_expiry_is_cut_to_microseconds<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    s.clock.set(noon() + TimeDelta::nanoseconds(1_999));
    attributes.set_with(conn, "otp", 1, WriteOptions::new().expires_in(Duration::from_nanos(10_999))).unwrap();
    let row = rows::<D>(conn).remove(0);
    assert_eq!((row.created, row.updated), (1, 1));
    let end = row.expires.unwrap();
    assert!((11..=12).contains(&end), "{end}");
    let entry = attributes.entry(conn, "otp").unwrap().unwrap();
    assert_eq!(entry.expires_at(), Some(noon() + TimeDelta::microseconds(end)));
    s.clock.set(noon() + TimeDelta::microseconds(end) - TimeDelta::nanoseconds(1));
    assert!(attributes.exists(conn, "otp").unwrap());
    s.clock.advance(Duration::from_nanos(1));
    assert!(!attributes.exists(conn, "otp").unwrap());
}

// S71
fn an_expiry_of_no_time_or_too_long_is_refused<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    attributes.set_with(conn, "there", 1, WriteOptions::new().expires_in(seconds(60))).unwrap();
    let before = rows::<D>(conn);
    for duration in [Duration::ZERO, Duration::from_nanos(999), Duration::from_secs(2_147_483_648), Duration::MAX] {
        let call = WriteOptions::new().expires_in(duration);
        let items = || [a("there", 2), a("new", 2).expires_in(duration)];
        let refused = ErrorKind::InvalidArgument;
        let statements = sent(conn, |conn| {
            for name in ["there", "new"] {
                assert_eq!(about(attributes.create_with(conn, name, 2, call)).0, refused, "{duration:?}");
                assert_eq!(about(attributes.set_with(conn, name, 2, call)).0, refused, "{duration:?}");
                assert_eq!(about(attributes.update_with(conn, name, 2, call)).0, refused, "{duration:?}");
                assert_eq!(about(attributes.set_expiry(conn, name, Expiry::In(duration))).0, refused, "{duration:?}");
            }
            for options in [call.never(), call] {
                assert_eq!(about(attributes.create_many(conn, items(), options)).0, refused, "{duration:?}");
                assert_eq!(about(attributes.set_many(conn, items(), options)).0, refused, "{duration:?}");
                assert_eq!(about(attributes.update_many(conn, items(), options)).0, refused, "{duration:?}");
            }
            assert_eq!(about(attributes.set_many(conn, items(), WriteOptions::new())), error(refused, "new"), "{duration:?}");
            let several = attributes.set_expiry_many(conn, ["there", "new"], Expiry::In(duration));
            assert_eq!(about(several).0, refused, "{duration:?}");
        });
        assert_eq!(statements, 0, "{duration:?}");
    }
    assert_eq!(rows::<D>(conn), before);
}

// S71
fn the_shortest_and_the_longest_expiry_are_taken<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    let longest = Duration::from_secs(2_147_483_647);
    let (micro, longest_micros) = (Duration::from_micros(1), 2_147_483_647 * SECOND);
    attributes.create_with(conn, "a", 1, WriteOptions::new().expires_in(micro)).unwrap();
    attributes.set_many(conn, [a("b", 1).expires_in(longest), a("c", 1)], WriteOptions::new().expires_in(micro)).unwrap();
    let ends: Vec<_> = rows::<D>(conn).into_iter().map(|row| row.expires).collect();
    assert_eq!(ends, [Some(1), Some(longest_micros), Some(1)]);
    assert_eq!(attributes.names(conn).unwrap(), ["a", "b", "c"]);
    s.clock.advance(micro);
    assert_eq!(attributes.names(conn).unwrap(), ["b"]);
    s.clock.set(noon() + longest - micro);
    assert!(attributes.exists(conn, "b").unwrap());
    attributes.set_expiry(conn, "b", Expiry::In(longest)).unwrap();
    assert_eq!(rows::<D>(conn)[1].expires, Some(2 * longest_micros - 1));
    // Where the calendar of the engines ends, so does the attribute's expiry.
    s.clock.set("9990-01-01T00:00:00Z".parse().unwrap());
    attributes.set_with(conn, "late", 1, WriteOptions::new().expires_in(longest)).unwrap();
    let entry = attributes.entry(conn, "late").unwrap().unwrap();
    assert_eq!(entry.expires_at(), Some("9999-12-31T00:00:00Z".parse().unwrap()));
}

/// A stage with an attribute that ends after a minute, and half of that gone.
fn half_a_minute_left<D: Db>(db: &D) -> Stage<D> {
    let mut s = stage(db);
    let minute = WriteOptions::new().expires_in(seconds(60));
    s.attributes.set_many(&mut s.conn, ["a", "b", "c", "d", "e"].map(|name| a(name, 0)), minute).unwrap();
    s.clock.advance(seconds(30));
    s
}

// S74
fn an_expiry_that_is_not_named_is_kept<D: Db>(db: &D) {
    let s = &mut half_a_minute_left(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    attributes.set(conn, "a", 1).unwrap();
    attributes.update(conn, "b", 1).unwrap();
    attributes.set_many(conn, [a("c", 1)], WriteOptions::new().in_clear()).unwrap();
    attributes.update_many(conn, [a("d", 1), a("e", 1)], WriteOptions::new()).unwrap();
    let kept = ["a", "b", "c", "d", "e"].map(|name| line(name, 1, [0, 30 * SECOND], Some(60 * SECOND)));
    assert_eq!(told::<D>(conn), kept);
    attributes.set_with(conn, "a", 2, WriteOptions::new().encrypted()).unwrap();
    assert_eq!(rows::<D>(conn)[0].expires, Some(60 * SECOND));
}

// S74
fn never_clears_an_expiry<D: Db>(db: &D) {
    let s = &mut half_a_minute_left(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    let never = WriteOptions::new().never();
    attributes.set_with(conn, "a", 1, never).unwrap();
    attributes.update_with(conn, "b", 1, never).unwrap();
    attributes.set_many(conn, [a("c", 1)], never).unwrap();
    attributes.update_many(conn, [a("d", 1), a("e", 1).never()], never).unwrap();
    let cleared = ["a", "b", "c", "d", "e"].map(|name| line(name, 1, [0, 30 * SECOND], None));
    assert_eq!(told::<D>(conn), cleared);
    s.clock.advance(seconds(1_000_000));
    assert_eq!(attributes.names(conn).unwrap().len(), 5);
}

// S74
fn another_expiry_replaces_the_stored_one<D: Db>(db: &D) {
    let s = &mut half_a_minute_left(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    let shorter = WriteOptions::new().expires_in(seconds(5));
    attributes.set_with(conn, "a", 1, shorter).unwrap();
    attributes.update_with(conn, "b", 1, shorter).unwrap();
    attributes.set_many(conn, [a("c", 1).expires_in(seconds(5))], WriteOptions::new()).unwrap();
    attributes.update_many(conn, [a("d", 1).expires_in(seconds(5)), a("e", 1)], WriteOptions::new()).unwrap();
    let mut replaced = ["a", "b", "c", "d", "e"].map(|name| line(name, 1, [0, 30 * SECOND], Some(35 * SECOND)));
    replaced[4].4 = Some(60 * SECOND);
    assert_eq!(told::<D>(conn), replaced);
    attributes.set_with(conn, "a", 1, WriteOptions::new().expires_in(seconds(1_000))).unwrap();
    assert_eq!(rows::<D>(conn)[0].expires, Some(1_030 * SECOND), "a longer one as well");
}

// S74 S87
fn a_batch_can_keep_clear_and_replace_at_once<D: Db>(db: &D) {
    let s = &mut half_a_minute_left(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    let items = |value: u32| [a("d", value).expires_in(seconds(7)), a("b", value).never(), a("e", value), a("c", value).never()];
    let after = |conn: &mut D::Conn, value: u32, now: i64| {
        let line = |name: &str, expires| line(name, value, [0, now], expires);
        let end = Some(now + 7 * SECOND);
        assert_eq!(told::<D>(conn)[1..], [line("b", None), line("c", None), line("d", end), line("e", Some(60 * SECOND))]);
    };
    attributes.set_many(conn, items(1), WriteOptions::new()).unwrap();
    after(conn, 1, 30 * SECOND);
    s.clock.advance(seconds(1));
    attributes.update_many(conn, items(2), WriteOptions::new()).unwrap();
    after(conn, 2, 31 * SECOND);
    assert_eq!(told::<D>(conn)[0], line("a", 0, [0; 2], Some(60 * SECOND)));
}

// S76
fn set_expiry_changes_the_expiry_alone<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    attributes.set(conn, "clear", serde_json::json!({"a": [1, null]})).unwrap();
    attributes.set_with(conn, "sealed", "secret", WriteOptions::new().encrypted()).unwrap();
    attributes.set(conn, "other", 1).unwrap();
    let mut expected = rows::<D>(conn);
    let mut now = 0;
    for (expiry, end) in [(Expiry::In(seconds(50)), Some(50)), (Expiry::In(seconds(20)), Some(20)), (Expiry::Never, None)] {
        s.clock.advance(seconds(10));
        now += 10;
        let end = end.map(|end| (now + end) * SECOND);
        attributes.set_expiry(conn, "clear", expiry).unwrap();
        expected[0].expires = end;
        assert_eq!(rows::<D>(conn), expected, "{expiry:?}");
        attributes.set_expiry_many(conn, ["sealed", "clear", "sealed"], expiry).unwrap();
        expected[2].expires = end;
        assert_eq!(rows::<D>(conn), expected, "{expiry:?}");
    }
    attributes.set_expiry(conn, "sealed", Expiry::Never).unwrap();
    assert_eq!(rows::<D>(conn), expected, "to what it is already");
    assert_eq!(attributes.get(conn, "sealed").unwrap(), Some("secret".to_owned()));
}

// S73 S88
fn set_expiry_of_a_missing_one_changes_nothing<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    for name in ["b", "d"] {
        attributes.set(conn, name, 1).unwrap();
    }
    let before = rows::<D>(conn);
    let soon = Expiry::In(seconds(1));
    assert_eq!(about(attributes.set_expiry(conn, "a", soon)), error(ErrorKind::NotFound, "a"));
    for (names, missing) in [(["a", "b", "d"], "a"), (["d", "b", "e"], "e"), (["b", "c", "d"], "c"), (["x", "c", "a"], "a")] {
        assert_eq!(about(attributes.set_expiry_many(conn, names, soon)), error(ErrorKind::NotFound, missing));
    }
    assert_eq!(rows::<D>(conn), before);
    attributes.set_expiry_many(conn, Vec::<String>::new(), soon).unwrap();
    assert_eq!(rows::<D>(conn), before);
}

// S75
fn an_expiry_does_not_outlast_the_session<D: Db>(db: &D) {
    let ten = Timeouts { idle: Some(seconds(10)), absolute: None };
    let (sessions, clock) = repository_with::<D>(|builder| builder.timeouts(ten));
    let conn = &mut db.connect();
    let session = created::<D>(&sessions, conn);
    let attributes = sessions.attributes(&session);
    attributes.set_with(conn, "otp", 1, WriteOptions::new().expires_in(seconds(1_000))).unwrap();
    clock.advance(seconds(10));
    assert_eq!(about(attributes.get_value(conn, "otp")).0, ErrorKind::Gone);
    assert_eq!((sessions.purge_expired(conn, 10).unwrap().sessions, count::<D>(conn)), (1, 0));
}
