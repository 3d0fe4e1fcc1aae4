//! Hears what a connection sends, through Diesel's instrumentation.

use std::sync::{Arc, Mutex};

use diesel::connection::{Instrumentation, InstrumentationEvent};

/// A connection's ear. Its clones share what was heard.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Heard>>);

#[derive(Debug, Default)]
struct Heard {
    stopped: bool,
    sent: Vec<Sent>,
    cached: Vec<String>,
}

/// A statement that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    /// Its text.
    pub(crate) sql: String,
    /// The values that were bound, as Diesel prints them.
    pub(crate) binds: String,
}

impl Recorder {
    /// Forgets what was sent so far.
    pub(crate) fn begin(&self) {
        let mut heard = self.0.lock().unwrap();
        heard.sent.clear();
        heard.stopped = false;
    }

    /// Hears nothing more until it begins again.
    pub(crate) fn stop(&self) {
        self.0.lock().unwrap().stopped = true;
    }

    /// What was sent since then.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.0.lock().unwrap().sent.clone()
    }

    /// The statements whose plans Diesel has put into its cache, in all scenes so far.
    pub(crate) fn cached(&self) -> Vec<String> {
        self.0.lock().unwrap().cached.clone()
    }
}

impl Instrumentation for Recorder {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        let mut heard = self.0.lock().unwrap();
        match event {
            InstrumentationEvent::StartQuery { query, .. } if !heard.stopped => heard.sent.push(Sent::read(&query.to_string())),
            InstrumentationEvent::CacheQuery { sql, .. } => heard.cached.push(sql.trim().to_owned()),
            _ => {}
        }
    }
}

impl Sent {
    /// Parts the text from the binds that Diesel prints behind it.
    fn read(printed: &str) -> Self {
        let (sql, binds) = printed.split_once(" -- binds: ").unwrap_or((printed, "[]"));
        Sent { sql: sql.trim().to_owned(), binds: binds.trim().to_owned() }
    }

    /// True for what opens and closes transactions and savepoints.
    pub(crate) fn is_transaction_control(&self) -> bool {
        let first = self.sql.split_whitespace().next().unwrap_or_default();
        matches!(first, "BEGIN" | "COMMIT" | "ROLLBACK" | "SAVEPOINT" | "RELEASE")
    }
}
