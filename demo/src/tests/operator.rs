//! The operator's page.

use axum::http::StatusCode;
use chrono::TimeDelta;
use diesel_sessions::Timestamp6;

use super::Site;
use crate::operator::by_hour;

#[tokio::test]
async fn the_operators_page_is_for_operators() {
    let Some(site) = Site::open() else { return };
    let (_, shopper) = site.signed_in("shopper");
    let (_, operator) = site.signed_in("operator");
    for path in ["/operator", "/operator/live.svg"] {
        assert_eq!(site.get(path, "").await.header("location"), "/sign-in", "{path}");
        assert_eq!(site.get(path, &shopper).await.status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(site.get(path, &operator).await.status, StatusCode::OK, "{path}");
    }
    assert_eq!(site.post("/operator/purge", &shopper, "").await.status, StatusCode::FORBIDDEN);
    assert!(!site.get("/account", &shopper).await.text.contains("href=\"/operator\""));
}

#[tokio::test]
async fn the_picture_counts_the_live_sessions_of_the_last_24_hours() {
    let Some(site) = Site::open() else { return };
    let now = "2026-11-21T12:30:00Z".parse().unwrap();
    let mut rows = Vec::new();
    // So many minutes ago each was seen. The last bar begins 30 minutes ago, the first one 23 hours earlier.
    for minutes in [0, 29, 31, 23 * 60, 23 * 60 + 30, 23 * 60 + 31, 24 * 60, 24 * 60 + 1, 500 * 60] {
        let (seen, end) = (Timestamp6::from(now - TimeDelta::minutes(minutes)), Timestamp6::from(now + TimeDelta::hours(1)));
        rows.push(format!("('00000000-0000-4000-8000-{minutes:012}', '{seen}', '{seen}', '{end}')"));
    }
    let columns = "_uuid, created_at, last_seen_at, expires_at";
    site.database.execute(&format!("INSERT INTO sessions ({columns}) VALUES {}", rows.join(", ")));
    let mut expected = vec![0; 24];
    (expected[23], expected[22], expected[0]) = (2, 1, 2);
    assert_eq!(by_hour(&mut site.shop.pool.get().unwrap(), now).unwrap(), expected);
}

// S49 S101
#[tokio::test]
async fn a_purge_that_is_done_is_not_called_unsaved_if_the_session_ends_at_this_moment() {
    let Some(site) = Site::open() else { return };
    let (_, cookie) = site.signed_in("operator");
    let answer = site.with_sql_after("DELETE FROM sessions").post("/operator/purge", &cookie, "").await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/operator"));
}
