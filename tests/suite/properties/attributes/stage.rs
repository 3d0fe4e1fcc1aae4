//! The library, called as the model is.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel_sessions::{Error, Expiry, ManualClock, SessionAttributes};

use super::calls::{Answer, Call, Ends, How, Options, Row, Verb};
use super::model::LIFE;
use super::*;
use crate::support::noon;

pub(super) struct Stage<D: Db> {
    conn: D::Conn,
    sessions: SessionRepository<D::Model>,
    clock: ManualClock,
    /// All sessions that were begun in this case.
    begun: Vec<Session<D::Model>>,
    places: [usize; 2],
}

impl<D: Db> Stage<D> {
    pub(super) fn new(db: &D, sessions: SessionRepository<D::Model>, clock: ManualClock) -> Self {
        Stage { conn: db.connect(), sessions, clock, begun: Vec::new(), places: [0, 1] }
    }

    /// A case begins: two new sessions, and nothing else.
    pub(super) fn clear(&mut self) {
        D::execute(&mut self.conn, "DELETE FROM sessions");
        self.clock.set(noon());
        self.begun.clear();
        self.begin(0);
        self.begin(1);
    }

    fn begin(&mut self, place: usize) {
        let mut session = self.sessions.new_session();
        if place == 0 {
            session.set_idle_timeout(Some(seconds(LIFE.unsigned_abs())));
        }
        self.sessions.create(&mut self.conn, &mut session).unwrap();
        self.places[place] = self.begun.len();
        self.begun.push(session);
    }

    pub(super) fn answer(&mut self, call: &Call) -> Answer {
        match call {
            Call::On(place, by_row, verb) => {
                let session = &self.begun[self.places[*place]];
                let attributes = match by_row {
                    true => self.sessions.attributes_of(session.row_id().unwrap()),
                    false => self.sessions.attributes(session),
                };
                act::<D>(&mut self.conn, &attributes, self.places[*place], verb)
                    .unwrap_or_else(|error| Answer::Refused(error.kind(), error.attribute_name().map(str::to_owned)))
            }
            Call::Pass(microseconds) => {
                self.clock.advance(std::time::Duration::from_micros(microseconds.unsigned_abs()));
                Answer::Done
            }
            Call::End(place) => {
                // By its row, so that the handle goes on without knowing.
                let row = self.begun[self.places[*place]].row_id().unwrap();
                self.sessions.revoke_row(&mut self.conn, row).unwrap();
                Answer::Done
            }
            Call::Begin(place) => {
                self.begin(*place);
                Answer::Done
            }
            Call::Purge(limit) => {
                let purged = self.sessions.purge_expired(&mut self.conn, *limit).unwrap();
                Answer::Purged(purged.sessions, purged.attributes)
            }
        }
    }

    /// Every row of the attribute table, by session and name.
    pub(super) fn rows(&mut self) -> Vec<Row> {
        let text = |column: &str| match D::NAME {
            "mysql" => format!("COALESCE(CAST({column} AS CHAR), '-')"),
            _ => format!("COALESCE(CAST({column} AS TEXT), '-')"),
        };
        let sealed = "CASE WHEN sealed IS NULL THEN 'clear' ELSE 'sealed' END".to_owned();
        let columns = ["session_id", "name", "created_at", "updated_at", "expires_at", "value"].map(text).join(", ");
        // Without a limit MariaDB would not keep the order.
        let sql =
            format!("SELECT CONCAT_WS('\n', {sealed}, {columns}) FROM session_attributes ORDER BY session_id, name LIMIT 1000");
        let rows = D::texts(&mut self.conn, &sql);
        rows.iter().map(|row| self.row(row.as_deref().expect("no column of it is null"))).collect()
    }

    fn row(&self, text: &str) -> Row {
        let parts: Vec<_> = text.splitn(7, '\n').collect();
        let [sealed, id, name, created_at, updated_at, expires_at, value] = parts[..] else { panic!("{text}") };
        assert_eq!(sealed == "sealed", value == "-", "exactly one of the two is there");
        Row {
            session: self.begun.iter().position(|session| session.row_id().unwrap().to_string() == id).unwrap(),
            name: name.to_owned(),
            value: if sealed == "sealed" { Value::Null } else { serde_json::from_str(value).unwrap() },
            encrypted: sealed == "sealed",
            created_at: time(created_at),
            updated_at: time(updated_at),
            expires_at: (expires_at != "-").then(|| time(expires_at)),
        }
    }
}

/// A time as the engines print it, in UTC.
fn time(text: &str) -> DateTime<Utc> {
    let text = text.strip_suffix("+00").unwrap_or(text);
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").unwrap().and_utc()
}

fn options(Options { ends, encrypted }: Options) -> WriteOptions {
    let options = match ends {
        None => WriteOptions::new(),
        Some(Ends::Never) => WriteOptions::new().never(),
        Some(Ends::In(duration)) => WriteOptions::new().expires_in(seconds(duration)),
    };
    match encrypted {
        None => options,
        Some(true) => options.encrypted(),
        Some(false) => options.in_clear(),
    }
}

fn attribute(name: &str, value: &Value, Options { ends, encrypted }: Options) -> Result<Attribute, Error> {
    let attribute = Attribute::new(name, value)?;
    let attribute = match ends {
        None => attribute,
        Some(Ends::Never) => attribute.never(),
        Some(Ends::In(duration)) => attribute.expires_in(seconds(duration)),
    };
    Ok(match encrypted {
        None => attribute,
        Some(true) => attribute.encrypted(),
        Some(false) => attribute.in_clear(),
    })
}

fn expiry(ends: Ends) -> Expiry {
    match ends {
        Ends::Never => Expiry::Never,
        Ends::In(duration) => Expiry::In(seconds(duration)),
    }
}

fn act<D: Db>(conn: &mut D::Conn, on: &SessionAttributes<D::Model>, session: usize, verb: &Verb) -> Result<Answer, Error> {
    Ok(match verb {
        Verb::Write(how, (name, value, own)) => {
            match (how, own.ends.is_none() && own.encrypted.is_none()) {
                (How::Create, true) => on.create(conn, name, value)?,
                (How::Set, true) => on.set(conn, name, value)?,
                (How::Update, true) => on.update(conn, name, value)?,
                (How::Create, false) => on.create_with(conn, name, value, options(*own))?,
                (How::Set, false) => on.set_with(conn, name, value, options(*own))?,
                (How::Update, false) => on.update_with(conn, name, value, options(*own))?,
            }
            Answer::Done
        }
        Verb::WriteMany(how, items, call) => {
            let items = items.iter().map(|(name, value, own)| attribute(name, value, *own)).collect::<Result<Vec<_>, _>>()?;
            match how {
                How::Create => on.create_many(conn, items, options(*call))?,
                How::Set => on.set_many(conn, items, options(*call))?,
                How::Update => on.update_many(conn, items, options(*call))?,
            }
            Answer::Done
        }
        Verb::SetExpiry(name, ends) => on.set_expiry(conn, name, expiry(*ends)).map(|()| Answer::Done)?,
        Verb::SetExpiryMany(names, ends) => on.set_expiry_many(conn, names, expiry(*ends)).map(|()| Answer::Done)?,
        Verb::Delete(name) => Answer::Count(on.delete(conn, name)?),
        Verb::DeleteMany(names) => Answer::Count(on.delete_many(conn, names)?),
        Verb::Take(name) => Answer::Value(on.take_value(conn, name)?),
        Verb::Get(name) => Answer::Value(on.get_value(conn, name)?),
        Verb::GetMany(names) => {
            let values = on.get_many(conn, names)?.into_iter().map(|(name, value)| Ok((name, value?)));
            Answer::Values(values.collect::<Result<_, Error>>()?)
        }
        Verb::Exists(name) => Answer::Existing([(name.clone(), on.exists(conn, name)?)].into()),
        Verb::ExistsMany(names) => Answer::Existing(on.exists_many(conn, names)?),
        Verb::Names => Answer::Names(on.names(conn)?),
        Verb::Entry(name) => Answer::Entry(match on.entry(conn, name)? {
            None => None,
            Some(entry) => Some(Row {
                session,
                name: entry.name().to_owned(),
                value: entry.json()?,
                encrypted: entry.is_encrypted(),
                created_at: entry.created_at(),
                updated_at: entry.updated_at(),
                expires_at: entry.expires_at(),
            }),
        }),
    })
}
