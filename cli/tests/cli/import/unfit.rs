//! Rows that become no session: why, and what is said of them.

use serde_json::{Value, json};

use super::former::{self, FormerStore, in_days};
use super::{attempt, counts, open};
use crate::support::{Db, Plain, suite};
use crate::tool::run;

suite! {
    a_row_that_does_not_fit_is_left_and_named_without_its_token,
    a_row_that_the_database_refuses_keeps_no_other,
    rows_that_are_refused_again_and_again_end_no_import,
    an_owner_who_is_gone_gets_no_session,
}

// S25 S29 SECURITY 4, 8
fn a_row_that_does_not_fit_is_left_and_named_without_its_token<D: Db>(db: &D) {
    let store = FormerStore::new(db);
    let good = store.add(&json!({"a": 1}), in_days(1));
    let bad: Vec<String> = [
        json!({"_data": 1}),
        json!({"expires_at": "never"}),
        json!({"user_agent": "Lynx"}),
        json!({"user": "seven"}),
        json!({"text": "nul\u{0}nul"}),
        json!({"text": "x".repeat(70_000)}),
        json!({"text": "x".repeat(300_000)}),
    ]
    .iter()
    .filter(|record| D::NAME != "mysql" || record.to_string().len() < 60_000)
    .map(|record| store.add(record, in_days(1)))
    .chain([store.add_bytes(b"no record at all", in_days(1)), store.add_bytes(&[], in_days(1))])
    .collect();
    let count = u64::try_from(bad.len()).unwrap();
    let answer = attempt(db, &["--owner-path", "user", "--write", "--move"]);
    assert_eq!(answer.status, Some(1), "{}", answer.stderr);
    let done: Value = serde_json::from_str(&answer.stdout).unwrap();
    assert_eq!(counts(&done), [1, 0, 0, 0, count]);
    assert!(open(db, &good).is_some());
    assert_eq!(store.rows(), i64::try_from(count).unwrap());
    for cookie in &bad {
        let digest = diesel_sessions::SessionToken::parse(cookie).unwrap().digest().as_uuid().to_string();
        assert!(answer.stdout.contains(&digest) && !answer.stdout.contains(cookie.as_str()), "{}", answer.stdout);
    }
    for said in ["`_data` is reserved", "`expires_at` is reserved", "`user_agent` names a typed column", "`user`", "U+0000"] {
        assert!(answer.stdout.contains(said), "no {said} in {}", answer.stdout);
    }
    for secret in ["seven", "Lynx", "never", "xxx"] {
        assert!(!answer.stdout.contains(secret) && !answer.stderr.contains(secret), "{}", answer.stdout);
    }

    let args = ["import", "tower-sessions-sqlx", "--owner-path", "user"];
    let from: &[&str] = if D::NAME == "sqlite" { &[] } else { &["--from", "session"] };
    let shown = run(&db.url(), &[&args, from].concat());
    assert!(shown.status == Some(1) && shown.stdout.contains("no record of tower-sessions"), "{}", shown.stdout);
}

fn a_row_that_the_database_refuses_keeps_no_other<D: Db>(db: &D) {
    let unique = match D::NAME {
        "mysql" => "ALTER TABLE sessions ADD CONSTRAINT agent_check CHECK (user_agent <> 'Lynx')",
        "postgres" => "ALTER TABLE sessions ADD CONSTRAINT agent_check CHECK (user_agent <> 'Lynx')",
        _ => {
            "CREATE TRIGGER agent_check BEFORE INSERT ON sessions WHEN NEW.user_agent = 'Lynx' \
              BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed: agent_check'); END"
        }
    };
    D::execute(&mut db.connect(), unique);
    let store = FormerStore::new(db);
    let cookies: Vec<String> =
        ["Firefox", "Lynx", "Chrome"].iter().map(|agent| store.add(&json!({"agent": agent}), in_days(1))).collect();
    let answer = attempt(db, &["--fill", "user_agent=agent", "--write", "--move"]);
    assert_eq!(counts(&serde_json::from_str(&answer.stdout).expect(&answer.stderr)), [2, 0, 0, 0, 1]);
    assert!(answer.stdout.contains("the database does not take it"), "{}", answer.stdout);
    assert!(!answer.stdout.contains("Lynx"));
    assert_eq!(cookies.iter().map(|cookie| open(db, cookie).is_some()).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(store.rows(), 1);
}

/// Refuses a row, and names no constraint.
fn refuse_lynx<D: Db>(conn: &mut D::Conn) {
    let sql: &[&str] = match D::NAME {
        "sqlite" => &[
            "CREATE TRIGGER no_lynx BEFORE INSERT ON sessions WHEN NEW.user_agent = 'Lynx' BEGIN SELECT RAISE(ABORT, 'no'); END",
        ],
        "postgres" => &[
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END'",
            "CREATE TRIGGER no_lynx BEFORE INSERT ON sessions FOR EACH ROW WHEN (NEW.user_agent = 'Lynx') EXECUTE FUNCTION refuse()",
        ],
        _ => &["CREATE TRIGGER no_lynx BEFORE INSERT ON sessions FOR EACH ROW \
             BEGIN IF NEW.user_agent = 'Lynx' THEN SIGNAL SQLSTATE '45000'; END IF; END"],
    };
    sql.iter().for_each(|sql| D::execute(conn, sql));
}

fn rows_that_are_refused_again_and_again_end_no_import<D: Db>(db: &D) {
    refuse_lynx::<D>(&mut db.connect());
    let store = FormerStore::new(db);
    for agent in ["Lynx", "Lynx", "Firefox", "Lynx", "Lynx", "Lynx"] {
        store.add(&json!({"agent": agent}), in_days(1));
    }
    // The second of two runs has a page of nothing but such rows.
    for further in [&["--batch", "10"][..], &["--batch", "10"], &["--batch", "2", "--move"], &["--batch", "2", "--move"]] {
        let answer = attempt(db, &[&["--fill", "user_agent=agent", "--write"], further].concat());
        assert_eq!(answer.status, Some(1), "{}", answer.stderr);
        let [imported, here, .., unfit] = counts(&serde_json::from_str(&answer.stdout).expect(&answer.stderr));
        assert_eq!((imported + here, unfit), (1, 5), "{further:?}");
    }
}

// S27
fn an_owner_who_is_gone_gets_no_session<D: Db>(db: &D) {
    former::with_users(db, &[7, 8]);
    let store = FormerStore::new(db);
    let cookies = [7, 9, 8].map(|user| store.add(&json!({ "user": user }), in_days(1)));
    for args in [&["--owner-path", "user"][..], &["--owner-path", "user", "--write"]] {
        let answer = attempt(db, args);
        assert_eq!(counts(&serde_json::from_str(&answer.stdout).expect(&answer.stderr)), [2, 0, 0, 0, 1]);
        assert!(answer.stdout.contains("is not in `users`"), "{}", answer.stdout);
    }
    let owners = cookies.map(|cookie| open(db, &cookie).and_then(|session| session.to_model().user_id()));
    assert_eq!(owners, [Some(7), None, Some(8)]);
}

// SECURITY 8, 30
#[cfg(feature = "postgres")]
#[test]
fn what_a_column_of_another_type_cannot_hold_is_not_repeated() {
    use crate::support::{Postgres, skipped};
    let Some(db) = Postgres::fresh() else { return skipped(Postgres::NAME) };
    let mut conn = db.connect();
    Postgres::execute(&mut conn, "ALTER TABLE sessions ALTER remote_addr TYPE inet USING remote_addr::inet");
    let store = FormerStore::new(&db);
    store.add(&json!({"addr": "192.0.2.7"}), in_days(1));
    store.add(&json!({"addr": "my-secret"}), in_days(1));
    for batch in ["1", "10"] {
        let args = ["--fill", "remote_addr=addr", "--write", "--batch", batch];
        let answer = attempt(&db, &args);
        let counts = counts(&serde_json::from_str(&answer.stdout).expect(&answer.stderr));
        assert_eq!((counts[0] + counts[1], counts[4]), (1, 1));
        assert!(!answer.stdout.contains("my-secret") && !answer.stderr.contains("my-secret"), "{}", answer.stderr);
    }
    assert_eq!(Postgres::texts(&mut conn, "SELECT host(remote_addr) FROM sessions"), [Some("192.0.2.7".to_owned())]);

    let name = Postgres::text(&mut conn, "SELECT current_database()").unwrap();
    Postgres::execute(&mut conn, &format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
    attempt(&db, &["--write", "--move"]).assert_failed(1, &["read-only", "may not"]);
}
