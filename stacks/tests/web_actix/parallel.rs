//! Many requests of one client at once: tasks of one worker, whose database work runs on many threads.

use std::sync::Arc;

use actix_web::web::{self, Path, ServiceConfig};
use axum::http::StatusCode;
use diesel_sessions::{Error, SignIn};
use tokio::sync::{Barrier, mpsc};

use crate::app::{Client, block_on, done, open};
use crate::site::{Handle, Reply, Site, Web};
use crate::support::suite;

suite! {
    fifty_parallel_requests_each_keep_their_own_key,
    workers_share_the_sessions_of_a_client,
    a_sign_out_is_not_undone_by_twenty_slow_requests,
    a_sign_in_under_parallel_requests_leaves_the_client_signed_in,
}

/// Adds a key of its own.
async fn add<D: Web>(key: Path<String>, session: Handle<D>) -> Result<&'static str, Error> {
    session.with_mut(|s| s.insert(key.as_str(), 1)).map(done)
}

/// Asks for all paths at once, and hands on the answers as they come.
fn all_at_once(app: &Client, paths: impl IntoIterator<Item = String>, token: &str) -> mpsc::UnboundedReceiver<(String, Reply)> {
    let (answers, arriving) = mpsc::unbounded_channel();
    for path in paths {
        let (app, token, answers) = (app.clone(), token.to_owned(), answers.clone());
        actix_web::rt::spawn(async move {
            let reply = app.ask_as(&path, &token).await;
            answers.send((path, reply)).unwrap();
        });
    }
    arriving
}

// S47
fn fifty_parallel_requests_each_keep_their_own_key<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.created();
    let answered = block_on(async {
        let app = site
            .open(|config| {
                config.route("/add/{key}", web::get().to(add::<D>));
            })
            .await;
        let mut arriving = all_at_once(&app, (0..50).map(|n| format!("/add/key{n}")), &token);
        let mut answered = 0;
        while let Some((path, reply)) = arriving.recv().await {
            assert_eq!((reply.status, reply.set_cookie()), (StatusCode::OK, None), "{path}: {}", reply.body);
            answered += 1;
        }
        answered
    });
    assert_eq!(answered, 50);
    let session = site.load(&token).unwrap();
    let missing: Vec<u32> = (0..50).filter(|n| !session.contains_key(format!("key{n}"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

// S47
fn workers_share_the_sessions_of_a_client<D: Web>(db: &D) {
    const WORKERS: usize = 4;
    let site = Site::new(db);
    let (_, token) = site.created();
    let middleware = site.middleware();
    let all_open = std::sync::Barrier::new(WORKERS);
    std::thread::scope(|threads| {
        for worker in 0..WORKERS {
            let (middleware, token, all_open) = (middleware.clone(), &token, &all_open);
            threads.spawn(move || {
                block_on(async {
                    let app = open::<D>(middleware, |config| {
                        config.route("/add/{key}", web::get().to(add::<D>));
                    })
                    .await;
                    all_open.wait();
                    for n in 0..5 {
                        let reply = app.ask_as(&format!("/add/key{worker}-{n}"), token).await;
                        assert_eq!((reply.status, reply.set_cookie()), (StatusCode::OK, None));
                    }
                });
            });
        }
    });
    assert_eq!(site.load(&token).unwrap().len(), WORKERS * 5);
}

// SECURITY 13 18
fn a_sign_out_is_not_undone_by_twenty_slow_requests<D: Web>(db: &D) {
    const SLOW: usize = 20;
    let site = Site::new(db);
    let (loaded, go_on) = (Arc::new(Barrier::new(SLOW + 1)), Arc::new(Barrier::new(SLOW + 1)));
    let (arrive, resume) = (Arc::clone(&loaded), Arc::clone(&go_on));
    let slow = move |n: Path<usize>, session: Handle<D>| {
        let (arrive, resume) = (Arc::clone(&arrive), Arc::clone(&resume));
        async move {
            arrive.wait().await;
            resume.wait().await;
            match *n % 4 {
                0 => session.with_mut(|s| s.insert("late", *n)).map(done),
                1 => session.rotate().await.map(done),
                2 => session.extend().await.map(done),
                _ => Ok("unchanged"),
            }
        }
    };
    let (_, token) = site.signed_in();
    let answered = block_on(async {
        let app = site
            .open(|config: &mut ServiceConfig| {
                let out = |session: Handle<D>| async move { session.end().await.map(done) };
                config.route("/slow/{n}", web::get().to(slow)).route("/out", web::get().to(out));
            })
            .await;
        let mut arriving = all_at_once(&app, (0..SLOW).map(|n| format!("/slow/{n}")), &token);
        loaded.wait().await;
        let signed_out = app.ask_as("/out", &token).await;
        assert!(signed_out.set_cookie().unwrap().contains("Max-Age=0"), "{signed_out:?}");
        go_on.wait().await;
        let mut answered = 0;
        while let Some((path, reply)) = arriving.recv().await {
            let n: usize = path.rsplit('/').next().unwrap().parse().unwrap();
            let status = if n % 4 == 3 { StatusCode::OK } else { StatusCode::CONFLICT };
            assert_eq!((reply.status, reply.set_cookie()), (status, None), "{path}: {}", reply.body);
            answered += 1;
        }
        answered
    });
    assert_eq!((answered, site.rows()), (SLOW, 0));
    assert!(site.load(&token).is_none());
}

// S64
fn a_sign_in_under_parallel_requests_leaves_the_client_signed_in<D: Web>(db: &D) {
    const ROUNDS: usize = 50;
    let site = Site::new(db);
    let mut superseded = 0;
    block_on(async {
        let app = site
            .open(|config| {
                let read = |session: Handle<D>| async move { session.with(|s| Ok::<_, Error>(s.len().to_string())) };
                let sign_in = |session: Handle<D>| async move { session.sign_in(SignIn::new(7)).await.map(done) };
                config
                    .route("/add/{key}", web::get().to(add::<D>))
                    .route("/read", web::get().to(read))
                    .route("/in", web::get().to(sign_in));
            })
            .await;
        for round in 0..ROUNDS {
            let mut cookie = site.created().1;
            let paths = ["/add/a", "/read", "/add/b", "/in", "/read", "/add/c", "/read"];
            // The sign-in goes out first, last, and in between.
            let paths = (0..paths.len()).map(|n| paths[(n + round) % paths.len()].to_owned());
            let mut arriving = all_at_once(&app, paths, &cookie);
            while let Some((path, reply)) = arriving.recv().await {
                let ok = reply.status == StatusCode::OK || path.starts_with("/add/") && reply.status == StatusCode::CONFLICT;
                assert!(ok, "{path}: {reply:?}");
                superseded += usize::from(reply.status == StatusCode::CONFLICT);
                assert_eq!(reply.set_cookie().is_some(), path == "/in", "{path}: {reply:?}");
                // The jar takes every cookie in the order of the answers.
                cookie = reply.token().unwrap_or(cookie);
            }
            let session = site.load(&cookie).unwrap_or_else(|| panic!("round {round}: the client is signed out"));
            assert!(session.authenticated_at().is_some(), "round {round}");
        }
    });
    assert_eq!(site.rows(), i64::try_from(ROUNDS).unwrap(), "no request has made a session of its own");
    eprintln!("{}: {superseded} requests were overtaken by the sign-in", D::NAME);
}
