//! Where a scene plays: a connection that is listened to, another request's, a repository and its clock.

use diesel::connection::Connection;
use diesel_sessions::{Keyring, ManualClock, Session, SessionRepository, SignIn};

use crate::recorder::{Recorder, Sent};
use crate::support::{Db, repository_with, token_of};

/// What a scene is given.
pub(crate) struct Stage<D: Db> {
    /// The connection of the verb that the scene is about.
    pub(crate) conn: D::Conn,
    /// Another request's.
    pub(crate) other: D::Conn,
    pub(crate) sessions: SessionRepository<D::Model>,
    pub(crate) clock: ManualClock,
    recorder: Recorder,
}

/// The owner of the sessions: a number that stands nowhere else.
pub(crate) const OWNER: i64 = 7_305_481;
/// Somebody else.
pub(crate) const ANOTHER: i64 = 8_416_592;
/// A key, its value, and the value of a typed column.
pub(crate) const KEY: &str = "norwegian_blue";
pub(crate) const VALUE: &str = "ceased to be";
pub(crate) const ADDRESS: &str = "192.0.2.77";
/// The name of an attribute, and what those of several begin with.
pub(crate) const ATTRIBUTE: &str = "beautiful_plumage";
/// The key that attributes are encrypted with, and its name.
pub(crate) const SEALING_KEY: (&str, [u8; 32]) = ("older", [7; 32]);

impl<D: Db> Stage<D> {
    pub(crate) fn new(db: &D) -> Self {
        let keyring = Keyring::new(SEALING_KEY.0, SEALING_KEY.1).unwrap();
        let (sessions, clock) = repository_with::<D>(|builder| builder.keyring(keyring));
        let recorder = Recorder::default();
        let mut conn = db.connect();
        conn.set_instrumentation(recorder.clone());
        Stage { conn, other: db.connect(), sessions, clock, recorder }
    }

    /// What was sent before was preparation.
    pub(crate) fn begin(&self) {
        self.recorder.begin();
    }

    /// What was sent since.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.recorder.sent()
    }

    /// What went into the cache, preparations included.
    pub(crate) fn cached(&self) -> Vec<String> {
        self.recorder.cached()
    }

    /// A stored session without an owner.
    pub(crate) fn anonymous(&mut self) -> Session<D::Model> {
        let mut session = self.sessions.new_session();
        self.sessions.create(&mut self.conn, &mut session).unwrap();
        session
    }

    /// A stored session of the owner's.
    pub(crate) fn owned(&mut self) -> Session<D::Model> {
        let mut session = self.sessions.new_session();
        self.sessions.sign_in(&mut self.conn, &mut session, SignIn::new(OWNER)).unwrap();
        session
    }

    /// Another request's handle on the same session.
    pub(crate) fn elsewhere(&mut self, session: &Session<D::Model>) -> Session<D::Model> {
        self.sessions.load(&mut self.other, token_of(session).as_str()).unwrap().unwrap()
    }

    /// Another request ends the session.
    pub(crate) fn end_elsewhere(&mut self, session: &Session<D::Model>) {
        self.sessions.revoke_row(&mut self.other, session.row_id().unwrap()).unwrap();
    }

    /// Another request rotates the session.
    pub(crate) fn rotate_elsewhere(&mut self, session: &Session<D::Model>) {
        let mut handle = self.elsewhere(session);
        self.sessions.rotate(&mut self.other, &mut handle).unwrap();
    }

    /// Runs a closure within a transaction of the caller's, of which the end is not heard.
    pub(crate) fn in_transaction(&mut self, work: impl FnOnce(&mut D::Conn, &SessionRepository<D::Model>, &Recorder)) {
        let (sessions, recorder) = (&self.sessions, &self.recorder);
        self.conn
            .transaction(|conn| {
                work(conn, sessions, recorder);
                recorder.stop();
                diesel::QueryResult::Ok(())
            })
            .unwrap();
    }

    /// Lets so much time pass that a touch is due.
    pub(crate) fn wait_for_a_touch(&self) {
        self.clock.advance(crate::support::seconds(200));
    }
}
