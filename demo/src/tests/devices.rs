//! "Where you're signed in".

use axum::http::StatusCode;

use super::Site;

// SECURITY 15
#[tokio::test]
async fn a_device_of_another_user_cannot_be_signed_out() {
    let Some(site) = Site::open() else { return };
    let (_, shopper) = site.signed_in("shopper");
    let (mine, operator) = site.signed_in("operator");
    let form = format!("device={}", mine.row_id().unwrap());
    let answer = site.post("/devices/revoke", &shopper, &form).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(site.get("/devices", &shopper).await.text.contains("was signed out already"));
    assert_eq!(site.get("/account", &operator).await.status, StatusCode::OK);
    assert!(!site.get("/devices", &shopper).await.text.contains(&format!("value=\"{}\"", mine.row_id().unwrap())));

    assert_eq!(site.post("/devices/revoke", &operator, &form).await.status, StatusCode::SEE_OTHER);
    assert_eq!(site.get("/account", &operator).await.header("location"), "/sign-in");
}

// S49 S101
#[tokio::test]
async fn what_is_signed_out_is_not_called_unsaved_if_this_session_ends_at_this_moment() {
    let Some(site) = Site::open() else { return };
    for path in ["/devices/revoke", "/devices/revoke-others"] {
        let (_, cookie) = site.signed_in("shopper");
        let (other, _) = site.signed_in("shopper");
        let form = format!("device={}", other.row_id().unwrap());
        let answer = site.with_sql_after("DELETE FROM sessions").post(path, &cookie, &form).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/devices"), "{path}");
    }
}

// S49 SECURITY 13
#[tokio::test]
async fn a_notice_that_cannot_be_left_takes_nothing_back() {
    let Some(site) = Site::open() else { return };
    let (_, cookie) = site.signed_in("shopper");
    let (other, others) = site.signed_in("shopper");
    let form = format!("device={}", other.row_id().unwrap());
    // The session ends before the other device is signed out, so there is none to keep the notice in.
    let answer = site.while_sent("/sign-out", &cookie, "").post("/devices/revoke", &cookie, &form).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/devices"));
    for ended in [cookie, others] {
        assert_eq!(site.get("/devices", &ended).await.header("location"), "/sign-in");
    }
}

// S64
#[tokio::test]
async fn signing_out_the_others_tells_how_many_they_were_and_replaces_the_token() {
    let Some(site) = Site::open() else { return };
    let (_, first) = site.signed_in("shopper");
    let (_, cookie) = site.signed_in("shopper");
    let answer = site.post("/devices/revoke-others", &cookie, "").await;
    let new = answer.header("set-cookie").split(';').next().unwrap().to_owned();
    assert!(new.starts_with("__Host-id=") && new != cookie);
    assert!(site.get("/devices", &new).await.text.contains("One other device is signed out."));
    assert_eq!(site.get("/devices", &first).await.header("location"), "/sign-in");
}
