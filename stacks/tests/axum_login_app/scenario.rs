//! The same visit to the application before and after its store was replaced.

use axum::Router;
use diesel_sessions::SystemClock;
use diesel_sessions::adapters::tower_sessions::DieselStore;
use tower_sessions_0_14::MemoryStore;

use super::app::{Backend, app};
use super::{Conn, Db};
use crate::browser::Browser;
use crate::place::{Place, block_on};
use crate::support;
use crate::support::Db as _;

/// A database with the application's users, and the application on the library's store.
pub(super) struct Site<'a> {
    pub(super) place: Place<'a, Db>,
    pub(super) backend: Backend,
    pub(super) app: Router,
}

pub(super) fn site(db: &Db) -> Site<'_> {
    let conn: &mut Conn = &mut db.connect();
    Db::execute(
        conn,
        "CREATE TABLE users (id BIGINT NOT NULL PRIMARY KEY, username VARCHAR(50) NOT NULL, password VARCHAR(50) NOT NULL)",
    );
    Db::execute(conn, "INSERT INTO users VALUES (7, 'ferris', 'hunter42'), (8, 'corro', 'swordfish')");
    let place = Place::with(db, |builder| builder.clock(SystemClock));
    let backend = Backend(place.pool.clone());
    let (sessions, pool) = (place.sessions.clone(), place.pool.clone());
    // All that the application changes.
    let store = DieselStore::new(sessions, pool).owner_at(["axum-login.data", "user_id"]);
    Site { app: app(store, backend.clone()), backend, place }
}

pub(super) const RIGHT: &str = "username=ferris&password=hunter42";

/// A visit, and what each of its steps must be answered.
async fn visit(app: &Router) {
    let mut browser = Browser::default();
    assert_eq!(browser.get(app, "/").await, "307 /login?next=%2F");
    assert_eq!(browser.get(app, "/login?next=%2F").await, "200 form for /");
    assert_eq!(browser.id, None, "a look at the form leaves nothing");

    let wrong = "username=ferris&password=guess&next=%2F";
    assert_eq!(browser.post(app, "/login", wrong).await, "303 /login?next=/");
    assert_eq!(browser.get(app, "/login?next=/").await, "200 wrong name or password; form for /");
    assert_eq!(browser.post(app, "/login", wrong).await, "303 /login?next=/");
    let anonymous = browser.id.clone().expect("the notice is in a session");
    assert_eq!(browser.get(app, "/").await, "307 /login?next=%2F");

    assert_eq!(browser.post(app, "/login", RIGHT).await, "303 /");
    let signed_in = browser.id.clone().expect("signed in");
    assert_ne!(signed_in, anonymous);
    assert_eq!(browser.get(app, "/").await, "200 signed in; account of ferris");
    assert_eq!(browser.get(app, "/").await, "200 account of ferris");
    assert_eq!(Browser { id: Some(anonymous) }.get(app, "/").await, "307 /login?next=%2F");

    assert_eq!(browser.get(app, "/logout").await, "303 /login");
    assert_eq!(browser.id, None, "the cookie is removed");
    assert_eq!(Browser { id: Some(signed_in) }.get(app, "/").await, "307 /login?next=%2F");

    assert_eq!(browser.post(app, "/login", "username=corro&password=swordfish&next=%2Flogin").await, "303 /login");
    assert_eq!(browser.get(app, "/login").await, "200 signed in; form for /");
    assert_eq!(browser.get(app, "/").await, "200 account of corro");
}

// S5 S11 S62 SECURITY 9
#[test]
fn the_application_answers_alike_before_and_after() {
    support::run::<Db>(|db| {
        let site = site(db);
        block_on(visit(&app(MemoryStore::default(), site.backend.clone())));
        assert_eq!(site.place.rows(), 0, "so far in memory");
        block_on(visit(&site.app));
        assert_eq!(site.place.rows(), 1, "the last one is still signed in");
    });
}
