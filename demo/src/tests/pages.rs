//! What all pages have in common, and who may see them.

use axum::http::StatusCode;
use diesel::prelude::*;

use super::Site;

#[tokio::test]
async fn a_form_of_another_site_changes_nothing() {
    let Some(site) = Site::open() else { return };
    let (_, cookie) = site.signed_in("shopper");
    for header in
        [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://evil.test"), ("origin", "null")]
    {
        let answer = site.post_from("/sign-out", &cookie, "", header).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{header:?}");
        assert_eq!(site.get("/account", &cookie).await.status, StatusCode::OK, "{header:?}");
    }
    let own = site.post_from("/sign-out", &cookie, "", ("origin", "https://shop.test")).await;
    assert_eq!(own.status, StatusCode::SEE_OTHER);
    assert_eq!(site.get("/account", &cookie).await.header("location"), "/sign-in");
}

// SECURITY 6
#[tokio::test]
async fn looking_around_makes_no_session() {
    let Some(site) = Site::open() else { return };
    for path in ["/", "/pictures/1", "/cart", "/sign-in", "/sign-up", "/nowhere"] {
        let answer = site.get(path, "").await;
        assert!(!answer.headers.contains_key("set-cookie"), "{path}");
    }
    let nothing_changed = site.post("/cart/change", "", "product=1&quantity=3").await;
    assert!(!nothing_changed.headers.contains_key("set-cookie"));
    let rows: i64 = crate::engine::schema::sessions::table.count().get_result(&mut site.shop.pool.get().unwrap()).unwrap();
    assert_eq!(rows, 0);
}

#[tokio::test]
async fn private_pages_are_kept_by_no_cache() {
    let Some(site) = Site::open() else { return };
    let (_, cookie) = site.signed_in("operator");
    for path in ["/", "/account", "/devices", "/cart", "/operator", "/operator/live.svg", "/nowhere"] {
        assert_eq!(site.get(path, &cookie).await.header("cache-control"), "no-store", "{path}");
    }
    let style = site.get(&crate::assets::style(), "").await;
    assert_eq!((style.status, style.header("content-type")), (StatusCode::OK, "text/css; charset=utf-8"));
    assert!(style.header("cache-control").contains("immutable"));
    assert_eq!(site.get("/assets/style.css", "").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_picture_that_cannot_be_counted_is_shown() {
    let Some(site) = Site::open() else { return };
    let cookie = site.holding("seen-1", "no number");
    let picture = site.get("/pictures/1", &cookie).await;
    assert_eq!((picture.status, picture.header("content-type")), (StatusCode::OK, "image/svg+xml"));
}

#[tokio::test]
async fn an_error_page_promises_nothing_about_what_was_done() {
    let Some(site) = Site::open() else { return };
    let answer = site.get("/cart", &site.holding("cart-1", "no number")).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(answer.text.contains("Please look whether it did what you asked"), "{}", answer.text);
    assert!(!answer.text.contains("no number"));
}
