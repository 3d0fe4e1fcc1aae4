//! What differs between the servers.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::server::Settings;

/// A database server's programs, as they are installed on this machine.
pub trait Program: Sized + Send + Sync + 'static {
    /// Its name in directories and messages.
    const NAME: &'static str;
    /// What to do when it is not installed.
    const MISSING: &'static str;
    /// What it writes to its log when it takes connections.
    const READY: &'static str;
    /// The signal on which it ends quickly and in order.
    const STOP: &'static str;

    /// Looks for the programs.
    fn find() -> Option<Self>;

    /// The address of a server on `port`, with all rights.
    fn url(port: u16) -> String;

    /// The users to run it as when this process is root's: the first that exists.
    fn users() -> &'static [&'static str];

    /// The program and the arguments that make the server's files in `data`.
    fn initialise(&self, data: &Path) -> (PathBuf, Vec<OsString>);

    /// The program and the arguments that run the server on `data`.
    fn serve(&self, data: &Path, port: u16, settings: &Settings) -> (PathBuf, Vec<OsString>);
}

/// The first directory of `$PATH`, then of `others`, in which all of `names` are.
pub(crate) fn directory_of(names: &[&str], others: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&path).chain(others.iter().cloned());
    places.find(|place| names.iter().all(|name| place.join(name).is_file()))
}

/// `option` and `value` in one argument, whatever the path holds.
pub(crate) fn with_path(option: &str, value: &Path) -> OsString {
    let mut argument = OsString::from(option);
    argument.push(value);
    argument
}
