//! The shop: `cargo run -p demo` starts it and prints its address.

mod account;
mod assets;
mod cart;
mod catalogue;
mod chart;
mod device;
mod devices;
mod engine;
mod failure;
mod model;
mod operator;
mod order;
mod page;
mod password;
mod pictures;
mod price;
mod same_origin;
mod shop;
mod sign_in;
mod sign_up;
#[cfg(test)]
mod tests;
mod times;
mod visitor;

use std::env;
use std::net::SocketAddr;
use std::time::Duration;

use diesel_sessions::Keyring;
use diesel_sessions::web::CookieOptions;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

use crate::shop::Shop;

/// How long a request waits for a connection to the database.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often what has expired is removed.
const PURGE: Duration = Duration::from_secs(5 * 60);

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();

    let shop = Shop::open(&database_url()?, keyring()?, PATIENCE)?;
    let address = env::var("DEMO_ADDRESS").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(address).await?;
    say_the_address(listener.local_addr()?);

    let stop = stop_signal()?;
    let purge = shop.sessions.purge_every(PURGE)?.run_until(shop.pool.clone(), stopped(stop.clone()));
    let purge = tokio::spawn(purge);
    let app = shop::router(shop, cookie())?.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app).with_graceful_shutdown(stopped(stop)).await?;
    purge.await?;
    Ok(())
}

/// The database that DATABASE_URL names; for SQLite a file in the working directory will do.
fn database_url() -> Outcome<String> {
    match (env::var("DATABASE_URL"), engine::DEFAULT_URL) {
        (Ok(url), _) => Ok(url),
        (Err(_), Some(url)) => Ok(url.to_owned()),
        (Err(_), None) => Err("DATABASE_URL is not set: it names the database of the shop".into()),
    }
}

/// The keys of SESSION_KEYS, else one that is drawn now and forgotten at the end.
fn keyring() -> Outcome<Keyring> {
    if env::var_os("SESSION_KEYS").is_some() {
        return Ok(Keyring::from_env("SESSION_KEYS")?);
    }
    let mut key = [0; 32];
    getrandom::fill(&mut key)?;
    tracing::warn!("SESSION_KEYS is not set: a key is drawn, and codes that are under way end with this process");
    Ok(Keyring::new("drawn", key)?)
}

/// The library's safe defaults. Chromium and Firefox take a Secure cookie from this machine over plain HTTP too; a browser that does
/// not needs DEMO_PLAIN_HTTP=1.
fn cookie() -> CookieOptions {
    match env::var("DEMO_PLAIN_HTTP").as_deref() {
        Ok("1") => CookieOptions::new().over_plain_http(),
        _ => CookieOptions::new(),
    }
}

#[expect(clippy::print_stdout, reason = "the one line that a program starting the shop reads")]
fn say_the_address(address: SocketAddr) {
    println!("listening on http://{address}");
}

/// Becomes true on ctrl-c or SIGTERM.
fn stop_signal() -> Outcome<watch::Receiver<bool>> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        stop.send_replace(true);
    });
    Ok(stopped)
}

/// Ready when the shop is to stop.
async fn stopped(mut stop: watch::Receiver<bool>) {
    // An error says that the task above is gone: stop then too.
    let _ = stop.wait_for(|stop| *stop).await;
}
