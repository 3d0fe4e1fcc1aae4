//! What the tests of attributes share: a session to write to, rows as they stand in the table, and every verb by name.

use chrono::NaiveDateTime;
use diesel_sessions::{Attribute, ErrorKind, Expiry, Keyring, ManualClock, Result, SessionAttributes, Timeouts, WriteOptions};
use serde_json::{Value, json};

use crate::life::steps::{Handle, Repo, created};
use crate::support::{Db, noon, repository_with, seconds};

/// The attributes of a session of an engine's ready-made model.
pub(super) type Attributes<D> = SessionAttributes<<D as Db>::Model>;

/// An empty session with a row, which ends when it is told to.
pub(super) struct Stage<D: Db> {
    pub(super) sessions: Repo<D>,
    pub(super) clock: ManualClock,
    pub(super) conn: D::Conn,
    pub(super) session: Handle<D>,
    pub(super) attributes: Attributes<D>,
}

/// Sets the stage.
pub(super) fn stage<D: Db>(db: &D) -> Stage<D> {
    let (sessions, clock) =
        repository_with::<D>(|builder| builder.timeouts(Timeouts::NEVER).keyring(Keyring::new("2026-11", [7; 32]).unwrap()));
    let mut conn = db.connect();
    let session = created::<D>(&sessions, &mut conn);
    let attributes = sessions.attributes(&session);
    Stage { sessions, clock, conn, session, attributes }
}

/// A second in the unit of [`Row`]'s times.
pub(super) const SECOND: i64 = 1_000_000;

/// An attribute as the table holds it, its times in microseconds after noon.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) session: i64,
    pub(super) name: String,
    pub(super) value: Option<Value>,
    pub(super) sealed: Option<String>,
    pub(super) created: i64,
    pub(super) updated: i64,
    pub(super) expires: Option<i64>,
}

/// Every row of the table, by session and name.
pub(super) fn rows<D: Db>(conn: &mut D::Conn) -> Vec<Row> {
    let sealed = if D::NAME == "postgres" { "encode(sealed, 'hex')" } else { "hex(sealed)" };
    let sealed = format!("CASE WHEN sealed IS NOT NULL THEN {sealed} END");
    let text = if D::NAME == "mysql" { "CHAR" } else { "TEXT" };
    let columns = ["session_id", "name", "value", &sealed, "created_at", "updated_at", "expires_at"]
        .map(|column| format!("coalesce(CAST({column} AS {text}), 'NULL')"));
    // No name and no printed value holds a tab.
    let lines = D::texts(conn, &format!("SELECT concat_ws('\t', {}) FROM session_attributes", columns.join(", ")));
    let mut rows: Vec<_> = lines.into_iter().flatten().map(|line| Row::read(&line)).collect();
    rows.sort_by(|a, b| (a.session, &a.name).cmp(&(b.session, &b.name)));
    rows
}

impl Row {
    fn read(line: &str) -> Self {
        let parts: Vec<_> = line.split('\t').collect();
        let [session, name, value, sealed, created, updated, expires] = parts[..] else { panic!("{line:?}") };
        let known = |text: &str| (text != "NULL").then(|| text.to_owned());
        Row {
            session: session.parse().unwrap(),
            name: name.to_owned(),
            value: known(value).map(|text| serde_json::from_str(&text).unwrap()),
            sealed: known(sealed),
            created: micros(created),
            updated: micros(updated),
            expires: known(expires).as_deref().map(micros),
        }
    }
}

/// A time as an engine prints it.
fn micros(text: &str) -> i64 {
    let time = NaiveDateTime::parse_from_str(text.trim_end_matches("+00"), "%Y-%m-%d %H:%M:%S%.f").unwrap();
    (time.and_utc() - noon()).num_microseconds().unwrap()
}

/// Every attribute in clear: name, value, creation, last write, expiry.
pub(super) fn told<D: Db>(conn: &mut D::Conn) -> Vec<(String, Value, i64, i64, Option<i64>)> {
    rows::<D>(conn).into_iter().map(|row| (row.name, row.value.unwrap(), row.created, row.updated, row.expires)).collect()
}

/// One line of [`told`].
pub(super) fn line(
    name: &str,
    value: impl Into<Value>,
    [created, updated]: [i64; 2],
    expires: Option<i64>,
) -> (String, Value, i64, i64, Option<i64>) {
    (name.to_owned(), value.into(), created, updated, expires)
}

/// Names and values alone.
pub(super) fn pairs<D: Db>(conn: &mut D::Conn) -> Value {
    json!(rows::<D>(conn).into_iter().map(|row| (row.name, row.value)).collect::<Vec<_>>())
}

/// How many rows there are, expired ones too.
pub(super) fn count<D: Db>(conn: &mut D::Conn) -> i64 {
    D::number(conn, "SELECT count(*) FROM session_attributes")
}

/// An attribute to be written.
pub(super) fn a(name: &str, value: impl serde::Serialize) -> Attribute {
    Attribute::new(name, value).unwrap()
}

/// What an error is, and which attribute it is about.
pub(super) fn about<T>(result: Result<T>) -> (ErrorKind, Option<String>) {
    match result {
        Ok(_) => panic!("this must fail"),
        Err(error) => (error.kind(), error.attribute_name().map(str::to_owned)),
    }
}

/// The same to compare with.
pub(super) fn error(kind: ErrorKind, name: &str) -> (ErrorKind, Option<String>) {
    (kind, Some(name.to_owned()))
}

/// What became of each verb.
pub(super) type Outcomes = Vec<(&'static str, Result<()>)>;

/// Every verb that writes, on one name.
pub(super) fn writes<D: Db>(attributes: &Attributes<D>, conn: &mut D::Conn, name: &str) -> Outcomes {
    let options = WriteOptions::new().expires_in(seconds(60));
    let one = || Attribute::new(name, 1);
    vec![
        ("create", attributes.create(conn, name, 1)),
        ("create_with", attributes.create_with(conn, name, 1, options)),
        ("create_many", one().and_then(|one| attributes.create_many(conn, [one], options))),
        ("set", attributes.set(conn, name, 1)),
        ("set_with", attributes.set_with(conn, name, 1, options)),
        ("set_many", one().and_then(|one| attributes.set_many(conn, [one], options))),
        ("update", attributes.update(conn, name, 1)),
        ("update_with", attributes.update_with(conn, name, 1, options)),
        ("update_many", one().and_then(|one| attributes.update_many(conn, [one], options))),
        ("set_expiry", attributes.set_expiry(conn, name, Expiry::Never)),
        ("set_expiry_many", attributes.set_expiry_many(conn, [name], Expiry::In(seconds(60)))),
        ("delete", attributes.delete(conn, name).map(|_| ())),
        ("delete_many", attributes.delete_many(conn, [name]).map(|_| ())),
        ("take", attributes.take::<u32, _>(conn, name).map(|_| ())),
        ("take_value", attributes.take_value(conn, name).map(|_| ())),
    ]
}

/// Every verb that reads, on one name.
pub(super) fn reads<D: Db>(attributes: &Attributes<D>, conn: &mut D::Conn, name: &str) -> Outcomes {
    vec![
        ("get", attributes.get::<u32, _>(conn, name).map(|_| ())),
        ("get_value", attributes.get_value(conn, name).map(|_| ())),
        ("get_many", attributes.get_many(conn, [name]).map(|_| ())),
        ("entry", attributes.entry(conn, name).map(|_| ())),
        ("exists", attributes.exists(conn, name).map(|_| ())),
        ("exists_many", attributes.exists_many(conn, [name]).map(|_| ())),
    ]
}

/// Every verb there is, on one name.
pub(super) fn every_verb<D: Db>(attributes: &Attributes<D>, conn: &mut D::Conn, name: &str) -> Outcomes {
    let mut outcomes = writes::<D>(attributes, conn, name);
    outcomes.extend(reads::<D>(attributes, conn, name));
    outcomes.push(("names", attributes.names(conn).map(|_| ())));
    outcomes
}

/// Whether every verb failed with this kind.
pub(super) fn assert_all_fail(outcomes: Outcomes, kind: ErrorKind, why: &str) {
    for (verb, outcome) in outcomes {
        assert_eq!(outcome.err().map(|error| error.kind()), Some(kind), "{verb}: {why}");
    }
}
