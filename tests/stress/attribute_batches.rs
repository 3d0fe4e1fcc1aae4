//! Batches over the same names, written side by side: each is there as a whole, or not at all.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};

use diesel_sessions::{Attribute, ErrorKind, Expiry, SessionAttributes, WriteOptions};

use crate::attributes::{endless, stored};
use crate::support::{seconds, suite};
use crate::ways::{Failure, Levels, Way, together};

suite! {
    a_batch_is_written_as_a_whole,
    a_batch_of_more_names_than_a_statement_takes_is_written_as_a_whole,
}

const THREADS: usize = 8;

// S88
fn a_batch_is_written_as_a_whole<D: Levels>(db: &D) {
    for way in D::WAYS {
        race(db, *way, 6, 40);
    }
}

// S88
fn a_batch_of_more_names_than_a_statement_takes_is_written_as_a_whole<D: Levels>(db: &D) {
    for way in D::WAYS {
        race(db, *way, 130, 6);
    }
}

/// The names in an order of the thread's own.
fn names(count: usize, chance: u64) -> Vec<String> {
    let mut names: Vec<_> = (0..count).map(|name| format!("{name:03}")).collect();
    names.rotate_left((chance % 1_024) as usize % count);
    if chance / 1_024 % 2 == 0 {
        names.reverse();
    }
    names
}

/// All names with one value, which nobody else writes.
fn batch(names: &[String], value: &str, one: impl Fn(Attribute, usize) -> Attribute) -> Vec<Attribute> {
    names.iter().enumerate().map(|(at, name)| one(Attribute::new(name, value).unwrap(), at)).collect()
}

/// Threads write, change and delete all names at once. Whoever looks sees all of them with one value, or none.
fn race<D: Levels>(db: &D, way: Way, count: usize, rounds: usize) {
    let (sessions, _) = endless::<D>();
    let conn = &mut db.connect();
    D::execute(conn, "DELETE FROM sessions");
    let attributes = sessions.attributes(&stored::<D>(&sessions, conn));
    let random = RandomState::new();
    let written = together(db, way, THREADS, |number, caller| {
        let mut written = BTreeSet::new();
        for round in 0..rounds {
            let chance = random.hash_one((number, round));
            let (names, value) = (names(count, chance), format!("{number} {round}"));
            let done = caller.run_on(|conn| write::<D>(conn, &attributes, &names, &value, chance));
            match done {
                Ok(true) => drop(written.insert(value)),
                Ok(false) => {}
                Err(Failure::Session(error)) => {
                    // The one that is told of may be gone, or back, by then: what counts is that nothing was written.
                    let expected = [ErrorKind::NotFound, ErrorKind::AlreadyExists];
                    assert!(expected.contains(&error.kind()), "{way:?}: {error:?}");
                    assert!(error.attribute_name().is_some());
                }
                Err(failure) => panic!("{way:?}: {failure:?}"),
            }
            assert_whole::<D>(&mut caller.conn, way, count);
        }
        written
    });
    let values = assert_whole::<D>(conn, way, count);
    let written: BTreeSet<_> = written.into_iter().flatten().collect();
    for value in values {
        let value: String = serde_json::from_str(&value).unwrap();
        assert!(written.contains(&value), "{way:?}: {value} was refused, and is there");
    }
}

/// One of the verbs on all names; true when it has written the value.
fn write<D: Levels>(
    conn: &mut D::Conn,
    attributes: &SessionAttributes<D::Model>,
    names: &[String],
    value: &str,
    chance: u64,
) -> Result<bool, Failure> {
    let none = WriteOptions::new();
    match chance / 4_096 % 8 {
        0 | 1 => attributes.set_many(conn, batch(names, value, |one, _| one), none)?,
        // Two statements on PostgreSQL: some keep the expiry, some lose it.
        2 | 3 => attributes.set_many(conn, batch(names, value, |one, at| if at % 2 == 0 { one.never() } else { one }), none)?,
        4 => attributes.update_many(conn, batch(names, value, |one, at| if at % 3 == 0 { one.never() } else { one }), none)?,
        5 => attributes.create_many(conn, batch(names, value, |one, _| one), none.expires_in(seconds(600)))?,
        6 => {
            let deleted = attributes.delete_many(conn, names)?;
            assert!([0, names.len()].contains(&deleted), "{deleted} were deleted");
            return Ok(false);
        }
        _ => {
            attributes.set_expiry_many(conn, names, Expiry::In(seconds(60)))?;
            return Ok(false);
        }
    }
    Ok(true)
}

/// The one value that all have, or none.
fn assert_whole<D: Levels>(conn: &mut D::Conn, way: Way, count: usize) -> Vec<String> {
    let values = D::texts(conn, "SELECT value FROM session_attributes");
    let distinct: BTreeSet<String> = values.iter().flatten().cloned().collect();
    assert!(values.is_empty() || values.len() == count, "{way:?}: {} of {count}", values.len());
    assert!(distinct.len() <= 1, "{way:?}: a mix of {distinct:?}");
    distinct.into_iter().collect()
}
