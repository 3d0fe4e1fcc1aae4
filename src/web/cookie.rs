//! The cookie: how it is named, set, removed and read.

use ::cookie::{Cookie, SameSite, time};
use chrono::{DateTime, Utc};
use http::header::{COOKIE, HeaderMap, HeaderValue};

use super::edge::Presented;
use crate::error::{Error, ErrorKind, Result};
use crate::token::LONGEST_TEXT;

/// How the session's cookie is set. The defaults are the safe ones: the name `__Host-id`, Secure, HttpOnly, SameSite=Lax, Path=/
/// and no Domain, so that no other host can set or read it (RFC 6265bis, section 4.1.3.2).
///
/// # Example
///
/// ```
/// use diesel_sessions::web::CookieOptions;
///
/// assert_eq!(CookieOptions::new().cookie_name(), "__Host-id");
/// assert_eq!(CookieOptions::new().domain("example.com").cookie_name(), "__Secure-id");
/// assert_eq!(CookieOptions::new().over_plain_http().cookie_name(), "id");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "options do nothing until they are given to a layer"]
pub struct CookieOptions {
    name: Option<String>,
    path: String,
    domain: Option<String>,
    same_site: SameSite,
    secure: bool,
}

/// Most bytes of a cookie's name, value and attributes that browsers keep.
const LONGEST: usize = 4096;

const DEED: &str = "could not set the cookie up";

impl Default for CookieOptions {
    fn default() -> Self {
        CookieOptions::new()
    }
}

impl CookieOptions {
    /// The safe defaults.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel_sessions::web::CookieOptions;
    ///
    /// assert_eq!(CookieOptions::new(), CookieOptions::default());
    /// ```
    pub fn new() -> Self {
        CookieOptions { name: None, path: "/".to_owned(), domain: None, same_site: SameSite::Lax, secure: true }
    }

    /// Another name, prefix included. Without one, the name is `id` behind the strongest prefix that the other options allow.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel_sessions::web::CookieOptions;
    ///
    /// assert_eq!(CookieOptions::new().name("__Host-shop").cookie_name(), "__Host-shop");
    /// ```
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Another path than `/`: the browser sends the cookie below it only. This is no protection from other pages of the host.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel_sessions::web::CookieOptions;
    ///
    /// assert_eq!(CookieOptions::new().path("/shop").cookie_name(), "__Secure-id");
    /// ```
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// A domain, whose every host then gets the cookie, and may set it.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel_sessions::web::CookieOptions;
    ///
    /// assert_eq!(CookieOptions::new().domain("example.com").cookie_name(), "__Secure-id");
    /// ```
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// SameSite=Strict: the cookie does not come along when another site links here.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel_sessions::web::CookieOptions;
    ///
    /// assert_ne!(CookieOptions::new().same_site_strict(), CookieOptions::new());
    /// ```
    pub fn same_site_strict(mut self) -> Self {
        self.same_site = SameSite::Strict;
        self
    }

    /// Without Secure, for plain HTTP. Whoever listens on the way then reads the token: for development only.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel_sessions::web::CookieOptions;
    ///
    /// assert_eq!(CookieOptions::new().over_plain_http().cookie_name(), "id");
    /// ```
    pub fn over_plain_http(mut self) -> Self {
        self.secure = false;
        self
    }

    /// The cookie's name.
    ///
    /// # Example
    ///
    /// ```
    /// use diesel_sessions::web::CookieOptions;
    ///
    /// assert_eq!(CookieOptions::new().cookie_name(), "__Host-id");
    /// ```
    #[must_use]
    pub fn cookie_name(&self) -> &str {
        match &self.name {
            Some(name) => name,
            None if !self.secure => "id",
            None if self.domain.is_some() || self.path != "/" => "__Secure-id",
            None => "__Host-id",
        }
    }

    /// Refuses what no browser would take.
    pub(crate) fn check(&self) -> Result<()> {
        let refuse = |why: &str| Err(Error::new(ErrorKind::Config, DEED).with_detail(why));
        let name = self.cookie_name();
        let is_token = |letter: u8| letter.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&letter);
        if name.is_empty() || !name.bytes().all(is_token) {
            return refuse("the name of a cookie has ASCII letters, digits and !#$%&'*+-.^_`|~ alone");
        }
        if !self.secure && (name.starts_with("__Host-") || name.starts_with("__Secure-")) {
            return refuse("browsers refuse a name with this prefix over plain HTTP");
        }
        if name.starts_with("__Host-") && (self.domain.is_some() || self.path != "/") {
            return refuse("browsers refuse the prefix __Host- with a domain, or another path than /");
        }
        let plain = |text: &str| text.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b';');
        if !self.path.starts_with('/') || !plain(&self.path) || !self.domain.as_deref().is_none_or(plain) {
            return refuse("a path begins with /, and neither path nor domain has a semicolon");
        }
        if self.set(&"x".repeat(LONGEST_TEXT), None).len() > LONGEST {
            return refuse("the cookie would have more than 4096 bytes");
        }
        Ok(())
    }

    /// What the `Cookie` headers of a request present.
    pub(crate) fn presented(&self, headers: &HeaderMap) -> Presented {
        let mut found: Option<&[u8]> = None;
        for header in headers.get_all(COOKIE) {
            // Other cookies may hold bytes that are no text.
            for pair in header.as_bytes().split(|byte| *byte == b';') {
                let mut halves = pair.splitn(2, |byte| *byte == b'=');
                let (Some(name), Some(value)) = (halves.next(), halves.next()) else { continue };
                if name.trim_ascii() != self.cookie_name().as_bytes() {
                    continue;
                }
                if found.replace(value.trim_ascii()).is_some() {
                    return Presented::Doubled;
                }
            }
        }
        match found {
            None => Presented::Nothing,
            // What is too long for a token is none, and is not copied.
            Some(value) if value.len() > LONGEST_TEXT => Presented::Token(String::new()),
            Some(value) => Presented::Token(String::from_utf8_lossy(value).into_owned()),
        }
    }

    /// `Set-Cookie` with a token; with an end, if the cookie is to outlive the browser.
    pub(crate) fn set(&self, token: &str, max_age: Option<time::Duration>) -> HeaderValue {
        let mut cookie = self.empty();
        cookie.set_value(token);
        cookie.set_max_age(max_age);
        let mut value = header(&cookie);
        value.set_sensitive(true);
        value
    }

    /// `Set-Cookie` that removes it: the same name, path, domain and flags, and an end that has passed.
    pub(crate) fn removal(&self) -> HeaderValue {
        let mut cookie = self.empty();
        cookie.set_max_age(time::Duration::ZERO);
        cookie.set_expires(time::OffsetDateTime::UNIX_EPOCH);
        header(&cookie)
    }

    fn empty(&self) -> Cookie<'_> {
        let mut cookie = Cookie::new(self.cookie_name(), "");
        cookie.set_path(self.path.as_str());
        if let Some(domain) = &self.domain {
            cookie.set_domain(domain.as_str());
        }
        cookie.set_secure(self.secure);
        cookie.set_http_only(true);
        cookie.set_same_site(self.same_site);
        cookie
    }
}

/// How long a cookie lives whose session ends at `deadline`.
pub(crate) fn max_age(deadline: DateTime<Utc>, now: DateTime<Utc>) -> time::Duration {
    time::Duration::seconds((deadline - now).num_seconds().max(0))
}

fn header(cookie: &Cookie<'_>) -> HeaderValue {
    // OK because name, path and domain were checked, and a token is base64url.
    HeaderValue::try_from(cookie.to_string()).unwrap_or_else(|_| unreachable!("a checked cookie is a header"))
}
