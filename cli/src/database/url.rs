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
        let passwords = url.query_pairs().filter(|(key, _)| key.contains("password")).map(|(_, value)| value.into_owned());
        secrets.extend(passwords);
        if let Some(password) = url.password() {
            secrets.extend([password.to_owned(), decoded(password)]);
        }
        secrets.retain(|secret| !secret.is_empty());
        Ok(Place { engine, shown: format!("{engine} at {host}{port}{name}"), secrets, file: None })
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
        let secrets = if is_doubtful { vec![text.to_owned()] } else { Vec::new() };
        Place { engine: Engine::Sqlite, shown, secrets, file: (!is_memory).then(|| PathBuf::from(path)) }
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
        one_line(&self.secrets.iter().fold(message.to_owned(), |message, secret| message.replace(secret.as_str(), "…")))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
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
}
