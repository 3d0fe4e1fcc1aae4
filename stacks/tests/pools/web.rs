//! axum's layer over every pool: the handler names the connection, the owner's extractor does not.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use axum::routing::get;
use diesel::Connection;
use diesel_sessions::plain::postgres::PlainSession;
use diesel_sessions::{Error, Owner, SessionLayer, SignIn, WebSession};
use tower::ServiceExt;

use crate::sources::{Source, backend};
use crate::support::{Db, Libpq, repository, token_of};

crate::lending::lending! {
    a_handler_has_session_and_connection_together
    whoever_is_signed_in_is_let_in
    a_load_that_met_a_dead_connection_is_tried_once_more
}

type Handle<P> = WebSession<PlainSession, <P as diesel_sessions::ConnectionSource>::Connection>;

async fn count<P: Source>(session: Handle<P>) -> Result<String, Error> {
    session
        .run(|conn, s| {
            conn.transaction(|conn| {
                let visits = s.get("visits")?.unwrap_or(0) + 1;
                s.insert("visits", visits)?;
                s.save(conn)?;
                Ok::<_, Error>(visits.to_string())
            })
        })
        .await
}

async fn sign_in<P: Source>(session: Handle<P>) -> Result<(), Error> {
    session.sign_in(SignIn::new(14)).await
}

async fn account(Owner(id): Owner<PlainSession>) -> String {
    id.to_string()
}

async fn home(owner: Option<Owner<PlainSession>>) -> String {
    owner.map_or_else(|| "anybody".to_owned(), |Owner(id)| id.to_string())
}

fn app<P: Source>(db: &Libpq) -> (Router, P) {
    let pool = P::new(db.url(), 1, std::time::Duration::from_secs(30));
    let layer = SessionLayer::new(repository::<Libpq>().0, pool.clone());
    let router = Router::new().route("/count", get(count::<P>)).route("/sign-in", get(sign_in::<P>));
    (router.route("/account", get(account)).route("/", get(home)).layer(layer), pool)
}

/// Asks with a cookie; the status, the body, and the cookie that a browser has afterwards.
async fn ask(app: &Router, path: &str, cookie: &str) -> (StatusCode, String, String) {
    let request = Request::get(path).header(header::COOKIE, cookie).body(Body::empty()).unwrap();
    let answer = app.clone().oneshot(request).await.unwrap();
    let set = answer.headers().get(header::SET_COOKIE).map(|set| set.to_str().unwrap().to_owned());
    let cookie = set.map_or_else(|| cookie.to_owned(), |set| set.split(';').next().unwrap().to_owned());
    let status = answer.status();
    (status, String::from_utf8(to_bytes(answer.into_body(), 4096).await.unwrap().to_vec()).unwrap(), cookie)
}

// S98
async fn a_handler_has_session_and_connection_together<P: Source>(db: &Libpq) {
    let (app, _) = app::<P>(db);
    let (status, body, cookie) = ask(&app, "/count", "").await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "1"));
    assert_eq!(ask(&app, "/count", &cookie).await.1, "2");
}

// S62; the owner is found whatever connection the pool lends
async fn whoever_is_signed_in_is_let_in<P: Source>(db: &Libpq) {
    let (app, _) = app::<P>(db);
    assert_eq!(ask(&app, "/account", "").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(ask(&app, "/", "").await.1, "anybody");
    let (status, _, cookie) = ask(&app, "/sign-in", "").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(ask(&app, "/account", &cookie).await.1, "14");
    assert_eq!(ask(&app, "/", &cookie).await.1, "14");
}

// DESIGN rule 13
async fn a_load_that_met_a_dead_connection_is_tried_once_more<P: Source>(db: &Libpq) {
    let (app, pool) = app::<P>(db);
    let (sessions, _) = repository::<Libpq>();
    let mut session = sessions.new_session();
    sessions.sign_in(&mut db.connect(), &mut session, SignIn::new(14)).unwrap();
    let id = pool.run(|conn| backend(conn).map_err(Error::from)).await.unwrap();
    Libpq::texts(&mut db.connect(), &format!("SELECT pg_terminate_backend({id}, 60000)"));
    let (status, body, _) = ask(&app, "/account", &format!("__Host-id={}", token_of(&session))).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "14"));
}
