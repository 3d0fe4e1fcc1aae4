//! In which order the verbs take their locks: where each is a transaction of its own nothing deadlocks, and inside callers'
//! transactions one is told.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex};

use diesel::connection::{Connection, Instrumentation, InstrumentationEvent};
use diesel_sessions::{
    Attribute, ErrorKind, Expiry, Keyring, ManualClock, Session, SessionAttributes, SessionRepository, SignIn, WriteOptions,
};

use crate::support::{repository_with, seconds, suite, token_of};
use crate::ways::{Failure, Levels, at_once, callers};

suite! { no_mix_of_verbs_deadlocks_where_each_is_a_transaction }

const THREADS: usize = 8;
const ROUNDS: usize = 350;
/// Sessions that the threads share; the first two belong to one user, the others to another.
const CLIENTS: usize = 4;
const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

/// Statements that the database has refused for the sake of another transaction, below the library's tries.
#[derive(Debug, Clone, Default)]
struct Refused(Arc<Mutex<Vec<String>>>);

impl Instrumentation for Refused {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::FinishQuery { query, error: Some(error), .. } = event {
            let error = error.to_string();
            if ["deadlock", "database is locked"].iter().any(|word| error.to_lowercase().contains(word)) {
                self.0.lock().unwrap().push(format!("{error}: {query}"));
            }
        }
    }
}

/// What the threads share.
struct Race<D: Levels> {
    sessions: SessionRepository<D::Model>,
    /// The same sessions under one key and under the other: what one has sealed, the other seals anew.
    keepers: [SessionRepository<D::Model>; 2],
    clock: ManualClock,
    cookies: [Mutex<String>; CLIENTS],
}

impl<D: Levels> Race<D> {
    fn new(conn: &mut D::Conn) -> Self {
        let (new, old) = (("2026-11", [7; 32]), ("2026-05", [3; 32]));
        let ring = |(first, key), (second, other)| Keyring::new(first, key).and_then(|ring| ring.and(second, other)).unwrap();
        let under =
            |ring| repository_with::<D>(|builder| builder.idle_timeout(seconds(60)).touch_every(seconds(3)).keyring(ring));
        let (sessions, clock) = under(ring(new, old));
        let keepers = [sessions.clone(), under(ring(old, new)).0];
        let cookies = std::array::from_fn(|client| {
            let mut session = sessions.new_session();
            sessions.sign_in(conn, &mut session, SignIn::new(client as i64 / 2 + 1)).unwrap();
            Mutex::new(token_of(&session))
        });
        Race { sessions, keepers, clock, cookies }
    }

    /// One verb on the session of a client; a client without one signs in.
    fn act(&self, conn: &mut D::Conn, number: usize, client: usize, chance: u64) -> Result<(), Failure> {
        let sessions = &self.sessions;
        let owner = client as i64 / 2 + 1;
        let cookie = self.cookies[client].lock().unwrap().clone();
        let mut session = sessions.open(conn, cookie.as_str())?;
        if session.row_id().is_none() {
            let mut fresh = sessions.new_session();
            sessions.sign_in(conn, &mut fresh, SignIn::new(owner))?;
            *self.cookies[client].lock().unwrap() = token_of(&fresh);
            return Ok(());
        }
        let done = self.verb(conn, &mut session, owner, kind(number, chance), chance);
        session.revert();
        if let Some(token) = session.new_token() {
            *self.cookies[client].lock().unwrap() = token.reveal().to_owned();
        }
        done
    }

    fn verb(
        &self,
        conn: &mut D::Conn,
        session: &mut Session<D::Model>,
        owner: i64,
        kind: u64,
        chance: u64,
    ) -> Result<(), Failure> {
        let sessions = &self.sessions;
        let (row, attributes) = (session.row_id().unwrap(), sessions.attributes(session));
        let mut names = NAMES;
        names.rotate_left((chance / 64 % 1_024) as usize % NAMES.len());
        let name = names[0];
        let short = seconds(chance / 1_024 % 4 + 1);
        let batch = || names[..4].iter().map(|name| Attribute::new(*name, chance)).collect::<Result<Vec<_>, _>>();
        match kind {
            0..=4 => attributes.set(conn, name, chance)?,
            5 | 6 => attributes.set_with(conn, name, chance, WriteOptions::new().expires_in(short).encrypted())?,
            7..=9 => attributes.set_many(conn, batch()?, WriteOptions::new())?,
            10 => attributes.set_many(conn, batch()?, WriteOptions::new().expires_in(short))?,
            11 | 12 => {
                let mixed = batch()?.into_iter().enumerate().map(|(at, one)| if at % 2 == 0 { one.never() } else { one });
                attributes.set_many(conn, mixed, WriteOptions::new())?;
            }
            13 | 14 => attributes.update_many(conn, batch()?, WriteOptions::new())?,
            15 => attributes.update(conn, name, chance)?,
            16 | 17 => drop(attributes.delete_many(conn, names)?),
            18..=20 => drop(attributes.take_value(conn, name)?),
            21 => attributes.create_many(conn, batch()?, WriteOptions::new().expires_in(short))?,
            22 => attributes.create(conn, name, chance)?,
            23 => attributes.set_expiry_many(conn, names, Expiry::In(short))?,
            24 => drop(attributes.get_many(conn, names)?),
            25 => sessions.attributes_of(row).set(conn, name, chance)?,
            26..=28 => {
                session.insert(name, chance)?;
                sessions.save(conn, session)?;
            }
            29..=31 => sessions.rotate(conn, session)?,
            32 => drop(sessions.extend(conn, session)?),
            33 => sessions.end(conn, session)?,
            34 => drop(sessions.of(&owner).revoke_all(conn)?),
            35 => drop(sessions.of(&owner).revoke_except(conn, row)?),
            36 => self.litter(conn, &attributes)?,
            37 => drop(sessions.purge_expired(conn, 3)?),
            38 => drop(self.keepers[(chance / 64 % 2) as usize].reseal(conn, 30)?),
            _ => drop(sessions.purge_expired(conn, 1_000)?),
        }
        Ok(())
    }

    /// Attributes and a session that end soon, for the purges.
    fn litter(&self, conn: &mut D::Conn, attributes: &SessionAttributes<D::Model>) -> Result<(), Failure> {
        let many = (0..20).map(|number| Attribute::new(format!("litter {number}"), number)).collect::<Result<Vec<_>, _>>()?;
        attributes.set_many(conn, many, WriteOptions::new().expires_in(seconds(1)))?;
        let mut session = self.sessions.new_session();
        session.set_idle_timeout(Some(seconds(1)));
        self.sessions.create(conn, &mut session)?;
        Ok(self.sessions.attributes(&session).set(conn, "a", 0)?)
    }
}

/// One thread ends and revokes. Two that do it at once to one user's sessions can deadlock on InnoDB, without any attribute: a
/// revocation comes from the index of the owners to the row, and an end from the row to that index.
fn kind(number: usize, chance: u64) -> u64 {
    match (number, chance % 40) {
        (0, 26..=32) => 34,
        (1.., 33..=35) => 26,
        (_, kind) => kind,
    }
}

// SECURITY 31, DESIGN 6: not even where the library would try again.
fn no_mix_of_verbs_deadlocks_where_each_is_a_transaction<D: Levels>(db: &D) {
    let conn = &mut db.connect();
    let random = RandomState::new();
    for way in D::WAYS.iter().filter(|way| !way.in_transaction) {
        D::execute(conn, "DELETE FROM sessions");
        let race = Race::<D>::new(conn);
        let refused = Refused::default();
        let callers = &mut callers(db, *way, THREADS);
        for caller in callers.iter_mut() {
            caller.conn.set_instrumentation(refused.clone());
        }
        at_once(callers, |number, caller| {
            for round in 0..ROUNDS {
                let chance = random.hash_one((number, round));
                if number == 0 {
                    race.clock.advance(seconds(1));
                }
                let done = caller.run_on(|conn| race.act(conn, number, (chance >> 32) as usize % CLIENTS, chance));
                if let Err(failure) = done {
                    let Failure::Session(error) = failure else { panic!("{way:?}: {failure:?}") };
                    let expected = [
                        ErrorKind::Gone,
                        ErrorKind::Rotated,
                        ErrorKind::NotFound,
                        ErrorKind::AlreadyExists,
                        ErrorKind::Conflict, // others were faster so many times
                    ];
                    assert!(expected.contains(&error.kind()), "{way:?}: {error:?}");
                }
            }
        });
        let refused = refused.0.lock().unwrap();
        assert!(refused.is_empty(), "{way:?}: {} refused: {:#?}", refused.len(), &refused[..refused.len().min(6)]);
        if D::NAME == "postgres" {
            for caller in callers {
                D::execute(&mut caller.conn, "SELECT pg_stat_force_next_flush()");
            }
            let counted = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
            assert_eq!(D::number(conn, counted), 0, "{way:?}");
        }
    }
}
