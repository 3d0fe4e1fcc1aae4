//! The handler as the documentation has it, under a model of the application's own.
#![cfg(feature = "sqlite")]

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool};
use diesel_sessions::plain::sqlite::schema::sessions;
use diesel_sessions::{
    DbSession, Owner, SessionCore, SessionLayer, SessionRepository, SignIn, SqliteCustomizer, WebSession, migrations,
};

use crate::site::{ask_as, block_on};

#[derive(Debug, Clone, Queryable, Selectable, Identifiable, DbSession)]
#[diesel(table_name = sessions, check_for_backend(diesel::sqlite::Sqlite))]
struct AppSession {
    id: i32,
    #[diesel(embed)]
    core: SessionCore<AppSession>,
    #[session(owner)]
    user_id: Option<i64>,
    remote_addr: Option<String>,
    user_agent: Option<String>,
}

#[derive(Debug)]
enum AppError {
    Session(diesel_sessions::Error),
    Database(diesel::result::Error),
}

impl From<diesel_sessions::Error> for AppError {
    fn from(error: diesel_sessions::Error) -> Self {
        AppError::Session(error)
    }
}

impl From<diesel::result::Error> for AppError {
    fn from(error: diesel::result::Error) -> Self {
        AppError::Database(error)
    }
}

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        match self {
            AppError::Session(error) => error.into_response(),
            AppError::Database(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        }
    }
}

/// The application's own work.
fn place_order(conn: &mut SqliteConnection) -> QueryResult<()> {
    diesel::sql_query("INSERT INTO orders (item) VALUES ('spam')").execute(conn).map(drop)
}

// DESIGN section 4, word for word.
async fn add(session: WebSession<AppSession>) -> Result<Redirect, AppError> {
    let lines: Option<u32> = session.with(|s| s.get("lines"))?;
    session
        .run(move |conn, s| {
            conn.transaction(|conn| {
                place_order(conn)?;
                s.insert("lines", lines.unwrap_or(0) + 1)?;
                s.save(conn)?;
                Ok::<_, AppError>(())
            })
        })
        .await?;
    session.sign_in(SignIn::new(14)).await?;
    Ok(Redirect::to("/"))
}

async fn account(me: Owner<AppSession>) -> String {
    me.0.to_string()
}

#[test]
fn the_documented_handler_does_what_it_says() {
    let dir = tempfile::tempdir().unwrap();
    let pool = Pool::builder()
        .connection_customizer(Box::new(SqliteCustomizer::new()))
        .build(ConnectionManager::<SqliteConnection>::new(dir.path().join("shop.sqlite3").display().to_string()))
        .unwrap();
    let conn = &mut pool.get().unwrap();
    migrations::run(&mut **conn).unwrap();
    diesel::sql_query("CREATE TABLE orders (item TEXT NOT NULL)").execute(conn).unwrap();
    let sessions = SessionRepository::<AppSession>::builder().build().unwrap();
    let app = Router::new()
        .route("/cart", get(add))
        .route("/post", post(add))
        .route("/account", get(account))
        .layer(SessionLayer::new(sessions.clone(), pool.clone()));
    block_on(async {
        let first = crate::site::ask(&app, "/cart").await;
        assert_eq!((first.status, first.location()), (StatusCode::SEE_OTHER, Some("/")), "{first:?}");
        let second = ask_as(&app, "/cart", &first.token().unwrap()).await;
        let token = second.token().unwrap();
        assert_eq!(ask_as(&app, "/account", &token).await.body, "14");
        let stored = sessions.load(conn, token.as_str()).unwrap().unwrap();
        assert_eq!(stored.get::<u32>("lines").unwrap(), Some(2));
        assert_eq!(sessions.of(&14).count(conn).unwrap(), 1);

        // What the order cannot keep, the session does not keep either.
        diesel::sql_query("DROP TABLE orders").execute(conn).unwrap();
        let failed = ask_as(&app, "/cart", &token).await;
        assert_eq!((failed.status, failed.set_cookie()), (StatusCode::INTERNAL_SERVER_ERROR, None));
        assert_eq!(sessions.load(conn, token.as_str()).unwrap().unwrap().get::<u32>("lines").unwrap(), Some(2));
    });
}
