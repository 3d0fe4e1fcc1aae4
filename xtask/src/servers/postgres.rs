//! PostgreSQL.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::program::{Program, directory_of, with_path};
use super::server::{Server, Settings};

/// A private PostgreSQL server.
pub type Postgres = Server<PostgresProgram>;

/// PostgreSQL's programs.
#[derive(Debug)]
pub struct PostgresProgram {
    bin: PathBuf,
}

impl Program for PostgresProgram {
    const NAME: &'static str = "postgres";
    const MISSING: &'static str = "PostgreSQL's initdb and postgres are not installed (Debian: apt-get install postgresql)";
    const READY: &'static str = "database system is ready to accept connections";
    const STOP: &'static str = "INT";

    fn find() -> Option<Self> {
        Some(PostgresProgram { bin: directory_of(&["initdb", "postgres"], &versions())? })
    }

    fn url(port: u16) -> String {
        format!("postgres://postgres@127.0.0.1:{port}/postgres")
    }

    fn users() -> &'static [&'static str] {
        &["postgres", "nobody"]
    }

    fn initialise(&self, data: &Path) -> (PathBuf, Vec<OsString>) {
        let options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"];
        let mut arguments: Vec<_> = options.map(OsString::from).into();
        arguments.push(with_path("--pgdata=", data));
        (self.bin.join("initdb"), arguments)
    }

    fn serve(&self, data: &Path, port: u16, settings: &Settings) -> (PathBuf, Vec<OsString>) {
        let mut options = vec![
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={port}"),
            "unix_socket_directories=".to_owned(),        // a socket's path may be too long
            "dynamic_shared_memory_type=mmap".to_owned(), // nothing is left in /dev/shm when it is killed
            "max_connections=300".to_owned(),
            "shared_buffers=64MB".to_owned(),
            "deadlock_timeout=100ms".to_owned(),
        ];
        if !settings.durable {
            options.extend(["fsync=off", "synchronous_commit=off", "full_page_writes=off"].map(String::from));
        }
        options.extend(settings.options.iter().cloned());
        let mut arguments = vec![OsString::from("-D"), data.into()];
        arguments.extend(options.into_iter().flat_map(|option| [OsString::from("-c"), option.into()]));
        (self.bin.join("postgres"), arguments)
    }
}

/// Where Debian keeps the versions, newest first.
fn versions() -> Vec<PathBuf> {
    let entries = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut numbers: Vec<u32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    numbers.sort_unstable_by(|a, b| b.cmp(a));
    numbers.iter().map(|number| format!("/usr/lib/postgresql/{number}/bin").into()).collect()
}
