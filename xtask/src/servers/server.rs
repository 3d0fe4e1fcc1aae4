//! A server: started, killed, started again, stopped.

use std::error::Error;
use std::fmt;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::time::Duration;

use super::account::Account;
use super::ground::Ground;
use super::log::Log;
use super::port;
use super::process::{Process, within};
use super::program::Program;

/// A private server: [`Postgres`](super::Postgres) or [`MariaDb`](super::MariaDb). It stops when it is dropped.
#[derive(Debug)]
pub struct Server<P: Program> {
    program: P,
    process: Option<Process>,
    account: Account,
    port: u16,
    settings: Settings,
    ground: Ground, // last: it may be removed once the process has ended
}

/// How a server runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Whether what is committed outlives a crash, as the engine has it by default. Without, tests are faster.
    pub durable: bool,
    /// Further settings of the server's, each `name=value`: for PostgreSQL what follows `-c`, for MariaDB what follows `--`.
    /// They overrule the ones that every private server gets.
    pub options: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { durable: true, options: Vec::new() }
    }
}

/// Whether a test that needs a server may be skipped after `error`: the programs are not installed, and
/// `TEST_REQUIRE_ALL` is not set.
#[must_use]
pub fn may_skip(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|cause| cause.is::<NotInstalled>()) && std::env::var_os("TEST_REQUIRE_ALL").is_none()
}

impl<P: Program> Server<P> {
    /// Whether the server's programs are on this machine.
    #[must_use]
    pub fn installed() -> bool {
        P::find().is_some()
    }

    /// Starts a durable server whose files are below `dir`, and waits until it takes connections.
    ///
    /// Files of an earlier server are used again. Where the server's user cannot reach `dir`, as happens when root
    /// starts PostgreSQL, they are in a temporary directory that ends with the value.
    ///
    /// # Errors
    ///
    /// `NotFound` when the server is not installed ([`may_skip`]). Otherwise the message holds the end of the server's log.
    pub fn start(dir: &Path) -> io::Result<Self> {
        Self::start_with(dir, Settings::default())
    }

    /// Like [`start`](Server::start), with other settings.
    ///
    /// # Errors
    ///
    /// As for [`start`](Server::start).
    pub fn start_with(dir: &Path, settings: Settings) -> io::Result<Self> {
        let program = P::find().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, NotInstalled(P::MISSING)))?;
        let account = Account::unless_root(P::users())?;
        let ground = Ground::find(dir, P::NAME, account)?;
        let mut server = Server { program, process: None, account, port: 0, settings, ground };
        server.initialise()?;
        for _ in 0..5 {
            server.port = port::free()?;
            match server.launch() {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                started => return started.map(|()| server),
            }
        }
        Err(io::Error::new(io::ErrorKind::AddrInUse, format!("{}: every port that was free was taken at once", P::NAME)))
    }

    /// The address for clients, with all rights and no password.
    #[must_use]
    pub fn url(&self) -> String {
        P::url(self.port)
    }

    /// The port on 127.0.0.1; it stays the same over restarts.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Kills every process of the server at once (SIGKILL), as a power cut would.
    ///
    /// # Errors
    ///
    /// When the system refuses. A server that does not run is no error.
    pub fn kill(&mut self) -> io::Result<()> {
        self.process.take().map_or(Ok(()), |mut process| process.kill())
    }

    /// Stops the server quickly and in order; open connections are closed.
    ///
    /// # Errors
    ///
    /// When the system refuses. A server that does not run is no error.
    pub fn stop(&mut self) -> io::Result<()> {
        self.process.take().map_or(Ok(()), |mut process| process.stop(P::STOP))
    }

    /// Starts the server again after [`kill`](Server::kill) or [`stop`](Server::stop) (which it does itself where the
    /// server still runs), on the same files and the same port, and waits until it takes connections.
    ///
    /// # Errors
    ///
    /// The message holds the end of the server's log.
    pub fn restart(&mut self) -> io::Result<()> {
        self.stop()?;
        let mut last = Ok(());
        within(Duration::from_secs(15), || {
            last = self.launch();
            let wait = |error: &io::Error| matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::ResourceBusy);
            Ok(!last.as_ref().is_err_and(wait))
        })?;
        last
    }

    fn initialise(&self) -> io::Result<()> {
        let (data, unfinished) = (self.ground.data(), self.ground.unfinished());
        if data.exists() {
            return Ok(());
        }
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished)?;
        }
        fs::create_dir(&unfinished)?;
        self.account.take(&unfinished)?;
        let (program, arguments) = self.program.initialise(&unfinished);
        let mut command = self.account.command(&program);
        command.args(arguments);
        let (log, file) = Log::begin(&self.ground.log())?;
        let status = Process::start(command, file)?.wait()?;
        if !status.success() {
            return Err(failed::<P>(io::ErrorKind::Other, &format!("could not make its files ({status})"), &log));
        }
        fs::rename(&unfinished, &data)
    }

    fn launch(&mut self) -> io::Result<()> {
        let (program, arguments) = self.program.serve(&self.ground.data(), self.port, &self.settings);
        let mut command = self.account.command(&program);
        command.args(arguments);
        let (log, file) = Log::begin(&self.ground.log())?;
        let mut process = Process::start(command, file)?;
        let port = self.port;
        let ready = within(Duration::from_secs(90), || {
            if let Some(status) = process.ended()? {
                return Err(failed::<P>(cause(&log)?, &format!("ended instead of starting ({status})"), &log));
            }
            Ok(log.says(P::READY)? && TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok())
        })?;
        if !ready {
            process.kill()?;
            return Err(failed::<P>(io::ErrorKind::TimedOut, "took no connections for 90 seconds", &log));
        }
        self.process = Some(process);
        Ok(())
    }
}

impl<P: Program> Drop for Server<P> {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!("could not stop {}: {error}", P::NAME);
        }
    }
}

/// The server's programs are not on this machine.
#[derive(Debug)]
struct NotInstalled(&'static str);

impl fmt::Display for NotInstalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for NotInstalled {}

/// Why a server ended instead of starting: what goes away by itself has its own kind.
fn cause(log: &Log) -> io::Result<io::ErrorKind> {
    Ok(if log.says("Address already in use")? {
        io::ErrorKind::AddrInUse
    } else if log.says("is still in use")? {
        io::ErrorKind::ResourceBusy // PostgreSQL's shared memory, by a process that is about to end
    } else {
        io::ErrorKind::Other
    })
}

fn failed<P: Program>(kind: io::ErrorKind, what: &str, log: &Log) -> io::Error {
    io::Error::new(kind, format!("{} {what}; its log ends with:\n{}", P::NAME, log.tail()))
}
