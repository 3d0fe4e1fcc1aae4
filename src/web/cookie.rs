//! The cookie: how it is named, set, removed and read.

use ::cookie::{Cookie, SameSite, time};
use chrono::{DateTime, Utc};
use http::header::{COOKIE, HeaderMap, HeaderValue};

use super::visit::Presented;
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

    pub(crate) fn is_secure(&self) -> bool {
        self.secure
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
        let longest = time::Duration::seconds(i32::MAX.into());
        if self.set(&"x".repeat(LONGEST_TEXT), Some(longest)).len() > LONGEST {
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

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn of(options: &CookieOptions, cookies: &[&[u8]]) -> Presented {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(COOKIE, HeaderValue::from_bytes(cookie).unwrap());
        }
        options.presented(&headers)
    }

    // S99 SECURITY 34
    #[test]
    fn the_defaults_are_the_safe_ones() {
        let set = CookieOptions::new().set(TOKEN, None);
        assert_eq!(set.to_str().unwrap(), format!("__Host-id={TOKEN}; HttpOnly; SameSite=Lax; Secure; Path=/"));
        assert!(set.is_sensitive());
        CookieOptions::new().check().unwrap();
    }

    // S99
    #[test]
    fn a_removal_repeats_the_name_and_every_attribute() {
        let all = [
            CookieOptions::new(),
            CookieOptions::new().name("shop").same_site_strict(),
            CookieOptions::new().path("/shop").domain("example.com"),
            CookieOptions::new().over_plain_http(),
        ];
        for options in all {
            options.check().unwrap();
            let (set, removal) = (options.set(TOKEN, None), options.removal());
            let (set, removal) = (set.to_str().unwrap(), removal.to_str().unwrap());
            assert!(removal.starts_with(&format!("{}=;", options.cookie_name())));
            assert!(set.split("; ").skip(1).all(|attribute| removal.split("; ").any(|other| other == attribute)), "{removal}");
            assert!(removal.contains("Max-Age=0") && removal.contains("Expires=Thu, 01 Jan 1970 00:00:00 GMT"), "{removal}");
        }
    }

    #[test]
    fn what_browsers_refuse_is_refused() {
        let bad = [
            CookieOptions::new().name(""),
            CookieOptions::new().name("a b"),
            CookieOptions::new().name("a=b"),
            CookieOptions::new().name("a;b"),
            CookieOptions::new().name("k\u{fc}chen"),
            CookieOptions::new().name("__Host-a").path("/shop"),
            CookieOptions::new().name("__Host-a").domain("example.com"),
            CookieOptions::new().name("__Host-a").over_plain_http(),
            CookieOptions::new().name("__Secure-a").over_plain_http(),
            CookieOptions::new().path("shop"),
            CookieOptions::new().path(""),
            CookieOptions::new().path("/a;b"),
            CookieOptions::new().path("/a\r\nSet-Cookie: b"),
            CookieOptions::new().domain("example.com; b"),
            CookieOptions::new().name("a".repeat(4096)),
        ];
        for options in bad {
            assert_eq!(options.check().unwrap_err().kind(), ErrorKind::Config, "{options:?}");
        }
        assert!(CookieOptions::new().name("__Secure-a").path("/shop").domain("example.com").check().is_ok());
    }

    // SECURITY 35
    #[test]
    fn one_cookie_of_the_name_is_presented_and_no_other() {
        let options = CookieOptions::new();
        let token = Presented::Token("abc".to_owned());
        let one: [&[&[u8]]; 6] = [
            &[b"__Host-id=abc"],
            &[b"a=1; __Host-id=abc; b=2"],
            &[b"a=1", b"__Host-id=abc"],
            &[b" __Host-id = abc ;"],
            &[b"a=\xff\xfe; __Host-id=abc; \xff"],
            &[b"__host-id=xyz; __Host-id=abc; __Host-id2=xyz; x__Host-id=xyz"],
        ];
        for cookies in one {
            assert!(of(&options, cookies) == token, "{cookies:?}");
        }
        let none: [&[&[u8]]; 5] = [&[], &[b""], &[b"__Host-id"], &[b"__host-id=abc"], &[b";;=;=abc"]];
        for cookies in none {
            assert_eq!(of(&options, cookies), Presented::Nothing, "{cookies:?}");
        }
        let two: [&[&[u8]]; 4] = [
            &[b"__Host-id=abc; __Host-id=def"],
            &[b"__Host-id=abc; __Host-id=abc"],
            &[b"__Host-id=abc", b"__Host-id=def"],
            &[b"__Host-id=; __Host-id=abc; __Host-id="],
        ];
        for cookies in two {
            assert_eq!(of(&options, cookies), Presented::Doubled, "{cookies:?}");
        }
    }

    #[test]
    fn what_is_too_long_for_a_token_is_not_copied() {
        let header = format!("__Host-id={}", "A".repeat(LONGEST_TEXT + 1));
        assert!(of(&CookieOptions::new(), &[header.as_bytes()]) == Presented::Token(String::new()));
        let header = format!("__Host-id={}", "A".repeat(LONGEST_TEXT));
        assert!(of(&CookieOptions::new(), &[header.as_bytes()]) == Presented::Token("A".repeat(LONGEST_TEXT)));
    }

    // S99
    #[test]
    fn max_age_is_the_time_to_the_deadline_and_never_negative() {
        let now: DateTime<Utc> = "2026-11-21T12:00:00Z".parse().unwrap();
        for (deadline, seconds) in [
            ("2026-11-21T12:00:00.999999Z", 0),
            ("2026-11-21T12:00:01Z", 1),
            ("2026-12-21T12:00:00Z", 30 * 86_400),
            ("2026-11-20T12:00:00Z", 0),
        ] {
            let max_age = max_age(deadline.parse().unwrap(), now);
            assert_eq!(max_age, time::Duration::seconds(seconds), "{deadline}");
            let set = CookieOptions::new().set(TOKEN, Some(max_age));
            assert!(set.to_str().unwrap().contains(&format!("Max-Age={seconds}")), "{set:?}");
        }
    }
}
