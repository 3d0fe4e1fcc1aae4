//! The shop as a whole: its database, its sessions, its routes.

use std::time::Duration;

use axum::Router;
use axum::middleware::{from_fn, map_response};
use axum::routing::{get, post};
use diesel::connection::Connection;
use diesel::r2d2::ConnectionManager;
use diesel_migrations::MigrationHarness;
use diesel_sessions::migrations::Migrations;
use diesel_sessions::web::CookieOptions;
use diesel_sessions::{Keyring, SessionLayer, Timeouts};

use crate::engine::{self, Conn};
use crate::model::{AppSession, Sessions};
use crate::{
    Outcome, account, assets, cart, catalogue, devices, failure, operator, order, page, password, pictures, same_origin, sign_in,
    sign_up,
};

/// How long the shop waits at its start for the first connection.
const START: Duration = Duration::from_secs(30);

/// The shop's pool of connections.
pub(crate) type Pool = diesel::r2d2::Pool<ConnectionManager<Conn>>;

/// What handlers share.
#[derive(Clone)]
pub(crate) struct Shop {
    pub(crate) pool: Pool,
    pub(crate) sessions: Sessions,
}

impl Shop {
    /// Opens the database, makes its tables, and the accounts to try the shop with. A request waits for a connection as long as
    /// `patience` says; the start has more.
    pub(crate) fn open(url: &str, keyring: Keyring, patience: Duration) -> Outcome<Shop> {
        let pool = Pool::builder()
            .connection_timeout(patience)
            .connection_customizer(engine::customizer())
            .build_unchecked(ConnectionManager::new(url));
        let sessions = Sessions::builder().timeouts(Timeouts::AAL2).keyring(keyring).build()?;
        let conn = &mut pool.get_timeout(START)?;
        set_up(conn)?;
        sessions.check(conn)?;
        Ok(Shop { pool, sessions })
    }
}

/// Makes the tables and the accounts, if they are not there. Of several processes that start together one works, and the others wait
/// until it is done.
pub(crate) fn set_up(conn: &mut Conn) -> Outcome<()> {
    let mut done = Ok(());
    let alone = <Conn as Connection>::Backend::alone(conn, |conn| {
        done = conn.run_pending_migrations(engine::MIGRATIONS).map(drop).and_then(|()| password::seed(conn));
        // What has failed half-way is taken back, where the engine can: MySQL commits each table.
        if done.is_ok() { Ok(()) } else { Err(diesel::result::Error::RollbackTransaction.into()) }
    });
    done.and(alone.map_err(Into::into))
}

/// The routes, with the session within reach of all of them.
pub(crate) fn router(shop: Shop, cookie: CookieOptions) -> Outcome<Router> {
    let router = pages()
        .layer(sessions(&shop, cookie)?)
        // What follows needs no session, and runs before it is asked for.
        .route("/assets/{file}", get(assets::show))
        .fallback(failure::no_such_page)
        .layer(from_fn(same_origin::only))
        .layer(map_response(failure::as_page))
        .layer(map_response(page::headers))
        .with_state(shop);
    Ok(router)
}

/// What brings the session.
pub(crate) fn sessions(shop: &Shop, cookie: CookieOptions) -> Outcome<SessionLayer<AppSession, Pool>> {
    Ok(SessionLayer::new(shop.sessions.clone(), shop.pool.clone()).cookie(cookie)?.sign_in_page("/sign-in"))
}

/// The routes that the session is within reach of.
pub(crate) fn pages() -> Router<Shop> {
    Router::new()
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
}
