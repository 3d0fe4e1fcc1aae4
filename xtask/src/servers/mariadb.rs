//! MariaDB.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::program::{Program, directory_of, with_path};
use super::server::{Server, Settings};

/// A private MariaDB server.
pub type MariaDb = Server<MariaDbProgram>;

/// MariaDB's programs.
#[derive(Debug)]
pub struct MariaDbProgram {
    server: PathBuf,
    install: PathBuf,
}

impl Program for MariaDbProgram {
    const NAME: &'static str = "mariadb";
    const MISSING: &'static str =
        "MariaDB's mariadbd and mariadb-install-db are not installed (Debian: apt-get install mariadb-server)";
    const READY: &'static str = "ready for connections";
    const STOP: &'static str = "TERM";

    fn find() -> Option<Self> {
        let places = ["/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin"].map(PathBuf::from);
        let program = |name: &str| Some(directory_of(&[name], &places)?.join(name));
        Some(MariaDbProgram { server: program("mariadbd")?, install: program("mariadb-install-db")? })
    }

    fn url(port: u16) -> String {
        format!("mysql://root@127.0.0.1:{port}/mysql")
    }

    fn users() -> &'static [&'static str] {
        &["mysql", "nobody"] // not with MariaDB's own `--user`: mariadb-install-db then changes owners outside of its directory
    }

    fn initialise(&self, data: &Path) -> (PathBuf, Vec<OsString>) {
        let options = ["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"];
        let mut arguments: Vec<_> = options.map(OsString::from).into();
        arguments.push(with_path("--datadir=", data));
        (self.install.clone(), arguments)
    }

    fn serve(&self, data: &Path, port: u16, settings: &Settings) -> (PathBuf, Vec<OsString>) {
        let mut arguments: Vec<OsString> = vec!["--no-defaults".into()]; // must be the first
        arguments.push(with_path("--datadir=", data));
        arguments.push(with_path("--tmpdir=", data)); // a server that starts takes away what others keep in a common one
        let options = [
            "--bind-address=127.0.0.1",
            "--socket=", // a socket's path may be too long
            "--skip-name-resolve",
            "--max-connections=400",
            "--innodb-buffer-pool-size=128M",
            "--character-set-server=utf8mb4",
        ];
        arguments.extend(options.map(OsString::from));
        arguments.push(format!("--port={port}").into());
        arguments.push(with_path("--pid-file=", &data.join("server.pid")));
        if !settings.durable {
            let options = ["--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0", "--sync-binlog=0"];
            arguments.extend(options.map(OsString::from));
        }
        arguments.extend(settings.options.iter().map(|option| format!("--{option}").into()));
        (self.server.clone(), arguments)
    }
}
