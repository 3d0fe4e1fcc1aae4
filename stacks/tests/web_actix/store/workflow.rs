//! What its acceptance suite asks of any store, under both ways to protect the cookie.

use axum::http::StatusCode;

use super::site::{Browser, POLICIES, TTL, builder, lifecycle, open};
use crate::app::block_on;
use crate::site::{Site, Web};
use crate::support::suite;
use actix_session_0_11::config::TtlExtensionPolicy;

suite! {
    a_cookie_of_another_name_path_and_domain_brings_the_session_back,
    the_cookie_is_sent_with_a_change_and_at_no_other_time,
    the_cookie_is_sent_every_time_where_every_request_is_to_extend,
    a_session_lives_from_the_first_change_to_the_sign_out,
    a_guard_sees_the_session,
    a_cookie_that_was_tampered_with_opens_nothing,
}

fn a_cookie_of_another_name_path_and_domain_brings_the_session_back<D: Web>(db: &D) {
    let site = Site::new(db);
    for policy in POLICIES {
        block_on(async {
            let builder = builder::<D>(site.store()).cookie_content_security(policy);
            let builder = builder.cookie_name("shop".into()).cookie_path("/shop/".into());
            let app = open::<D>(builder.cookie_domain(Some("localhost".into()))).await;
            let mut browser = Browser::new(&app);
            let reply = browser.ask("/set/parrot/dead").await;
            assert!(reply.set_cookie().unwrap().starts_with("shop="));
            for attribute in ["Path=/shop/", "Domain=localhost"] {
                assert!(reply.attributes().iter().any(|one| one == attribute), "{reply:?}");
            }
            assert_eq!(browser.told().await, r#"parrot="dead""#);
        });
    }
}

fn the_cookie_is_sent_with_a_change_and_at_no_other_time<D: Web>(db: &D) {
    let site = Site::new(db);
    for policy in POLICIES {
        block_on(async {
            let app = open::<D>(builder::<D>(site.store()).cookie_content_security(policy)).await;
            let mut browser = Browser::new(&app);
            for (path, is_sent) in [("/nothing", false), ("/count", true), ("/nothing", false), ("/", false), ("/count", true)] {
                let reply = browser.ask(path).await;
                assert_eq!(reply.status, StatusCode::OK);
                assert_eq!(reply.set_cookie().is_some(), is_sent, "{path}");
                if is_sent {
                    assert!(reply.attributes().contains(&format!("Max-Age={TTL}")), "{reply:?}");
                }
            }
        });
    }
}

fn the_cookie_is_sent_every_time_where_every_request_is_to_extend<D: Web>(db: &D) {
    let site = Site::new(db);
    for policy in POLICIES {
        block_on(async {
            let builder = builder::<D>(site.store()).cookie_content_security(policy);
            let app = open::<D>(builder.session_lifecycle(lifecycle(TtlExtensionPolicy::OnEveryRequest))).await;
            let mut browser = Browser::new(&app);
            assert_eq!(browser.ask("/nothing").await.set_cookie(), None, "there is no session yet");
            for path in ["/count", "/nothing", "/"] {
                assert!(browser.ask(path).await.attributes().contains(&format!("Max-Age={TTL}")), "{path}");
            }
        });
    }
}

// S2 S3 S10 SECURITY 5 6 9 10
fn a_session_lives_from_the_first_change_to_the_sign_out<D: Web>(db: &D) {
    for policy in POLICIES {
        let site = Site::new(db);
        block_on(async {
            let app = open::<D>(builder::<D>(site.store()).cookie_content_security(policy)).await;
            let mut browser = Browser::new(&app);
            assert_eq!(browser.ask("/").await.set_cookie(), None);
            assert_eq!(site.rows(), 0, "reading makes no row");
            assert_eq!(browser.ask("/count").await.body, "counter=1");
            assert_eq!(browser.told().await, "counter=1");
            assert_eq!(browser.ask("/count").await.body, "counter=2");

            let mut before = browser.twin();
            assert_eq!(browser.ask("/in/7").await.body, "counter=2 user_id=7");
            assert_ne!(browser.cookie, before.cookie);
            assert_eq!(browser.ask("/count").await.body, "counter=3 user_id=7");
            assert_eq!(before.told().await, "", "the old key opens nothing");
            assert_eq!(site.rows(), 1);

            let mut stale = browser.twin();
            let out = browser.ask("/out").await;
            assert!(out.attributes().iter().any(|one| one == "Max-Age=0") && out.attributes().iter().any(|one| one == "Path=/"));
            assert_eq!(site.rows(), 0);
            let after = stale.ask("/").await;
            assert_eq!((after.body.as_str(), after.set_cookie()), ("", None));
            assert_eq!(stale.ask("/in/7").await.body, "user_id=7", "the counter is gone");
            assert_ne!(stale.cookie, browser.cookie);
        });
        site.sessions.revoke_everyone(&mut db.connect()).unwrap();
    }
}

fn a_guard_sees_the_session<D: Web>(db: &D) {
    let site = Site::new(db);
    for policy in POLICIES {
        block_on(async {
            let app = open::<D>(builder::<D>(site.store()).cookie_content_security(policy)).await;
            let mut browser = Browser::new(&app);
            assert_eq!(browser.ask("/guarded/").await.status, StatusCode::NOT_FOUND);
            browser.ask("/count").await;
            assert_eq!(browser.ask("/guarded/").await.status, StatusCode::NOT_FOUND);
            browser.ask("/in/7").await;
            assert_eq!(browser.ask("/guarded/").await.body, "let in");
            assert_eq!(browser.ask("/count").await.body, "counter=2 user_id=7");
        });
    }
}

// SECURITY 4 5
fn a_cookie_that_was_tampered_with_opens_nothing<D: Web>(db: &D) {
    let site = Site::new(db);
    let (_, token) = site.signed_in();
    block_on(async {
        let app = open::<D>(builder::<D>(site.store())).await;
        let mut browser = Browser::new(&app);
        browser.ask("/count").await;
        let cookie = browser.cookie.clone().unwrap();
        for bad in [format!("{cookie}x"), format!("id={token}"), "id=".to_owned(), "id=%ff%fe".to_owned()] {
            let reply = app.ask_with("/", [bad]).await;
            assert_eq!((reply.status, reply.body.as_str(), reply.set_cookie()), (StatusCode::OK, "", None));
        }
    });
    assert_eq!(site.rows(), 2);
}
