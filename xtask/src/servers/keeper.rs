//! The thread that starts servers, and stays.
//!
//! Linux ends a process by its parent-death signal when the *thread* that started it ends. Test threads come and go, so
//! one thread that lives as long as the process starts them all.

use std::io;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;

/// Starts a command of [`Account::command`](super::account::Account::command) from the keeper's thread.
pub(crate) fn spawn(command: Command) -> io::Result<Child> {
    let (answer, child) = channel();
    let keeper = KEEPER.get_or_init(hire).lock().unwrap_or_else(PoisonError::into_inner).clone();
    keeper.send((command, answer)).map_err(|_gone| gone())?;
    child.recv().map_err(|_gone| gone())?.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => io::Error::other("setpriv (package util-linux) is needed to run a private server"),
        _other => error,
    })
}

type Order = (Command, Sender<io::Result<Child>>);

static KEEPER: OnceLock<Mutex<Sender<Order>>> = OnceLock::new();

fn hire() -> Mutex<Sender<Order>> {
    let (orders, inbox) = channel();
    thread::spawn(move || serve(&inbox));
    Mutex::new(orders)
}

fn serve(inbox: &Receiver<Order>) {
    while let Ok((mut command, answer)) = inbox.recv() {
        if let Err(unheard) = answer.send(command.spawn()) {
            drop(unheard); // who ordered it is gone, and so are the process's pipes
        }
    }
}

fn gone() -> io::Error {
    io::Error::other("the thread that starts servers has ended")
}
