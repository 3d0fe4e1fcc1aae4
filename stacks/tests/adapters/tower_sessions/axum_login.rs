//! A real application on axum-login 0.18: its own example's routes, over the store.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use axum::response::Redirect;
use axum::routing::{get, post};
use axum::{Form, Router};
use axum_login::{AuthManagerLayerBuilder, AuthUser, AuthnBackend, login_required};
use diesel_sessions::adapters::tower_sessions::{DieselStore, ROW_ID_KEY};
use diesel_sessions::{ConnectionSource, SystemClock};
use time::Duration;
use tower_sessions_0_14::{Expiry, SessionManagerLayer};

use crate::asking::Browser;
use crate::place::{Place, Pooled, block_on};
use crate::support::{Plain, suite};

suite! {
    who_is_not_signed_in_is_sent_to_the_page,
    signing_in_rotates_and_names_the_owner,
    signing_out_ends_the_session,
    a_second_sign_in_of_the_same_user_keeps_the_session,
    another_user_signs_in_after_signing_out_alone,
    a_changed_password_ends_the_session,
    signing_out_everywhere_else_leaves_this_session,
    a_revoked_session_is_signed_out_at_once,
    a_sign_in_that_is_sent_twice_does_not_fail,
}

#[derive(Debug, Clone)]
struct User {
    id: i64,
    password: String,
}

impl AuthUser for User {
    type Id = i64;

    fn id(&self) -> i64 {
        self.id
    }

    fn session_auth_hash(&self) -> &[u8] {
        self.password.as_bytes()
    }
}

#[derive(serde::Deserialize)]
struct Credentials {
    user: i64,
    password: String,
}

#[derive(Clone)]
struct Users(Arc<Mutex<Vec<User>>>);

impl Users {
    fn two() -> Self {
        let user = |id| User { id, password: format!("password of {id}") };
        Users(Arc::new(Mutex::new(vec![user(7), user(8)])))
    }

    fn find(&self, id: i64) -> Option<User> {
        self.0.lock().unwrap().iter().find(|user| user.id == id).cloned()
    }
}

impl AuthnBackend for Users {
    type User = User;
    type Credentials = Credentials;
    type Error = Infallible;

    async fn authenticate(&self, given: Credentials) -> Result<Option<User>, Infallible> {
        Ok(self.find(given.user).filter(|user| user.password == given.password))
    }

    async fn get_user(&self, id: &i64) -> Result<Option<User>, Infallible> {
        Ok(self.find(*id))
    }
}

type AuthSession = axum_login::AuthSession<Users>;

async fn index(auth: AuthSession) -> String {
    format!("user number {}", auth.user.unwrap().id)
}

async fn log_in(mut auth: AuthSession, Form(given): Form<Credentials>) -> Result<Redirect, StatusCode> {
    let user = auth.authenticate(given).await.unwrap().ok_or(StatusCode::UNAUTHORIZED)?;
    auth.login(&user).await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(Redirect::to("/"))
}

async fn log_out(mut auth: AuthSession) -> Redirect {
    auth.logout().await.unwrap();
    Redirect::to("/login")
}

async fn visit(auth: AuthSession) -> String {
    let visits = auth.session.get::<u32>("visits").await.unwrap().unwrap_or(0) + 1;
    auth.session.insert("visits", visits).await.unwrap();
    visits.to_string()
}

struct Site<'a, D: Pooled> {
    place: Place<'a, D>,
    users: Users,
    app: Router,
}

fn site<D: Pooled>(db: &D) -> Site<'_, D> {
    let place = Place::with(db, |builder| builder.clock(SystemClock));
    let users = Users::two();
    let store = DieselStore::new(place.sessions.clone(), place.pool.clone()).owner_at(["axum-login.data", "user_id"]);
    let layer = SessionManagerLayer::new(store).with_expiry(Expiry::OnInactivity(Duration::days(1)));
    let auth = AuthManagerLayerBuilder::new(users.clone(), layer).build();
    let (sessions, pool) = (place.sessions.clone(), place.pool.clone());
    let others = move |auth: AuthSession| async move {
        let user = auth.user.unwrap().id;
        let row: i64 = auth.session.get(ROW_ID_KEY).await.unwrap().unwrap();
        let revoke = move |conn: &mut D::Conn| {
            let mine = sessions.of(&user);
            let this = mine.list(conn)?.into_iter().map(|model| sessions.from_row(model)).collect::<Result<Vec<_>, _>>()?;
            let this = this.iter().filter_map(|session| session.row_id()).find(|id| id.to_string() == row.to_string());
            mine.revoke_except(conn, this.unwrap())
        };
        pool.run(revoke).await.map(|rows| rows.to_string()).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
    };
    let app = Router::new()
        .route("/", get(index))
        .route("/others", post(others))
        .route_layer(login_required!(Users, login_url = "/login"))
        .route("/login", post(log_in).get(|| async { "sign in, please" }))
        .route("/logout", get(log_out))
        .route("/visit", get(visit))
        .layer(auth);
    Site { place, users, app }
}

impl<D: Pooled> Site<'_, D> {
    async fn log_in(&self, browser: &mut Browser, user: i64) -> StatusCode {
        browser.post(&self.app, "/login", &format!("user={user}&password=password+of+{user}")).await.status
    }

    async fn signed_in(&self, user: i64) -> Browser {
        let mut browser = Browser::default();
        assert_eq!(self.log_in(&mut browser, user).await, StatusCode::SEE_OTHER);
        browser
    }

    fn sessions_of(&self, user: i64) -> usize {
        self.place.sessions.of(&user).count(&mut self.place.db.connect()).unwrap()
    }
}

fn who_is_not_signed_in_is_sent_to_the_page<D: Pooled>(db: &D) {
    let site = site(db);
    block_on(async {
        let mut browser = Browser::default();
        assert_eq!(browser.get(&site.app, "/").await.status, StatusCode::TEMPORARY_REDIRECT);
        assert_eq!(browser.post(&site.app, "/login", "user=7&password=guessed").await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(browser.get(&site.app, "/").await.status, StatusCode::TEMPORARY_REDIRECT);
    });
    assert_eq!(site.place.rows(), 0);
}

// S62 SECURITY 9, 10
fn signing_in_rotates_and_names_the_owner<D: Pooled>(db: &D) {
    let site = site(db);
    block_on(async {
        let mut browser = Browser::default();
        assert_eq!(browser.get(&site.app, "/visit").await.body, "1");
        let mut planted = browser.clone();
        assert_eq!(site.log_in(&mut browser, 7).await, StatusCode::SEE_OTHER);
        assert_ne!(browser.cookie, planted.cookie);
        assert_eq!(browser.get(&site.app, "/").await.body, "user number 7");
        assert_eq!(browser.get(&site.app, "/visit").await.body, "2", "what the visitor had goes along");
        assert_eq!(planted.get(&site.app, "/").await.status, StatusCode::TEMPORARY_REDIRECT);
        let row = site.place.open(browser.cookie.as_deref().unwrap()).unwrap();
        assert_eq!(row.to_model().user_id(), Some(7));
        assert!(row.authenticated_at().is_some());
    });
    assert_eq!(site.sessions_of(7), 1);
}

// S11 SECURITY 13
fn signing_out_ends_the_session<D: Pooled>(db: &D) {
    let site = site(db);
    block_on(async {
        let mut browser = site.signed_in(7).await;
        let mut kept = browser.clone();
        browser.get(&site.app, "/logout").await;
        assert_eq!(browser.cookie, None);
        assert_eq!(kept.get(&site.app, "/").await.status, StatusCode::TEMPORARY_REDIRECT);
    });
    assert_eq!(site.place.rows(), 0);
}

fn a_second_sign_in_of_the_same_user_keeps_the_session<D: Pooled>(db: &D) {
    let site = site(db);
    block_on(async {
        let mut browser = site.signed_in(7).await;
        browser.get(&site.app, "/visit").await;
        assert_eq!(site.log_in(&mut browser, 7).await, StatusCode::SEE_OTHER);
        assert_eq!(browser.get(&site.app, "/visit").await.body, "2");
    });
    assert_eq!((site.sessions_of(7), site.place.rows()), (1, 1));
}

// SECURITY 9
fn another_user_signs_in_after_signing_out_alone<D: Pooled>(db: &D) {
    let site = site(db);
    block_on(async {
        let mut browser = site.signed_in(7).await;
        browser.get(&site.app, "/visit").await;
        let same_id = site.log_in(&mut browser, 8).await;
        assert_eq!(same_id, StatusCode::INTERNAL_SERVER_ERROR, "axum-login gives no new id here");
        assert_eq!(browser.get(&site.app, "/").await.body, "user number 7");
        browser.get(&site.app, "/logout").await;
        assert_eq!(site.log_in(&mut browser, 8).await, StatusCode::SEE_OTHER);
        assert_eq!(browser.get(&site.app, "/visit").await.body, "1", "nothing of the first user's is left");
    });
    assert_eq!((site.sessions_of(7), site.sessions_of(8)), (0, 1));
}

fn a_changed_password_ends_the_session<D: Pooled>(db: &D) {
    let site = site(db);
    block_on(async {
        let mut browser = site.signed_in(7).await;
        site.users.0.lock().unwrap()[0].password = "another".to_owned();
        assert_eq!(browser.get(&site.app, "/").await.status, StatusCode::TEMPORARY_REDIRECT);
    });
    assert_eq!(site.place.rows(), 0);
}

// S64 SECURITY 14, 15
fn signing_out_everywhere_else_leaves_this_session<D: Pooled>(db: &D) {
    let site = site(db);
    block_on(async {
        let (mut phone, mut laptop, mut other) = (site.signed_in(7).await, site.signed_in(7).await, site.signed_in(8).await);
        assert_eq!(laptop.post(&site.app, "/others", "").await.body, "1");
        assert_eq!(phone.get(&site.app, "/").await.status, StatusCode::TEMPORARY_REDIRECT);
        assert_eq!(laptop.get(&site.app, "/").await.body, "user number 7");
        assert_eq!(other.get(&site.app, "/").await.body, "user number 8");
    });
}

// SECURITY 13
fn a_revoked_session_is_signed_out_at_once<D: Pooled>(db: &D) {
    let site = site(db);
    block_on(async {
        let mut browser = site.signed_in(7).await;
        assert_eq!(site.place.sessions.of(&7).revoke_all(&mut db.connect()).unwrap(), 1);
        assert_eq!(browser.get(&site.app, "/").await.status, StatusCode::TEMPORARY_REDIRECT);
    });
    assert_eq!(site.place.rows(), 0);
}

// S62
fn a_sign_in_that_is_sent_twice_does_not_fail<D: Pooled>(db: &D) {
    let site = site(db);
    block_on(async {
        let mut browser = Browser::default();
        browser.get(&site.app, "/visit").await;
        let mut twin = browser.clone();
        let (first, second) = tokio::join!(site.log_in(&mut browser, 7), site.log_in(&mut twin, 7));
        assert_eq!((first, second), (StatusCode::SEE_OTHER, StatusCode::SEE_OTHER));
        for mut one in [browser, twin] {
            assert_eq!(one.get(&site.app, "/").await.body, "user number 7");
        }
    });
}
