//! Orders, and their codes.

use std::sync::Arc;

use axum::http::StatusCode;
use diesel::prelude::*;
use diesel_sessions::JsonText;

use super::Site;
use crate::engine::Id;
use crate::engine::schema::{order_lines, session_attributes};

impl Site {
    /// The cookie of a session with one mug in its cart, and the code that is asked for.
    async fn about_to_order(&self) -> (String, String) {
        let (_, cookie) = self.signed_in("shopper");
        self.post("/cart", &cookie, "product=1").await;
        assert_eq!(self.post("/order/code", &cookie, "").await.header("location"), "/order");
        let page = self.get("/order", &cookie).await.text;
        let code: String = page.split_once("id=\"code\">").unwrap().1.chars().take(6).collect();
        (cookie, code)
    }

    /// What was ordered so far: products and how many of each.
    fn ordered(&self) -> Vec<(Id, i32)> {
        let lines = order_lines::table.select((order_lines::product_id, order_lines::quantity)).order(order_lines::product_id);
        lines.load(&mut self.shop.pool.get().unwrap()).unwrap()
    }
}

// S71 S77 SECURITY 26
#[tokio::test]
async fn the_code_is_stored_encrypted_and_is_none_once_it_has_expired() {
    let Some(site) = Site::open() else { return };
    let (cookie, code) = site.about_to_order().await;
    let rows: Vec<(Option<JsonText>, Option<Vec<u8>>)> = session_attributes::table
        .select((session_attributes::value, session_attributes::sealed))
        .load(&mut site.shop.pool.get().unwrap())
        .unwrap();
    let [(None, Some(sealed))] = rows.as_slice() else { panic!("{} rows", rows.len()) };
    assert!(!sealed.windows(code.len()).any(|window| window == code.as_bytes()));

    site.database.execute("UPDATE session_attributes SET expires_at = '2026-01-01 00:00:00.000000'");
    let form = format!("code={code}");
    assert_eq!(site.post("/order", &cookie, &form).await.header("location"), "/order");
    let page = site.get("/order", &cookie).await.text;
    assert!(page.contains("has expired") && !page.contains(&code));
    assert!(site.get("/account", &cookie).await.text.contains("None so far."));
}

// S83
#[tokio::test]
async fn a_code_of_a_key_that_is_lost_is_none_and_is_deleted() {
    let Some(site) = Site::open() else { return };
    let restarted = Site::over(Arc::clone(&site.database), [8; 32], crate::PATIENCE);
    let codes = || session_attributes::table.count().get_result::<i64>(&mut site.shop.pool.get().unwrap()).unwrap();

    let (cookie, _) = site.about_to_order().await;
    assert_eq!(codes(), 1);
    let page = restarted.get("/order", &cookie).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("There is no code under way."), "{}", page.text);
    assert_eq!(codes(), 0);

    let (cookie, code) = site.about_to_order().await;
    let answer = restarted.post("/order", &cookie, &format!("code={code}")).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/order"));
    assert_eq!(codes(), 0);
    assert!(restarted.get("/order", &cookie).await.text.contains("There is no code, or it has expired."));
    assert_eq!(site.ordered(), []);
}

// S43 S49 S101
#[tokio::test]
async fn an_order_that_is_placed_is_not_called_unsaved_if_the_session_is_rotated_or_ended_at_this_moment() {
    const ROTATE: &str = "UPDATE sessions SET _uuid = '00000000-0000-4000-8000-000000000001'";
    for sql in ["DELETE FROM sessions", ROTATE] {
        let Some(site) = Site::open() else { return };
        let (cookie, code) = site.about_to_order().await;
        let answer = site.with_sql_after(sql).post("/order", &cookie, &format!("code={code}")).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/account"), "{sql}");
        assert_eq!(site.ordered(), [(1, 1)], "{sql}");
    }
    // A change that the layer has yet to save is lost then, and the answer says so.
    let Some(site) = Site::open() else { return };
    let (_, cookie) = site.signed_in("shopper");
    let answer = site.with_sql_after("DELETE FROM sessions").post("/cart", &cookie, "product=1").await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
}

// S43 S49 SECURITY 13
#[tokio::test]
async fn a_session_that_ends_before_its_order_is_placed_orders_nothing() {
    let Some(site) = Site::open() else { return };
    let (cookie, code) = site.about_to_order().await;
    let answer = site.while_sent("/sign-out", &cookie, "").post("/order", &cookie, &format!("code={code}")).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert_eq!(site.ordered(), []);
}

// S47
#[tokio::test]
async fn what_is_put_into_the_cart_while_it_is_ordered_is_ordered_too_and_nothing_is_lost() {
    let Some(site) = Site::open() else { return };
    for (added, ordered) in [("product=1", vec![(1, 2)]), ("product=2", vec![(1, 1), (2, 1)])] {
        let (cookie, code) = site.about_to_order().await;
        // The order has loaded its session, and then something is added.
        let answer = site.while_sent("/cart", &cookie, added).post("/order", &cookie, &format!("code={code}")).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/account"), "{added}");
        assert_eq!(site.ordered(), ordered, "{added}");
        assert!(site.get("/account", &cookie).await.text.contains("Thank you."), "{added}");
        assert!(site.get("/cart", &cookie).await.text.contains("There is nothing in it yet."), "{added}");
        site.database.execute("DELETE FROM orders");
    }
}

#[tokio::test]
async fn what_is_no_longer_sold_stays_in_the_cart() {
    let Some(site) = Site::open() else { return };
    let (cookie, code) = site.about_to_order().await;
    site.post("/cart", &cookie, "product=2").await;
    site.database.execute("DELETE FROM products WHERE id = 2");
    site.post("/order", &cookie, &format!("code={code}")).await;
    assert_eq!(site.ordered(), [(1, 1)]);
    let token = cookie.strip_prefix("__Host-id=").unwrap();
    let session = site.shop.sessions.load(&mut site.shop.pool.get().unwrap(), token).unwrap().unwrap();
    assert_eq!(crate::cart::contents(&session).unwrap().into_iter().collect::<Vec<_>>(), [(2, 1)]);
}
