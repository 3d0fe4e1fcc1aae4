//! The databases of one test run: those whose addresses are given, and private servers for the others.

use std::env;
use std::path::Path;

use xtask::servers::{MariaDb, Postgres, Program, Server, Settings};

use crate::Outcome;
use crate::engine::Engine;
use crate::packages::Need;

/// Where the databases are. Private servers stop with the value.
#[derive(Debug)]
pub(crate) struct Databases {
    urls: Vec<(Engine, String)>,
    _postgres: Option<Postgres>,
    _mariadb: Option<MariaDb>,
}

/// The servers that must be installed, as no address is given for them.
pub(crate) fn needs() -> Vec<Need> {
    let all = [
        (Engine::Postgres, Need { name: "PostgreSQL", packages: &["postgresql"], is_met: Postgres::installed }),
        (Engine::Mysql, Need { name: "MariaDB", packages: &["mariadb-server"], is_met: MariaDb::installed }),
    ];
    all.into_iter().filter(|(engine, _need)| given(*engine).is_none()).map(|(_engine, need)| need).collect()
}

impl Databases {
    /// Takes the addresses that are given, and starts private servers below `dir` for the other engines.
    pub(crate) fn start(dir: &Path) -> Outcome<Self> {
        let mut urls = Vec::new();
        let postgres = server(Engine::Postgres, dir, &mut urls)?;
        let mariadb = server(Engine::Mysql, dir, &mut urls)?;
        Ok(Databases { urls, _postgres: postgres, _mariadb: mariadb })
    }

    /// The address of an engine's server; SQLite has none.
    pub(crate) fn url(&self, engine: Engine) -> Option<&str> {
        self.urls.iter().find(|(candidate, _url)| *candidate == engine).map(|(_engine, url)| url.as_str())
    }

    /// What the test-suite is told. It may skip nothing, unless a server's programs, which some tests kill, are not
    /// on this machine because the server is elsewhere.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        let mut variables: Vec<_> =
            self.urls.iter().filter_map(|(engine, url)| Some((engine.url_variable()?, url.clone()))).collect();
        if Postgres::installed() && MariaDb::installed() {
            variables.push(("TEST_REQUIRE_ALL", "1".to_owned()));
        } else {
            println!("tests that kill a server are skipped where it is not installed on this machine");
        }
        variables
    }
}

fn server<P: Program>(engine: Engine, dir: &Path, urls: &mut Vec<(Engine, String)>) -> Outcome<Option<Server<P>>> {
    if let Some(url) = given(engine) {
        println!("{}: the server of {}", engine.feature(), engine.url_variable().unwrap_or_default());
        urls.push((engine, url));
        return Ok(None);
    }
    let server = Server::<P>::start_with(dir, Settings { durable: false, ..Settings::default() })?;
    println!("{}: private server on {}", engine.feature(), server.url());
    urls.push((engine, server.url()));
    Ok(Some(server))
}

fn given(engine: Engine) -> Option<String> {
    env::var(engine.url_variable()?).ok().filter(|url| !url.is_empty())
}
