//! Private servers can be killed, come back with what was committed, and never outlive the process that started them.

#![expect(clippy::unwrap_used, reason = "tests may unwrap, and so may what they share")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio, id};
use std::time::{Duration, Instant};

use xtask::servers::{MariaDb, MariaDbProgram, Postgres, PostgresProgram, Program, Server, Settings, may_skip};

#[test]
fn a_killed_postgres_comes_back() {
    comes_back::<PostgresProgram>("killed");
}

#[test]
fn a_killed_mariadb_comes_back() {
    comes_back::<MariaDbProgram>("killed");
}

#[test]
fn a_stopped_postgres_keeps_its_files() {
    keeps_its_files::<PostgresProgram>();
}

#[test]
fn a_stopped_mariadb_keeps_its_files() {
    keeps_its_files::<MariaDbProgram>();
}

/// Root's own directories, for one: PostgreSQL runs as another user there.
#[test]
fn a_directory_out_of_reach_is_no_obstacle() {
    let dir = Scratch::new("closed");
    fs::set_permissions(&dir.0, fs::Permissions::from_mode(0o700)).unwrap();
    let Some(mut server) = started::<PostgresProgram>(&dir.0) else { return };
    server.kill().unwrap();
    server.restart().unwrap();
    assert_eq!(sql(&server, "SELECT 1"), "1");
}

#[test]
fn a_server_outlives_the_thread_that_started_it() {
    let dir = Scratch::new("thread");
    let path = dir.0.clone();
    let Some(server) = std::thread::spawn(move || started::<PostgresProgram>(&path)).join().unwrap() else { return };
    let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port())).unwrap();
    client.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let end = std::io::Read::read(&mut client, &mut [0; 1]);
    assert!(end.is_err(), "the connection stays open until the time is up, not {end:?}");
}

#[test]
fn no_server_outlives_its_process() {
    if !(Postgres::installed() && MariaDb::installed()) && std::env::var_os("TEST_REQUIRE_ALL").is_none() {
        eprintln!("skipped: needs PostgreSQL and MariaDB");
        return;
    }
    let dir = Scratch::new("orphans");
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "holds_servers_when_asked", "--nocapture"])
        .env(HOLD, &dir.0)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(holder.stdout.take().unwrap()).lines().map_while(Result::ok);
    let ports = lines.filter_map(|line| line.split_once("port ")?.1.parse().ok()).take(2).collect::<Vec<u16>>();
    assert_eq!(ports.len(), 2, "two servers were started");
    assert!(ports.iter().all(|port| listens(*port)));

    holder.kill().unwrap();
    holder.wait().unwrap();

    let deadline = Instant::now() + Duration::from_secs(20);
    while ports.iter().any(|port| listens(*port)) {
        assert!(Instant::now() < deadline, "a server still listens");
        std::thread::yield_now();
    }
}

/// The other half of [`no_server_outlives_its_process`]: starts servers, tells their ports, and waits to be killed.
#[test]
fn holds_servers_when_asked() {
    let Some(dir) = std::env::var_os(HOLD).map(PathBuf::from) else { return };
    let servers = (Postgres::start(&dir).unwrap(), MariaDb::start(&dir).unwrap());
    for port in [servers.0.port(), servers.1.port()] {
        eprintln!("holding port {port}");
        #[expect(clippy::print_stdout, reason = "the other half reads it")]
        {
            println!("\nport {port}");
        }
    }
    loop {
        std::thread::park();
    }
}

const HOLD: &str = "XTASK_TEST_HOLD_SERVERS_IN";

fn comes_back<P: Program>(name: &str) {
    let dir = Scratch::new(&format!("{name}-{}", P::NAME));
    let Some(mut server) = started::<P>(&dir.0) else { return };
    let (port, url) = (server.port(), server.url());
    sql(&server, "CREATE TABLE kept (round INTEGER)");
    for round in 0..4 {
        sql(&server, &format!("INSERT INTO kept VALUES ({round})"));
        server.kill().unwrap();
        assert!(!listens(port));
        server.restart().unwrap();
        assert_eq!(server.url(), url);
    }
    assert_eq!(sql(&server, "SELECT COUNT(*) FROM kept"), "4");
    drop(server);
    assert!(!listens(port));
}

fn keeps_its_files<P: Program>() {
    let dir = Scratch::new(&format!("stopped-{}", P::NAME));
    let fast = Settings { durable: false, ..Settings::default() };
    let Some(mut server) = skip_or_fail(Server::<P>::start_with(&dir.0, fast)) else { return };
    sql(&server, "CREATE TABLE kept (round INTEGER)");
    server.stop().unwrap();
    assert!(!listens(server.port()));
    server.stop().unwrap();
    server.kill().unwrap();
    server.restart().unwrap();
    server.restart().unwrap();
    assert_eq!(sql(&server, "SELECT COUNT(*) FROM kept"), "0");
}

fn started<P: Program>(dir: &Path) -> Option<Server<P>> {
    skip_or_fail(Server::start(dir))
}

fn skip_or_fail<P: Program>(server: std::io::Result<Server<P>>) -> Option<Server<P>> {
    match server {
        Ok(server) => Some(server),
        Err(error) if may_skip(&error) => {
            eprintln!("skipped: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Runs a statement through the server's own client.
fn sql<P: Program>(server: &Server<P>, statement: &str) -> String {
    let port = server.port();
    let mut client = match P::NAME {
        "postgres" => {
            let mut psql = Command::new("psql");
            psql.args(["-X", "-A", "-t", "-q", "-c", statement, &server.url()]);
            psql
        }
        _mariadb => {
            let mut mariadb = Command::new("mariadb");
            mariadb.args([
                "--no-defaults",
                "-h",
                "127.0.0.1",
                "-P",
                &port.to_string(),
                "-u",
                "root",
                "-BN",
                "-e",
                statement,
                "mysql",
            ]);
            mariadb
        }
    };
    let output = client.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn listens(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// A directory of one test, removed with the value.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", id()));
        fs::create_dir_all(&dir).unwrap();
        Scratch(dir)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("left behind {}: {error}", self.0.display());
        }
    }
}
