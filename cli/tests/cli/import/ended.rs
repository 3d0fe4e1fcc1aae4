//! What was ended stays ended, wherever and whenever that was.

use std::sync::mpsc;
use std::time::Duration;

use diesel::Connection;
use diesel_sessions::{DbAttributes, DbOwnedSession, SignIn};
use serde_json::json;

use super::former::{FormerStore, in_days};
use super::{counts, import, open, rows, sessions};
use crate::support::{Db, suite};

suite! {
    what_was_ended_is_not_brought_back,
    a_cookie_that_a_sign_in_has_replaced_is_not_brought_back,
    what_the_application_is_moving_itself_is_left_to_it,
    a_session_that_is_just_being_ended_is_not_brought_over,
}

// SECURITY 13
fn what_was_ended_is_not_brought_back<D: Db>(db: &D) {
    let store = FormerStore::new(db);
    let cookie = store.add(&json!({"a": 1}), in_days(1));
    import(db, &["--write"]);
    let mut session = open(db, &cookie).unwrap();
    sessions::<D>().end(&mut db.connect(), &mut session).unwrap();
    assert_eq!(counts(&import(db, &[])), [0, 0, 1, 0, 0]);
    for args in [&["--write"][..], &["--write", "--move"]] {
        assert_eq!(counts(&import(db, args)), [0, 0, 1, 0, 0]);
        assert!(open(db, &cookie).is_none());
    }
    assert_eq!(store.rows(), 0, "a move has deleted it");
    assert_eq!(counts(&import(db, &["--write"])), [0; 5]);
}

// SECURITY 10
fn a_cookie_that_a_sign_in_has_replaced_is_not_brought_back<D: Db>(db: &D)
where
    D::Model: DbOwnedSession<D::Conn, Owner = i64> + DbAttributes<D::Conn>,
{
    let store = FormerStore::new(db);
    let cookie = store.add(&json!({"a": 1}), in_days(1));
    import(db, &["--write"]);
    let mut session = open(db, &cookie).unwrap();
    sessions::<D>().sign_in(&mut db.connect(), &mut session, SignIn::new(7)).unwrap();
    // Also where the table of digests is gone.
    D::execute(&mut db.connect(), "DROP TABLE sessions_imported");
    assert_eq!(counts(&import(db, &["--write"])), [0, 1, 0, 0, 0]);
    assert!(open(db, &cookie).is_none());
    assert_eq!(rows(db), 1);
}

// DESIGN 4: what `DieselStore::migrating_from` does is insert here, look there again, delete there
fn what_the_application_is_moving_itself_is_left_to_it<D: Db>(db: &D) {
    let store = FormerStore::new(db);
    let cookie = store.add(&json!({"a": 1}), in_days(1));
    let mut conn = db.connect();
    import(db, &["--write", "--move"]);
    // As it is between the application's insertion and its deletion.
    store.put_back(&cookie, &json!({"a": 1}), in_days(1));
    assert_eq!(counts(&import(db, &["--write", "--move"])), [0, 1, 0, 0, 0]);
    assert_eq!(store.rows(), 1, "deleted here, the application would take the session for one that was ended");
    // And as it is when the application was killed in between.
    let hour_ago = match D::NAME {
        "sqlite" => "'2020-01-01 00:00:00.000000'",
        _ => "'2020-01-01 00:00:00'",
    };
    conn.transaction(|conn| {
        D::execute(conn, &format!("UPDATE sessions SET created_at = {hour_ago}"));
        diesel::QueryResult::Ok(())
    })
    .unwrap();
    assert_eq!(counts(&import(db, &["--write", "--move"])), [0, 1, 0, 0, 0]);
    assert_eq!((store.rows(), rows(db)), (0, 1));
    assert!(open(db, &cookie).is_some());
}

/// MySQL shows anew only what nobody has asked for in the last tenth of a second.
const PATIENCE: Duration = Duration::from_millis(105);

/// Whether somebody waits for a lock in this database; SQLite does not tell.
fn somebody_waits<D: Db>(conn: &mut D::Conn) -> bool {
    let waiting = match D::NAME {
        "sqlite" => return true,
        "postgres" => "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        _ => {
            "SELECT COUNT(*) FROM information_schema.innodb_trx t JOIN information_schema.processlist p \
             ON p.id = t.trx_mysql_thread_id WHERE p.db = DATABASE() AND t.trx_state = 'LOCK WAIT'"
        }
    };
    D::number(conn, waiting) > 0
}

// SECURITY 13
fn a_session_that_is_just_being_ended_is_not_brought_over<D: Db>(db: &D) {
    let store = FormerStore::new(db);
    for args in [&["--write"][..], &["--write", "--move"]] {
        let (ended, other) = (store.add(&json!({"a": 1}), in_days(1)), store.add(&json!({"a": 1}), in_days(1)));
        let (mut conn, mut watcher) = (db.connect(), db.connect());
        let (done, answer) = mpsc::channel();
        let imported = std::thread::scope(|scope| {
            conn.transaction(|conn| {
                D::execute(conn, &format!("DELETE FROM {} WHERE id = '{ended}'", store.table()));
                scope.spawn(|| done.send(import(db, args)).unwrap());
                let mut early = None;
                while early.is_none() && !somebody_waits::<D>(&mut watcher) {
                    early = answer.recv_timeout(PATIENCE).ok();
                }
                diesel::QueryResult::Ok(early)
            })
            .unwrap()
            .unwrap_or_else(|| answer.recv().unwrap())
        });
        assert_eq!(counts(&imported)[0], 1, "{args:?}");
        assert!(open(db, &ended).is_none() && open(db, &other).is_some());
    }
}
