//! The shop as a whole: its database, its sessions, its routes.

use std::time::Duration;

use axum::Router;
use axum::middleware::{from_fn, map_response};
use axum::routing::{get, post};
use diesel::r2d2::ConnectionManager;
use diesel_migrations::MigrationHarness;
use diesel_sessions::web::CookieOptions;
use diesel_sessions::{Keyring, SessionLayer, Timeouts};

use crate::engine::{self, Conn};
use crate::model::Sessions;
use crate::{
    Outcome, account, assets, cart, catalogue, devices, failure, operator, order, page, password, pictures, same_origin, sign_in,
    sign_up,
};

/// The shop's pool of connections.
pub(crate) type Pool = diesel::r2d2::Pool<ConnectionManager<Conn>>;

/// What handlers share.
#[derive(Clone)]
pub(crate) struct Shop {
    pub(crate) pool: Pool,
    pub(crate) sessions: Sessions,
}

impl Shop {
    /// Opens the database, makes its tables, and the accounts to try the shop with.
    pub(crate) fn open(url: &str, keyring: Keyring) -> Outcome<Shop> {
        let pool = Pool::builder()
            .connection_timeout(Duration::from_secs(5))
            .connection_customizer(engine::customizer())
            .build(ConnectionManager::new(url))?;
        let sessions = Sessions::builder().timeouts(Timeouts::AAL2).keyring(keyring).build()?;
        let conn = &mut pool.get()?;
        conn.run_pending_migrations(engine::MIGRATIONS)?;
        sessions.check(conn)?;
        password::seed(conn)?;
        Ok(Shop { pool, sessions })
    }
}

/// The routes, with the session within reach of all of them.
pub(crate) fn router(shop: Shop, cookie: CookieOptions) -> Outcome<Router> {
    let sessions = SessionLayer::new(shop.sessions.clone(), shop.pool.clone()).cookie(cookie)?.sign_in_page("/sign-in");
    let router = Router::new()
        .route("/", get(catalogue::show))
        .route("/pictures/{product}", get(pictures::show))
        .route("/cart", get(cart::show).post(cart::add))
        .route("/cart/change", post(cart::change))
        .route("/order", get(order::show).post(order::place))
        .route("/order/code", post(order::ask))
        .route("/sign-in", get(sign_in::show).post(sign_in::sign_in))
        .route("/sign-up", get(sign_up::show).post(sign_up::sign_up))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/account", get(account::show))
        .route("/devices", get(devices::show))
        .route("/devices/revoke", post(devices::revoke))
        .route("/devices/revoke-others", post(devices::revoke_others))
        .route("/operator", get(operator::show))
        .route("/operator/live.svg", get(operator::picture))
        .route("/operator/purge", post(operator::purge))
        .layer(sessions)
        // What follows needs no session, and runs before it is asked for.
        .route("/assets/{file}", get(assets::show))
        .fallback(failure::no_such_page)
        .layer(from_fn(same_origin::only))
        .layer(map_response(failure::as_page))
        .layer(map_response(page::headers))
        .with_state(shop);
    Ok(router)
}
