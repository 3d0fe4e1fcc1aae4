//! Many requests of one client at once.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use diesel_sessions::{Error, SignIn};
use tokio::sync::{Barrier, mpsc};

use crate::site::{Handle, Reply, Site, Web, ask_as, block_on};
use crate::support::suite;

suite! {
    fifty_parallel_requests_each_keep_their_own_key,
    a_sign_out_is_not_undone_by_twenty_slow_requests,
    a_sign_in_under_parallel_requests_leaves_the_client_signed_in,
}

/// Adds a key of its own.
fn adding<D: Web>() -> Router {
    Router::new().route(
        "/add/{key}",
        get(|Path(key): Path<String>, session: Handle<D>| async move { session.with_mut(|s| s.insert(&key, 1)).map(drop) }),
    )
}

/// Asks for all paths at once, and hands on the answers as they come.
fn all_at_once(app: &Router, paths: impl IntoIterator<Item = String>, token: &str) -> mpsc::UnboundedReceiver<(String, Reply)> {
    let (answers, arriving) = mpsc::unbounded_channel();
    for path in paths {
        let (app, token, answers) = (app.clone(), token.to_owned(), answers.clone());
        tokio::spawn(async move {
            let reply = ask_as(&app, &path, &token).await;
            answers.send((path, reply)).unwrap();
        });
    }
    arriving
}

fn fifty_parallel_requests_each_keep_their_own_key<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.created();
    let all_loaded = Arc::new(Barrier::new(50));
    let add = move |Path(key): Path<String>, session: Handle<D>| async move {
        all_loaded.wait().await;
        session.with_mut(|s| s.insert(&key, 1)).map(drop)
    };
    let app = site.app(Router::new().route("/add/{key}", get(add)));
    let answered = block_on(async {
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

// SECURITY 18
fn a_sign_out_is_not_undone_by_twenty_slow_requests<D: Web>(db: &D) {
    const SLOW: usize = 20;
    let site = Site::new(db);
    let (loaded, go_on) = (Arc::new(Barrier::new(SLOW + 1)), Arc::new(Barrier::new(SLOW + 1)));
    let (arrive, resume) = (Arc::clone(&loaded), Arc::clone(&go_on));
    let slow = move |Path(n): Path<usize>, session: Handle<D>| async move {
        arrive.wait().await;
        resume.wait().await;
        match n % 4 {
            0 => session.with_mut(|s| s.insert("late", n)).map(drop),
            1 => session.rotate().await,
            2 => session.extend().await.map(drop),
            _ => Ok(()),
        }
    };
    let out = |session: Handle<D>| async move { session.end().await };
    let app = site.app(Router::new().route("/slow/{n}", get(slow)).route("/out", get(out)));
    let (_, token) = site.signed_in();
    let answered = block_on(async {
        let mut arriving = all_at_once(&app, (0..SLOW).map(|n| format!("/slow/{n}")), &token);
        loaded.wait().await;
        let signed_out = ask_as(&app, "/out", &token).await;
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
    const ROUNDS: usize = 200;
    let site = Site::new(db);
    let read = |session: Handle<D>| async move { session.with(|s| Ok::<_, Error>(s.len().to_string())) };
    let sign_in = |session: Handle<D>| async move { session.sign_in(SignIn::new(7)).await };
    let app = site.app(adding::<D>().route("/read", get(read)).route("/in", get(sign_in)));
    let mut superseded = 0;
    block_on(async {
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
                if path == "/in" {
                    assert_eq!(ask_as(&app, "/read", &cookie).await.status, StatusCode::OK);
                }
            }
            let session = site.load(&cookie).unwrap_or_else(|| panic!("round {round}: the client is signed out"));
            assert!(session.authenticated_at().is_some(), "round {round}");
        }
    });
    assert_eq!(site.rows(), i64::try_from(ROUNDS).unwrap(), "no request has made a session of its own");
    assert!(superseded > 0, "in {ROUNDS} rounds the sign-in overtakes some request");
}
