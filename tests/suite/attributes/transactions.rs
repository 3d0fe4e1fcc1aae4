//! Attributes in the application's own transactions: they commit and roll back with them, also after an error of ours.

use diesel::Connection;
use diesel_sessions::{Error, ErrorKind, Expiry, WriteOptions};
use serde_json::json;

use super::steps::{Attributes, SECOND, a, about, error, line, pairs, rows, stage, told};
use crate::life::steps::{created, rolled_back};
use crate::support::{Db, seconds, suite};

suite! {
    what_a_transaction_writes_commits_with_it,
    what_a_transaction_writes_is_rolled_back_with_it,
    an_error_of_ours_leaves_the_transaction_usable,
    an_error_of_ours_undoes_its_own_verb_alone,
    no_such_session_leaves_the_transaction_usable,
    a_savepoint_takes_attributes_with_it,
    a_replaced_expired_attribute_is_back_after_a_rollback,
    a_session_and_its_attributes_are_created_in_one_transaction,
    many_rows_commit_and_roll_back_together,
    a_write_meets_what_others_committed_meanwhile,
    an_end_that_others_committed_meanwhile_is_told,
}

/// Every verb that writes, each with something to do: the attributes `a` to `d` and `gone` are there.
fn write_with_every_verb<D: Db>(attributes: &Attributes<D>, conn: &mut D::Conn) -> Result<(), Error> {
    let sealed = WriteOptions::new().encrypted();
    attributes.create(conn, "new", 1)?;
    attributes.create_many(conn, [a("new2", 1), a("new3", 1)], sealed)?;
    attributes.set(conn, "a", 2)?;
    attributes.set_many(conn, [a("new4", 1), a("b", 2).never()], WriteOptions::new())?;
    attributes.update(conn, "c", 2)?;
    attributes.update_many(conn, [a("a", 3), a("c", 3).never()], WriteOptions::new())?;
    attributes.set_expiry(conn, "a", Expiry::In(seconds(9)))?;
    attributes.set_expiry_many(conn, ["b", "c"], Expiry::Never)?;
    assert_eq!(attributes.delete(conn, "d")?, 1);
    assert_eq!(attributes.take(conn, "gone")?, Some(0));
    assert_eq!(attributes.names(conn)?, ["a", "b", "c", "new", "new2", "new3", "new4"]);
    assert_eq!(attributes.get(conn, "a")?, Some(3), "it sees what it wrote");
    Ok(())
}

fn five<D: Db>(attributes: &Attributes<D>, conn: &mut D::Conn) {
    attributes.set_many(conn, ["a", "b", "c", "d", "gone"].map(|name| a(name, 0)), WriteOptions::new()).unwrap();
}

// S43
fn what_a_transaction_writes_commits_with_it<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes, other) = (&mut s.conn, &s.attributes, &mut db.connect());
    five::<D>(attributes, conn);
    let before = rows::<D>(conn);
    conn.transaction(|conn| {
        write_with_every_verb::<D>(attributes, conn)?;
        assert_eq!(rows::<D>(other), before, "nobody else sees it yet");
        Ok::<_, Error>(())
    })
    .unwrap();
    let after = rows::<D>(other);
    assert_eq!(after, rows::<D>(conn));
    let expiries: Vec<_> = after.iter().map(|row| (row.name.as_str(), row.expires)).collect();
    let never = ["b", "c", "new", "new2", "new3", "new4"].map(|name| (name, None));
    assert_eq!(expiries, [&[("a", Some(9 * SECOND))], &never[..]].concat());
}

// S43
fn what_a_transaction_writes_is_rolled_back_with_it<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    five::<D>(attributes, conn);
    let before = rows::<D>(conn);
    rolled_back::<D, _>(conn, |conn| write_with_every_verb::<D>(attributes, conn).unwrap());
    assert_eq!(rows::<D>(conn), before);
    conn.transaction(|conn| write_with_every_verb::<D>(attributes, conn)).unwrap();
    assert_ne!(rows::<D>(conn), before, "the handle is as good as before");
}

/// Verbs that fail with an error of ours, each with its kind; the attribute `there` holds a text.
type Failing<D> = fn(&Attributes<D>, &mut <D as Db>::Conn) -> (ErrorKind, Option<String>);

fn failing<D: Db>() -> Vec<(ErrorKind, &'static str, Failing<D>)> {
    use ErrorKind::{AlreadyExists, NotFound, WrongType};
    let mut verbs: Vec<(ErrorKind, &'static str, Failing<D>)> = vec![
        (AlreadyExists, "there", |attributes, conn| about(attributes.create(conn, "there", 1))),
        (AlreadyExists, "there", |attributes, conn| {
            about(attributes.create_many(conn, [a("new", 1), a("there", 1), a("zero", 1)], WriteOptions::new()))
        }),
        (NotFound, "none", |attributes, conn| about(attributes.update(conn, "none", 1))),
        (NotFound, "none", |attributes, conn| {
            about(attributes.update_many(conn, [a("there", 1), a("none", 1)], WriteOptions::new()))
        }),
        (NotFound, "none", |attributes, conn| about(attributes.set_expiry(conn, "none", Expiry::Never))),
        (NotFound, "none", |attributes, conn| about(attributes.set_expiry_many(conn, ["there", "none"], Expiry::In(seconds(5))))),
    ];
    verbs.push((WrongType, "there", |attributes, conn| about(attributes.take::<u32, _>(conn, "there"))));
    verbs.push((WrongType, "there", |attributes, conn| about(attributes.get::<u32, _>(conn, "there"))));
    verbs.push((AlreadyExists, "there", |attributes, conn| {
        let many = (0..250).map(|number| a(&format!("n{number}"), 1)).chain([a("there", 1)]);
        about(attributes.create_many(conn, many, WriteOptions::new()))
    }));
    verbs
}

// S43 DESIGN 5 rule 3
fn an_error_of_ours_leaves_the_transaction_usable<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    D::execute(conn, "CREATE TABLE work (done INTEGER NOT NULL)");
    for (number, (kind, name, verb)) in failing::<D>().into_iter().enumerate() {
        attributes.set(conn, "there", "text").unwrap();
        let before = rows::<D>(conn);
        rolled_back::<D, _>(conn, |conn| {
            D::execute(conn, &format!("INSERT INTO work (done) VALUES ({number})"));
            assert_eq!(verb(attributes, conn), error(kind, name), "number {number}");
            attributes.set(conn, "after", 1).unwrap();
        });
        assert_eq!(rows::<D>(conn), before, "number {number}");
        conn.transaction(|conn| {
            D::execute(conn, &format!("INSERT INTO work (done) VALUES ({number})"));
            attributes.set(conn, "before", number)?;
            for _ in 0..2 {
                assert_eq!(verb(attributes, conn), error(kind, name), "number {number}");
            }
            attributes.set(conn, "after", number)
        })
        .unwrap();
        assert_eq!(pairs::<D>(conn), json!([["after", number], ["before", number], ["there", "text"]]));
        assert_eq!(D::number(conn, "SELECT count(*) FROM work"), i64::try_from(number).unwrap() + 1);
        attributes.delete_many(conn, ["before", "after"]).unwrap();
    }
}

// S43 S88
fn an_error_of_ours_undoes_its_own_verb_alone<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    attributes.set(conn, "there", "text").unwrap();
    for (kind, name, verb) in failing::<D>() {
        conn.transaction(|conn| {
            let before = rows::<D>(conn);
            assert_eq!(verb(attributes, conn), error(kind, name));
            assert_eq!(rows::<D>(conn), before, "within the transaction too");
            Ok::<_, Error>(())
        })
        .unwrap();
    }
    let refused = conn.transaction(|conn| {
        attributes.set(conn, "before", 1)?;
        attributes.create(conn, "there", 1)
    });
    assert_eq!(about(refused), error(ErrorKind::AlreadyExists, "there"));
    assert_eq!(attributes.names(conn).unwrap(), ["there"], "the caller's own transaction went by the caller's choice");
}

// S43 S94
fn no_such_session_leaves_the_transaction_usable<D: Db>(db: &D) {
    let s = &mut stage(db);
    let mut other = created::<D>(&s.sessions, &mut s.conn);
    let (conn, attributes, ended) = (&mut s.conn, &s.attributes, s.sessions.attributes(&other));
    ended.set(conn, "theme", 1).unwrap();
    s.sessions.end(conn, &mut other).unwrap();
    conn.transaction(|conn| {
        attributes.create(conn, "before", 1)?;
        for _ in 0..2 {
            for (verb, outcome) in super::steps::every_verb::<D>(&ended, conn, "theme") {
                assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Gone, "{verb}");
            }
        }
        attributes.create(conn, "after", 1)
    })
    .unwrap();
    assert_eq!(pairs::<D>(conn), json!([["after", 1], ["before", 1]]));
}

// S43
fn a_savepoint_takes_attributes_with_it<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    attributes.set(conn, "there", 0).unwrap();
    conn.transaction(|conn| {
        attributes.update(conn, "there", 1)?;
        rolled_back::<D, _>(conn, |conn| {
            attributes.update(conn, "there", 2).unwrap();
            attributes.create_many(conn, [a("x", 1), a("y", 1)], WriteOptions::new()).unwrap();
            assert_eq!(attributes.take(conn, "there").unwrap(), Some(2));
        });
        assert_eq!(attributes.get(conn, "there")?, Some(1));
        conn.transaction(|conn| attributes.set_many(conn, [a("kept", 1), a("there", 3)], WriteOptions::new()))
    })
    .unwrap();
    assert_eq!(pairs::<D>(conn), json!([["kept", 1], ["there", 3]]));
}

// S43 S72
fn a_replaced_expired_attribute_is_back_after_a_rollback<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    attributes.set_with(conn, "old", 0, WriteOptions::new().expires_in(seconds(1))).unwrap();
    s.clock.advance(seconds(1));
    let before = rows::<D>(conn);
    rolled_back::<D, _>(conn, |conn| attributes.create(conn, "old", 1).unwrap());
    assert_eq!(rows::<D>(conn), before);
    rolled_back::<D, _>(conn, |conn| attributes.create_many(conn, [a("new", 1), a("old", 1)], WriteOptions::new()).unwrap());
    assert_eq!(rows::<D>(conn), before);
    conn.transaction(|conn| {
        attributes.create(conn, "old", 1)?;
        assert_eq!(about(attributes.create(conn, "old", 2)), error(ErrorKind::AlreadyExists, "old"));
        Ok::<_, Error>(())
    })
    .unwrap();
    assert_eq!(told::<D>(conn), [line("old", 1, [SECOND; 2], None)]);
}

// S43 S61
fn a_session_and_its_attributes_are_created_in_one_transaction<D: Db>(db: &D) {
    let s = &mut stage(db);
    let conn = &mut s.conn;
    for keep in [false, true] {
        let mut session = s.sessions.new_session();
        let result = conn.transaction(|conn| {
            s.sessions.create(conn, &mut session)?;
            let attributes = s.sessions.attributes(&session);
            attributes.create(conn, "theme", 1)?;
            s.sessions.rotate(conn, &mut session)?;
            assert_eq!(about(attributes.set(conn, "theme", 2)).0, ErrorKind::Rotated);
            s.sessions.attributes(&session).update(conn, "theme", 3)?;
            if keep { Ok(()) } else { Err(Error::from(diesel::result::Error::RollbackTransaction)) }
        });
        assert_eq!(result.is_ok(), keep);
        assert_eq!(pairs::<D>(conn), if keep { json!([["theme", 3]]) } else { json!([]) });
    }
}

// S43 S88
fn many_rows_commit_and_roll_back_together<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes) = (&mut s.conn, &s.attributes);
    let items = |value: u32| (0..250).map(move |number| a(&format!("n{number:03}"), value));
    rolled_back::<D, _>(conn, |conn| attributes.create_many(conn, items(1), WriteOptions::new()).unwrap());
    assert!(rows::<D>(conn).is_empty());
    conn.transaction(|conn| {
        attributes.create_many(conn, items(1), WriteOptions::new())?;
        attributes.delete(conn, "n249")?;
        assert_eq!(about(attributes.update_many(conn, items(2), WriteOptions::new())), error(ErrorKind::NotFound, "n249"));
        assert_eq!(about(attributes.create_many(conn, items(2), WriteOptions::new())), error(ErrorKind::AlreadyExists, "n000"));
        attributes.set(conn, "n249", 1)
    })
    .unwrap();
    let after = rows::<D>(conn);
    assert!(after.len() == 250 && after.iter().all(|row| row.value == Some(json!(1))));
    rolled_back::<D, _>(conn, |conn| attributes.update_many(conn, items(2), WriteOptions::new()).unwrap());
    assert_eq!(rows::<D>(conn), after);
}

// S43 DESIGN 5 rule 2: on MySQL a plain read shows old rows, so what a refused write reads again is locked
fn a_write_meets_what_others_committed_meanwhile<D: Db>(db: &D) {
    let s = &mut stage(db);
    let (conn, attributes, other) = (&mut s.conn, &s.attributes, &mut db.connect());
    attributes.set_many(conn, ["deleted", "kept"].map(|name| a(name, 0)), WriteOptions::new()).unwrap();
    conn.transaction(|conn| {
        if D::NAME != "sqlite" {
            assert_eq!(attributes.names(conn)?, ["deleted", "kept"], "MySQL looks at this moment from now on");
        }
        attributes.delete(other, "deleted")?;
        attributes.create(other, "created", 0)?;
        assert_eq!(about(attributes.create(conn, "created", 1)), error(ErrorKind::AlreadyExists, "created"));
        let two = [a("created", 1), a("fresh", 1)];
        assert_eq!(about(attributes.create_many(conn, two, WriteOptions::new())), error(ErrorKind::AlreadyExists, "created"));
        assert_eq!(about(attributes.update(conn, "deleted", 1)), error(ErrorKind::NotFound, "deleted"));
        assert_eq!(about(attributes.set_expiry(conn, "deleted", Expiry::Never)), error(ErrorKind::NotFound, "deleted"));
        let two = [a("deleted", 1), a("kept", 1)];
        assert_eq!(about(attributes.update_many(conn, two, WriteOptions::new())), error(ErrorKind::NotFound, "deleted"));
        assert_eq!(attributes.take_value(conn, "deleted")?, None);
        assert_eq!(attributes.delete(conn, "deleted")?, 0);
        attributes.update_many(conn, [a("created", 2), a("kept", 2)], WriteOptions::new())
    })
    .unwrap();
    assert_eq!(pairs::<D>(conn), json!([["created", 2], ["kept", 2]]));
}

// S43 S94
fn an_end_that_others_committed_meanwhile_is_told<D: Db>(db: &D) {
    let s = &mut stage(db);
    let other = &mut db.connect();
    for ended in [false, true] {
        let (conn, attributes) = (&mut s.conn, s.sessions.attributes(&s.session));
        attributes.set(conn, "there", 0).unwrap();
        conn.transaction(|conn| {
            if D::NAME != "sqlite" {
                assert!(attributes.exists(conn, "there")?);
            }
            let kind = if ended {
                s.sessions.end(other, &mut s.session)?;
                ErrorKind::Gone
            } else {
                s.sessions.rotate(other, &mut s.session)?;
                ErrorKind::Rotated
            };
            for (verb, outcome) in super::steps::writes::<D>(&attributes, conn, "there") {
                assert_eq!(outcome.unwrap_err().kind(), kind, "{verb}");
            }
            Ok::<_, Error>(())
        })
        .unwrap();
    }
    assert!(rows::<D>(&mut s.conn).is_empty());
}
