//! Every verb at once, on a handful of shared sessions.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Mutex;

use diesel_sessions::{Clock, ErrorKind, ManualClock, RowId, Session, SessionRepository, SignIn};

use crate::ledger::{Ledger, ids};
use crate::support::{Plain, repository_with, seconds, suite, token_of};
use crate::ways::{Caller, Failure, Levels, together};

suite! {
    nothing_acknowledged_is_undone_by_what_was_in_flight,
    a_revoked_session_stays_revoked_whatever_is_in_flight,
}

const THREADS: usize = 8;
const ROUNDS: usize = 40;
const CLIENTS: usize = 5;
/// Their sessions are revoked all at once; those of the third only one by one.
const HUNTED: [i64; 2] = [1, 2];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Save,
    Rotate,
    Touch,
    Extend,
    SignIn(i64),
    End,
    RevokeRow,
    RevokeAll(i64),
    RevokeExcept,
    RevokeOthers,
    Expire,
    Purge,
}

impl Verb {
    fn of(chance: u64) -> Verb {
        let owner = (chance / 64 % 3) as i64 + 1;
        match chance % 24 {
            0..=7 => Verb::Save,
            8 | 9 => Verb::Rotate,
            10 => Verb::Touch,
            11 => Verb::Extend,
            12..=15 => Verb::SignIn(owner),
            16 => Verb::End,
            17 => Verb::RevokeRow,
            18 => Verb::RevokeAll(HUNTED[(owner % 2) as usize]),
            19 => Verb::RevokeExcept,
            20 | 21 => Verb::RevokeOthers,
            22 => Verb::Expire,
            _ => Verb::Purge,
        }
    }
}

/// What the threads of a race share.
struct Race<D: Levels> {
    sessions: SessionRepository<D::Model>,
    clock: ManualClock,
    ledger: Ledger,
    /// The cookie of each client; its requests run side by side.
    cookies: [Mutex<Option<String>>; CLIENTS],
}

/// What one verb has done, to be written down once it is acknowledged.
#[derive(Debug, Default)]
struct Done {
    row: Option<i64>,
    owner: Option<i64>,
    token: Option<String>,
    key: Option<String>,
    ended: Vec<i64>,
    expired: Option<i64>,
    /// The client's cookie opens nothing any more.
    replaced: bool,
}

/// The rows that an owner was known to have before a verb, but one.
fn known(hunted: &BTreeMap<i64, Vec<i64>>, owner: Option<i64>, but: Option<i64>) -> Vec<i64> {
    let rows = owner.and_then(|owner| hunted.get(&owner)).into_iter().flatten();
    rows.copied().filter(|row| Some(*row) != but).collect()
}

fn number(row: impl RowId) -> i64 {
    row.to_string().parse().unwrap()
}

impl<D: Levels> Race<D> {
    fn new() -> Self {
        let (sessions, clock) = repository_with::<D>(|builder| builder.touch_every(seconds(5)));
        Race { sessions, clock, ledger: Ledger::default(), cookies: Default::default() }
    }

    /// One request: a verb on the session that the cookie opens.
    fn request(&self, caller: &mut Caller<'_, D>, client: usize, mut verb: Verb, key: &str) {
        let cookie = self.cookies[client].lock().unwrap().clone();
        if cookie.is_none() && !matches!(verb, Verb::SignIn(_) | Verb::RevokeAll(_) | Verb::Purge) {
            verb = Verb::Save;
        }
        let done = caller.run(|conn| {
            let hunted = HUNTED.map(|owner| (owner, self.ledger.rows_of(owner))).into();
            if let Verb::RevokeAll(owner) = verb {
                self.sessions.of(&owner).revoke_all(conn)?; // first, as a snapshot begins with the first statement
                return Ok(Done { ended: known(&hunted, Some(owner), None), ..Done::default() });
            }
            let mut session = self.sessions.open(conn, cookie.as_deref())?;
            let done = self.act(conn, &mut session, verb, key, cookie.as_deref(), &hunted);
            session.revert();
            done
        });
        match done {
            Ok(done) => self.write_down(caller, client, cookie, done),
            Err(Failure::Session(error)) => {
                let expected = [ErrorKind::Gone, ErrorKind::Rotated, ErrorKind::NotCreated, ErrorKind::NotFound];
                assert!(expected.contains(&error.kind()), "{caller:?}: {verb:?}: {error:?}");
                if !self.sessions.is_live(&mut caller.conn, cookie.as_deref()).unwrap() {
                    self.forget(client, cookie);
                }
            }
            Err(failure) => panic!("{caller:?}: {verb:?}: {failure:?}"),
        }
    }

    fn act(
        &self,
        conn: &mut D::Conn,
        session: &mut Session<D::Model>,
        verb: Verb,
        key: &str,
        cookie: Option<&str>,
        hunted: &BTreeMap<i64, Vec<i64>>,
    ) -> Result<Done, Failure> {
        let sessions = &self.sessions;
        let (row, owner) = (session.row_id(), session.user_id());
        let mut done = Done::default();
        match verb {
            Verb::Save => {
                session.insert(key, true)?;
                sessions.save(conn, session)?;
                done.key = Some(key.to_owned());
            }
            Verb::Rotate => {
                sessions.rotate(conn, session)?;
                done.replaced = true;
            }
            Verb::Touch => drop(sessions.touch(conn, session)?),
            Verb::Extend => drop(sessions.extend(conn, session)?),
            Verb::SignIn(owner) => {
                let replaces = session.user_id().is_some_and(|before| before != owner);
                if let Some(row) = row.filter(|_| replaces) {
                    self.ledger.doom(number(row));
                    done.ended.push(number(row));
                }
                sessions.sign_in(conn, session, SignIn::new(owner))?;
                done.replaced = true;
            }
            Verb::End => {
                let row = row.map(number).or_else(|| cookie.and_then(|cookie| self.ledger.row_of(cookie)));
                if let Some(row) = row {
                    self.ledger.doom(row);
                    done.ended.push(row);
                }
                let knows_its_row = session.row_id().is_some() || session.is_superseded();
                sessions.end(conn, session)?;
                if !knows_its_row {
                    done.ended.clear();
                }
            }
            Verb::RevokeRow => {
                let Some(row) = row else { return Ok(done) };
                self.ledger.doom(number(row));
                match owner {
                    Some(owner) => sessions.of(&owner).revoke(conn, row)?,
                    None => sessions.revoke_row(conn, row)?,
                };
                done.ended.push(number(row));
            }
            Verb::RevokeExcept => {
                let (Some(row), Some(owner)) = (row, owner.filter(|owner| HUNTED.contains(owner))) else { return Ok(done) };
                sessions.of(&owner).revoke_except(conn, row)?;
                done.ended = known(hunted, Some(owner), Some(number(row)));
            }
            Verb::RevokeOthers => {
                if owner.is_some_and(|owner| !HUNTED.contains(&owner)) {
                    return Ok(done);
                }
                sessions.revoke_others(conn, session)?;
                done.ended = known(hunted, owner, row.map(number));
                done.replaced = true;
            }
            Verb::Expire => {
                let Some(row) = row.map(number) else { return Ok(done) };
                self.ledger.doom(row);
                session.set_deadline(Some(self.clock.now()));
                sessions.save(conn, session)?;
                done.expired = Some(row);
                done.replaced = true;
                return Ok(done);
            }
            Verb::Purge => drop(sessions.purge_batch(conn, 3)?),
            Verb::RevokeAll(_) => unreachable!("it needs no session"),
        }
        done.row = session.row_id().map(number);
        done.owner = session.user_id();
        done.token = session.new_token().map(|token| token.reveal().to_owned());
        Ok(done)
    }

    /// Writes an acknowledged answer down; what has ended must have ended by now.
    fn write_down(&self, caller: &mut Caller<'_, D>, client: usize, cookie: Option<String>, done: Done) {
        if let (Some(row), Some(token)) = (done.row, &done.token) {
            self.ledger.row(row, token, done.owner);
        }
        if let (Some(row), Some(key)) = (done.row, &done.key) {
            self.ledger.key(row, key);
        }
        self.ledger.ended(&done.ended);
        self.ledger.ended(done.expired.as_slice()); // its row is there until a purge
        for row in &done.ended {
            let left = D::number(&mut caller.conn, &format!("SELECT count(*) FROM sessions WHERE id = {row}"));
            assert_eq!(left, 0, "{caller:?}: row {row} is there after its end: {done:?}");
        }
        if let Some(cookie) = cookie.as_deref().filter(|_| done.replaced) {
            assert!(!self.sessions.is_live(&mut caller.conn, cookie).unwrap(), "{caller:?}: the old token lives");
            self.ledger.dead(cookie);
        }
        match done.token {
            Some(token) => *self.cookies[client].lock().unwrap() = Some(token),
            None if !done.ended.is_empty() => self.forget(client, cookie),
            None => {}
        }
    }

    /// The client's cookie opens nothing: its next request sends none.
    fn forget(&self, client: usize, cookie: Option<String>) {
        let mut kept = self.cookies[client].lock().unwrap();
        if *kept == cookie {
            *kept = None;
        }
    }
}

// S11 S47 S49 S63 S64 SECURITY 10 11 13 14 31
fn nothing_acknowledged_is_undone_by_what_was_in_flight<D: Levels>(db: &D) {
    for way in D::WAYS {
        let race = Race::<D>::new();
        D::execute(&mut db.connect(), "DELETE FROM sessions");
        let random = RandomState::new();
        together(db, *way, THREADS, |number, caller| {
            for round in 0..ROUNDS {
                let chance = random.hash_one((number, round));
                race.clock.advance(seconds(1));
                race.request(caller, (chance >> 32) as usize % CLIENTS, Verb::of(chance), &format!("{number} {round}"));
            }
        });
        let conn = &mut db.connect();
        race.sessions.purge_expired(conn, 100).unwrap();
        race.ledger.check::<D>(conn, &race.sessions, &HUNTED);
    }
}

// S49 SECURITY 13: every thread holds a handle that it has loaded before.
fn a_revoked_session_stays_revoked_whatever_is_in_flight<D: Levels>(db: &D) {
    const KINDS: usize = 6;
    for (way, kind) in D::WAYS.iter().flat_map(|way| (0..KINDS).map(move |kind| (*way, kind))) {
        let race = Race::<D>::new();
        let (sessions, conn) = (&race.sessions, &mut db.connect());
        D::execute(conn, "DELETE FROM sessions");
        let mut session = sessions.new_session();
        sessions.sign_in(conn, &mut session, SignIn::new(7)).unwrap();
        let (token, row) = (token_of(&session), session.row_id().unwrap());
        race.clock.advance(seconds(60)); // so that a touch is due
        let handles: Vec<_> = (0..THREADS).map(|_| Mutex::new(sessions.load(conn, token.as_str()).unwrap().unwrap())).collect();
        together(db, way, THREADS, |number, caller| {
            let mut handle = handles[number].lock().unwrap();
            for round in 0..4 {
                let done = caller.run(|conn| {
                    match number {
                        0 if round == 0 => drop(sessions.load(conn, token.as_str())?),
                        0 => {
                            match kind {
                                0 => sessions.end(conn, &mut handle)?,
                                1 => drop(sessions.of(&7).revoke(conn, row)?),
                                2 => drop(sessions.of(&7).revoke_all(conn)?),
                                3 => drop(sessions.revoke_row(conn, row)?),
                                4 => drop(sessions.revoke_everyone(conn)?),
                                _ => drop(sessions.of(&7).revoke_except(conn, Default::default())?),
                            }
                            return Ok(true);
                        }
                        1 => sessions.rotate(conn, &mut handle)?,
                        2 => drop(sessions.touch(conn, &mut handle)?),
                        3 => drop(sessions.extend(conn, &mut handle)?),
                        4 => drop(sessions.revoke_others(conn, &mut handle)?),
                        5 => sessions.authenticate(conn, &mut handle)?,
                        _ => {
                            handle.insert(format!("{number}"), round)?;
                            sessions.save(conn, &mut handle).inspect_err(|_| handle.revert())?;
                        }
                    }
                    Ok(false)
                });
                match done {
                    Ok(true) => assert!(!ids::<D>(&mut caller.conn).contains(&self::number(row)), "{way:?} kind {kind}"),
                    Ok(false) => {}
                    Err(Failure::Session(error)) if matches!(error.kind(), ErrorKind::Gone | ErrorKind::Rotated) => break,
                    Err(failure) => panic!("{way:?} kind {kind} thread {number}: {failure:?}"),
                }
            }
        });
        assert!(!ids::<D>(conn).contains(&number(row)), "{way:?} kind {kind}: the row has come back");
        assert!(!sessions.is_live(conn, token.as_str()).unwrap());
    }
}
