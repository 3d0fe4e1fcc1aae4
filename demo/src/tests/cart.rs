//! The cart, and requests that change it at once.

use axum::http::StatusCode;

use super::Site;

fn quantities(page: &str) -> Vec<&str> {
    page.split("max=\"99\" value=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

// S47
#[tokio::test]
async fn two_products_that_are_added_at_once_are_both_in_the_cart() {
    let Some(site) = Site::open() else { return };
    let (_, cookie) = site.signed_in("shopper");
    // Both have loaded the session before either changes it.
    let answer = site.while_sent("/cart", &cookie, "product=2").post("/cart", &cookie, "product=1").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let page = site.get("/cart", &cookie).await.text;
    assert!(page.contains("Mug") && page.contains("Soup bowl"), "{page}");

    // So with one that is added while another is taken out.
    site.while_sent("/cart", &cookie, "product=3").post("/cart/change", &cookie, "product=1&quantity=0").await;
    let page = site.get("/cart", &cookie).await.text;
    assert!(!page.contains("Mug") && page.contains("Soup bowl") && page.contains("Dinner plate"), "{page}");
}

#[tokio::test]
async fn what_is_not_in_the_cart_is_not_changed_and_there_are_99_at_most() {
    let Some(site) = Site::open() else { return };
    let (_, cookie) = site.signed_in("shopper");
    site.post("/cart", &cookie, "product=1").await;
    site.post("/cart/change", &cookie, "product=2&quantity=5").await;
    assert_eq!(quantities(&site.get("/cart", &cookie).await.text), ["1"]);
    site.post("/cart/change", &cookie, "product=1&quantity=4000000000").await;
    site.post("/cart", &cookie, "product=1").await;
    assert_eq!(quantities(&site.get("/cart", &cookie).await.text), ["99"]);
    assert_eq!(site.post("/cart", &cookie, "product=1000").await.status, StatusCode::NOT_FOUND);
}
