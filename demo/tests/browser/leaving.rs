//! What is left in a browser after signing out, and of the shop after it is told to stop.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use crate::database::Database;
use crate::stage::{Stage, start_shop};

// S11 SECURITY 13
#[tokio::test]
async fn the_back_button_after_signing_out_shows_nothing_private() {
    let Some(stage) = Stage::set() else { return };
    let browser = stage.browser().await;
    browser.sign_in_as_shopper().await;
    assert!(browser.text().await.contains("Hello, shopper"));
    browser.goto("/devices").await;
    assert!(browser.text().await.contains("This device"));
    browser.press("header form button").await;
    browser.arrives_at("/").await;
    assert!(browser.client.get_all_cookies().await.unwrap().is_empty(), "the cookie is removed");

    for _ in 0..2 {
        browser.client.back().await.unwrap();
        browser.arrives_at("/sign-in").await;
        assert_eq!(browser.count("#user").await, 0);
        let text = browser.text().await;
        assert!(!text.contains("Hello, shopper") && !text.contains("This device"), "{text}");
    }
}

#[test]
fn the_shop_stops_when_it_is_told_to_while_a_browser_keeps_its_connection() {
    let Some(database) = Database::fresh() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (shop, address) = start_shop(&database, dir.path());
    let host = address.trim_start_matches("http://");
    let mut connection = TcpStream::connect(host).unwrap();
    write!(connection, "GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
    let mut status = String::new();
    BufReader::new(&connection).read_line(&mut status).unwrap();
    assert_eq!(status, "HTTP/1.1 200 OK\r\n");
    assert!(shop.stop().success());
}
