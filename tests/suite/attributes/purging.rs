//! Removing attributes that have expired, in bounded batches.

use diesel_sessions::{Purged, WriteOptions};

use super::steps::{a, count, rows, stage};
use crate::life::steps::{created, rolled_back};
use crate::support::{Db, noon, repository_with, seconds, suite};

suite! {
    a_batch_removes_the_longest_expired_attributes,
    the_very_microsecond_of_an_attributes_expiry_counts,
    sessions_and_attributes_are_counted_apart,
    attributes_of_expired_sessions_are_not_counted,
    purging_goes_on_until_no_expired_attribute_is_left,
    hundreds_are_removed_in_one_batch,
    a_live_attribute_is_never_purged,
    purged_attributes_are_back_after_a_rollback,
}

fn attributes(attributes: usize) -> Purged {
    Purged { sessions: 0, attributes }
}

fn names<D: Db>(conn: &mut D::Conn) -> Vec<String> {
    rows::<D>(conn).into_iter().map(|row| row.name).collect()
}

// S63
fn a_batch_removes_the_longest_expired_attributes<D: Db>(db: &D) {
    let s = &mut stage(db);
    let conn = &mut s.conn;
    for (name, end) in [("a", 5), ("b", 2), ("c", 4), ("d", 1), ("e", 3), ("f", 60)] {
        s.attributes.set_with(conn, name, 1, WriteOptions::new().expires_in(seconds(end))).unwrap();
    }
    s.attributes.set(conn, "g", 1).unwrap();
    assert_eq!(s.sessions.purge_batch(conn, 2).unwrap(), Purged::default());
    s.clock.advance(seconds(10));
    assert_eq!(s.sessions.purge_batch(conn, 2).unwrap(), attributes(2));
    assert_eq!(names::<D>(conn), ["a", "c", "e", "f", "g"]);
    assert_eq!(s.sessions.purge_batch(conn, 1).unwrap(), attributes(1));
    assert_eq!(names::<D>(conn), ["a", "c", "f", "g"]);
    assert_eq!(s.sessions.purge_batch(conn, 10).unwrap(), attributes(2));
    assert_eq!(s.sessions.purge_batch(conn, 10).unwrap(), Purged::default());
    assert_eq!(names::<D>(conn), ["f", "g"]);
    assert_eq!(s.attributes.names(conn).unwrap(), ["f", "g"]);
}

// S63 S52
fn the_very_microsecond_of_an_attributes_expiry_counts<D: Db>(db: &D) {
    let s = &mut stage(db);
    let conn = &mut s.conn;
    s.attributes.set_with(conn, "otp", 1, WriteOptions::new().expires_in(seconds(10))).unwrap();
    s.clock.set(noon() + seconds(10) - chrono::TimeDelta::microseconds(1));
    assert_eq!(s.sessions.purge_batch(conn, 10).unwrap(), Purged::default());
    s.clock.set(noon() + seconds(10));
    assert_eq!(s.sessions.purge_batch(conn, 10).unwrap(), attributes(1));
    assert_eq!(count::<D>(conn), 0);
}

/// Three expired sessions and a live one, with an expired, a live and an endless attribute each.
fn mixed<D: Db>(db: &D) -> (crate::life::steps::Repo<D>, D::Conn) {
    let (sessions, clock) = repository_with::<D>(|builder| builder.idle_timeout(seconds(100)));
    let mut conn = db.connect();
    for number in 0..4 {
        clock.set(noon() + seconds(if number < 3 { 0 } else { 10 }));
        let session = created::<D>(&sessions, &mut conn);
        let items = [a("old", 1).expires_in(seconds(90)), a("live", 1).expires_in(seconds(1_000)), a("endless", 1)];
        sessions.attributes(&session).set_many(&mut conn, items, WriteOptions::new()).unwrap();
    }
    clock.set(noon() + seconds(100));
    (sessions, conn)
}

// S63
fn sessions_and_attributes_are_counted_apart<D: Db>(db: &D) {
    let (sessions, conn) = &mut mixed(db);
    assert_eq!(sessions.purge_batch(conn, 2).unwrap(), Purged { sessions: 2, attributes: 1 });
    assert_eq!(count::<D>(conn), 5, "one expired session is left, with its three");
    assert_eq!(sessions.purge_batch(conn, 2).unwrap(), Purged { sessions: 1, attributes: 0 });
    assert_eq!(names::<D>(conn), ["endless", "live"]);
}

// S63
fn attributes_of_expired_sessions_are_not_counted<D: Db>(db: &D) {
    let (sessions, conn) = &mut mixed(db);
    assert_eq!(sessions.purge_batch(conn, 1).unwrap(), Purged { sessions: 1, attributes: 1 });
    // What is left are two expired sessions with an expired attribute each: those are no expired attributes of live sessions.
    assert_eq!((D::number(conn, "SELECT count(*) FROM sessions"), count::<D>(conn)), (3, 8));
    assert_eq!(sessions.purge_expired(conn, 1).unwrap(), Purged { sessions: 2, attributes: 0 });
    assert_eq!(names::<D>(conn), ["endless", "live"]);
}

// S63
fn purging_goes_on_until_no_expired_attribute_is_left<D: Db>(db: &D) {
    let s = &mut stage(db);
    let conn = &mut s.conn;
    for limit in [1, 2, 3, 7, 1_000] {
        let items = (0..6).map(|number| a(&format!("n{number}"), 1));
        s.attributes.set_many(conn, items, WriteOptions::new().expires_in(seconds(1))).unwrap();
        s.clock.advance(seconds(1));
        s.attributes.set(conn, "stays", 1).unwrap();
        assert_eq!(s.sessions.purge_expired(conn, limit).unwrap(), attributes(6), "by {limit}");
        assert_eq!(names::<D>(conn), ["stays"]);
    }
}

// S63
fn hundreds_are_removed_in_one_batch<D: Db>(db: &D) {
    let s = &mut stage(db);
    let other = created::<D>(&s.sessions, &mut s.conn);
    let conn = &mut s.conn;
    for session in [&s.session, &other] {
        let items = (0..150).map(|number| a(&format!("n{number}"), 1).expires_in(seconds(1 + number % 7)));
        s.sessions.attributes(session).set_many(conn, items, WriteOptions::new()).unwrap();
        s.sessions.attributes(session).set(conn, "stays", 1).unwrap();
    }
    s.clock.advance(seconds(7));
    assert_eq!(s.sessions.purge_batch(conn, 250).unwrap(), attributes(250));
    assert_eq!(count::<D>(conn), 52);
    assert_eq!(s.sessions.purge_batch(conn, 250).unwrap(), attributes(50));
    assert_eq!(names::<D>(conn), ["stays", "stays"]);
}

// S63
fn a_live_attribute_is_never_purged<D: Db>(db: &D) {
    let s = &mut stage(db);
    let conn = &mut s.conn;
    let ten = WriteOptions::new().expires_in(seconds(10));
    s.attributes.set_many(conn, ["again", "later", "never", "old"].map(|name| a(name, 1)), ten).unwrap();
    s.attributes.set_expiry(conn, "later", diesel_sessions::Expiry::In(seconds(11))).unwrap();
    s.attributes.set_expiry(conn, "never", diesel_sessions::Expiry::Never).unwrap();
    s.clock.advance(seconds(10));
    s.attributes.set(conn, "again", 2).unwrap();
    let live = ["again", "later", "never"];
    assert_eq!(s.attributes.names(conn).unwrap(), live);
    assert_eq!(s.sessions.purge_expired(conn, 2).unwrap(), attributes(1));
    assert_eq!(
        (names::<D>(conn), s.attributes.names(conn).unwrap()),
        (live.map(str::to_owned).into(), live.map(str::to_owned).into())
    );
}

// S63 S43
fn purged_attributes_are_back_after_a_rollback<D: Db>(db: &D) {
    let s = &mut stage(db);
    let conn = &mut s.conn;
    s.attributes.set_with(conn, "old", 1, WriteOptions::new().expires_in(seconds(1))).unwrap();
    s.clock.advance(seconds(1));
    let before = rows::<D>(conn);
    assert_eq!(rolled_back::<D, _>(conn, |conn| s.sessions.purge_batch(conn, 10).unwrap()), attributes(1));
    assert_eq!(rows::<D>(conn), before);
}
