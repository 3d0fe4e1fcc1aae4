//! The cookie, as a browser keeps it.

use diesel_sessions::{Clock, SystemClock};

use crate::browser::Kind;
use crate::stage::Stage;

// S99 SECURITY 34
#[tokio::test]
async fn the_cookie_has_the_safe_flags_and_ends_with_the_browser() {
    let Some(stage) = Stage::set() else { return };
    let browser = stage.browser().await;
    browser.goto("/").await;
    assert!(browser.client.get_all_cookies().await.unwrap().is_empty(), "looking around makes no session");
    browser.sign_in_as_shopper().await;
    assert_eq!(browser.client.get_all_cookies().await.unwrap().len(), 1);
    let cookie = browser.cookie().await;
    assert_eq!((cookie.http_only(), cookie.secure()), (Some(true), Some(true)));
    assert!(cookie.same_site().is_some_and(|site| site.is_lax()));
    assert_eq!((cookie.path(), cookie.domain()), (Some("/"), Some("127.0.0.1")));
    assert!(cookie.expires().and_then(|end| end.datetime()).is_none(), "{:?}", cookie.expires());
    assert_eq!(browser.script("return document.cookie").await, "", "scripts do not see it");
}

// S99
#[tokio::test]
async fn a_remembered_browser_keeps_the_cookie_for_thirty_days() {
    let Some(stage) = Stage::set() else { return };
    let browser = stage.browser().await;
    browser.sign_in("shopper", "three cups of tea", true).await;
    browser.arrives_at("/account").await;
    let end = browser.cookie().await.expires().and_then(|end| end.datetime()).unwrap().unix_timestamp();
    let days = (end - SystemClock.now().timestamp()) as f64 / 86_400.0;
    assert!((29.9..=30.01).contains(&days), "{days} days");
    browser.goto("/devices").await;
    assert!(browser.text_of("#devices").await.contains("remembered"));
}

// S99
#[tokio::test]
async fn signing_in_needs_no_scripts() {
    let Some(stage) = Stage::set() else { return };
    let browser = stage.browser_of(Kind::WithoutScripts).await;
    browser.client.goto("data:text/html,<title>off</title><script>document.title='on'</script>").await.unwrap();
    assert_eq!(browser.client.title().await.unwrap(), "off");
    browser.sign_in("shopper", "three cups of tea", false).await;
    browser.arrives_at("/account").await;
    assert!(browser.text().await.contains("Hello, shopper"));
    browser.press("header form button").await;
    browser.arrives_at("/").await;
    browser.goto("/account").await;
    assert_eq!(browser.path().await, "/sign-in");
}
