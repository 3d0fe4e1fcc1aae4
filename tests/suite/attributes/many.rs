//! Several attributes at once: choices of each item, all or nothing over any number, and maps with every name asked for.

use diesel_sessions::{Attribute, ErrorKind, Expiry, WriteOptions};
use serde_json::{Value, json};

use super::steps::{SECOND, a, about, count, error, line, pairs, rows, stage, told};
use crate::mapping::sent;
use crate::support::{Db, seconds, suite};

suite! {
    an_items_choice_overrides_the_calls,
    create_many_stores_all_or_nothing,
    update_many_stores_all_or_nothing,
    set_many_stores_any_number,
    a_batch_that_the_database_refuses_stores_nothing,
    of_a_name_given_twice_the_last_wins,
    create_many_refuses_a_name_given_twice,
    reading_many_gives_every_name_asked_for,
    reading_hundreds_gives_every_name_asked_for,
    delete_many_counts_what_was_there,
    set_expiry_many_changes_all_or_nothing,
    a_batch_of_nothing_is_nothing,
}

/// Around one statement's worth of rows on the engines that have no arrays, and well over it.
const SIZES: [usize; 6] = [1, 2, 99, 100, 101, 250];

fn name(number: usize) -> String {
    format!("n{number:03}")
}

fn items(numbers: impl IntoIterator<Item = usize>, value: usize) -> Vec<Attribute> {
    numbers.into_iter().map(|number| a(&name(number), value + number)).collect()
}

/// What [`items`] leave behind.
fn values(numbers: impl IntoIterator<Item = usize>, value: usize) -> Value {
    numbers.into_iter().map(|number| json!([name(number), value + number])).collect()
}

// S87
fn an_items_choice_overrides_the_calls<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    let call = WriteOptions::new().expires_in(seconds(60)).encrypted();
    let items = || [a("all", 1), a("clear", 1).in_clear(), a("never", 1).never(), a("soon", 1).expires_in(seconds(5)).in_clear()];
    let shape = |conn: &mut D::Conn| -> Vec<_> {
        rows::<D>(conn).into_iter().map(|row| (row.sealed.is_some(), row.expires.map(|end| end / SECOND))).collect()
    };
    let expected = [(true, Some(60)), (false, Some(60)), (true, None), (false, Some(5))];
    attributes.create_many(conn, items(), call).unwrap();
    assert_eq!(shape(conn), expected);
    attributes.update_many(conn, items().map(|item| item.never().in_clear()), call).unwrap();
    assert_eq!(shape(conn), [(false, None); 4]);
    attributes.update_many(conn, items(), call).unwrap();
    assert_eq!(shape(conn), expected);
    attributes.set_many(conn, items().map(|item| item.never().in_clear()), call).unwrap();
    assert_eq!(shape(conn), [(false, None); 4]);
    attributes.set_many(conn, items(), call).unwrap();
    assert_eq!(shape(conn), expected);
    let reversed = WriteOptions::new().never().in_clear();
    attributes.set_many(conn, [a("all", 2).expires_in(seconds(7)).encrypted(), a("clear", 2)], reversed).unwrap();
    assert_eq!(shape(conn)[..2], [(true, Some(7)), (false, None)]);
    for name in ["all", "clear"] {
        assert_eq!(attributes.get(conn, name).unwrap(), Some(2));
    }
}

// S88
fn create_many_stores_all_or_nothing<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    for size in SIZES {
        for taken in [0, size - 1] {
            attributes.create(conn, name(taken), "taken").unwrap();
            for reverse in [false, true] {
                let mut batch = items(0..size, 0);
                if reverse {
                    batch.reverse();
                }
                let refused = attributes.create_many(conn, batch, WriteOptions::new());
                assert_eq!(about(refused), error(ErrorKind::AlreadyExists, &name(taken)), "{size}");
                assert_eq!(pairs::<D>(conn), json!([[name(taken), "taken"]]), "{size}");
            }
            attributes.delete(conn, name(taken)).unwrap();
        }
        attributes.create_many(conn, items(0..size, 7), WriteOptions::new()).unwrap();
        assert_eq!(pairs::<D>(conn), values(0..size, 7));
        D::execute(conn, "DELETE FROM session_attributes");
    }
}

// S88
fn update_many_stores_all_or_nothing<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    for size in SIZES {
        attributes.set_many(conn, items(0..size, 0), WriteOptions::new()).unwrap();
        s.clock.advance(seconds(1));
        for missing in [0, size - 1] {
            attributes.delete(conn, name(missing)).unwrap();
            let before = rows::<D>(conn);
            for options in [WriteOptions::new(), WriteOptions::new().never(), WriteOptions::new().expires_in(seconds(5))] {
                let refused = attributes.update_many(conn, items(0..size, 1), options);
                assert_eq!(about(refused), error(ErrorKind::NotFound, &name(missing)), "{size}");
                assert_eq!(rows::<D>(conn), before, "{size}");
            }
            attributes.set(conn, name(missing), missing).unwrap();
        }
        attributes.update_many(conn, items(0..size, 7), WriteOptions::new()).unwrap();
        assert_eq!(pairs::<D>(conn), values(0..size, 7));
        D::execute(conn, "DELETE FROM session_attributes");
    }
}

// S88 S66 S67
fn set_many_stores_any_number<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    for size in SIZES {
        attributes.set_many(conn, items(0..size, 0), WriteOptions::new()).unwrap();
        assert_eq!(pairs::<D>(conn), values(0..size, 0));
        s.clock.advance(seconds(1));
        // Every other one new, every other one there.
        attributes.delete_many(conn, (0..size).step_by(2).map(name)).unwrap();
        let statements = sent(conn, |conn| attributes.set_many(conn, items(0..size, 7), WriteOptions::new()).unwrap());
        if D::NAME == "postgres" || size <= 100 {
            assert_eq!(statements, 1, "{size}");
        }
        assert_eq!(pairs::<D>(conn), values(0..size, 7));
        for (number, row) in rows::<D>(conn).into_iter().enumerate() {
            assert_eq!(row.created < row.updated, number % 2 == 1, "{number} of {size}");
        }
        D::execute(conn, "DELETE FROM session_attributes");
    }
}

// S88
fn a_batch_that_the_database_refuses_stores_nothing<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    // The database refuses the last of them: the earlier statements must not stand.
    for size in SIZES {
        let refuse = match D::NAME {
            "mysql" => format!(
                "CREATE TRIGGER refuse BEFORE INSERT ON session_attributes FOR EACH ROW \
                 IF NEW.name = '{}' THEN SIGNAL SQLSTATE '45000'; END IF",
                name(size - 1)
            ),
            "sqlite" => format!(
                "CREATE TRIGGER refuse BEFORE INSERT ON session_attributes WHEN NEW.name = '{}' \
                 BEGIN SELECT RAISE(ABORT, 'refused'); END",
                name(size - 1)
            ),
            _ => format!("ALTER TABLE session_attributes ADD CONSTRAINT refuse CHECK (name <> '{}')", name(size - 1)),
        };
        D::execute(conn, &refuse);
        let kept = [a("kept", 0)];
        attributes.set_many(conn, kept, WriteOptions::new()).unwrap();
        for verb in ["set_many", "create_many"] {
            let batch = items(0..size, 0);
            let refused = if verb == "set_many" {
                attributes.set_many(conn, batch, WriteOptions::new())
            } else {
                attributes.create_many(conn, batch, WriteOptions::new())
            };
            assert_eq!(about(refused).0, ErrorKind::Database, "{verb} of {size}");
            assert_eq!(pairs::<D>(conn), json!([["kept", 0]]), "{verb} of {size}");
        }
        let allow =
            if D::NAME == "postgres" { "ALTER TABLE session_attributes DROP CONSTRAINT refuse" } else { "DROP TRIGGER refuse" };
        D::execute(conn, allow);
    }
}

// S89
fn of_a_name_given_twice_the_last_wins<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    let batch = |by: u32| [a("a", by), a("b", by), a("a", by + 1).expires_in(seconds(9)), a("b", by + 2), a("a", by + 3)];
    attributes.set_many(conn, batch(0), WriteOptions::new()).unwrap();
    assert_eq!(told::<D>(conn), [line("a", 3, [0; 2], None), line("b", 2, [0; 2], None)], "value, expiry and all");
    attributes.update_many(conn, batch(10), WriteOptions::new().expires_in(seconds(5))).unwrap();
    let end = Some(5 * SECOND);
    assert_eq!(told::<D>(conn), [line("a", 13, [0; 2], end), line("b", 12, [0; 2], end)]);
    let hundreds = items((0..150).chain(0..150), 0).into_iter().chain(items(0..150, 5));
    attributes.set_many(conn, hundreds, WriteOptions::new()).unwrap();
    assert_eq!(count::<D>(conn), 152);
    assert_eq!(attributes.get(conn, name(149)).unwrap(), Some(154));
}

// S89
fn create_many_refuses_a_name_given_twice<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    let statements = sent(conn, |conn| {
        let twice = [a("a", 1), a("b", 1), a("b", 1)];
        let refused = attributes.create_many(conn, twice, WriteOptions::new());
        assert_eq!(about(refused), error(ErrorKind::AlreadyExists, "b"));
        let far_apart = items(0..200, 0).into_iter().chain(items([0], 0));
        let refused = attributes.create_many(conn, far_apart, WriteOptions::new());
        assert_eq!(about(refused), error(ErrorKind::AlreadyExists, &name(0)));
    });
    assert_eq!((statements, count::<D>(conn)), (0, 0));
    attributes.create_many(conn, [a("b", 1), a("B", 2)], WriteOptions::new()).unwrap();
}

// S90
fn reading_many_gives_every_name_asked_for<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    attributes.set_many(conn, [a("a", 1), a("b", json!(null)), a("c", "x").encrypted()], WriteOptions::new()).unwrap();
    let asked: [(&[&str], Value, Value); 7] = [
        (&[], json!({}), json!({})),
        (&["a"], json!({"a": [1]}), json!({"a": true})),
        (&["d"], json!({"d": []}), json!({"d": false})),
        (&["d", "e"], json!({"d": [], "e": []}), json!({"d": false, "e": false})),
        (&["c", "a", "b"], json!({"a": [1], "b": [null], "c": ["x"]}), json!({"a": true, "b": true, "c": true})),
        (&["a", "d", "a", "d", "A"], json!({"A": [], "a": [1], "d": []}), json!({"A": false, "a": true, "d": false})),
        (&["b", "B", "b "], Value::Null, Value::Null),
    ];
    for (names, values, existing) in asked {
        if values.is_null() {
            assert_eq!(about(attributes.get_many(conn, names)).0, ErrorKind::InvalidArgument);
            assert_eq!(about(attributes.exists_many(conn, names)).0, ErrorKind::InvalidArgument);
            continue;
        }
        let found = attributes.get_many(conn, names).unwrap();
        // An attribute that is null is no absent one.
        let found = found.into_iter().map(|(name, value)| (name, Value::from_iter(value.unwrap()))).collect::<Value>();
        assert_eq!(found, values, "{names:?}");
        assert_eq!(json!(attributes.exists_many(conn, names).unwrap()), existing, "{names:?}");
    }
    let owned = vec!["a".to_owned(), "d".to_owned()];
    assert_eq!(attributes.get_many(conn, &owned).unwrap().len(), 2);
}

// S90
fn reading_hundreds_gives_every_name_asked_for<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    for size in SIZES {
        let there: Vec<_> = (0..size).filter(|number| number % 3 == 0).collect();
        attributes.set_many(conn, items(there.iter().copied(), 0), WriteOptions::new()).unwrap();
        let found = attributes.get_many(conn, (0..size).map(name)).unwrap();
        let existing = attributes.exists_many(conn, (0..size).rev().map(name)).unwrap();
        assert_eq!((found.len(), existing.len()), (size, size));
        for number in 0..size {
            let expected = there.contains(&number);
            assert_eq!(found[&name(number)].as_ref().unwrap(), &expected.then(|| json!(number)), "{number} of {size}");
            assert_eq!(existing[&name(number)], expected, "{number} of {size}");
        }
        assert_eq!(attributes.names(conn).unwrap(), there.into_iter().map(name).collect::<Vec<_>>());
        D::execute(conn, "DELETE FROM session_attributes");
    }
}

// S91
fn delete_many_counts_what_was_there<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    attributes.set_many(conn, ["a", "b", "c"].map(|name| a(name, 1)), WriteOptions::new()).unwrap();
    assert_eq!(attributes.delete_many(conn, Vec::<String>::new()).unwrap(), 0);
    assert_eq!(attributes.delete_many(conn, ["x", "y"]).unwrap(), 0);
    assert_eq!(attributes.delete_many(conn, ["a", "x", "a", "b", "A"]).unwrap(), 2);
    assert_eq!(attributes.delete(conn, "a").unwrap(), 0);
    assert_eq!(attributes.delete(conn, "c").unwrap(), 1);
    assert_eq!(count::<D>(conn), 0);
    for size in SIZES {
        attributes.set_many(conn, items(0..size, 0), WriteOptions::new()).unwrap();
        assert_eq!(attributes.delete_many(conn, (0..size + 50).map(name)).unwrap(), size);
        assert_eq!(count::<D>(conn), 0);
    }
}

// S76 S88
fn set_expiry_many_changes_all_or_nothing<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    for size in SIZES {
        attributes.set_many(conn, items(0..size, 0), WriteOptions::new()).unwrap();
        for missing in [0, size - 1] {
            attributes.delete(conn, name(missing)).unwrap();
            let before = rows::<D>(conn);
            let refused = attributes.set_expiry_many(conn, (0..size).map(name), Expiry::In(seconds(5)));
            assert_eq!(about(refused), error(ErrorKind::NotFound, &name(missing)), "{size}");
            assert_eq!(rows::<D>(conn), before, "{size}");
            attributes.set(conn, name(missing), missing).unwrap();
        }
        attributes.set_expiry_many(conn, (0..size).map(name), Expiry::In(seconds(5))).unwrap();
        assert!(rows::<D>(conn).iter().all(|row| row.expires == Some(5 * SECOND)));
        assert_eq!(pairs::<D>(conn), values(0..size, 0));
        D::execute(conn, "DELETE FROM session_attributes");
    }
}

// S88
fn a_batch_of_nothing_is_nothing<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    let statements = sent(conn, |conn| {
        for options in [WriteOptions::new(), WriteOptions::new().never().encrypted()] {
            attributes.create_many(conn, [], options).unwrap();
            attributes.set_many(conn, [], options).unwrap();
            attributes.update_many(conn, [], options).unwrap();
        }
        attributes.set_expiry_many(conn, [""; 0], Expiry::Never).unwrap();
        assert_eq!(attributes.delete_many(conn, [""; 0]).unwrap(), 0);
        assert!(attributes.get_many(conn, [""; 0]).unwrap().is_empty());
    });
    assert_eq!((statements, count::<D>(conn)), (0, 0));
}
