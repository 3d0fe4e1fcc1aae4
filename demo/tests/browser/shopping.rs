//! Cart, order and one-time code.

use crate::browser::Browser;
use crate::stage::Stage;

async fn put_into_cart(browser: &Browser, product: usize) {
    browser.goto("/").await;
    browser.press(&format!(".product:nth-child({product}) button")).await;
    browser.text_of(".notice").await;
}

// S62
#[tokio::test]
async fn the_cart_survives_signing_in() {
    let Some(stage) = Stage::set() else { return };
    let browser = stage.browser().await;
    put_into_cart(&browser, 4).await;
    put_into_cart(&browser, 4).await;
    put_into_cart(&browser, 1).await;
    assert_eq!(browser.text_of(".count").await, "3");
    let before = browser.cookie().await.value().to_owned();
    browser.sign_in("shopper", "three cups of tea", false).await;
    browser.arrives_at("/cart").await;
    assert_ne!(browser.cookie().await.value(), before, "signing in replaces the token");
    let text = browser.text().await;
    assert!(text.contains("Teapot") && text.contains("Mug") && text.contains("€112.50"), "{text}");
}

// S43 S71 S77 SECURITY 8
#[tokio::test]
async fn an_order_needs_the_right_code_and_takes_it_once() {
    let Some(stage) = Stage::set() else { return };
    let browser = stage.browser().await;
    put_into_cart(&browser, 2).await;
    browser.sign_in("shopper", "three cups of tea", false).await;
    browser.arrives_at("/cart").await;
    browser.press("form[action='/order/code'] button").await;
    browser.arrives_at("/order").await;
    let code = browser.text_of("#code").await;
    assert_eq!(code.len(), 6);
    let wrong = if code == "000000" { "000001" } else { "000000" };

    browser.fill("#entered", wrong).await;
    browser.press("form[action='/order'] button").await;
    assert_eq!(browser.text_of(".notice").await, "That is not the code. Tries left: 4.");

    browser.fill("#entered", &code).await;
    browser.press("form[action='/order'] button").await;
    browser.arrives_at("/account").await;
    assert!(browser.text_of(".notice").await.starts_with("Thank you."));
    assert!(browser.text().await.contains("€16.50"));
    assert_eq!(browser.count(".count").await, 0, "the cart is empty");

    // The code is used up.
    put_into_cart(&browser, 3).await;
    browser.goto("/order").await;
    assert_eq!(browser.count("#code").await, 0);
    assert_eq!(browser.count("#entered").await, 0);
    let log = stage.log();
    assert!(log.contains("signed_in"), "the log has everything");
    for secret in [code.as_str(), browser.cookie().await.value(), "three cups of tea"] {
        assert!(!log.contains(secret), "the log tells a secret");
    }
}

// S71
#[tokio::test]
async fn five_wrong_codes_end_the_right_one() {
    let Some(stage) = Stage::set() else { return };
    let browser = stage.browser().await;
    put_into_cart(&browser, 2).await;
    browser.sign_in("shopper", "three cups of tea", false).await;
    browser.arrives_at("/cart").await;
    browser.press("form[action='/order/code'] button").await;
    let code = browser.text_of("#code").await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for left in (0..5).rev() {
        browser.fill("#entered", wrong).await;
        browser.press("form[action='/order'] button").await;
        let notice = browser.text_of(".notice").await;
        let expected = if left == 0 { "Please ask for a new one." } else { &format!("Tries left: {left}.") };
        assert!(notice.ends_with(expected), "{left}: {notice}");
    }
    assert_eq!(browser.count("#entered").await, 0, "there is nothing to enter");
    browser.press("form[action='/order/code'] button").await;
    assert_eq!(browser.text_of("#code").await.len(), 6);
}
