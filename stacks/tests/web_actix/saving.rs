//! When a session is saved, and what a client is told when that fails.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode as ActixStatus;
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, HttpResponseBuilder};
use axum::http::StatusCode;
use diesel_sessions::{ConnectionSource, Error, SignIn};

use crate::app::{Client, block_on, done, open};
use crate::site::{Handle, Site, Web};
use crate::support::{seconds, suite};

suite! {
    a_change_is_saved_once,
    an_unchanged_session_is_not_written,
    a_touch_that_is_due_is_written_with_the_request,
    redirects_and_refusals_save,
    a_server_error_saves_nothing,
    a_panic_saves_nothing,
    a_token_changed_by_a_verb_is_sent_with_every_answer,
    the_error_of_a_middleware_further_in_is_treated_as_an_answer,
    a_change_to_a_session_that_has_ended_gets_409,
    the_application_may_answer_for_a_lost_session,
    an_unchanged_request_keeps_its_answer_when_the_session_has_ended,
}

fn version<D: Web>(site: &Site<'_, D>) -> i64 {
    D::number(&mut site.db.connect(), "SELECT _version FROM sessions")
}

fn seen<D: Web>(site: &Site<'_, D>, token: &str) -> Option<u32> {
    site.load(token).unwrap().get("seen").unwrap()
}

/// Changes the session, and answers with the status in the path, as an answer or as an error.
fn changing<D: Web>(config: &mut ServiceConfig) {
    let answer = |session: Handle<D>, code: web::Path<u16>| async move {
        session.with_mut(|s| s.insert("seen", 14))?;
        Ok::<_, Error>(HttpResponseBuilder::new(ActixStatus::from_u16(*code).unwrap()).body("own words"))
    };
    let error = |session: Handle<D>, code: web::Path<u16>| async move {
        session.with_mut(|s| s.insert("seen", 14))?;
        let status = ActixStatus::from_u16(*code).unwrap();
        Err::<&str, actix_web::Error>(actix_web::error::InternalError::new("own words", status).into())
    };
    config
        .route("/answer/{code}", web::get().to(answer))
        .route("/error/{code}", web::get().to(error))
        .route("/read", web::get().to(|_: Handle<D>| async { "read" }));
}

// S98
fn a_change_is_saved_once<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.created();
    let thrice = |session: Handle<D>| async move {
        for _ in 0..3 {
            session.with_mut(|s| {
                let seen: Option<u32> = s.get("seen")?;
                s.insert("seen", seen.unwrap_or(0) + 1)
            })?;
        }
        Ok::<_, Error>("saved")
    };
    block_on(async {
        let app = site
            .open(|config| {
                config.route("/", web::get().to(thrice));
            })
            .await;
        let reply = app.ask_as("/", &token).await;
        assert_eq!((reply.status, reply.body.as_str()), (StatusCode::OK, "saved"));
        assert_eq!((version(&site), seen(&site, &token)), (1, Some(3)));
        let before = site.sent();
        app.ask_as("/", &token).await;
        assert_eq!(site.sent() - before, 2, "a load and a save");
    });
}

// S98
fn an_unchanged_session_is_not_written<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.created();
    block_on(async {
        let app = site.open(changing::<D>).await;
        assert_eq!(app.ask_as("/read", &token).await.body, "read");
        assert_eq!(app.ask("/read").await.set_cookie(), None);
    });
    assert_eq!((version(&site), site.rows()), (0, 1));
}

// S98
fn a_touch_that_is_due_is_written_with_the_request<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.created();
    site.clock.advance(seconds(600));
    let reply = block_on(async { site.open(changing::<D>).await.ask_as("/read", &token).await });
    assert_eq!(reply.set_cookie(), None);
    assert_eq!(site.load(&token).unwrap().last_seen_at(), diesel_sessions::Clock::now(&site.clock));
    assert_eq!(version(&site), 0);
}

// S98
fn redirects_and_refusals_save<D: Web>(db: &D) {
    let site = Site::new(db);
    block_on(async {
        let app = site.open(changing::<D>).await;
        for path in ["/answer/303", "/answer/403", "/error/404", "/error/401"] {
            let reply = app.ask(path).await;
            assert_eq!(reply.status.as_str(), &path[path.len() - 3..], "{reply:?}");
            assert_eq!(seen(&site, &reply.token().unwrap()), Some(14), "{path}");
        }
    });
}

// S98
fn a_server_error_saves_nothing<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.created();
    block_on(async {
        let app = site.open(changing::<D>).await;
        for path in ["/answer/500", "/answer/503", "/error/500", "/error/502"] {
            let reply = app.ask_as(path, &token).await;
            assert_eq!((reply.status.as_str(), reply.body.as_str()), (&path[path.len() - 3..], "own words"));
            assert_eq!(reply.set_cookie(), None);
            assert_eq!((version(&site), seen(&site, &token)), (0, None));
            assert_eq!(app.ask(path).await.set_cookie(), None);
        }
    });
    assert_eq!(site.rows(), 1);
}

// S98
fn a_panic_saves_nothing<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.created();
    let panicking = |session: Handle<D>| async move {
        session.with_mut(|s| s.insert("seen", 14))?;
        if session.with(|s| Ok::<_, Error>(s.contains_key("seen")))? {
            panic!("the handler's own");
        }
        Ok::<_, Error>("never seen")
    };
    block_on(async {
        let app = site
            .open(|config| {
                config.route("/", web::get().to(panicking));
            })
            .await;
        for token in [Some(token.clone()), None] {
            let app = app.clone();
            let asked = actix_web::rt::spawn(async move {
                match token {
                    Some(token) => app.ask_as("/", &token).await,
                    None => app.ask("/").await,
                }
            });
            assert!(asked.await.unwrap_err().is_panic());
        }
    });
    assert_eq!((version(&site), seen(&site, &token), site.rows()), (0, None, 1));
}

// S101
fn a_token_changed_by_a_verb_is_sent_with_every_answer<D: Web>(db: &D) {
    let site = Site::new(db);
    let answer = |session: Handle<D>| async move {
        session.rotate().await?;
        session.with_mut(|s| s.insert("seen", 14))?;
        Ok::<_, Error>(HttpResponse::BadGateway())
    };
    let error = |session: Handle<D>| async move {
        session.rotate().await?;
        session.with_mut(|s| s.insert("seen", 14))?;
        session.sign_in(SignIn::new(7)).await?;
        session.run(|conn, s| s.attributes().create(conn, "", 1)).await.map(done) // a name that is refused
    };
    block_on(async {
        let app = site
            .open(|config| {
                config.route("/answer", web::get().to(answer)).route("/error", web::get().to(error));
            })
            .await;
        for (path, status, kept) in
            [("/answer", StatusCode::BAD_GATEWAY, None), ("/error", StatusCode::INTERNAL_SERVER_ERROR, Some(14))]
        {
            let (_, token) = site.created();
            let reply = app.ask_as(path, &token).await;
            assert_eq!(reply.status, status, "{path}");
            let newer = reply.token().expect("the token of the verb");
            assert!(site.load(&token).is_none());
            assert_eq!(seen(&site, &newer), kept, "{path}: what the verb wrote, and no more");
        }
    });
}

// S98 S100 S101
fn the_error_of_a_middleware_further_in_is_treated_as_an_answer<D: Web>(db: &D) {
    async fn refusing<D: Web>(
        session: Handle<D>,
        request: ServiceRequest,
        next: Next<impl MessageBody>,
    ) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
        session.with_mut(|s| s.insert("seen", 14))?;
        match request.path() {
            "/refused" => Err(actix_web::error::ErrorForbidden("own words")),
            "/broken" => Err(actix_web::error::ErrorInternalServerError("own words")),
            "/rotated" => {
                session.rotate().await?;
                Err(actix_web::error::ErrorBadGateway("own words"))
            }
            _ => next.call(request).await,
        }
    }
    let site = Site::new(db);
    block_on(async {
        let app = site
            .open(|config| {
                config.service(web::scope("").wrap(from_fn(refusing::<D>)).default_service(web::to(|| async { "through" })));
            })
            .await;
        for (path, code, kept) in [("/refused", 403, true), ("/broken", 500, false), ("/rotated", 502, false), ("/", 200, true)] {
            let (_, token) = site.created();
            let reply = app.ask_as(path, &token).await;
            assert_eq!((reply.status.as_u16(), reply.header("vary")), (code, Some("Cookie")), "{path}");
            assert_eq!(reply.body, if path == "/" { "through" } else { "own words" });
            assert_eq!(reply.set_cookie().is_some(), path == "/rotated", "{path}");
            let now = reply.token().unwrap_or(token);
            assert_eq!(site.load(&now).unwrap().contains_key("seen"), kept, "{path}");
        }
    });
}

/// Ends the session behind the handler's back, then changes it, if asked to.
async fn overtaken<D: Web>(site: &Site<'_, D>, change: bool, own_answer: bool) -> Client {
    let (sessions, pool) = (site.sessions.clone(), site.pool.clone());
    let handler = move |session: Handle<D>| {
        let (sessions, pool) = (sessions.clone(), pool.clone());
        async move {
            let row = session.with(|s| Ok::<_, Error>(s.row_id()))?.unwrap();
            assert!(pool.run(move |conn| sessions.revoke_row(conn, row)).await?);
            if change {
                session.with_mut(|s| s.insert("seen", 14))?;
            }
            Ok::<_, Error>("own words")
        }
    };
    let middleware = match own_answer {
        true => site.middleware().when_lost(|| HttpResponse::SeeOther().insert_header(("location", "/sign-in")).finish()),
        false => site.middleware(),
    };
    open::<D>(middleware, |config| {
        config.route("/", web::get().to(handler));
    })
    .await
}

// S101 SECURITY 18
fn a_change_to_a_session_that_has_ended_gets_409<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.created();
    let reply = block_on(async { overtaken(&site, true, false).await.ask_as("/", &token).await });
    assert_eq!(reply.status, StatusCode::CONFLICT);
    assert!(!reply.body.contains("own words"));
    assert_eq!((reply.set_cookie(), reply.header("vary")), (None, Some("Cookie")));
    assert_eq!(site.rows(), 0);
}

// S101
fn the_application_may_answer_for_a_lost_session<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.created();
    let reply = block_on(async { overtaken(&site, true, true).await.ask_as("/", &token).await });
    assert_eq!((reply.status, reply.location()), (StatusCode::SEE_OTHER, Some("/sign-in")));
    assert_eq!((reply.set_cookie(), reply.header("vary")), (None, Some("Cookie")));
}

// S101 SECURITY 18
fn an_unchanged_request_keeps_its_answer_when_the_session_has_ended<D: Web>(db: &D) {
    let site = Site::new(db);
    for due in [false, true] {
        let (_, token) = site.created();
        if due {
            site.clock.advance(seconds(600));
        }
        let reply = block_on(async { overtaken(&site, false, false).await.ask_as("/", &token).await });
        assert_eq!((reply.status, reply.body.as_str(), reply.set_cookie()), (StatusCode::OK, "own words", None), "{due}");
        assert_eq!(site.rows(), 0);
    }
}
