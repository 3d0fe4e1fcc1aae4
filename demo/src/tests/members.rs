//! Signing in, signing up, and users who go.

use axum::http::StatusCode;

use super::Site;

// S62
#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_get_the_same_answer_and_no_session() {
    let Some(site) = Site::open() else { return };
    let wrong = site.post("/sign-in", "", "name=shopper&password=wrong").await;
    let unknown = site.post("/sign-in", "", "name=nobody&password=wrong").await;
    assert_eq!((wrong.status, unknown.status), (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::UNPROCESSABLE_ENTITY));
    assert_eq!(wrong.text, unknown.text.replace("nobody", "shopper"));
    assert!(wrong.text.contains("Name or password is not right."));
    for answer in [wrong, unknown] {
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    let right = site.post("/sign-in", "", "name=shopper&password=three+cups+of+tea").await;
    assert_eq!((right.status, right.header("location")), (StatusCode::SEE_OTHER, "/account"));
    assert!(right.header("set-cookie").starts_with("__Host-id="));
}

#[tokio::test]
async fn a_new_account_is_signed_in_and_a_taken_name_is_refused() {
    let Some(site) = Site::open() else { return };
    let made = site.post("/sign-up", "", "name=newcomer&password=a+long+enough+one").await;
    assert_eq!((made.status, made.header("location")), (StatusCode::SEE_OTHER, "/account"));
    for (form, objection) in [
        ("name=newcomer&password=a+long+enough+one", "That name is taken."),
        ("name=another&password=short", "12 characters at least."),
        ("name=+&password=a+long+enough+one", "Please choose a name."),
    ] {
        let refused = site.post("/sign-up", "", form).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{form}");
        assert!(refused.text.contains(objection), "{form}");
        assert!(!refused.headers.contains_key("set-cookie"), "{form}");
    }
    let again = site.post("/sign-in", "", "name=newcomer&password=a+long+enough+one").await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_name_with_control_characters_is_refused_on_every_engine() {
    let Some(site) = Site::open() else { return };
    for name in ["sho%00pper", "%00shopper", "shop%07per", "shopper%C2%85x"] {
        let form = format!("name={name}&password=a+long+enough+one");
        let up = site.post("/sign-up", "", &form).await;
        assert_eq!(up.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        assert!(up.text.contains("a name of letters that can be seen"), "{name}");
        let within = site.post("/sign-in", "", &form).await;
        assert_eq!(within.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        assert!(within.text.contains("Name or password is not right."), "{name}");
    }
}

// S62 S101
#[tokio::test]
async fn a_cart_that_cannot_be_read_keeps_no_token_from_the_browser() {
    let Some(site) = Site::open() else { return };
    let cookie = site.holding("cart-1", "no number");
    let answer = site.post("/sign-in", &cookie, "name=shopper&password=three+cups+of+tea").await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/account"));
    assert!(answer.header("set-cookie").starts_with("__Host-id="));
}

// S16 S27
#[tokio::test]
async fn a_user_who_is_deleted_is_signed_out() {
    let Some(site) = Site::open() else { return };
    let (_, cookie) = site.signed_in("shopper");
    assert_eq!(site.get("/account", &cookie).await.status, StatusCode::OK);
    site.database.execute("DELETE FROM users WHERE name = 'shopper'");
    assert_eq!(site.get("/account", &cookie).await.header("location"), "/sign-in");
}
