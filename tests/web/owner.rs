//! Handlers for those who are signed in.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use diesel_sessions::{Owner, sign_in_as};

use crate::site::{Handle, Site, Web, ask, ask_as, block_on};
use crate::support::{suite, token_of};

suite! {
    who_is_signed_in_is_let_in,
    who_is_not_gets_401,
    who_is_not_is_sent_to_the_sign_in_page_if_there_is_one,
    an_optional_owner_lets_everybody_in,
    a_missing_layer_is_500_and_names_it,
}

fn pages<D: Web>() -> Router {
    Router::new()
        .route("/account", get(|Owner(id): Owner<D::Model>| async move { id.to_string() }))
        .route("/home", get(|who: Option<Owner<D::Model>>| async move { who.map_or(0, |Owner(id)| id).to_string() }))
}

fn who_is_signed_in_is_let_in<D: Web>(db: &D) {
    let site = Site::new(db);
    let session = sign_in_as(&site.sessions, &mut db.connect(), 14).unwrap();
    let reply = block_on(ask_as(&site.app(pages::<D>()), "/account", &token_of(&session)));
    assert_eq!((reply.status, reply.body.as_str(), reply.set_cookie()), (StatusCode::OK, "14", None));
    assert_eq!(reply.header("vary"), Some("Cookie"));
}

fn who_is_not_gets_401<D: Web>(db: &D) {
    let site = Site::new(db);
    let app = site.app(pages::<D>());
    let (_, anonymous) = site.created();
    for reply in [block_on(ask(&app, "/account")), block_on(ask_as(&app, "/account", &anonymous))] {
        assert_eq!((reply.status, reply.set_cookie()), (StatusCode::UNAUTHORIZED, None));
        assert_eq!((reply.header("vary"), reply.header("cache-control")), (Some("Cookie"), Some("no-store")));
    }
}

fn who_is_not_is_sent_to_the_sign_in_page_if_there_is_one<D: Web>(db: &D) {
    let site = Site::new(db);
    let app = pages::<D>().layer(site.layer().sign_in_page("/sign-in"));
    let reply = block_on(ask(&app, "/account"));
    assert_eq!((reply.status, reply.location()), (StatusCode::SEE_OTHER, Some("/sign-in")));
    assert_eq!(block_on(ask_as(&app, "/account", &site.signed_in().1)).body, "7");
}

fn an_optional_owner_lets_everybody_in<D: Web>(db: &D) {
    let site = Site::new(db);
    let app = site.app(pages::<D>());
    assert_eq!(block_on(ask(&app, "/home")).body, "0");
    assert_eq!(block_on(ask_as(&app, "/home", &site.created().1)).body, "0");
    assert_eq!(block_on(ask_as(&app, "/home", &site.signed_in().1)).body, "7");
}

fn a_missing_layer_is_500_and_names_it<D: Web>(_: &D) {
    let app = pages::<D>().route("/", get(|_: Handle<D>| async { "never" }));
    for path in ["/", "/account", "/home"] {
        let reply = block_on(ask(&app, path));
        assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
        assert!(reply.body.contains("SessionLayer") && reply.body.contains("PlainSession"), "{}", reply.body);
    }
}
