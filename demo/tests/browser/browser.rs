//! One browser: a Chromium with an empty profile, and what a person does with it.

use std::path::Path;
use std::time::{Duration, Instant};

use fantoccini::cookies::Cookie;
use fantoccini::wd::{Locator, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

/// The longest that a page may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is special about a browser.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Usual,
    /// It runs no script.
    WithoutScripts,
    /// It goes on before the pictures of a page are there.
    Hasty,
}

/// A browser.
pub(crate) struct Browser {
    pub(crate) client: Client,
    shop: String,
}

impl Browser {
    pub(crate) async fn open(driver: &str, shop: String, profile: &Path, kind: Kind) -> Browser {
        let mut options = json!({
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-breakpad", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
                "--window-size=1280,900", format!("--user-data-dir={}", profile.display()),
            ],
        });
        if kind == Kind::WithoutScripts {
            options["prefs"] = json!({ "profile.managed_default_content_settings.javascript": 2 });
        }
        let strategy = if kind == Kind::Hasty { "eager" } else { "normal" };
        let capabilities = json!({ "browserName": "chrome", "pageLoadStrategy": strategy, "goog:chromeOptions": options });
        let Value::Object(capabilities) = capabilities else { unreachable!("it is an object") };
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://{driver}"))
            .await
            .unwrap();
        Browser { client, shop }
    }

    /// Goes to a page of the shop.
    pub(crate) async fn goto(&self, path: &str) {
        self.client.goto(&format!("{}{path}", self.shop)).await.unwrap();
    }

    /// The path of the page that is shown.
    pub(crate) async fn path(&self) -> String {
        self.client.current_url().await.unwrap().path().to_owned()
    }

    /// Waits until the page of this path is shown.
    pub(crate) async fn arrives_at(&self, path: &str) {
        let url = format!("{}{path}", self.shop).parse().unwrap();
        let arrived = self.client.wait().at_most(PATIENCE).for_url(&url).await;
        assert!(arrived.is_ok(), "waited for {path}, and it is {}: {}", self.path().await, self.text().await);
    }

    /// What the page says.
    pub(crate) async fn text(&self) -> String {
        self.wait_for("body").await.text().await.unwrap()
    }

    /// What an element says.
    pub(crate) async fn text_of(&self, css: &str) -> String {
        self.wait_for(css).await.text().await.unwrap()
    }

    /// How many elements there are now.
    pub(crate) async fn count(&self, css: &str) -> usize {
        self.client.find_all(Locator::Css(css)).await.unwrap().len()
    }

    /// Types into a field.
    pub(crate) async fn fill(&self, css: &str, text: &str) {
        let field = self.wait_for(css).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Presses a button, or follows a link, and waits until another page has taken the place of this one.
    pub(crate) async fn press(&self, css: &str) {
        let page = self.wait_for("html").await;
        self.tick(css).await;
        let begun = Instant::now();
        // What belongs to a page that is gone is stale. A real browser says nothing when it gets there: it is asked again and again,
        // with a bound; each question goes to the driver and back.
        while page.tag_name().await.is_ok() {
            assert!(begun.elapsed() < PATIENCE, "{css} leads nowhere");
        }
    }

    /// Clicks on what leads nowhere: a box.
    async fn tick(&self, css: &str) {
        self.wait_for(css).await.click().await.unwrap();
    }

    /// Signs in, with the form.
    pub(crate) async fn sign_in(&self, name: &str, password: &str, remember: bool) {
        self.goto("/sign-in").await;
        self.fill("#name", name).await;
        self.fill("#password", password).await;
        if remember {
            self.tick("[name=remember]").await;
        }
        self.press("main form button").await;
    }

    /// Signs the demonstration's shopper in, and is at the account.
    pub(crate) async fn sign_in_as_shopper(&self) {
        self.sign_in("shopper", "three cups of tea", false).await;
        self.arrives_at("/account").await;
    }

    /// The session's cookie, as the browser has it.
    pub(crate) async fn cookie(&self) -> Cookie<'static> {
        self.client.get_named_cookie("__Host-id").await.unwrap()
    }

    /// Runs a script in the page.
    pub(crate) async fn script(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// Sends the browser a command of Chromium's own.
    pub(crate) async fn tell(&self, command: &'static str, params: Value) -> Value {
        self.client.issue_cmd(Chromium { command, params }).await.unwrap()
    }

    async fn wait_for(&self, css: &str) -> fantoccini::elements::Element {
        let found = self.client.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await;
        found.unwrap_or_else(|error| panic!("no {css}: {error}"))
    }
}

/// A command of the DevTools protocol.
#[derive(Debug)]
struct Chromium {
    command: &'static str,
    params: Value,
}

impl WebDriverCompatibleCommand for Chromium {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _url: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(json!({ "cmd": self.command, "params": self.params }).to_string()))
    }
}
