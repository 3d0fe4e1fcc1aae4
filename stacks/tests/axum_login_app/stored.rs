//! What the application gains: its users' sessions are rows.

use diesel_sessions::Session;

use super::Db;
use super::scenario::{RIGHT, site};
use crate::browser::Browser;
use crate::place::block_on;
use crate::support;
use crate::support::Db as _;

const CORRO: &str = "username=corro&password=swordfish";
const ACCOUNT: &str = "200 account of ferris";
const AWAY: &str = "307 /login?next=%2F";

/// A browser in which ferris has signed in, and has seen so.
async fn signed_in(app: &axum::Router) -> Browser {
    let mut browser = Browser::default();
    assert_eq!(browser.post(app, "/login", RIGHT).await, "303 /");
    assert_eq!(browser.get(app, "/").await, "200 signed in; account of ferris");
    browser
}

// S62
#[test]
fn a_sign_in_is_a_row_of_its_user() {
    support::run::<Db>(|db| {
        let site = site(db);
        let browser = block_on(signed_in(&site.app));
        assert_eq!(site.place.number("SELECT user_id FROM sessions WHERE authenticated_at IS NOT NULL"), 7);
        let mine = site.place.sessions.of(&7);
        assert_eq!(mine.list(&mut db.connect()).unwrap().len(), 1);
        let session = site.place.open(browser.id.as_deref().unwrap()).expect("its cookie opens it");
        assert_eq!(session.get("user_id").unwrap(), Some(7));
    });
}

// S64 SECURITY 14, 15
#[test]
fn signing_out_everywhere_else_leaves_this_browser() {
    support::run::<Db>(|db| {
        let site = site(db);
        block_on(async {
            let (mut phone, mut laptop, mut tablet) =
                (signed_in(&site.app).await, signed_in(&site.app).await, signed_in(&site.app).await);
            let this = site.place.open(laptop.id.as_deref().unwrap()).as_ref().and_then(Session::row_id).unwrap();
            assert_eq!(site.place.sessions.of(&7).revoke_except(&mut db.connect(), this).unwrap(), 2);
            assert_eq!(phone.get(&site.app, "/").await, AWAY);
            assert_eq!(tablet.get(&site.app, "/").await, AWAY);
            assert_eq!(laptop.get(&site.app, "/").await, ACCOUNT);

            // It is a table like any other: an operator with a SQL prompt does the rest.
            Db::execute(&mut db.connect(), "DELETE FROM sessions WHERE user_id = 7");
            assert_eq!(laptop.get(&site.app, "/").await, AWAY);
        });
    });
}

// S27 SECURITY 16
#[test]
fn a_user_who_is_deleted_is_signed_out() {
    support::run::<Db>(|db| {
        let site = site(db);
        let conn = &mut db.connect();
        if Db::NAME == "sqlite" {
            Db::execute(conn, "DROP INDEX sessions_user_id_idx; ALTER TABLE sessions DROP COLUMN user_id");
            Db::execute(conn, "ALTER TABLE sessions ADD COLUMN user_id BIGINT REFERENCES users (id) ON DELETE CASCADE");
        } else {
            Db::execute(conn, "ALTER TABLE sessions ADD FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE");
        }
        block_on(async {
            let mut ferris = signed_in(&site.app).await;
            let mut corro = Browser::default();
            assert_eq!(corro.post(&site.app, "/login", CORRO).await, "303 /");
            Db::execute(conn, "DELETE FROM users WHERE id = 7");
            assert_eq!(site.place.number("SELECT COUNT(*) FROM sessions WHERE user_id = 7"), 0);
            assert_eq!(ferris.get(&site.app, "/").await, AWAY);
            assert_eq!(corro.get(&site.app, "/").await, "200 signed in; account of corro");
        });
    });
}

// S62 SECURITY 9
#[test]
fn after_a_user_who_is_no_longer_found_another_signs_in_by_way_of_a_sign_out() {
    support::run::<Db>(|db| {
        let site = site(db);
        block_on(async {
            let mut browser = signed_in(&site.app).await;
            // No foreign key here: the session outlives its user, as where users are only marked as deleted.
            Db::execute(&mut db.connect(), "DELETE FROM users WHERE id = 7");
            assert_eq!(browser.get(&site.app, "/").await, AWAY);
            assert!(browser.post(&site.app, "/login", CORRO).await.starts_with("500 "), "axum-login gives no new id here");
            assert_eq!(browser.get(&site.app, "/").await, AWAY);

            assert_eq!(browser.get(&site.app, "/logout").await, "303 /login");
            assert_eq!(browser.post(&site.app, "/login", CORRO).await, "303 /");
            assert_eq!(browser.get(&site.app, "/").await, "200 signed in; account of corro");
        });
    });
}
