//! How the pages look: a screenshot of each, wide and narrow, light and dark. They are kept to be looked at.

use serde_json::json;

use crate::browser::Browser;
use crate::stage::{Stage, screenshots};

const WIDE: u32 = 1280;
const PHONE: u32 = 390;
const SMALL_PHONE: u32 = 360;

/// Whether nothing is wider than the screen, nor than the card that it is on.
const FITS: &str = "
    const fits = element => element.scrollWidth <= element.clientWidth;
    return document.documentElement.scrollWidth <= innerWidth && Array.from(document.querySelectorAll('.card')).every(fits) && innerWidth";

/// Photographs the page that is shown, and asserts that it fits the screen.
async fn photograph(browser: &Browser, name: &str) {
    for (width, mobile) in [(WIDE, false), (SMALL_PHONE, true), (PHONE, true)] {
        let screen = json!({ "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": mobile });
        browser.tell("Emulation.setDeviceMetricsOverride", screen).await;
        let fits = browser.script(FITS).await;
        assert_eq!(fits, json!(width), "{name}: wider than the screen");
        if width != SMALL_PHONE {
            shoot(browser, &format!("{name}-{width}")).await;
        }
    }
    let dark = json!({ "features": [{ "name": "prefers-color-scheme", "value": "dark" }] });
    browser.tell("Emulation.setEmulatedMedia", dark).await;
    shoot(browser, &format!("{name}-{PHONE}-dark")).await;
    browser.tell("Emulation.setEmulatedMedia", json!({ "features": [] })).await;
    browser.tell("Emulation.clearDeviceMetricsOverride", json!({})).await;
}

async fn shoot(browser: &Browser, name: &str) {
    use base64::Engine as _;
    // A picture may have come into play with the width.
    let loaded = "return Promise.all(Array.from(document.images, picture => picture.decode())).then(() => true)";
    assert_eq!(browser.script(loaded).await, json!(true), "{name}: a picture is missing");
    let taken = browser.tell("Page.captureScreenshot", json!({ "captureBeyondViewport": true })).await;
    let png = base64::engine::general_purpose::STANDARD.decode(taken["data"].as_str().unwrap()).unwrap();
    std::fs::write(screenshots().join(format!("{name}.png")), png).unwrap();
}

#[tokio::test]
async fn every_page_fits_a_phone_and_is_photographed() {
    let Some(stage) = Stage::set() else { return };
    let browser = stage.browser().await;
    for (path, name) in [("/", "catalogue"), ("/sign-in", "sign-in"), ("/sign-up", "sign-up"), ("/nowhere", "not-found")] {
        browser.goto(path).await;
        photograph(&browser, name).await;
    }
    browser.goto("/cart").await;
    photograph(&browser, "cart-empty").await;
    browser.sign_in("shopper", "not the password", false).await;
    assert!(browser.text_of("[role=alert]").await.contains("not right"));
    photograph(&browser, "sign-in-wrong").await;

    for product in [4, 8, 4] {
        browser.goto("/").await;
        browser.press(&format!(".product:nth-child({product}) button")).await;
        browser.text_of(".notice").await;
    }
    photograph(&browser, "catalogue-notice").await;
    browser.sign_in("shopper", "three cups of tea", true).await;
    browser.arrives_at("/cart").await;
    photograph(&browser, "cart").await;
    browser.press("form[action='/order/code'] button").await;
    browser.arrives_at("/order").await;
    photograph(&browser, "order").await;
    let code = browser.text_of("#code").await;
    browser.fill("#entered", &code).await;
    browser.press("form[action='/order'] button").await;
    browser.arrives_at("/account").await;
    photograph(&browser, "account").await;

    let other = stage.browser().await;
    other.sign_in_as_shopper().await;
    browser.goto("/devices").await;
    photograph(&browser, "devices").await;
}

// S61
#[tokio::test]
async fn the_operators_page_shows_the_picture() {
    let Some(stage) = Stage::set() else { return };
    stage.add_sessions();
    let browser = stage.browser().await;
    browser.sign_in("operator", "a tidy workshop", false).await;
    browser.arrives_at("/account").await;
    browser.press("a[href='/operator']").await;
    browser.arrives_at("/operator").await;
    // The picture may still be under way when the page is there.
    let shown = "const chart = document.querySelector('#chart'); return chart.decode().then(() => chart.naturalWidth > 0)";
    assert_eq!(browser.script(shown).await, json!(true));
    assert_eq!(browser.text_of("#backlog").await, "3");
    assert!(browser.text().await.contains("shopper 40"), "{}", browser.text().await);
    photograph(&browser, "operator").await;

    browser.press("form[action='/operator/purge'] button").await;
    assert!(browser.text_of(".notice").await.starts_with("Removed: 3 expired sessions"));
    assert_eq!(browser.text_of("#backlog").await, "0");
    photograph(&browser, "operator-purged").await;
}
