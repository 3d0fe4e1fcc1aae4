//! Handlers for those who are signed in.

use actix_web::web::{self, ServiceConfig};
use axum::http::StatusCode;
use diesel_sessions::{MaybeOwner, Owner, sign_in_as};

use crate::app::{block_on, open, open_bare};
use crate::site::{Handle, Site, Web};
use crate::support::{suite, token_of};

suite! {
    who_is_signed_in_is_let_in,
    who_is_not_gets_401,
    who_is_not_is_sent_to_the_sign_in_page_if_there_is_one,
    an_optional_owner_lets_everybody_in,
    a_missing_middleware_is_500_and_names_it,
}

fn pages<D: Web>(config: &mut ServiceConfig) {
    config
        .route("/account", web::get().to(|Owner(id): Owner<D::Model>| async move { id.to_string() }))
        .route("/maybe", web::get().to(|MaybeOwner(id): MaybeOwner<D::Model>| async move { id.unwrap_or(0).to_string() }))
        .route("/option", web::get().to(|who: Option<Owner<D::Model>>| async move { who.map_or(0, |Owner(id)| id).to_string() }));
}

fn who_is_signed_in_is_let_in<D: Web>(db: &D) {
    let site = Site::new(db);
    let session = sign_in_as(&site.sessions, &mut db.connect(), 14).unwrap();
    let reply = block_on(async { site.open(pages::<D>).await.ask_as("/account", &token_of(&session)).await });
    assert_eq!((reply.status, reply.body.as_str(), reply.set_cookie()), (StatusCode::OK, "14", None));
    assert_eq!(reply.header("vary"), Some("Cookie"));
}

fn who_is_not_gets_401<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, anonymous) = site.created();
    block_on(async {
        let app = site.open(pages::<D>).await;
        for reply in [app.ask("/account").await, app.ask_as("/account", &anonymous).await] {
            assert_eq!((reply.status, reply.set_cookie()), (StatusCode::UNAUTHORIZED, None));
            assert_eq!((reply.header("vary"), reply.header("cache-control")), (Some("Cookie"), Some("no-store")));
        }
    });
}

fn who_is_not_is_sent_to_the_sign_in_page_if_there_is_one<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.signed_in();
    block_on(async {
        let app = open::<D>(site.middleware().sign_in_page("/sign-in"), pages::<D>).await;
        let reply = app.ask("/account").await;
        assert_eq!((reply.status, reply.location()), (StatusCode::SEE_OTHER, Some("/sign-in")));
        assert_eq!(app.ask_as("/account", &token).await.body, "7");
    });
}

fn an_optional_owner_lets_everybody_in<D: Web>(db: &D) {
    let site = Site::new(db);
    let (anonymous, signed_in) = (site.created().1, site.signed_in().1);
    block_on(async {
        let app = site.open(pages::<D>).await;
        for path in ["/maybe", "/option"] {
            assert_eq!(app.ask(path).await.body, "0");
            assert_eq!(app.ask_as(path, &anonymous).await.body, "0");
            assert_eq!(app.ask_as(path, &signed_in).await.body, "7");
        }
    });
}

fn a_missing_middleware_is_500_and_names_it<D: Web>(_: &D) {
    block_on(async {
        let app = open_bare(|config| {
            pages::<D>(config);
            config.route("/", web::get().to(|_: Handle<D>| async { "never" }));
        })
        .await;
        for path in ["/", "/account", "/maybe"] {
            let reply = app.ask(path).await;
            assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
            assert!(reply.body.contains("SessionMiddleware") && reply.body.contains("PlainSession"), "{}", reply.body);
        }
    });
}
