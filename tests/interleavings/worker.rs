//! A worker: a thread with a connection of its own, which carries out its program with the library.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::connection::{Connection, InstrumentationEvent};
use diesel_sessions::{ErrorKind, Expiry, Session, SessionAttributes, SessionModel, SessionRepository, SignIn, WriteOptions};

use crate::attribute::{Deed, Given, NAMES, Whose};
use crate::engine::Engine;
use crate::gate::Gate;
use crate::plan::{Change, Cookie, Program, REMEMBERED, Step, Verb};
use crate::rows::digest;
use crate::seen::{Answer, Report, Seen, View};
use crate::support::Plain;
use crate::world::{Content, KEYS, NEVER, NOON, State};

/// What all workers share.
pub(crate) struct Shared<D: Engine> {
    /// Changes are merged; of the same key the last save wins.
    pub(crate) sessions: SessionRepository<D::Model>,
    /// Two changes of the same key are a conflict.
    pub(crate) refusing: SessionRepository<D::Model>,
    pub(crate) gate: Gate,
    /// How many times the clock was moved in this run.
    pub(crate) ticks: AtomicUsize,
}

/// A program to be carried out; `first` is the first row's token.
pub(crate) struct Job {
    pub(crate) program: Program,
    pub(crate) refuses_conflicts: bool,
    pub(crate) first: String,
}

/// The schedule's end of a worker.
pub(crate) struct Worker {
    pub(crate) jobs: Sender<Job>,
    /// It says here that it has loaded its session and may be let loose.
    pub(crate) ready: Receiver<()>,
    pub(crate) start: Sender<()>,
    pub(crate) connection: String,
}

/// Starts a worker; it ends when its end of the channel is dropped.
pub(crate) fn start<D: Engine>(number: usize, shared: &Arc<Shared<D>>, mut conn: D::Conn, reports: Sender<Report>) -> Worker {
    let (jobs, todo) = channel::<Job>();
    let (ready_sender, ready) = channel();
    let (start, started) = channel();
    let connection = D::connection_id(&mut conn);
    let at_gate = Arc::clone(shared);
    conn.set_instrumentation(move |event: InstrumentationEvent<'_>| match event {
        InstrumentationEvent::StartQuery { query, .. } => at_gate.gate.before_statement(number, &query.to_string()),
        InstrumentationEvent::FinishQuery { error: Some(_), .. } => at_gate.gate.failed(),
        _ => {}
    });
    let shared = Arc::clone(shared);
    std::thread::spawn(move || {
        for job in todo {
            let mut hand = Hand::<D>::new(number, &shared, &job);
            if job.program.loaded {
                hand.session = hand.sessions.load(&mut conn, hand.first.as_str()).unwrap().expect("the first row is live");
            }
            if ready_sender.send(()).is_err() || started.recv().is_err() {
                return;
            }
            let mut report = Report { worker: number, seen: Vec::new(), wrapped: None, panic: None };
            let work = AssertUnwindSafe(|| hand.carry_out(&mut conn, &job.program, &mut report));
            if let Err(panic) = catch_unwind(work) {
                let text = panic.downcast_ref::<String>().cloned();
                report.panic = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            }
            shared.gate.leave(number);
            if reports.send(report).is_err() {
                return;
            }
        }
    });
    Worker { jobs, ready, start, connection }
}

/// A worker's handle and cookie during a run.
struct Hand<'a, D: Engine> {
    worker: usize,
    shared: &'a Shared<D>,
    sessions: &'a SessionRepository<D::Model>,
    session: Session<D::Model>,
    first: String,
    own: String,
}

/// Why a transaction of the caller's is not committed.
enum Undone {
    Wanted,
    Database(diesel::result::Error),
}

impl From<diesel::result::Error> for Undone {
    fn from(error: diesel::result::Error) -> Self {
        Undone::Database(error)
    }
}

impl<'a, D: Engine> Hand<'a, D> {
    fn new(worker: usize, shared: &'a Shared<D>, job: &Job) -> Self {
        let sessions = if job.refuses_conflicts { &shared.refusing } else { &shared.sessions };
        Hand { worker, shared, sessions, session: sessions.new_session(), own: job.first.clone(), first: job.first.clone() }
    }

    fn carry_out(&mut self, conn: &mut D::Conn, program: &Program, report: &mut Report) {
        let (from, to) = program.wrapped.map_or((program.steps.len(), program.steps.len()), |wrapped| (wrapped.from, wrapped.to));
        for step in &program.steps[..from] {
            report.seen.push(self.step(conn, step));
        }
        if let Some(wrapped) = program.wrapped {
            self.shared.gate.before_verb(self.worker);
            let begin = self.shared.gate.moment();
            let result = conn.transaction(|conn| {
                for step in &program.steps[from..to] {
                    let seen = self.step(conn, step);
                    let is_over =
                        matches!(seen.result, Err(ErrorKind::Deadlock | ErrorKind::Serialization | ErrorKind::Unavailable));
                    report.seen.push(seen);
                    if is_over {
                        return Err(Undone::Wanted);
                    }
                }
                if wrapped.commits { Ok(()) } else { Err(Undone::Wanted) }
            });
            if let Err(Undone::Database(error)) = &result {
                assert!(matches!(error, diesel::result::Error::BrokenTransactionManager), "the transaction failed: {error}");
            }
            report.wrapped = Some((begin, self.shared.gate.moment(), result.is_ok()));
            if result.is_err() {
                D::recover(conn);
                return;
            }
        }
        for step in &program.steps[to..] {
            report.seen.push(self.step(conn, step));
        }
    }

    fn step(&mut self, conn: &mut D::Conn, step: &Step) -> Seen {
        self.shared.gate.before_verb(self.worker);
        let start = self.shared.gate.moment();
        let from = self.shared.ticks.load(Ordering::SeqCst);
        let statements = self.shared.gate.statements(self.worker);
        for change in &step.changes {
            self.change(*change);
        }
        let presented = match step.verb {
            Verb::Load(cookie) | Verb::Open(cookie) | Verb::IsLive(cookie) => self.cookie(cookie),
            _ => None,
        };
        let result = self.call(conn, step.verb, presented.as_deref()).map_err(|error| error.kind());
        if let Some(token) = self.session.new_token() {
            self.own = token.reveal().to_owned();
        }
        Seen {
            presented: presented.as_deref().map(digest),
            result,
            view: view::<D>(&self.session),
            times: (from, self.shared.ticks.load(Ordering::SeqCst)),
            statements: self.shared.gate.statements(self.worker) - statements,
            start,
            end: self.shared.gate.moment(),
        }
    }

    fn cookie(&self, cookie: Cookie) -> Option<String> {
        match cookie {
            Cookie::Own => Some(self.own.clone()),
            Cookie::First => Some(self.first.clone()),
            Cookie::Unknown => Some("A".repeat(43)),
            Cookie::Absent => None,
        }
    }

    fn change(&mut self, change: Change) {
        let session = &mut self.session;
        match change {
            Change::Set(key, value) => session.insert(KEYS[key], value).unwrap(),
            Change::Remove(key) => drop(session.remove(KEYS[key]).unwrap()),
            Change::Address(address) => *session.remote_addr_mut() = address.map(|address| address.to_string()),
            Change::Owner(owner) => *session.user_id_mut() = owner,
            Change::Idle(idle) => session.set_idle_timeout(idle.map(duration)),
            Change::Deadline(deadline) => {
                session.set_deadline(deadline.map(|end| DateTime::from_timestamp(NOON + end, 0).expect("within the calendar")));
            }
        }
    }

    fn call(&mut self, conn: &mut D::Conn, verb: Verb, token: Option<&str>) -> diesel_sessions::Result<Answer> {
        let (sessions, session) = (self.sessions, &mut self.session);
        let done = Answer::Nothing;
        Ok(match verb {
            Verb::Load(_) => match sessions.load(conn, token)? {
                Some(found) => {
                    *session = found;
                    Answer::Bool(true)
                }
                None => Answer::Bool(false),
            },
            Verb::Open(_) => {
                *session = sessions.open(conn, token)?;
                done
            }
            Verb::NewSession => {
                *session = sessions.new_session();
                done
            }
            Verb::Create => sessions.create(conn, session).map(|()| done)?,
            Verb::Save => Answer::Saved(sessions.save(conn, session)?),
            Verb::Touch => Answer::Bool(sessions.touch(conn, session)?),
            Verb::Extend => Answer::Time(seconds(sessions.extend(conn, session)?)),
            Verb::Rotate => sessions.rotate(conn, session).map(|()| done)?,
            Verb::SignIn { owner, remember } => {
                let sign_in = SignIn::new(owner);
                let sign_in = if remember { sign_in.remember(duration(REMEMBERED)) } else { sign_in };
                sessions.sign_in(conn, session, sign_in).map(|()| done)?
            }
            Verb::Authenticate => sessions.authenticate(conn, session).map(|()| done)?,
            Verb::End => sessions.end(conn, session).map(|()| done)?,
            Verb::Revoke { owner, row } => Answer::Bool(sessions.of(&owner).revoke(conn, D::row_id(row))?),
            Verb::RevokeAll(owner) => Answer::Count(sessions.of(&owner).revoke_all(conn)?),
            Verb::RevokeExcept { owner, row } => Answer::Count(sessions.of(&owner).revoke_except(conn, D::row_id(row))?),
            Verb::RevokeRow(row) => Answer::Bool(sessions.revoke_row(conn, D::row_id(row))?),
            Verb::RevokeOthers => Answer::Count(sessions.revoke_others(conn, session)?),
            Verb::RevokeEveryone => Answer::Count(sessions.revoke_everyone(conn)?),
            Verb::PurgeBatch(limit) => {
                let purged = sessions.purge_batch(conn, limit)?;
                Answer::Purged(purged.sessions, purged.attributes)
            }
            Verb::List(owner) => {
                let rows = sessions.of(&owner).list(conn)?;
                Answer::Rows(rows.into_iter().map(|row| listed::<D>(&row)).collect())
            }
            Verb::Count(owner) => Answer::Count(sessions.of(&owner).count(conn)?),
            Verb::IsLive(_) => Answer::Bool(sessions.is_live(conn, token)?),
            Verb::Attribute { whose: Whose::Handle, name, deed } => {
                at_attribute::<D>(conn, &sessions.attributes(session), name, deed)?
            }
            Verb::Attribute { whose: Whose::Row(row), name, deed } => {
                at_attribute::<D>(conn, &sessions.attributes_of(D::row_id(row)), name, deed)?
            }
        })
    }
}

fn at_attribute<D: Engine>(
    conn: &mut D::Conn,
    attributes: &SessionAttributes<D::Model>,
    name: usize,
    deed: Deed,
) -> diesel_sessions::Result<Answer> {
    let name = NAMES[name];
    let options = |given: Given| match given {
        None => WriteOptions::new(),
        Some(None) => WriteOptions::new().never(),
        Some(Some(seconds)) => WriteOptions::new().expires_in(duration(seconds)),
    };
    let nothing = |()| Answer::Nothing;
    match deed {
        Deed::Set(value, given) => attributes.set_with(conn, name, value, options(given)).map(nothing),
        Deed::Create(value, given) => attributes.create_with(conn, name, value, options(given)).map(nothing),
        Deed::Update(value, given) => attributes.update_with(conn, name, value, options(given)).map(nothing),
        Deed::Get => attributes.get(conn, name).map(Answer::Value),
        Deed::Take => attributes.take(conn, name).map(Answer::Value),
        Deed::Delete => attributes.delete(conn, name).map(Answer::Count),
        Deed::SetExpiry(expiry) => {
            let expiry = expiry.map_or(Expiry::Never, |seconds| Expiry::In(duration(seconds)));
            attributes.set_expiry(conn, name, expiry).map(nothing)
        }
    }
}

fn duration(seconds: i64) -> Duration {
    Duration::from_secs(seconds.unsigned_abs())
}

/// Seconds from the noon of the run.
fn seconds(time: DateTime<Utc>) -> i64 {
    time.timestamp() - NOON
}

fn number<D: Engine>(id: <D::Model as SessionModel>::RowId) -> i64 {
    id.to_string().parse().expect("a row id is a number")
}

/// A listed row's id and content. A list may hold one that has expired since, so it is not opened.
fn listed<D: Engine>(row: &D::Model) -> (i64, Content) {
    let data = row.core_field().data().unwrap();
    let content = Content {
        data: KEYS.map(|key| data.get(key).map(|value| value.as_i64().expect("a number"))),
        owner: row.user_id(),
        address: row.remote_addr().map(|address| address.parse().expect("a number")),
    };
    (number::<D>(row.id_field()), content)
}

fn view<D: Engine>(session: &Session<D::Model>) -> View {
    let state = match session.row_id() {
        Some(id) => State::Stored(number::<D>(id)),
        None if session.is_ended() => State::Ended,
        None if session.is_superseded() => State::Superseded(0),
        None => State::New,
    };
    View {
        state,
        token: session.new_token().map(|token| digest(token.reveal())),
        content: Content {
            data: KEYS.map(|key| session.get(key).unwrap()),
            owner: session.user_id(),
            address: session.remote_addr().map(|address| address.parse().expect("a number")),
        },
        created: seconds(session.created_at()),
        proved: session.authenticated_at().map(seconds),
        seen: seconds(session.last_seen_at()),
        expires: session.expires_at().map_or(NEVER, seconds),
        deadline: session.deadline_at().map(seconds),
        idle: session.idle_timeout().map(|idle| i64::try_from(idle.as_secs()).expect("a small number")),
        persistent: session.is_persistent(),
        changed: session.was_changed(),
    }
}
