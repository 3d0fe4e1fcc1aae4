//! What a database's URL means, and what of it may be told.

use std::fmt;
use std::path::PathBuf;

use url::Url;

use super::Engine;
use crate::args::tables::DatabaseUrl;
use crate::failure::{Failure, one_line};

/// Where a database is: engine, host and name. Displaying it shows neither user nor password.
pub(crate) struct Place {
    pub(crate) engine: Engine,
    shown: String,
    /// Texts that no message may repeat.
    secrets: Vec<String>,
    /// Whether a secret may stand where none belongs, so that nothing of what is said about it may be repeated.
    is_doubtful: bool,
    file: Option<PathBuf>,
}

impl Place {
    /// As diesel_cli has it: two schemes, and all else is SQLite's.
    pub(crate) fn of(url: &DatabaseUrl) -> Result<Self, Failure> {
        let text = url.0.as_str();
        match text.split_once("://").map(|(scheme, _)| scheme) {
            Some("postgres" | "postgresql") => Place::server(Engine::Postgres, text),
            Some("mysql") => Place::server(Engine::Mysql, text),
            Some("mariadb") => Err(Failure::Url("write the URL of MariaDB as mysql://…".to_owned())),
            Some("sqlite" | "file") | None => Ok(Place::file(text)),
            Some(_) => Err(Failure::Url("the URL of the database begins with postgres://, mysql:// or sqlite://".to_owned())),
        }
    }

    fn server(engine: Engine, text: &str) -> Result<Self, Failure> {
        let malformed = || {
            Failure::Url(format!(
                "the URL of the database is malformed: {engine} expects {}://user:password@host/database",
                engine.feature()
            ))
        };
        let url = Url::parse(text).map_err(|_| malformed())?;
        // libpq takes an empty host, and hosts in the query.
        let host = url.host_str().filter(|host| !host.is_empty()).map_or_else(|| "this machine".to_owned(), ToOwned::to_owned);
        let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
        let name = url.path().trim_start_matches('/');
        let name = if name.is_empty() { String::new() } else { format!("/{name}") };
        let mut secrets = vec![text.to_owned()];
        for secret in written(text).chain(url.password()) {
            // Not all take what is behind a `#` for a part of it.
            let before = secret.split('#').next().unwrap_or_default();
            secrets.extend([secret.to_owned(), decoded(secret), before.to_owned(), decoded(before)]);
        }
        // What is part of another goes after it.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.retain(|secret| !secret.is_empty());
        // `ada:12/34@host`: what was meant as a password is a port and a path; `ada:12@34@host`: some take it for a host.
        let is_nowhere = url.username().is_empty() && url.password().is_none() && text.contains('@');
        let is_doubtful = is_nowhere || account(text).is_some_and(|account| account.contains('@'));
        let shown = if is_doubtful { engine.to_string() } else { format!("{engine} at {host}{port}{name}") };
        Ok(Place { engine, shown, secrets, is_doubtful, file: None })
    }

    fn file(text: &str) -> Self {
        let path = text.strip_prefix("sqlite://").or_else(|| text.strip_prefix("file:")).unwrap_or(text);
        let path = path.split('?').next().unwrap_or(path);
        // `//host/file` is a path on this machine, whatever the host.
        let path = if text.starts_with("file://") { path.trim_start_matches("//") } else { path };
        let is_memory = text.contains(":memory:") || text.contains("mode=memory");
        // A connection string of another kind may stand here by mistake.
        let is_doubtful = text.contains('@') || text.to_lowercase().contains("password");
        let shown = if is_doubtful { "SQLite".to_owned() } else { format!("SQLite at {path}") };
        // SQLite alone knows what an encoded path means.
        let is_encoded = text.starts_with("file:") && path.contains('%');
        let secrets = Vec::new();
        Place {
            engine: Engine::Sqlite,
            shown,
            secrets,
            is_doubtful,
            file: (!is_memory && !is_encoded).then(|| PathBuf::from(path)),
        }
    }

    /// SQLite would create a file that is not there.
    pub(crate) fn check_file(&self) -> Result<(), Failure> {
        match &self.file {
            Some(file) if !file.exists() => {
                Err(Failure::Connect { place: self.shown.clone(), reason: "there is no such file".to_owned() })
            }
            _ => Ok(()),
        }
    }

    /// A message in one line, without what nobody may read.
    pub(crate) fn scrubbed(&self, message: &str) -> String {
        if self.is_doubtful {
            return "the URL has an `@` where no account stands; in a password, write `@`, `/`, `?` and `#` as %40, %2F, %3F and %23"
                .to_owned();
        }
        one_line(&self.secrets.iter().fold(message.to_owned(), |message, secret| message.replace(secret.as_str(), "…")))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// A text that may quote a URL, without what nobody may read of it: all from its scheme to the end of its last part that could be
/// an account or a parameter, whatever stands between.
pub(crate) fn without_credentials(text: &str) -> String {
    let Some((before, address)) = text.split_once("://") else { return text.to_owned() };
    let Some(last) = address.rfind(['@', '?']) else { return text.to_owned() };
    let (_, rest) = address.split_at(last);
    let end = rest.find(|letter: char| letter.is_whitespace() || letter == '\'').unwrap_or(rest.len());
    format!("{before}://…{}", rest.get(end..).unwrap_or_default())
}

/// What stands before a URL's host, as it is written.
fn account(url: &str) -> Option<&str> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').map(|(account, _)| account)
}

/// The passwords of a URL as somebody has typed them: servers' libraries quote them so, and what they could not read of them.
fn written(url: &str) -> impl Iterator<Item = &str> {
    let query = url.split_once('?').map(|(_, query)| query).unwrap_or_default();
    let parameters = query.split('&').filter_map(|parameter| match parameter.split_once('=') {
        Some((key, value)) => decoded(key).to_lowercase().contains("password").then_some(value),
        // Half a password with an `&` in it.
        None => Some(parameter),
    });
    account(url).and_then(|account| account.split_once(':')).map(|(_, password)| password).into_iter().chain(parameters)
}

/// A password as the server is told it.
fn decoded(password: &str) -> String {
    let pair = format!("p={}", password.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes()).map(|(_, value)| value.into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &str) -> Place {
        Place::of(&DatabaseUrl::from(url)).unwrap()
    }

    #[test]
    fn the_scheme_says_which_engine() {
        assert_eq!(place("postgres://h/d").engine, Engine::Postgres);
        assert_eq!(place("postgresql:///d?host=/run").engine, Engine::Postgres);
        assert_eq!(place("mysql://h/d").engine, Engine::Mysql);
        for file in ["app.db", "sqlite://app.db", "file:app.db?mode=ro", ":memory:", "/srv/app.db"] {
            assert_eq!(place(file).engine, Engine::Sqlite, "{file}");
        }
        assert!(Place::of(&DatabaseUrl::from("oracle://h/d")).is_err());
    }

    // SECURITY 8
    #[test]
    fn no_message_holds_the_password() {
        let place = place("postgres://ada:s%40cret%2B@db.example:5433/shop?sslpassword=hidden");
        assert_eq!(place.to_string(), "PostgreSQL at db.example:5433/shop");
        let scrubbed = place.scrubbed("no `s%40cret%2B`, no `s@cret+`,\nno `hidden`");
        assert_eq!(scrubbed, "no `…`, no `…`, no `…`");
        assert_eq!(format!("{:?}", DatabaseUrl::from("postgres://a:b@c")), "DatabaseUrl(..)");
    }

    // SECURITY 8
    #[test]
    fn a_password_that_cannot_be_read_is_not_quoted_either() {
        for address in [
            "postgres://ada:s%2Fcr%zzt@h/d",
            "postgres://ada:s<cr%00t@h/d",
            "postgres://h/d?user=ada&password=s%2Fcr%zzt&connect_timeout=1",
            "postgres://h/d?pass%77ord=s%2Fcr%zzt#x",
            "postgres://h/d?sslpassword=a&s%2Fcr%zzt",
        ] {
            let scrubbed = place(address).scrubbed("`s%2Fcr%zzt`, `s<cr%00t`");
            assert!(scrubbed.contains("`…`"), "{address}: {scrubbed}");
        }
        // libpq leaves a plus as it is.
        assert_eq!(place("postgres://h/d?password=a+b%63").scrubbed("`a+bc`"), "`…`");
    }

    // SECURITY 8
    #[test]
    fn half_a_password_is_not_shown_as_a_port_or_a_path() {
        for address in [
            "postgres://ada:12/34@host/db",
            "mysql://ada:12?34@host/db",
            "postgres://ada:12#34@host/db",
            "postgres://ada:12@34@host/db",
            "ada:12/34@host",
        ] {
            let place = place(address);
            let said = format!("{place}: {}", place.scrubbed("cannot reach ada:12, database 34@host"));
            assert!(!said.contains("12") && !said.contains("34"), "{said}");
        }
    }

    // SECURITY 8
    #[test]
    fn a_url_in_the_wrong_place_keeps_its_password() {
        let scrubbed = |address: &str| without_credentials(&format!("unexpected argument '{address}' found; see --help"));
        for address in ["mysql://a:b@h/d", "postgres://ada:s @'cr@et@h/d?x=y", "postgres://h/d?password=x"] {
            let scheme = address.split(':').next().unwrap();
            assert_eq!(scrubbed(address), format!("unexpected argument '{scheme}://…' found; see --help"));
        }
        assert!(scrubbed("postgres://host/d").contains("'postgres://host/d' found"));
    }
}
