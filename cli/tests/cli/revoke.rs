//! `revoke`: signing out.

use diesel_sessions::{SessionRepository, SignIn};
use serde_json::json;

use super::rows;
use super::support::{Db, suite};
use super::terminal::typed;
use super::tool::{json, print, run, tool};

suite! {
    one_session_is_revoked_with_its_attributes,
    an_owners_sessions_are_revoked,
    everyone_is_signed_out,
    nothing_is_revoked_without_a_confirmation,
    on_a_terminal_it_asks,
    what_the_library_has_signed_in_is_signed_out,
    a_row_of_the_applications_that_holds_a_session_is_named,
}

// S11, S75
fn one_session_is_revoked_with_its_attributes<D: Db>(db: &D) {
    let mut conn = rows::four(db);
    assert_eq!(print(&db.url(), &["revoke", "2", "--yes"]), "1 session revoked\n");
    assert_eq!(rows::ids::<D>(&mut conn), [1, 3, 4]);
    assert_eq!(D::number(&mut conn, "SELECT COUNT(*) FROM session_attributes"), 2);
    run(&db.url(), &["revoke", "2", "--yes"]).assert_failed(1, &["no session 2"]);
}

// SECURITY 14
fn an_owners_sessions_are_revoked<D: Db>(db: &D) {
    let mut conn = rows::four(db);
    rows::session::<D>(&mut conn, 5, Some(8), rows::FUTURE);
    assert_eq!(json(&db.url(), &["revoke", "--owner", "7", "--yes"]), json!({ "revoked": 3 }));
    assert_eq!(rows::ids::<D>(&mut conn), [3, 5]);
    assert_eq!(json(&db.url(), &["revoke", "--owner", "7", "--yes"]), json!({ "revoked": 0 }));
}

fn everyone_is_signed_out<D: Db>(db: &D) {
    let mut conn = rows::four(db);
    assert_eq!(print(&db.url(), &["revoke", "--everyone", "-y"]), "4 sessions revoked\n");
    assert!(rows::ids::<D>(&mut conn).is_empty());
    assert_eq!(D::number(&mut conn, "SELECT COUNT(*) FROM session_attributes"), 0);
}

fn nothing_is_revoked_without_a_confirmation<D: Db>(db: &D) {
    let mut conn = rows::four(db);
    for args in [&["revoke", "2"][..], &["revoke", "--owner", "7"], &["revoke", "--everyone"]] {
        run(&db.url(), args).assert_failed(2, &["--yes"]);
    }
    assert_eq!(run(&db.url(), &["revoke", "--yes"]).status, Some(2), "of whom?");
    assert_eq!(run(&db.url(), &["revoke", "2", "--everyone", "--yes"]).status, Some(2), "which of both?");
    assert_eq!(rows::ids::<D>(&mut conn), [1, 2, 3, 4]);
}

fn on_a_terminal_it_asks<D: Db>(db: &D) {
    let mut conn = rows::four(db);
    let folder = tempfile::tempdir().unwrap();
    let ask = |args: &[&str], answer| typed(tool(folder.path()).env("DATABASE_URL", db.url()).args(args), answer);
    let (status, shown) = ask(&["revoke", "2"], "\n");
    assert_eq!(status, Some(1), "{shown}");
    assert!(shown.contains("End session 2, of owner 7, last seen 2001-02-03 04:05:06Z? [y/N]"), "{shown}");
    assert_eq!(rows::ids::<D>(&mut conn), [1, 2, 3, 4]);
    let (status, shown) = ask(&["revoke", "--owner", "7"], "yes\n");
    assert_eq!(status, Some(0), "{shown}");
    assert!(shown.contains("End all 3 sessions of owner 7?"), "{shown}");
    assert_eq!(rows::ids::<D>(&mut conn), [3]);
}

// SECURITY 13
fn what_the_library_has_signed_in_is_signed_out<D: Db>(db: &D) {
    let mut conn = db.connect();
    let sessions = SessionRepository::<D::Model>::builder().build().unwrap();
    let mut session = sessions.new_session();
    sessions.sign_in(&mut conn, &mut session, SignIn::new(7)).unwrap();
    let token = session.new_token().unwrap().clone();
    assert!(sessions.load(&mut conn, Some(token.reveal())).unwrap().is_some());

    let list = json(&db.url(), &["list", "--owner", "7"]);
    assert_eq!(list.as_array().unwrap().len(), 1);
    print(&db.url(), &["revoke", &list[0]["id"].to_string(), "--yes"]);
    assert!(sessions.load(&mut conn, Some(token.reveal())).unwrap().is_none());
}

// S63
fn a_row_of_the_applications_that_holds_a_session_is_named<D: Db>(db: &D) {
    let mut conn = rows::four(db);
    D::execute(
        &mut conn,
        "CREATE TABLE orders (session_id BIGINT NOT NULL, CONSTRAINT orders_session_id_fkey FOREIGN KEY (session_id) REFERENCES sessions (id))",
    );
    D::execute(&mut conn, "INSERT INTO orders VALUES (1)");
    for args in [&["revoke", "1", "--yes"][..], &["purge"]] {
        run(&db.url(), args).assert_failed(1, &["orders (session_id)", "ON DELETE"]);
    }
    assert_eq!(rows::ids::<D>(&mut conn), [1, 2, 3, 4]);
}
