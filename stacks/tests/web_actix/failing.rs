//! A database that is down, a pool that is empty: an error that says so, and never an anonymous page.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::web::{self, ServiceConfig};
use axum::http::StatusCode;
use diesel_sessions::{Error, MaybeOwner, Owner, SessionMiddleware};

use crate::app::{Client, block_on, open};
use crate::site::{Handle, Reply, Site, Web, pool, unreachable};
use crate::support::suite;

suite! {
    a_database_that_is_down_is_503_and_no_anonymous_page,
    an_optional_owner_never_passes_for_nobody_while_the_database_is_down,
    an_empty_pool_is_503,
    a_save_without_a_connection_is_503_and_changes_nothing,
    a_dead_connection_is_made_up_for_by_another,
    a_row_that_cannot_be_read_is_500_and_no_anonymous_page,
    a_database_that_check_refuses_is_500,
}

fn assert_unavailable(reply: &Reply) {
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE, "{reply:?}");
    assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!((reply.header("cache-control"), reply.set_cookie()), (Some("no-store"), None));
    for detail in ["anonymous", "127.0.0.1", "sqlite", "postgres", "mysql", "connection"] {
        assert!(!reply.body.contains(detail), "{reply:?}");
    }
}

fn anonymous<D: Web>(config: &mut ServiceConfig) {
    config.route("/", web::get().to(|_: Handle<D>| async { "anonymous" }));
}

// S103 SECURITY 30
fn a_database_that_is_down_is_503_and_no_anonymous_page<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.signed_in();
    block_on(async {
        let middleware = SessionMiddleware::new(site.sessions.clone(), unreachable(db));
        let app = open::<D>(middleware.sign_in_page("/sign-in"), |config| {
            anonymous::<D>(config);
            config
                .route("/owner", web::get().to(|_: Owner<D::Model>| async { "anonymous" }))
                .route("/maybe", web::get().to(|_: MaybeOwner<D::Model>| async { "anonymous" }));
        })
        .await;
        for path in ["/", "/owner", "/maybe"] {
            assert_unavailable(&app.ask_as(path, &token).await);
        }
        assert_unavailable(&app.ask("/").await);
    });
}

// S103 SECURITY 30
fn an_optional_owner_never_passes_for_nobody_while_the_database_is_down<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.signed_in();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let handler = move |who: Option<Owner<D::Model>>, status: web::Path<u16>| {
        count.fetch_add(1, Ordering::Relaxed);
        async move {
            assert!(who.is_none());
            let status = actix_web::http::StatusCode::from_u16(*status).unwrap();
            actix_web::HttpResponse::build(status).body("anonymous")
        }
    };
    block_on(async {
        let middleware = SessionMiddleware::new(site.sessions.clone(), unreachable(db));
        let app = open::<D>(middleware, |config| {
            config.route("/{status}", web::get().to(handler));
        })
        .await;
        for status in [200, 303, 401, 404] {
            assert_unavailable(&app.ask_as(&format!("/{status}"), &token).await);
        }
        let own = app.ask_as("/500", &token).await;
        assert_eq!((own.status.as_u16(), own.body.as_str()), (500, "anonymous"), "a server error says enough");
    });
    assert_eq!(asked.load(Ordering::Relaxed), 5, "actix-web runs the handler, which is why `MaybeOwner` is there");
}

// S103 SECURITY 30
fn an_empty_pool_is_503<D: Web>(db: &D) {
    let site = Site::new(db);
    let pool = pool::<D>(db.url(), 1, Duration::from_millis(100), site.statements.clone());
    let held = pool.get().unwrap();
    let (_, token) = site.signed_in();
    block_on(async {
        let app = open::<D>(SessionMiddleware::new(site.sessions.clone(), pool.clone()), anonymous::<D>).await;
        assert_unavailable(&app.ask_as("/", &token).await);
        drop(held);
        assert_eq!(app.ask_as("/", &token).await.status, StatusCode::OK);
    });
}

/// Loads the session, changes it, then holds the pool's one connection for good.
async fn holding<D: Web>(site: &Site<'_, D>) -> Client {
    let pool = pool::<D>(site.db.url(), 1, Duration::from_millis(100), site.statements.clone());
    let middleware = SessionMiddleware::new(site.sessions.clone(), pool.clone());
    let handler = move |session: Handle<D>| {
        // Never given back: the next request finds the pool empty as well.
        std::mem::forget(pool.get());
        async move {
            session.with_mut(|s| s.insert("seen", 14))?;
            Ok::<_, Error>("own words")
        }
    };
    open::<D>(middleware, |config| {
        config.route("/", web::get().to(handler));
    })
    .await
}

// S103 SECURITY 30
fn a_save_without_a_connection_is_503_and_changes_nothing<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.created();
    block_on(async {
        assert_unavailable(&holding(&site).await.ask_as("/", &token).await);
        assert!(site.load(&token).unwrap().is_empty());
        assert_unavailable(&holding(&site).await.ask("/").await);
    });
    assert_eq!(site.rows(), 1);
}

// DESIGN rule 13
fn a_dead_connection_is_made_up_for_by_another<D: Web>(db: &D) {
    let (own_id, end) = match D::NAME {
        "postgres" => ("SELECT pg_backend_pid()", "SELECT pg_terminate_backend"),
        "mysql" => ("SELECT CONNECTION_ID()", "KILL "),
        // SQLite has no server to close one.
        _ => return,
    };
    let site = Site::new(db);
    let (_, token) = site.signed_in();
    let pool = pool::<D>(db.url(), 1, Duration::from_secs(30), site.statements.clone());
    block_on(async {
        let app = open::<D>(SessionMiddleware::new(site.sessions.clone(), pool.clone()), |config| {
            config.route("/", web::get().to(|_: Owner<D::Model>| async { "signed in" }));
        })
        .await;
        assert_eq!(app.ask_as("/", &token).await.body, "signed in");
        for _ in 0..3 {
            let id = D::number(&mut pool.get().unwrap(), own_id);
            D::execute(&mut db.connect(), &format!("{end}({id})"));
            let reply = app.ask_as("/", &token).await;
            assert_eq!((reply.status, reply.body.as_str()), (StatusCode::OK, "signed in"), "{reply:?}");
            assert_ne!(D::number(&mut pool.get().unwrap(), own_id), id, "another connection");
        }
    });
}

// SECURITY 23 30
fn a_row_that_cannot_be_read_is_500_and_no_anonymous_page<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.signed_in();
    D::execute(&mut db.connect(), "UPDATE sessions SET _data = '[]'");
    let reply = block_on(async { site.open(anonymous::<D>).await.ask_as("/", &token).await });
    assert_eq!((reply.status, reply.set_cookie()), (StatusCode::INTERNAL_SERVER_ERROR, None));
    assert!(!reply.body.contains("anonymous"));
}

// SECURITY 29: what `check` refuses, the middleware refuses.
fn a_database_that_check_refuses_is_500<D: Web>(db: &D) {
    let site = Site::new(db);
    D::execute(&mut db.connect(), "DROP TABLE session_attributes");
    let reply = block_on(async { site.open(anonymous::<D>).await.ask("/").await });
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR, "{reply:?}");
}
