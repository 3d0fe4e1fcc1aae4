//! Signing in while other requests of the page are under way.

use serde_json::Value;

use crate::browser::{Browser, Kind};
use crate::stage::Stage;

const ROUNDS: usize = 10;

/// An anonymous session with something in it, so that there is a token to replace.
async fn put_into_cart(browser: &Browser) {
    browser.goto("/").await;
    browser.press(".product button").await;
    browser.text_of(".notice").await;
    browser.cookie().await;
}

/// Signed in, with the cart that was there before; signs out again.
async fn is_signed_in(browser: &Browser, round: usize) {
    browser.arrives_at("/cart").await;
    assert_eq!(browser.text_of("#user").await, "shopper", "round {round}");
    assert_eq!(browser.count(".line").await, 1, "round {round}");
    browser.goto("/account").await;
    assert!(browser.text().await.contains("Hello, shopper"), "round {round}");
    browser.press("header form button").await;
    browser.arrives_at("/").await;
}

// S64 SECURITY 11 18
#[tokio::test]
async fn signing_in_while_the_pictures_are_loading_leaves_the_browser_signed_in() {
    let Some(stage) = Stage::set() else { return };
    let browser = stage.browser_of(Kind::Hasty).await;
    for round in 0..ROUNDS {
        put_into_cart(&browser).await;
        browser.goto("/").await;
        browser.sign_in("shopper", "three cups of tea", false).await;
        is_signed_in(&browser, round).await;
    }
}

// S64 SECURITY 11 18
#[tokio::test]
async fn signing_in_while_ten_requests_are_under_way_leaves_the_browser_signed_in() {
    const AT_ONCE: &str = "
        document.querySelector('#name').value = 'shopper';
        document.querySelector('#password').value = 'three cups of tea';
        const ask = at => fetch(`/pictures/${at}`, { keepalive: true }).then(() => ask(at), () => {});
        for (let at = 1; at <= 10; at++) ask(at);
        document.querySelector('main form').requestSubmit();
        return true;";

    let Some(stage) = Stage::set() else { return };
    let browser = stage.browser().await;
    // Ten at a time, from before the form is sent until the page makes way for the next one.
    for round in 0..ROUNDS {
        put_into_cart(&browser).await;
        browser.goto("/sign-in").await;
        assert_eq!(browser.script(AT_ONCE).await, Value::from(true));
        is_signed_in(&browser, round).await;
    }
    assert!(stage.log().contains("not noted"), "some requests met the signing in");
}
