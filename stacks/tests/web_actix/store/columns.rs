//! Keys, typed columns, and the entries that are the store's own.

use actix_session_0_11::Session;
use actix_session_0_11::storage::SessionStore;
use actix_web::App;
use actix_web::web::{Data, get};
use axum::http::StatusCode;
use diesel_sessions::adapters::actix_session::ROW_ID_KEY;
use diesel_sessions::{ConnectionSource, SessionRepository};

use super::site::{Browser, builder, open, pages, saved, state, ttl};
use crate::app::{block_on, client};
use crate::site::{ConnPool, Site, Web, unreachable};
use crate::support::suite;

suite! {
    keys_that_name_typed_columns_go_there,
    every_json_value_comes_back,
    the_row_is_named_so_that_all_others_can_be_revoked,
    the_stores_own_entries_are_ignored_when_they_are_written,
    what_cannot_be_kept_is_an_error_and_nothing_is_saved,
    a_row_that_cannot_be_read_is_an_error_and_stays_as_it_is,
    a_database_that_is_down_is_an_error_and_no_anonymous_page,
    a_key_that_is_none_opens_nothing_and_costs_no_statement,
}

// S17 S18 S19
fn keys_that_name_typed_columns_go_there<D: Web>(db: &D) {
    let site = Site::new(db);
    block_on(async {
        let app = open::<D>(builder::<D>(site.store())).await;
        let mut browser = Browser::new(&app);
        browser.ask("/set/parrot/dead").await;
        browser.ask("/set/user_agent/browser").await;
        browser.ask("/in/7").await;
        assert_eq!(browser.told().await, r#"parrot="dead" user_agent="browser" user_id=7"#);
        let conn = &mut db.connect();
        assert_eq!(D::number(conn, "SELECT user_id FROM sessions"), 7);
        assert_eq!(D::text(conn, "SELECT user_agent FROM sessions").as_deref(), Some("browser"));
        let data = &site.sessions.of(&7).list(conn).unwrap()[0];
        let data = site.sessions.from_row(data.clone()).unwrap();
        assert_eq!(data.keys().collect::<Vec<_>>(), ["user_id", "user_agent", "parrot"]);
        browser.ask("/remove/user_agent").await;
        assert_eq!(D::text(conn, "SELECT user_agent FROM sessions"), None);
        assert_eq!(browser.told().await, r#"parrot="dead" user_id=7"#);
    });
}

// S29
fn every_json_value_comes_back<D: Web>(db: &D) {
    let site = Site::new(db);
    block_on(async {
        let store = site.store();
        for value in ["null", "true", "0", "-1", "18446744073709551615", "0.1", "\"\"", "\"ü\\n\"", "[1,[2]]", "{\"a\":{}}"] {
            let key = saved(&store, "value", value).await;
            assert_eq!(store.load(&key).await.unwrap().unwrap()["value"], value);
        }
    });
}

/// Ends all of the user's sessions but the one that asks.
async fn sign_out_everywhere_else<D: Web>(
    session: Session,
    sessions: Data<SessionRepository<D::Model>>,
    pool: Data<ConnPool<D>>,
) -> actix_web::Result<String> {
    let row: i64 = session.get(ROW_ID_KEY)?.unwrap();
    let (user, sessions) = (session.get("user_id")?.unwrap(), sessions.get_ref().clone());
    let ended = pool.run(move |conn| {
        let mine = sessions.of(&user);
        let rows = mine.list(conn)?.into_iter().map(|model| sessions.from_row(model)?.row_id().ok_or_else(|| unreachable!()));
        let rows: Vec<_> = rows.collect::<Result<_, diesel_sessions::Error>>()?;
        // An application knows whether its ids are `i32` or `i64`, and needs no search.
        let this = rows.into_iter().find(|id| id.to_string() == row.to_string()).unwrap();
        mine.revoke_except(conn, this)
    });
    Ok(ended.await?.to_string())
}

// S64
fn the_row_is_named_so_that_all_others_can_be_revoked<D: Web>(db: &D) {
    let site = Site::new(db);
    for _ in 0..2 {
        site.signed_in();
    }
    block_on(async {
        let app = App::new()
            .configure(pages)
            .route("/others", get().to(sign_out_everywhere_else::<D>))
            .app_data(Data::new(site.sessions.clone()))
            .app_data(Data::new(site.pool.clone()));
        let app = client!(app.wrap(builder::<D>(site.store()).build()));
        let mut browser = Browser::new(&app);
        browser.ask("/in/7").await;
        assert_eq!(browser.ask("/others").await.body, "2");
        assert_eq!(browser.told().await, "user_id=7");
    });
    assert_eq!(site.rows(), 1);
}

// S19 S25
fn the_stores_own_entries_are_ignored_when_they_are_written<D: Web>(db: &D) {
    let site = Site::new(db);
    block_on(async {
        let app = open::<D>(builder::<D>(site.store())).await;
        let mut browser = Browser::new(&app);
        browser.ask("/count").await;
        let row = D::number(&mut db.connect(), "SELECT id FROM sessions");
        assert_eq!(browser.ask("/set/_row_id/77").await.status, StatusCode::OK);
        assert_eq!(D::number(&mut db.connect(), "SELECT id FROM sessions"), row);
        assert_eq!(browser.told().await, "counter=1");
    });
    let conn = &mut db.connect();
    let stored = D::texts(conn, "SELECT _data FROM sessions").remove(0).unwrap();
    assert!(!stored.contains("_base") && !stored.contains("_row_id"), "{stored}");
}

// S28 S30 SECURITY 24
fn what_cannot_be_kept_is_an_error_and_nothing_is_saved<D: Web>(db: &D) {
    let site = Site::new(db);
    block_on(async {
        let app = open::<D>(builder::<D>(site.store())).await;
        let mut browser = Browser::new(&app);
        browser.ask("/count").await;
        for path in ["/set/user_id/nobody", "/set/_data/x", "/set/id/1"] {
            let reply = browser.ask(path).await;
            assert_eq!((reply.status, reply.set_cookie()), (StatusCode::INTERNAL_SERVER_ERROR, None), "{path}");
            assert_eq!(reply.body, "");
        }
        assert_eq!(browser.told().await, "counter=1");
        let error = site.store().save(state("name", "secret"), &ttl()).await.unwrap_err();
        assert!(!format!("{error:?} {error}").contains("secret"), "{error:?}");
    });
    assert_eq!(site.rows(), 1);
}

// SECURITY 23
fn a_row_that_cannot_be_read_is_an_error_and_stays_as_it_is<D: Web>(db: &D) {
    let site = Site::new(db);
    block_on(async {
        let app = open::<D>(builder::<D>(site.store())).await;
        let mut browser = Browser::new(&app);
        browser.ask("/count").await;
        D::execute(&mut db.connect(), "UPDATE sessions SET _data = '[]'");
        for path in ["/", "/count", "/nothing"] {
            let reply = browser.ask(path).await;
            assert_eq!((reply.status, reply.set_cookie()), (StatusCode::INTERNAL_SERVER_ERROR, None), "{path}");
        }
    });
    assert_eq!(D::text(&mut db.connect(), "SELECT _data FROM sessions").as_deref(), Some("[]"));
}

// SECURITY 30
fn a_database_that_is_down_is_an_error_and_no_anonymous_page<D: Web>(db: &D) {
    let site = Site::new(db);
    block_on(async {
        let key = saved(&site.store(), "a", "1").await;
        let store = diesel_sessions::adapters::actix_session::DieselStore::new(site.sessions.clone(), unreachable(db));
        assert!(store.load(&key).await.is_err());
        assert!(store.save(state("a", "1"), &ttl()).await.is_err());
        assert!(store.update_ttl(&key, &ttl()).await.is_err());
        assert!(store.delete(&key).await.is_err());
        assert!(store.update(key, state("a", "2"), &ttl()).await.is_err());
        let reply = Browser::new(&open::<D>(builder::<D>(store)).await).ask("/count").await;
        assert_eq!((reply.status, reply.body.as_str()), (StatusCode::INTERNAL_SERVER_ERROR, ""));
    });
}

// SECURITY 3 4
fn a_key_that_is_none_opens_nothing_and_costs_no_statement<D: Web>(db: &D) {
    let site = Site::new(db);
    let digest = {
        site.created();
        D::text(&mut db.connect(), "SELECT _uuid FROM sessions").unwrap()
    };
    let long = "A".repeat(4_000);
    block_on(async {
        let store = site.store();
        let before = site.sent();
        for text in ["", "A", "no key", "für-immer", "AAAA=", &long] {
            let key = actix_session_0_11::storage::SessionKey::try_from(text.to_owned()).unwrap();
            assert!(store.load(&key).await.unwrap().is_none(), "{text}");
            assert!(store.update(key, state("a", "1"), &ttl()).await.is_err(), "{text}");
        }
        assert_eq!(site.sent(), before);
        for unknown in ["A".repeat(43), digest] {
            let key = actix_session_0_11::storage::SessionKey::try_from(unknown).unwrap();
            assert!(store.load(&key).await.unwrap().is_none());
        }
    });
    assert_eq!(site.rows(), 1);
}
