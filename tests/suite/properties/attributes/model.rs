//! What the behaviours say of attributes, over plain maps.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use diesel_sessions::ErrorKind;
use serde_json::Value;

use super::calls::{Answer, Call, Ends, How, Item, Options, Row, Verb};
use crate::support::noon;

/// How long a session in the first place lives; one in the second never ends by itself.
pub(super) const LIFE: i64 = 100;

#[derive(Debug)]
pub(super) struct Model {
    now: DateTime<Utc>,
    /// Whatever is not asked to be in clear is encrypted.
    always: bool,
    /// All sessions that were begun, the longest begun first.
    sessions: Vec<Session>,
    places: [usize; 2],
}

#[derive(Debug, Default)]
struct Session {
    ends_at: Option<DateTime<Utc>>,
    /// Ended or purged.
    gone: bool,
    rows: BTreeMap<String, Row>,
}

impl Model {
    pub(super) fn new(always: bool) -> Self {
        let mut model = Model { now: noon(), always, sessions: Vec::new(), places: [0, 1] };
        model.begin(0);
        model.begin(1);
        model
    }

    /// Every row there is, expired ones that nothing has removed among them.
    pub(super) fn rows(&self) -> Vec<Row> {
        self.sessions.iter().flat_map(|session| session.rows.values().cloned()).collect()
    }

    pub(super) fn answer(&mut self, call: &Call) -> Answer {
        match call {
            Call::On(place, _, verb) => self.act(*place, verb).unwrap_or_else(|(kind, name)| Answer::Refused(kind, name)),
            Call::Pass(microseconds) => {
                self.now += TimeDelta::microseconds(*microseconds);
                Answer::Done
            }
            Call::End(place) => {
                let session = &mut self.sessions[self.places[*place]];
                session.gone = true;
                session.rows.clear();
                Answer::Done
            }
            Call::Begin(place) => {
                self.begin(*place);
                Answer::Done
            }
            Call::Purge(_) => self.purge(),
        }
    }

    fn begin(&mut self, place: usize) {
        let ends_at = (place == 0).then(|| self.now + TimeDelta::seconds(LIFE));
        self.places[place] = self.sessions.len();
        self.sessions.push(Session { ends_at, ..Session::default() });
    }

    fn purge(&mut self) -> Answer {
        let now = self.now;
        let (mut sessions, mut attributes) = (0, 0);
        for session in self.sessions.iter_mut().filter(|session| !session.gone) {
            if session.ends_at.is_some_and(|end| end <= now) {
                session.gone = true;
                session.rows.clear();
                sessions += 1;
            }
            let before = session.rows.len();
            session.rows.retain(|_, row| is_live(row, now));
            attributes += before - session.rows.len();
        }
        Answer::Purged(sessions, attributes)
    }

    fn act(&mut self, place: usize, verb: &Verb) -> Result<Answer, (ErrorKind, Option<String>)> {
        let (now, number) = (self.now, self.places[place]);
        for name in verb.names() {
            check(name)?;
        }
        if let Verb::SetExpiry(_, Ends::In(0)) | Verb::SetExpiryMany(_, Ends::In(0)) = verb {
            return Err((ErrorKind::InvalidArgument, None));
        }
        if let Some(given) = verb.given() {
            let twice = given.iter().map(|(name, ..)| name).collect::<BTreeSet<_>>().len() < given.len();
            let created_twice = twice && verb.how() == Some(How::Create);
            let no_time = given.iter().any(|(_, _, options)| options.ends == Some(Ends::In(0)));
            match (created_twice, no_time) {
                (true, true) => return Ok(Answer::Unsaid),
                (true, false) => return Err((ErrorKind::AlreadyExists, None)),
                (false, true) => return Err((ErrorKind::InvalidArgument, None)),
                (false, false) => {}
            }
        }
        let session = &mut self.sessions[number];
        if session.gone || session.ends_at.is_some_and(|end| end <= now) {
            let nothing_asked = matches!(verb, Verb::GetMany(names) | Verb::ExistsMany(names) if names.is_empty());
            return if nothing_asked { Ok(Answer::Unsaid) } else { Err((ErrorKind::Gone, None)) };
        }
        let rows = &mut session.rows;
        let exists = |rows: &BTreeMap<String, Row>, name: &str| rows.get(name).is_some_and(|row| is_live(row, now));
        let all_exist =
            |rows: &BTreeMap<String, Row>, names: BTreeSet<&str>| match names.into_iter().find(|name| !exists(rows, name)) {
                Some(name) => Err((ErrorKind::NotFound, Some(name.to_owned()))),
                None => Ok(()),
            };
        let value = |rows: &BTreeMap<String, Row>, name: &str| {
            rows.get(name).filter(|row| is_live(row, now)).map(|row| row.value.clone())
        };
        Ok(match verb {
            Verb::Write(..) | Verb::WriteMany(..) => {
                let given = verb.given().expect("it writes");
                let names: BTreeSet<&str> = given.iter().map(|(name, ..)| name.as_str()).collect();
                match verb.how().expect("it writes") {
                    How::Set => {}
                    How::Update => all_exist(rows, names)?,
                    How::Create => {
                        if let Some(name) = names.into_iter().find(|name| exists(rows, name)) {
                            return Err((ErrorKind::AlreadyExists, Some(name.to_owned())));
                        }
                    }
                }
                // Of a name that is given twice the last one counts, with its options.
                let last: BTreeMap<String, (Value, Options)> =
                    given.into_iter().map(|(name, value, options)| (name, (value, options))).collect();
                for (name, (value, options)) in last {
                    let before = rows.get(&name).filter(|row| is_live(row, now));
                    let row = Row {
                        session: number,
                        value,
                        encrypted: options.encrypted.unwrap_or(self.always),
                        created_at: before.map_or(now, |row| row.created_at),
                        updated_at: now,
                        expires_at: match options.ends {
                            Some(ends) => end(ends, now),
                            None => before.and_then(|row| row.expires_at),
                        },
                        name: name.clone(),
                    };
                    rows.insert(name, row);
                }
                Answer::Done
            }
            Verb::SetExpiry(_, ends) | Verb::SetExpiryMany(_, ends) => {
                let names: BTreeSet<&str> = verb.names().into_iter().collect();
                all_exist(rows, names.clone())?;
                for name in names {
                    rows.get_mut(name).expect("it exists").expires_at = end(*ends, now);
                }
                Answer::Done
            }
            Verb::Delete(_) | Verb::DeleteMany(_) => {
                let names: BTreeSet<&str> = verb.names().into_iter().filter(|name| exists(rows, name)).collect();
                let count = names.len();
                names.into_iter().for_each(|name| drop(rows.remove(name)));
                Answer::Count(count)
            }
            Verb::Take(name) => {
                let taken = value(rows, name);
                if taken.is_some() {
                    rows.remove(name);
                }
                Answer::Value(taken)
            }
            Verb::Get(name) => Answer::Value(value(rows, name)),
            Verb::GetMany(names) => Answer::Values(names.iter().map(|name| (name.clone(), value(rows, name))).collect()),
            Verb::Exists(name) => Answer::Existing([(name.clone(), exists(rows, name))].into()),
            Verb::ExistsMany(names) => Answer::Existing(names.iter().map(|name| (name.clone(), exists(rows, name))).collect()),
            Verb::Names => Answer::Names(rows.values().filter(|row| is_live(row, now)).map(|row| row.name.clone()).collect()),
            Verb::Entry(name) => Answer::Entry(rows.get(name).filter(|row| is_live(row, now)).cloned()),
        })
    }
}

impl Verb {
    fn names(&self) -> Vec<&str> {
        match self {
            Verb::Write(_, (name, ..)) => vec![name],
            Verb::WriteMany(_, items, _) => items.iter().map(|(name, ..)| name.as_str()).collect(),
            Verb::SetExpiryMany(names, _) | Verb::DeleteMany(names) | Verb::GetMany(names) | Verb::ExistsMany(names) => {
                names.iter().map(String::as_str).collect()
            }
            Verb::SetExpiry(name, _)
            | Verb::Delete(name)
            | Verb::Take(name)
            | Verb::Get(name)
            | Verb::Exists(name)
            | Verb::Entry(name) => vec![name],
            Verb::Names => Vec::new(),
        }
    }

    /// What is to be written, an attribute's own options before the call's.
    fn given(&self) -> Option<Vec<Item>> {
        match self {
            Verb::Write(_, item) => Some(vec![item.clone()]),
            Verb::WriteMany(_, items, call) => Some(
                (items.iter().cloned())
                    .map(|(name, value, own)| {
                        let both = Options { ends: own.ends.or(call.ends), encrypted: own.encrypted.or(call.encrypted) };
                        (name, value, both)
                    })
                    .collect(),
            ),
            _ => None,
        }
    }

    fn how(&self) -> Option<How> {
        match self {
            Verb::Write(how, _) | Verb::WriteMany(how, ..) => Some(*how),
            _ => None,
        }
    }
}

fn is_live(row: &Row, now: DateTime<Utc>) -> bool {
    row.expires_at.is_none_or(|end| now < end)
}

fn end(ends: Ends, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match ends {
        Ends::Never => None,
        Ends::In(seconds) => Some(now + std::time::Duration::from_secs(seconds)),
    }
}

fn check(name: &str) -> Result<(), (ErrorKind, Option<String>)> {
    match name {
        _ if name.len() > 191 => Err((ErrorKind::Limit, None)),
        _ if name.is_empty() || name.starts_with(' ') || name.ends_with(' ') => Err((ErrorKind::InvalidArgument, None)),
        _ if name.contains(['\u{1}', '\0']) => Err((ErrorKind::InvalidArgument, None)),
        _ => Ok(()),
    }
}
