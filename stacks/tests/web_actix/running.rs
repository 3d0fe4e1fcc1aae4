//! Database work with the session in hand: what a failure, a panic or a dropped request leaves.

use std::future::Future;
use std::sync::Arc;

use actix_web::web;
use axum::http::StatusCode;
use diesel::Connection;
use diesel_sessions::{Error, ErrorKind, SignIn};
use tokio::sync::Notify;

use crate::app::block_on;
use crate::site::{Handle, Site, Web};
use crate::support::suite;

suite! {
    a_failing_run_puts_the_session_back,
    a_panicking_run_puts_the_session_back,
    a_run_that_succeeds_keeps_what_it_did,
    a_run_that_outlives_its_handler_is_waited_for,
    a_dropped_request_leaves_the_old_state,
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
                    Err::<(), _>(Failure::Own)
                })
            })
            .await;
        assert_eq!(failed, Err(Failure::Own));
        session.with(|s| {
            assert!(s.contains_key("before") && !s.contains_key("inside") && s.new_token().is_none());
            Ok::<_, Error>("put back")
        })
    };
    let reply = block_on(async {
        site.open(|config| {
            config.route("/", web::get().to(handler));
        })
        .await
        .ask_as("/", &token)
        .await
    });
    assert_eq!((reply.status, reply.body.as_str(), reply.set_cookie()), (StatusCode::OK, "put back", None));
    let session = site.load(&token).expect("the old token is still good");
    assert_eq!((session.row_id(), session.get::<u32>("before").unwrap()), (before.row_id(), Some(1)));
    assert!(!session.contains_key("inside") && session.authenticated_at().is_none());
}

// SECURITY 18
fn a_panicking_run_puts_the_session_back<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.created();
    let handler = |session: Handle<D>| async move {
        let inner = session.clone();
        let panicked = actix_web::rt::spawn(async move {
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
    let reply = block_on(async {
        site.open(|config| {
            config.route("/", web::get().to(handler));
        })
        .await
        .ask_as("/", &token)
        .await
    });
    assert_eq!((reply.body.as_str(), reply.set_cookie()), ("put back", None));
    assert!(site.load(&token).unwrap().authenticated_at().is_none());
}

// S43 S101
fn a_run_that_succeeds_keeps_what_it_did<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.created();
    let handler = |session: Handle<D>| async move {
        let saved = session.run(|conn, s| {
            conn.transaction(|conn| {
                s.insert("inside", 1)?;
                s.save(conn)?;
                s.attributes().set(conn, "theme", "dark")?;
                s.rotate(conn)?;
                Ok::<_, Failure>(s.get::<u32>("inside")?)
            })
        });
        assert_eq!(saved.await, Ok(Some(1)));
        session.with_mut(|s| s.insert("after", 1)).map(|_| "done")
    };
    let reply = block_on(async {
        site.open(|config| {
            config.route("/", web::get().to(handler));
        })
        .await
        .ask_as("/", &token)
        .await
    });
    assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
    let session = site.load(&reply.token().unwrap()).unwrap();
    assert!(session.contains_key("inside") && session.contains_key("after"));
    let theme: Option<String> = site.sessions.attributes(&session).get(&mut db.connect(), "theme").unwrap();
    assert_eq!(theme.as_deref(), Some("dark"));
}

// S98 S101
fn a_run_that_outlives_its_handler_is_waited_for<D: Web>(db: &D) {
    let site = Site::new(db);
    let (go_on, held) = std::sync::mpsc::channel::<()>();
    let held = Arc::new(std::sync::Mutex::new(held));
    let given_up = Arc::new(Notify::new());
    let tell = Arc::clone(&given_up);
    let handler = move |session: Handle<D>| {
        let (held, tell) = (Arc::clone(&held), Arc::clone(&tell));
        async move {
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
        }
    };
    let reply = block_on(async {
        let app = site
            .open(|config| {
                config.route("/", web::get().to(handler));
            })
            .await;
        let (reply, ()) = tokio::join!(app.ask("/"), async {
            given_up.notified().await;
            go_on.send(()).unwrap();
        });
        reply
    });
    assert_eq!((reply.status, reply.body.as_str()), (StatusCode::OK, "own words"));
    let session = site.load(&reply.token().expect("the token of the sign-in is told")).unwrap();
    assert_eq!(session.keys().collect::<Vec<_>>(), ["user_id", "late", "seen"]);
}

// S98
fn a_dropped_request_leaves_the_old_state<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.created();
    let changed = Arc::new(Notify::new());
    let tell = Arc::clone(&changed);
    let handler = move |session: Handle<D>| {
        let tell = Arc::clone(&tell);
        async move {
            session.with_mut(|s| s.insert("pending", 1))?;
            tell.notify_one();
            std::future::pending::<()>().await;
            Ok::<_, Error>("never seen")
        }
    };
    block_on(async {
        let app = site
            .open(|config| {
                config.route("/", web::get().to(handler));
            })
            .await;
        let mut asked = Box::pin(app.ask_as("/", &token));
        let mut waiting = Box::pin(changed.notified());
        std::future::poll_fn(|context| {
            assert!(asked.as_mut().poll(context).is_pending(), "it never answers");
            waiting.as_mut().poll(context)
        })
        .await;
        drop(asked);
    });
    assert!(site.load(&token).unwrap().is_empty(), "the old state");
}

fn a_handle_that_outlives_its_request_has_no_session<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.created();
    let kept = Arc::new(std::sync::Mutex::new(None));
    let keep = Arc::clone(&kept);
    let handler = move |session: Handle<D>| {
        *keep.lock().unwrap() = Some(session);
        async { "kept" }
    };
    block_on(async {
        let app = site
            .open(|config| {
                config.route("/", web::get().to(handler));
            })
            .await;
        assert_eq!(app.ask_as("/", &token).await.status, StatusCode::OK);
        let late = kept.lock().unwrap().take().unwrap();
        assert_eq!(late.with_mut(|s| s.insert("late", 1)).unwrap_err().kind(), ErrorKind::Config);
        assert_eq!(late.end().await.unwrap_err().kind(), ErrorKind::Config);
    });
    assert_eq!(site.rows(), 1);
}
