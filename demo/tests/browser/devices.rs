//! "Where you're signed in", with several browsers.

use crate::stage::Stage;

// S60 SECURITY 13
#[tokio::test]
async fn one_browser_signs_the_other_out() {
    let Some(stage) = Stage::set() else { return };
    let (one, other) = (stage.browser().await, stage.browser().await);
    one.sign_in_as_shopper().await;
    other.sign_in_as_shopper().await;

    one.goto("/devices").await;
    assert_eq!(one.count("#devices li").await, 2);
    assert_eq!(one.count("#devices li.this").await, 1);
    assert!(one.text_of("#devices li.this").await.contains("This device"));
    let row = one.text_of("#devices li:not(.this)").await;
    assert!(row.contains("on Linux") && row.contains("127.0.0.1") && row.contains("last seen just now"), "{row}");
    one.press("#devices li:not(.this) button").await;
    assert!(one.text_of(".notice").await.contains("signed out"));
    assert_eq!(one.count("#devices li").await, 1);

    other.goto("/account").await;
    assert_eq!(other.path().await, "/sign-in");
    one.goto("/account").await;
    assert_eq!(one.path().await, "/account");
}

// S64 SECURITY 14
#[tokio::test]
async fn signing_out_all_others_leaves_this_browser_signed_in() {
    let Some(stage) = Stage::set() else { return };
    let (one, second, third) = (stage.browser().await, stage.browser().await, stage.browser().await);
    for browser in [&one, &second, &third] {
        browser.sign_in_as_shopper().await;
    }
    one.goto("/devices").await;
    let before = one.cookie().await.value().to_owned();
    one.press("button.danger").await;
    assert_eq!(one.text_of(".notice").await, "2 other devices are signed out.");
    assert_ne!(one.cookie().await.value(), before, "this one has a new token");

    for browser in [&second, &third] {
        browser.goto("/devices").await;
        assert_eq!(browser.path().await, "/sign-in");
    }
    one.goto("/account").await;
    assert_eq!(one.path().await, "/account");
}
