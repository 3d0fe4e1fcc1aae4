//! Moving sealed values to the key that writes now: in batches, resumable, and touching nothing else.

use std::sync::{Arc, Mutex};

use diesel::Connection;
use diesel::connection::InstrumentationEvent;
use diesel_sessions::{Attribute, ErrorKind, Keyring, Resealed, WriteOptions};

use super::raw::{answers, key, put_sealed, row_of, sealed, with_keys};
use crate::life::steps::{Handle, Repo, created, kind, rolled_back};
use crate::support::{Db, noon, repository, seconds, suite};

suite! {
    old_keys_read_the_first_writes_and_the_rest_moves,
    a_limit_bounds_what_one_call_moves,
    values_that_do_not_open_hold_nothing_up,
    what_was_moved_before_a_failure_stays_moved,
    expired_attributes_and_those_of_expired_sessions_move_too,
    nothing_changes_but_the_sealed_bytes,
    what_is_written_between_two_calls_stays_as_written,
    what_is_written_while_a_batch_is_under_way_is_not_overwritten,
    inside_a_transaction_that_rolls_back_nothing_moves,
    two_calls_at_once_move_each_value_once,
    without_a_keyring_or_a_limit_it_is_refused,
}

/// The names of the old key and of the new one.
const OLD: &str = "2026-05";
const NEW: &str = "2026-11";

fn old() -> Keyring {
    key(OLD, 3)
}

/// The new key writes, the old one reads.
fn both() -> Keyring {
    key(NEW, 7).and(OLD, [3; 32]).unwrap()
}

fn encrypted() -> WriteOptions {
    WriteOptions::new().encrypted()
}

/// A repository that has both keys.
fn rotated<D: Db>() -> Repo<D> {
    with_keys::<D>(both()).0
}

/// Sealed values of a session, each the same as its name: `v000`, `v001` and so on.
fn seal<D: Db>(sessions: &Repo<D>, conn: &mut D::Conn, session: &Handle<D>, numbers: std::ops::Range<usize>) {
    let items = numbers.map(|number| format!("v{number:03}")).map(|name| Attribute::new(&name, &name).unwrap());
    sessions.attributes(session).set_many(conn, items, encrypted()).unwrap();
}

/// A session with so many values under the old key.
fn sealed_before<D: Db>(conn: &mut D::Conn, many: usize) -> Handle<D> {
    let (sessions, _) = with_keys::<D>(old());
    let session = created::<D>(&sessions, conn);
    seal::<D>(&sessions, conn, &session, 0..many);
    session
}

/// How many values are sealed with the key of this name.
fn under<D: Db>(conn: &mut D::Conn, name: &str) -> usize {
    let hex = if D::NAME == "postgres" { "encode(sealed, 'hex')" } else { "lower(hex(sealed))" };
    let beginning = super::raw::hex(&[&[1, 7], name.as_bytes()].concat());
    let query = format!("SELECT count(*) FROM session_attributes WHERE {hex} LIKE '{beginning}%'");
    usize::try_from(D::number(conn, &query)).unwrap()
}

fn counts(resealed: usize, unreadable: usize, remaining: usize) -> Resealed {
    Resealed { resealed, unreadable, remaining }
}

/// Whether a session's values read as they were written.
fn whole<D: Db>(sessions: &Repo<D>, conn: &mut D::Conn, session: &Handle<D>, many: usize) -> bool {
    let names: Vec<_> = (0..many).map(|number| format!("v{number:03}")).collect();
    let values = sessions.attributes(session).get_many(conn, &names).unwrap();
    names.iter().all(|name| values[name].as_ref().is_ok_and(|value| value.as_ref().is_some_and(|value| value == name)))
}

// S85
fn old_keys_read_the_first_writes_and_the_rest_moves<D: Db>(db: &D) {
    let conn = &mut db.connect();
    let session = sealed_before::<D>(conn, 3);
    let sessions = rotated::<D>();
    let attributes = sessions.attributes(&session);
    assert!(whole::<D>(&sessions, conn, &session, 3), "the old key reads");
    attributes.set_with(conn, "v001", "v001", encrypted()).unwrap();
    attributes.set(conn, "clear", "clear").unwrap();
    assert_eq!((under::<D>(conn, OLD), under::<D>(conn, NEW)), (2, 1), "the first key writes");
    assert_eq!(sessions.reseal(conn, 100).unwrap(), counts(2, 0, 0));
    assert_eq!((under::<D>(conn, OLD), under::<D>(conn, NEW)), (0, 3));

    let (new_alone, _) = with_keys::<D>(key(NEW, 7));
    assert!(whole::<D>(&new_alone, conn, &session, 3), "the old key can go");
    assert_eq!(new_alone.attributes(&session).get_value(conn, "clear").unwrap(), Some("clear".into()));
    let (old_alone, _) = with_keys::<D>(old());
    assert_eq!(answers(&old_alone.attributes(&session).get_value(conn, "v000").unwrap_err()), ["missing key"]);

    let before = super::raw::dump::<D>(conn);
    assert_eq!(sessions.reseal(conn, 100).unwrap(), counts(0, 0, 0));
    assert_eq!(new_alone.reseal(conn, 100).unwrap(), counts(0, 0, 0));
    assert!(super::raw::dump::<D>(conn) == before, "a second run does nothing");
    // And back: the order of the keys is all that decides.
    let (back, _) = with_keys::<D>(old().and(NEW, [7; 32]).unwrap());
    assert_eq!(back.reseal(conn, 100).unwrap(), counts(3, 0, 0));
    assert_eq!(under::<D>(conn, OLD), 3);
}

// S85
fn a_limit_bounds_what_one_call_moves<D: Db>(db: &D) {
    let conn = &mut db.connect();
    let sessions = rotated::<D>();
    let first = sealed_before::<D>(conn, 130);
    let second = sealed_before::<D>(conn, 120);
    let calls = [(1, 1), (1, 1), (99, 99), (101, 101), (40, 40), (u32::MAX, 8), (10, 0)];
    let mut left = 250;
    for (limit, moved) in calls {
        left -= moved;
        assert_eq!(sessions.reseal(conn, limit).unwrap(), counts(moved, 0, left), "a limit of {limit}");
        assert_eq!((under::<D>(conn, OLD), under::<D>(conn, NEW)), (left, 250 - left));
    }
    assert!(whole::<D>(&sessions, conn, &first, 130) && whole::<D>(&sessions, conn, &second, 120));
}

// S85 S83
fn values_that_do_not_open_hold_nothing_up<D: Db>(db: &D) {
    let conn = &mut db.connect();
    let (lost, _) = with_keys::<D>(key("2025-01", 1));
    let (impostor, _) = with_keys::<D>(key(OLD, 4));
    let blocking = created::<D>(&lost, conn);
    seal::<D>(&lost, conn, &blocking, 0..120);
    seal::<D>(&impostor, conn, &blocking, 120..130);
    let session = sealed_before::<D>(conn, 7);
    let row = session.row_id().unwrap();
    put_sealed::<D>(conn, row, "v000", &[]);
    let bytes = sealed::<D>(conn, row, "v002");
    put_sealed::<D>(conn, row, "v001", &bytes);
    assert!(blocking.row_id() < session.row_id(), "first in the order of the keys");

    let sessions = rotated::<D>();
    assert_eq!(sessions.reseal(conn, 3).unwrap(), counts(3, 132, 134));
    assert_eq!(sessions.reseal(conn, 2).unwrap(), counts(2, 132, 132));
    for _ in 0..2 {
        assert_eq!(sessions.reseal(conn, 2).unwrap(), counts(0, 132, 132));
    }
    assert_eq!(answers(&sessions.attributes(&session).get_value(conn, "v001").unwrap_err()), ["swapped"], "and stays so");
    // With the lost key at hand again the rest moves.
    let (found, _) = with_keys::<D>(both().and("2025-01", [1; 32]).unwrap());
    assert_eq!(found.reseal(conn, 1_000).unwrap(), counts(120, 12, 12));
    assert!(whole::<D>(&sessions, conn, &blocking, 120));
}

/// Lets every update of this attribute fail, until it is dropped again.
fn refuse_updates<D: Db>(conn: &mut D::Conn, name: &str) {
    let sql = match D::NAME {
        "sqlite" => format!(
            "CREATE TRIGGER refuse BEFORE UPDATE ON session_attributes WHEN NEW.name = '{name}' \
             BEGIN SELECT RAISE(ABORT, 'refused'); END"
        ),
        "postgres" => format!(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$; \
             CREATE TRIGGER refuse BEFORE UPDATE ON session_attributes FOR EACH ROW WHEN (NEW.name = '{name}') \
             EXECUTE FUNCTION refuse()"
        ),
        _ => format!(
            "CREATE TRIGGER refuse BEFORE UPDATE ON session_attributes FOR EACH ROW \
             IF NEW.name = '{name}' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'refused'; END IF"
        ),
    };
    D::execute(conn, &sql);
}

// S85
fn what_was_moved_before_a_failure_stays_moved<D: Db>(db: &D) {
    let conn = &mut db.connect();
    let session = sealed_before::<D>(conn, 230);
    let sessions = rotated::<D>();
    refuse_updates::<D>(conn, "v150");
    let error = sessions.reseal(conn, 1_000).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Database, "{error:?}");
    // On SQLite a hundred are one transaction, on the servers each is one.
    let (moved, left) = if D::NAME == "sqlite" { (100, 130) } else { (150, 80) };
    assert_eq!((under::<D>(conn, NEW), under::<D>(conn, OLD)), (moved, left));
    assert!(whole::<D>(&sessions, conn, &session, 230), "all is readable meanwhile");
    let on = if D::NAME == "postgres" { " ON session_attributes" } else { "" };
    D::execute(conn, &format!("DROP TRIGGER refuse{on}"));
    // Another process, another connection.
    let conn = &mut db.connect();
    assert_eq!(rotated::<D>().reseal(conn, 1_000).unwrap(), counts(left, 0, 0));
    assert!(whole::<D>(&sessions, conn, &session, 230));
}

// S85 S71
fn expired_attributes_and_those_of_expired_sessions_move_too<D: Db>(db: &D) {
    let conn = &mut db.connect();
    let (before, _) = with_keys::<D>(old());
    let (gone, live) = (created::<D>(&before, conn), created::<D>(&before, conn));
    for session in [&gone, &live] {
        before.attributes(session).set_with(conn, "a", "a", encrypted().expires_in(seconds(1))).unwrap();
        before.attributes(session).set_with(conn, "b", "b", encrypted()).unwrap();
    }
    let row = gone.row_id().unwrap();
    D::execute(conn, &format!("UPDATE sessions SET expires_at = '2026-11-21 12:00:00.000000' WHERE id = {row}"));
    let (sessions, clock) = with_keys::<D>(both());
    clock.set(noon() + seconds(1));
    assert_eq!(kind(sessions.attributes_of(row).get_value(conn, "b")), ErrorKind::Gone);
    assert_eq!(sessions.attributes(&live).get_value(conn, "a").unwrap(), None);
    assert_eq!(sessions.reseal(conn, 100).unwrap(), counts(4, 0, 0));
    assert_eq!((under::<D>(conn, OLD), under::<D>(conn, NEW)), (0, 4));
    clock.set(noon());
    assert_eq!(sessions.attributes(&live).get_value(conn, "a").unwrap(), Some("a".into()));
}

/// All but the sealed bytes, column by column.
fn metadata<D: Db>(conn: &mut D::Conn) -> Vec<Option<String>> {
    let mut all = Vec::new();
    for column in ["session_id", "name", "value", "created_at", "updated_at", "expires_at"] {
        all.extend(D::texts(conn, &format!("SELECT {column} FROM session_attributes ORDER BY session_id, name")));
    }
    for column in ["id", "_uuid", "_data", "_version", "last_seen_at", "expires_at", "rotated_at"] {
        all.extend(D::texts(conn, &format!("SELECT {column} FROM sessions ORDER BY id")));
    }
    all
}

// S85
fn nothing_changes_but_the_sealed_bytes<D: Db>(db: &D) {
    let conn = &mut db.connect();
    let (before, clock) = with_keys::<D>(old());
    let session = created::<D>(&before, conn);
    for number in 0..5 {
        clock.advance(std::time::Duration::from_micros(1_234_567));
        let options = encrypted().expires_in(seconds(100 + number));
        before.attributes(&session).set_with(conn, format!("v{number}"), number, options).unwrap();
    }
    before.attributes(&session).set(conn, "clear", [1, 2]).unwrap();
    clock.advance(seconds(1));
    before.attributes(&session).update_with(conn, "v3", "later", encrypted().never()).unwrap();
    let (sessions, clock) = with_keys::<D>(both());
    clock.set(noon() + seconds(60));
    let (metadata_before, entry) = (metadata::<D>(conn), before.attributes(&session).entry(conn, "v3").unwrap().unwrap());
    assert_eq!(sessions.reseal(conn, 100).unwrap(), counts(5, 0, 0));
    assert_eq!(metadata::<D>(conn), metadata_before);
    let moved = sessions.attributes(&session).entry(conn, "v3").unwrap().unwrap();
    assert_eq!((moved.created_at(), moved.updated_at()), (entry.created_at(), entry.updated_at()));
    assert_eq!((moved.expires_at(), moved.value::<String>().unwrap().as_str()), (None, "later"));
    assert_ne!(moved.sealed(), entry.sealed());
    assert_eq!(sessions.attributes(&session).get_value(conn, "clear").unwrap(), Some(serde_json::json!([1, 2])));
}

// S85
fn what_is_written_between_two_calls_stays_as_written<D: Db>(db: &D) {
    let conn = &mut db.connect();
    let session = sealed_before::<D>(conn, 6);
    let (sessions, before) = (rotated::<D>(), with_keys::<D>(old()).0);
    assert_eq!(sessions.reseal(conn, 2).unwrap(), counts(2, 0, 4));
    let attributes = sessions.attributes(&session);
    attributes.set(conn, "v002", "in clear").unwrap();
    attributes.set_with(conn, "v003", "new key", encrypted()).unwrap();
    before.attributes(&session).set_with(conn, "v000", "old key", encrypted()).unwrap();
    attributes.delete(conn, "v004").unwrap();
    let newly = sealed::<D>(conn, session.row_id().unwrap(), "v003");
    assert_eq!(sessions.reseal(conn, 100).unwrap(), counts(2, 0, 0), "v000 once more, and v005");
    let values = attributes.get_many(conn, ["v000", "v001", "v002", "v003", "v004", "v005"]).unwrap();
    let values: Vec<_> = values.into_values().map(|value| value.unwrap()).collect();
    let expected = ["old key", "v001", "in clear", "new key", "", "v005"].map(|text| (!text.is_empty()).then(|| text.into()));
    assert_eq!(values, expected);
    assert_eq!(sealed::<D>(conn, session.row_id().unwrap(), "v003"), newly, "bit for bit");
    assert!(!attributes.entry(conn, "v002").unwrap().unwrap().is_encrypted());
}

/// Whether an update of an attribute is about to be sent.
fn is_first_write(event: &InstrumentationEvent<'_>) -> bool {
    matches!(event, InstrumentationEvent::StartQuery { query, .. } if query.to_string().starts_with("UPDATE"))
}

// S85
fn what_is_written_while_a_batch_is_under_way_is_not_overwritten<D: Db>(db: &D) {
    let conn = &mut db.connect();
    let session = sealed_before::<D>(conn, 6);
    let (sessions, before) = (rotated::<D>(), with_keys::<D>(old()).0);
    // Another connection writes after the batch was read, and before the first of it is written.
    let (newly, olden) = (sessions.attributes(&session), before.attributes(&session));
    let other = Arc::new(Mutex::new(Some(db.connect())));
    let writer = Arc::clone(&other);
    conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if !is_first_write(&event) {
            return;
        }
        let Some(mut conn) = writer.lock().unwrap().take() else { return };
        newly.set(&mut conn, "v000", "in clear").unwrap();
        newly.set_with(&mut conn, "v001", "new key", encrypted()).unwrap();
        olden.set_with(&mut conn, "v002", "old key", encrypted()).unwrap();
        olden.set_with(&mut conn, "v003", "v003", encrypted()).unwrap();
        newly.delete(&mut conn, "v004").unwrap();
    });
    assert_eq!(sessions.reseal(conn, 100).unwrap(), counts(1, 0, 2));
    assert!(other.lock().unwrap().is_none(), "the other connection has written");
    conn.set_instrumentation(|_: InstrumentationEvent<'_>| {});
    let attributes = sessions.attributes(&session);
    let values = attributes.get_many(conn, ["v000", "v001", "v002", "v003", "v004", "v005"]).unwrap();
    let values: Vec<_> = values.into_values().map(|value| value.unwrap()).collect();
    let expected = ["in clear", "new key", "old key", "v003", "", "v005"].map(|text| (!text.is_empty()).then(|| text.into()));
    assert_eq!(values, expected);
    assert_eq!((under::<D>(conn, OLD), under::<D>(conn, NEW)), (2, 2));
    assert_eq!(sessions.reseal(conn, 100).unwrap(), counts(2, 0, 0), "the next call moves what was written under the old key");
}

// S85 S43
fn inside_a_transaction_that_rolls_back_nothing_moves<D: Db>(db: &D) {
    let conn = &mut db.connect();
    let session = sealed_before::<D>(conn, 120);
    let sessions = rotated::<D>();
    let before = super::raw::dump::<D>(conn);
    let done = rolled_back::<D, _>(conn, |conn| {
        let done = [sessions.reseal(conn, 110).unwrap(), sessions.reseal(conn, 1_000).unwrap()];
        assert!(under::<D>(conn, NEW) == 120 && whole::<D>(&sessions, conn, &session, 120));
        done
    });
    assert_eq!(done, [counts(110, 0, 10), counts(10, 0, 0)]);
    assert!(super::raw::dump::<D>(conn) == before, "nothing moved");
    let done = conn.transaction(|conn| sessions.reseal(conn, 110)).unwrap();
    assert_eq!((done, under::<D>(conn, NEW)), (counts(110, 0, 10), 110));
}

// S85
fn two_calls_at_once_move_each_value_once<D: Db>(db: &D) {
    let conn = &mut db.connect();
    let session = sealed_before::<D>(conn, 350);
    let sessions = rotated::<D>();
    let total: usize = std::thread::scope(|scope| {
        let calls = [(); 2].map(|()| scope.spawn(|| sessions.reseal(&mut db.connect(), 1_000).unwrap().resealed));
        calls.into_iter().map(|call| call.join().unwrap()).sum()
    });
    assert_eq!((total, under::<D>(conn, NEW)), (350, 350));
    assert!(whole::<D>(&sessions, conn, &session, 350));
}

// S85 S86
fn without_a_keyring_or_a_limit_it_is_refused<D: Db>(db: &D) {
    let conn = &mut db.connect();
    let session = sealed_before::<D>(conn, 1);
    let before = sealed::<D>(conn, session.row_id().unwrap(), "v000");
    assert_eq!(kind(repository::<D>().0.reseal(conn, 10)), ErrorKind::Config);
    assert_eq!(kind(rotated::<D>().reseal(conn, 0)), ErrorKind::InvalidArgument);
    assert_eq!(sealed::<D>(conn, session.row_id().unwrap(), "v000"), before);
    D::execute(conn, &format!("DELETE FROM session_attributes WHERE {}", row_of::<D>(session.row_id().unwrap(), "v000")));
    assert_eq!(rotated::<D>().reseal(conn, 10).unwrap(), counts(0, 0, 0), "of nothing");
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
mod servers {
    use super::*;

    suite! { @ postgres "postgres" Postgres: what_is_written_beside_a_callers_transaction_is_not_overwritten }
    suite! { @ mysql "mysql" Mysql: what_is_written_beside_a_callers_transaction_is_not_overwritten }

    // S85 S43
    fn what_is_written_beside_a_callers_transaction_is_not_overwritten<D: Db>(db: &D) {
        let conn = &mut db.connect();
        let session = sealed_before::<D>(conn, 3);
        let sessions = rotated::<D>();
        let attributes = sessions.attributes(&session);
        let written = attributes.clone();
        let other = Arc::new(Mutex::new(Some(db.connect())));
        let writer = Arc::clone(&other);
        conn.transaction::<_, diesel::result::Error, _>(|conn| {
            // The snapshot of this transaction, where it has one, knows the old values.
            assert!(whole::<D>(&sessions, conn, &session, 3));
            conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
                if !is_first_write(&event) {
                    return;
                }
                let Some(mut conn) = writer.lock().unwrap().take() else { return };
                written.set(&mut conn, "v000", "in clear").unwrap();
                written.set_with(&mut conn, "v001", "new key", encrypted()).unwrap();
            });
            assert_eq!(sessions.reseal(conn, 100).unwrap().resealed, 1);
            Ok(())
        })
        .unwrap();
        assert!(other.lock().unwrap().is_none(), "the other connection has written");
        let values = attributes.get_many(conn, ["v000", "v001", "v002"]).unwrap();
        let values: Vec<_> = values.into_values().map(|value| value.unwrap()).collect();
        assert_eq!(values, ["in clear", "new key", "v002"].map(|text| Some(text.into())));
        assert_eq!((under::<D>(conn, OLD), under::<D>(conn, NEW)), (0, 2));
    }
}
