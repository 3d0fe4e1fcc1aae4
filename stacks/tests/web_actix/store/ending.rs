//! What was ended stays ended, whatever the middleware does next.

use actix_session_0_11::storage::SessionStore;

use super::site::{Browser, builder, copy, open, saved, state, ttl};
use crate::app::block_on;
use crate::site::{Site, Web};
use crate::support::{repository_with, suite};
use diesel_sessions::{RandomTokens, Result, SessionToken, TokenSource};

suite! {
    an_update_does_not_bring_an_ended_session_back,
    a_renewal_does_not_bring_an_ended_session_back,
    a_sign_out_beats_a_renewal_that_is_under_way,
    a_sign_out_in_the_middle_of_a_renewals_save_beats_it,
    a_renewal_keeps_what_the_session_has,
    deleting_what_is_not_there_is_no_error,
    a_request_that_was_overtaken_gets_500_and_no_cookie,
}

// S49 SECURITY 13
fn an_update_does_not_bring_an_ended_session_back<D: Web>(db: &D) {
    let site = Site::new(db);
    block_on(async {
        let store = site.store();
        let key = saved(&store, "a", "1").await;
        let mut loaded = store.load(&key).await.unwrap().unwrap();
        site.sessions.revoke_everyone(&mut db.connect()).unwrap();
        loaded.insert("a".to_owned(), "2".to_owned());
        assert!(store.update(copy(&key), loaded.clone(), &ttl()).await.is_err());
        assert!(store.update(copy(&key), state("a", "2"), &ttl()).await.is_err(), "nor a state made by hand");
        assert!(store.update(copy(&key), state("user_id", "7"), &ttl()).await.is_err(), "nor an owner's");
        assert!(store.update_ttl(&key, &ttl()).await.is_err());
        assert!(store.load(&key).await.unwrap().is_none());
    });
    assert_eq!(site.rows(), 0);
}

// SECURITY 13
fn a_renewal_does_not_bring_an_ended_session_back<D: Web>(db: &D) {
    let site = Site::new(db);
    block_on(async {
        let store = site.store();
        for (name, value) in [("a", "1"), ("user_id", "7")] {
            let key = saved(&store, name, value).await;
            let loaded = store.load(&key).await.unwrap().unwrap();
            site.sessions.revoke_everyone(&mut db.connect()).unwrap();
            store.delete(&key).await.unwrap();
            assert!(store.save(loaded, &ttl()).await.is_err(), "{name}");
        }
    });
    assert_eq!(site.rows(), 0);
}

// SECURITY 13
fn a_sign_out_beats_a_renewal_that_is_under_way<D: Web>(db: &D) {
    let site = Site::new(db);
    block_on(async {
        let store = site.store();
        let key = saved(&store, "user_id", "7").await;
        let loaded = store.load(&key).await.unwrap().unwrap();
        store.delete(&key).await.unwrap(); // the renewal's
        store.clone().delete(&key).await.unwrap(); // the sign-out's
        assert!(store.save(loaded, &ttl()).await.is_err());
    });
    assert_eq!(site.rows(), 0);
}

type Interruption = std::sync::Arc<std::sync::Mutex<Option<Box<dyn FnOnce() + Send>>>>;

/// Random tokens; before the next one is drawn, something else happens.
struct Interrupted(Interruption);

impl TokenSource for Interrupted {
    fn token(&self) -> Result<SessionToken> {
        let interruption = self.0.lock().unwrap().take();
        if let Some(interruption) = interruption {
            interruption();
        }
        RandomTokens.token()
    }
}

// SECURITY 13
fn a_sign_out_in_the_middle_of_a_renewals_save_beats_it<D: Web>(db: &D) {
    let interruption = Interruption::default();
    let (sessions, clock) = repository_with::<D>(|builder| builder.token_source(Interrupted(interruption.clone())));
    let site = Site::of(db, sessions, clock);
    block_on(async {
        let store = site.store();
        let key = saved(&store, "user_id", "7").await;
        let loaded = store.load(&key).await.unwrap().unwrap();
        store.delete(&key).await.unwrap(); // the renewal's
        let (other, left, runtime) = (store.clone(), copy(&key), tokio::runtime::Handle::current());
        // The save has read that the row was deleted for it, and not yet inserted another.
        *interruption.lock().unwrap() = Some(Box::new(move || runtime.block_on(other.delete(&left)).unwrap()));
        assert!(store.save(loaded, &ttl()).await.is_err());
        assert!(interruption.lock().unwrap().is_none(), "the sign-out has come in between");
    });
    assert_eq!(site.rows(), 0);
}

// SECURITY 10
fn a_renewal_keeps_what_the_session_has<D: Web>(db: &D) {
    let site = Site::new(db);
    block_on(async {
        let app = open::<D>(builder::<D>(site.store())).await;
        let mut browser = Browser::new(&app);
        browser.ask("/count").await;
        browser.ask("/in/7").await;
        let created = |db: &D| D::text(&mut db.connect(), "SELECT created_at FROM sessions");
        let proved = |db: &D| D::text(&mut db.connect(), "SELECT authenticated_at FROM sessions");
        let before = (created(db), proved(db));
        site.clock.advance(crate::support::seconds(60));
        for _ in 0..2 {
            let mut old = browser.twin();
            browser.ask("/renew").await;
            assert_ne!(browser.cookie, old.cookie);
            assert_eq!(old.told().await, "");
            assert_eq!(browser.told().await, "counter=1 user_id=7");
        }
        assert_eq!((created(db), proved(db)), before, "a renewal proves nothing");
    });
    assert_eq!(site.rows(), 1);
}

// S11
fn deleting_what_is_not_there_is_no_error<D: Web>(db: &D) {
    let site = Site::new(db);
    block_on(async {
        let store = site.store();
        let key = saved(&store, "a", "1").await;
        for _ in 0..2 {
            store.delete(&key).await.unwrap();
        }
        let none = actix_session_0_11::storage::SessionKey::try_from("no key".to_owned()).unwrap();
        store.delete(&none).await.unwrap();
        assert!(store.load(&key).await.unwrap().unwrap().is_empty(), "for a minute, a key that was left is an empty session");
        site.clock.advance(crate::support::seconds(60));
        assert!(store.load(&key).await.unwrap().is_none());
    });
    assert_eq!(site.rows(), 0);
}

// SECURITY 13 18
fn a_request_that_was_overtaken_gets_500_and_no_cookie<D: Web>(db: &D) {
    use actix_session_0_11::Session;
    use diesel_sessions::ConnectionSource;
    let site = Site::new(db);
    let (sessions, pool) = (site.sessions.clone(), site.pool.clone());
    let late = move |session: Session| {
        let (sessions, pool) = (sessions.clone(), pool.clone());
        async move {
            pool.run(move |conn| sessions.revoke_everyone(conn)).await?;
            session.insert("late", 1)?;
            Ok::<_, actix_web::Error>("saved")
        }
    };
    block_on(async {
        let app = actix_web::App::new().configure(super::site::pages).route("/late", actix_web::web::get().to(late));
        let app = crate::app::client!(app.wrap(builder::<D>(site.store()).build()));
        let mut browser = Browser::new(&app);
        browser.ask("/count").await;
        let reply = browser.ask("/late").await;
        assert_eq!((reply.status.as_u16(), reply.body.as_str(), reply.set_cookie()), (500, "", None));
        assert_eq!(browser.told().await, "");
    });
    assert_eq!(site.rows(), 0);
}
