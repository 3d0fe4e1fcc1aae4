//! Database work with the session in hand: what a failure, a panic or a dropped request leaves.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use diesel::Connection;
use diesel_sessions::{Error, ErrorKind, SignIn};
use tokio::sync::Notify;

use crate::site::{Handle, Site, Web, ask, ask_as, block_on};
use crate::support::suite;

suite! {
    a_failing_run_puts_the_session_back,
    a_panicking_run_puts_the_session_back,
    a_token_from_before_a_failing_run_is_sent,
    a_run_that_succeeds_keeps_what_it_did,
    with_says_busy_while_a_run_is_under_way,
    with_inside_with_says_busy,
    a_run_that_outlives_its_handler_is_waited_for,
    a_dropped_request_leaves_the_old_or_the_new_state,
    a_handle_that_outlives_its_request_has_no_session,
}

/// The application's own error, which is no error of the library's.
#[derive(Debug, PartialEq)]
enum Failure {
    Own,
    Library(ErrorKind),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Library(error.kind())
    }
}

impl From<diesel::result::Error> for Failure {
    fn from(_: diesel::result::Error) -> Self {
        Failure::Library(ErrorKind::Database)
    }
}

// SECURITY 18: the token of a sign-in that was rolled back is never sent.
fn a_failing_run_puts_the_session_back<D: Web>(db: &D) {
    let site = Site::new(db);
    let (before, token) = site.created();
    let handler = |session: Handle<D>| async move {
        session.with_mut(|s| s.insert("before", 1))?;
        let failed = session
            .run(|conn, s| {
                conn.transaction(|conn| {
                    s.insert("inside", 1)?;
                    s.sign_in(conn, SignIn::new(7))?;
                    assert!(s.new_token().is_some() && s.row_id().is_some());
                    Err::<(), _>(Failure::Own)
                })
            })
            .await;
        assert_eq!(failed, Err(Failure::Own));
        session.with(|s| {
            assert!(s.contains_key("before") && !s.contains_key("inside") && s.new_token().is_none());
            assert!(s.authenticated_at().is_none() && s.was_changed());
            Ok::<_, Error>("put back")
        })
    };
    let app = site.app(Router::new().route("/", get(handler)));
    let reply = block_on(ask_as(&app, "/", &token));
    assert_eq!((reply.status, reply.body.as_str(), reply.set_cookie()), (StatusCode::OK, "put back", None));
    let session = site.load(&token).expect("the old token is still good");
    assert_eq!((session.row_id(), session.get::<u32>("before").unwrap()), (before.row_id(), Some(1)));
    assert!(!session.contains_key("inside") && session.authenticated_at().is_none());
    assert_eq!(site.rows(), 1);
}

// SECURITY 18
fn a_panicking_run_puts_the_session_back<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.created();
    let handler = |session: Handle<D>| async move {
        let inner = session.clone();
        let panicked = tokio::spawn(async move {
            inner
                .run(|conn, s| -> Result<(), Failure> {
                    conn.transaction(|conn| {
                        s.sign_in(conn, SignIn::new(7))?;
                        panic!("the closure's own")
                    })
                })
                .await
        });
        assert!(panicked.await.unwrap_err().is_panic());
        session.with(|s| {
            assert!(s.new_token().is_none() && !s.was_changed());
            Ok::<_, Error>("put back")
        })
    };
    let app = site.app(Router::new().route("/", get(handler)));
    let reply = block_on(ask_as(&app, "/", &token));
    assert_eq!((reply.body.as_str(), reply.set_cookie()), ("put back", None));
    assert!(site.load(&token).unwrap().authenticated_at().is_none());
}

// S101
fn a_token_from_before_a_failing_run_is_sent<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.created();
    let handler = |session: Handle<D>| async move {
        session.sign_in(SignIn::new(7)).await?;
        let failed = session
            .run(|conn, s| {
                conn.transaction(|conn| {
                    s.rotate(conn)?;
                    Err::<(), _>(Failure::Own)
                })
            })
            .await;
        assert_eq!(failed, Err(Failure::Own));
        Ok::<_, Error>(StatusCode::INTERNAL_SERVER_ERROR)
    };
    let app = site.app(Router::new().route("/", get(handler)));
    let reply = block_on(ask_as(&app, "/", &token));
    let session = site.load(&reply.token().unwrap()).expect("the token of the sign-in");
    assert!(session.authenticated_at().is_some());
}

fn a_run_that_succeeds_keeps_what_it_did<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.created();
    let handler = |session: Handle<D>| async move {
        let saved = session
            .run(|conn, s| {
                conn.transaction(|conn| {
                    s.insert("inside", 1)?;
                    s.save(conn)?;
                    s.attributes().set(conn, "theme", "dark")?;
                    s.rotate(conn)?;
                    Ok::<_, Failure>(s.get::<u32>("inside")?)
                })
            })
            .await;
        match saved {
            Ok(seen) => assert_eq!(seen, Some(1)),
            Err(Failure::Library(kind)) => panic!("{kind:?}"),
            Err(Failure::Own) => unreachable!("it was not given"),
        }
        session.with_mut(|s| s.insert("after", 1)).map(drop)
    };
    let app = site.app(Router::new().route("/", get(handler)));
    let reply = block_on(ask_as(&app, "/", &token));
    assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
    let session = site.load(&reply.token().unwrap()).unwrap();
    assert!(session.contains_key("inside") && session.contains_key("after"));
    let theme: Option<String> = site.sessions.attributes(&session).get(&mut db.connect(), "theme").unwrap();
    assert_eq!(theme.as_deref(), Some("dark"));
}

fn with_says_busy_while_a_run_is_under_way<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.created();
    let handler = |session: Handle<D>| async move {
        let (began, go_on) = (Arc::new(Notify::new()), std::sync::mpsc::channel::<()>());
        let (told, other) = (Arc::clone(&began), session.clone());
        let running = tokio::spawn(async move {
            other
                .run(move |_, s| {
                    told.notify_one();
                    go_on.1.recv().unwrap();
                    s.insert("inside", 1)
                })
                .await
        });
        began.notified().await;
        let looked = session.with(|s| Ok::<_, Error>(s.row_id()));
        assert_eq!(looked.unwrap_err().kind(), ErrorKind::Busy);
        assert_eq!(session.with_mut(|s| s.insert("x", 1)).unwrap_err().kind(), ErrorKind::Busy);
        assert_eq!(session.rotate().await.unwrap_err().kind(), ErrorKind::Busy);
        go_on.0.send(()).unwrap();
        running.await.unwrap().unwrap();
        session.with(|s| Ok::<_, Error>(s.contains_key("inside").to_string()))
    };
    let app = site.app(Router::new().route("/", get(handler)));
    assert_eq!(block_on(ask_as(&app, "/", &token)).body, "true");
}

fn with_inside_with_says_busy<D: Web>(db: &D) {
    let site = Site::new(db);
    let handler = |session: Handle<D>| async move {
        let inner = session.clone();
        let kind = session.with_mut(|s| {
            s.insert("outer", 1)?;
            Ok::<_, Error>(inner.with(|s| Ok::<_, Error>(s.len())).unwrap_err().kind())
        })?;
        assert_eq!(kind, ErrorKind::Busy);
        session.with(|s| Ok::<_, Error>(s.len().to_string()))
    };
    let app = site.app(Router::new().route("/", get(handler)));
    assert_eq!(block_on(ask_as(&app, "/", &site.created().1)).body, "1");
}

// S98 S101: as when a time-out gives up the handler's closure, which the blocking thread goes on with.
fn a_run_that_outlives_its_handler_is_waited_for<D: Web>(db: &D) {
    let site = Site::new(db);
    let (go_on, held) = std::sync::mpsc::channel::<()>();
    let held = Arc::new(std::sync::Mutex::new(held));
    let given_up = Arc::new(Notify::new());
    let tell = Arc::clone(&given_up);
    let handler = move |session: Handle<D>| async move {
        session.sign_in(SignIn::new(7)).await?;
        session.with_mut(|s| s.insert("seen", 14))?;
        let began = Arc::new(Notify::new());
        let told = Arc::clone(&began);
        let run = session.run(move |_, s| {
            told.notify_one();
            held.lock().unwrap().recv().unwrap();
            s.insert("late", 1)
        });
        tokio::select! {
            _ = run => unreachable!("it is held"),
            () = began.notified() => tell.notify_one(),
        }
        Ok::<_, Error>("own words")
    };
    let app = site.app(Router::new().route("/", get(handler)));
    let reply = block_on(async {
        let asked = tokio::spawn(async move { ask(&app, "/").await });
        given_up.notified().await;
        go_on.send(()).unwrap();
        asked.await.unwrap()
    });
    assert_eq!((reply.status, reply.body.as_str()), (StatusCode::OK, "own words"));
    let session = site.load(&reply.token().expect("the token of the sign-in is told")).unwrap();
    assert_eq!(session.keys().collect::<Vec<_>>(), ["user_id", "late", "seen"]);
}

fn a_dropped_request_leaves_the_old_or_the_new_state<D: Web>(db: &D) {
    let site = Site::new(db);
    let pool = site.pool.clone();
    let (began, go_on) = (Arc::new(Notify::new()), Arc::new(std::sync::Barrier::new(2)));
    let (told, held) = (Arc::clone(&began), Arc::clone(&go_on));
    let handler = move |session: Handle<D>| async move {
        session.with_mut(|s| s.insert("pending", 1))?;
        session
            .run(move |conn, s| {
                told.notify_one();
                held.wait();
                conn.transaction(|conn| {
                    s.insert("first", 1)?;
                    s.save(conn)?;
                    s.insert("second", 2)?;
                    s.save(conn)?;
                    Ok::<_, Failure>(())
                })
            })
            .await
            .expect("nobody is faster");
        Ok::<_, Error>("never seen")
    };
    let app = site.app(Router::new().route("/", get(handler)));
    // In its midst: what has begun on the other thread runs to its end.
    let (_, token) = site.created();
    block_on(async {
        let asked = tokio::spawn({
            let (app, token) = (app.clone(), token.clone());
            async move { ask_as(&app, "/", &token).await }
        });
        began.notified().await;
        asked.abort();
        assert!(asked.await.unwrap_err().is_cancelled());
        tokio::task::spawn_blocking(move || go_on.wait()).await.unwrap();
        // All connections are back when the closure has ended.
        tokio::task::spawn_blocking(move || {
            let all: Vec<_> = (0..8).map(|_| pool.get().unwrap()).collect();
            drop(all);
        })
        .await
        .unwrap();
    });
    let session = site.load(&token).unwrap();
    assert_eq!(session.keys().collect::<Vec<_>>(), ["first", "pending", "second"], "the new state");

    // Before it has begun: nothing of it.
    let (_, token) = site.created();
    let changed = Arc::new(Notify::new());
    let tell = Arc::clone(&changed);
    let waiting = move |session: Handle<D>| async move {
        session.with_mut(|s| s.insert("pending", 1))?;
        tell.notify_one();
        std::future::pending::<()>().await;
        Ok::<_, Error>(())
    };
    let app = site.app(Router::new().route("/", get(waiting)));
    block_on(async {
        tokio::select! {
            _ = ask_as(&app, "/", &token) => unreachable!("it never answers"),
            () = changed.notified() => {}
        }
    });
    assert!(site.load(&token).unwrap().is_empty(), "the old state");
}

fn a_handle_that_outlives_its_request_has_no_session<D: Web>(db: &D) {
    let site = Site::new(db);
    let kept = Arc::new(std::sync::Mutex::new(None));
    let keep = Arc::clone(&kept);
    let handler = move |session: Handle<D>| async move { *keep.lock().unwrap() = Some(session) };
    let app = site.app(Router::new().route("/", get(handler)));
    block_on(async {
        assert_eq!(ask_as(&app, "/", &site.created().1).await.status, StatusCode::OK);
        let late = kept.lock().unwrap().take().unwrap();
        assert_eq!(late.with_mut(|s| s.insert("late", 1)).unwrap_err().kind(), ErrorKind::Config);
        assert_eq!(late.end().await.unwrap_err().kind(), ErrorKind::Config);
    });
    assert_eq!(site.rows(), 1);
}
