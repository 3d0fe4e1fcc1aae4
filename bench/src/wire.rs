//! What goes over the wire: a relay between a client and PostgreSQL that counts how often the client waits for an answer.

use std::fs;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// A relay that listens beside a server's socket.
#[derive(Debug)]
pub struct Wire {
    dir: PathBuf,
    port: String,
    round_trips: Arc<AtomicU64>,
}

impl Wire {
    /// Relays to the server's socket, `…/.s.PGSQL.<port>`.
    pub fn to(server: &Path) -> Self {
        let name = server.file_name().and_then(|name| name.to_str()).expect("the name of a socket").to_owned();
        let port = name.rsplit_once('.').expect("a port").1.to_owned();
        let dir = server.with_file_name("wire");
        let _ = fs::remove_dir_all(&dir); // of an earlier relay
        fs::create_dir(&dir).expect("the directory can be written to");
        let listener = UnixListener::bind(dir.join(&name)).expect("nobody listens there");
        let round_trips = Arc::new(AtomicU64::new(0));
        let (counter, server) = (Arc::clone(&round_trips), server.to_owned());
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.expect("a client"), UnixStream::connect(&server).expect("the server listens"));
                let back = (server.try_clone().expect("a handle"), client.try_clone().expect("a handle"));
                thread::spawn(move || relay(back.0, back.1, |_| ()));
                let counter = Arc::clone(&counter);
                thread::spawn(move || {
                    let mut messages = Messages::default();
                    relay(client, server, |bytes| {
                        counter.fetch_add(messages.waits_in(bytes), Ordering::Relaxed);
                    });
                });
            }
        });
        Wire { dir, port, round_trips }
    }

    /// The address of a database, over this wire.
    pub fn url(&self, database: &str) -> String {
        format!("postgres:///{database}?host={}&port={}&user=postgres", self.dir.display(), self.port)
    }

    /// How often a client has sent something and waited.
    pub fn round_trips(&self) -> u64 {
        self.round_trips.load(Ordering::Relaxed)
    }
}

fn relay(mut from: UnixStream, mut to: UnixStream, mut look: impl FnMut(&[u8])) {
    let mut bytes = vec![0; 65_536];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        look(&bytes[..count]); // before it is passed on: whoever has the answer finds it counted
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both); // the other direction ends with this one
}

/// The messages of a client, cut out of the stream.
///
/// Source: PostgreSQL 15's documentation, 55.7 "Message Formats".
#[derive(Debug, Default)]
struct Messages {
    begun: bool,
    unread: Vec<u8>,
}

impl Messages {
    /// How many of the messages that end within these bytes are ones after which a client waits: Sync and Query.
    fn waits_in(&mut self, bytes: &[u8]) -> u64 {
        self.unread.extend_from_slice(bytes);
        let mut waits = 0;
        loop {
            let kind = usize::from(self.begun); // the first message has no byte that tells its kind
            let Some(length) = self.unread.get(kind..kind + 4) else { return waits };
            let end = kind + u32::from_be_bytes(length.try_into().expect("four bytes")) as usize;
            if self.unread.len() < end {
                return waits;
            }
            waits += u64::from(self.begun && matches!(self.unread[0], b'S' | b'Q'));
            self.begun = true;
            self.unread.drain(..end);
        }
    }
}
