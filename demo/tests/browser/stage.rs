//! What each test has for itself: a shop with its own database, and a driver for its browsers.

use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::{DateTime, TimeDelta, Utc};
use diesel_sessions::{Clock, SystemClock, Timestamp6};
use tempfile::TempDir;

use crate::browser::{Browser, Kind};
use crate::database::Database;
use crate::driver::Driver;
use crate::program::Program;

/// In the order in which they end: the browsers, the shop, its database, the files.
pub(crate) struct Stage {
    driver: Driver,
    _shop: Program,
    pub(crate) address: String,
    database: Database,
    dir: TempDir,
}

impl Stage {
    /// Starts the shop; `None` where a test of it is skipped.
    pub(crate) fn set() -> Option<Stage> {
        let dir = tempfile::tempdir().unwrap();
        let driver = Driver::start(dir.path())?;
        let database = Database::fresh()?;
        let (shop, address) = start_shop(&database, dir.path());
        Some(Stage { driver, _shop: shop, address, database, dir })
    }

    /// Another browser, which knows nothing of the others.
    pub(crate) async fn browser(&self) -> Browser {
        self.browser_of(Kind::Usual).await
    }

    /// The same, of another kind.
    pub(crate) async fn browser_of(&self, kind: Kind) -> Browser {
        let profile = tempfile::Builder::new().prefix("browser").disable_cleanup(true).tempdir_in(self.dir.path()).unwrap();
        Browser::open(&self.driver.address, self.address.clone(), profile.path(), kind).await
    }

    /// Everything that the shop has said so far, down to the smallest event. Without the times, whose digits could be anything.
    pub(crate) fn log(&self) -> String {
        let log = std::fs::read_to_string(self.dir.path().join("shop.log")).unwrap();
        log.lines().map(|line| line.split_once("Z ").map_or(line, |(_time, event)| event)).collect::<Vec<_>>().join("\n")
    }
}

impl Stage {
    /// Gives the shopper 40 sessions that were seen during the last day, and 3 that have expired.
    pub(crate) fn add_sessions(&self) {
        let now = SystemClock.now();
        let mut rows = Vec::new();
        let mut add = |seen: DateTime<Utc>, end: DateTime<Utc>| {
            let (seen, end) = (Timestamp6::from(seen), Timestamp6::from(end));
            let uuid = format!("00000000-0000-4000-8000-{:012}", rows.len());
            let owner = "(SELECT id FROM users WHERE name = 'shopper')";
            rows.push(format!("('{uuid}', '{seen}', '{seen}', '{end}', {owner})"));
        };
        let by_hour = [3, 2, 4, 5, 3, 2, 1, 1, 0, 1, 0, 0, 1, 1, 1, 2, 3, 2, 2, 1, 2, 1, 1, 1];
        for (hours, count) in (0..).zip(by_hour) {
            for _ in 0..count {
                add(now - TimeDelta::hours(hours) - TimeDelta::minutes(10), now + TimeDelta::hours(1));
            }
        }
        for hours in [2, 30, 50] {
            add(now - TimeDelta::hours(hours + 1), now - TimeDelta::hours(hours));
        }
        let columns = "_uuid, created_at, last_seen_at, expires_at, user_id";
        self.database.execute(&format!("INSERT INTO sessions ({columns}) VALUES {}", rows.join(", ")));
    }
}

/// Starts the shop's own program: gives its address too.
pub(crate) fn start_shop(database: &Database, dir: &Path) -> (Program, String) {
    let mut shop = Command::new(env!("CARGO_BIN_EXE_demo"));
    shop.current_dir(dir)
        .env("DATABASE_URL", &database.url)
        .env("DEMO_ADDRESS", "127.0.0.1:0")
        .env("RUST_LOG", "trace")
        .env("NO_COLOR", "1")
        .env_remove("SESSION_KEYS")
        .env_remove("DEMO_PLAIN_HTTP");
    Program::start(&mut shop, "listening on ", &dir.join("shop.log"))
}

/// Where screenshots are kept.
pub(crate) fn screenshots() -> PathBuf {
    let dir =
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).with_file_name("tests").join("screenshots").join(crate::database::ENGINE);
    std::fs::create_dir_all(&dir).unwrap();
    dir
}
