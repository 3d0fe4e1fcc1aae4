//! Rows: how many wait for a purge, which do not decode, which are sealed under a key that is not there.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use diesel_sessions::Timestamp6;
use serde_json::{Map, Value};

use super::finding::Findings;
use crate::args::sessions::DoctorArgs;
use crate::catalogue::Table;
use crate::commands::keys::keyring_if_any;
use crate::database::row::Cell;
use crate::database::statement::Statement;
use crate::database::{Database, Engine};
use crate::failure::Failure;
use crate::layout::Layout;

/// Expired rows this old say that nothing purges.
const LATE: TimeDelta = TimeDelta::hours(1);
/// How many rows are in memory at a time.
const PAGE: u32 = 100;

/// What has expired and is still there.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Backlog {
    pub(super) sessions: i64,
    pub(super) oldest: Option<Timestamp6>,
    pub(super) attributes: i64,
}

/// Counts what has expired.
pub(super) fn backlog(
    database: &mut Database,
    layout: &Layout,
    now: Timestamp6,
    findings: &mut Findings,
) -> Result<Backlog, Failure> {
    let expired = |database: &mut Database, table: &str, column: &str| -> Result<(i64, Option<Timestamp6>), Failure> {
        let sql = format!("SELECT count(*) AS expired, min({column}) AS oldest FROM {table} WHERE {column} <= ?");
        let row = database.row(&Statement::new(sql).bind(now))?;
        let Some(row) = row else { return Ok((0, None)) };
        // What is no time is told with the rows that do not decode.
        Ok((row.integer("expired")?, row.maybe_time("oldest").ok().flatten()))
    };
    let (sessions, oldest) = expired(database, &layout.sessions(), &layout.column("expires_at"))?;
    let advice = "run `diesel-sessions purge`, and see to it that something purges every few minutes";
    let is_late = |oldest: Option<Timestamp6>| oldest.map(|oldest| now.to_utc() - oldest.to_utc()).filter(|age| *age > LATE);
    if let Some(age) = is_late(oldest) {
        let what = format!("{sessions} have expired and wait for a purge, the oldest for {}", for_people(age));
        findings.warning("backlog", &layout.table.name, what, advice);
    }
    let mut backlog = Backlog { sessions, oldest, attributes: 0 };
    if let Some(attributes) = &layout.attributes {
        let table = attributes.name.quoted(layout.engine);
        let (count, oldest) = expired(database, &table, &layout.engine.quoted("expires_at"))?;
        backlog.attributes = count;
        if let Some(age) = is_late(oldest) {
            let what = format!("{count} have expired and wait for a purge, the oldest for {}", for_people(age));
            findings.warning("backlog", &attributes.name, what, advice);
        }
    }
    Ok(backlog)
}

/// `3 days`, `5 hours`: no more than a person wants to know.
fn for_people(age: TimeDelta) -> String {
    match (age.num_days(), age.num_hours()) {
        (0, hours) => format!("{hours} hours"),
        (days, _) => format!("{days} days"),
    }
}

/// Reads the newest rows, and says which the library could not.
pub(super) fn decode(
    database: &mut Database,
    layout: &Layout,
    args: &DoctorArgs,
    findings: &mut Findings,
) -> Result<(), Failure> {
    let (engine, id, table) = (layout.engine, layout.column("id"), layout.sessions());
    let texts = |column: &str| if engine == Engine::Postgres { format!("CAST({column} AS text)") } else { column.to_owned() };
    let (uuid, data) = (texts(&layout.column("uuid")), texts(&layout.column("data")));
    let times = ["created_at", "last_seen_at", "expires_at", "deadline_at"].map(|core| (core, layout.column(core)));
    let columns: Vec<String> = times.iter().map(|(core, column)| format!("{column} AS {}", engine.quoted(core))).collect();
    let (mut last, mut left, mut broken): (i64, _, Vec<(i64, &str)>) = (i64::MAX, args.sample, Vec::new());
    while left > 0 {
        let sql = format!(
            "SELECT {id} AS row_id, {uuid} AS digest, {data} AS data, {} FROM {table} WHERE {id} < ? ORDER BY {id} DESC LIMIT {}",
            columns.join(", "),
            left.min(PAGE)
        );
        let rows = database.rows(&Statement::new(sql).bind(last))?;
        let Some(lowest) = rows.last() else { break };
        last = lowest.integer("row_id")?;
        left = left.saturating_sub(PAGE);
        for row in &rows {
            let row_id = row.integer("row_id")?;
            let is_digest = row.maybe_text("digest").ok().flatten().is_some_and(|text| uuid::Uuid::try_parse(text).is_ok());
            let is_timely = times.iter().all(|(core, _)| row.maybe_time(core).is_ok());
            if !is_digest {
                broken.push((row_id, layout.core.get("uuid")));
            }
            if !is_object(row.cell("data")?) {
                broken.push((row_id, layout.core.get("data")));
            }
            if !is_timely {
                broken.push((row_id, "its times"));
            }
        }
    }
    if !broken.is_empty() {
        let some: Vec<String> = broken.iter().take(5).map(|(row, what)| format!("{row} ({what})")).collect();
        let more = if broken.len() > some.len() { ", …" } else { "" };
        findings.error(
            "decode",
            &layout.table.name,
            format!("{} of the newest rows do not decode: {}{more}", broken.len(), some.join(", ")),
            "a request with such a session gets an error: `diesel-sessions revoke ID` ends it",
        );
    }
    Ok(())
}

/// Says how many of the newest attributes cannot be read, whatever their key: PostgreSQL's type keeps such values out.
pub(super) fn attributes(
    database: &mut Database,
    layout: &Layout,
    args: &DoctorArgs,
    findings: &mut Findings,
) -> Result<(), Failure> {
    let Some(attributes) = &layout.attributes else { return Ok(()) };
    let both = "(value IS NULL) = (sealed IS NULL)";
    let wrong = match layout.engine {
        Engine::Postgres => both.to_owned(),
        // Both know the function by this name.
        Engine::Sqlite | Engine::Mysql => format!("{both} OR NOT json_valid(value)"),
    };
    let newest = newest(attributes, layout.engine, "value, sealed", args.sample);
    let sql = format!("SELECT count(*) AS broken, max(session_id) AS row_id FROM {newest} WHERE {wrong}");
    let Some(row) = database.row(&Statement::new(sql))? else { return Ok(()) };
    if let Some(session) = row.maybe_integer("row_id")? {
        findings.error(
            "decode",
            &attributes.name,
            format!("{} of the newest attributes do not decode, one of them of session {session}", row.integer("broken")?),
            "a request that reads one gets an error: delete them, or write them again",
        );
    }
    Ok(())
}

fn is_object(cell: &Cell) -> bool {
    match cell {
        Cell::Text(text) => serde_json::from_str::<Map<String, Value>>(text).is_ok(),
        _ => false,
    }
}

/// The attributes of the newest sessions, as a table of this many rows at most.
fn newest(attributes: &Table, engine: Engine, columns: &str, rows: u32) -> String {
    let table = attributes.name.quoted(engine);
    format!("(SELECT session_id, {columns} FROM {table} ORDER BY session_id DESC, name DESC LIMIT {rows}) AS newest")
}

/// Which keys have sealed the newest attributes, against those that there are.
pub(super) fn keys(database: &mut Database, layout: &Layout, args: &DoctorArgs, findings: &mut Findings) -> Result<(), Failure> {
    let Some(attributes) = &layout.attributes else { return Ok(()) };
    let newest = newest(attributes, layout.engine, "sealed", args.sample);
    // A sealed value begins with its format, the length of the key's name, and the name. What is damaged may be any bytes.
    let name = match layout.engine {
        Engine::Postgres => "substring(sealed FROM 3 FOR get_byte(sealed, 1))",
        Engine::Mysql => "SUBSTRING(sealed, 3, ASCII(SUBSTRING(sealed, 2, 1)))",
        Engine::Sqlite => "substr(sealed, 3, unicode(CAST(substr(sealed, 2, 1) AS TEXT)))",
    };
    let sql = format!(
        "SELECT CASE WHEN length(sealed) > 2 THEN {name} END AS key_name, count(*) AS attributes FROM {newest} \
         WHERE sealed IS NOT NULL GROUP BY 1 ORDER BY 2 DESC LIMIT 1000"
    );
    let (mut found, mut damaged): (Vec<(String, i64)>, i64) = (Vec::new(), 0);
    for row in &database.rows(&Statement::new(sql))? {
        let name = row.maybe_bytes("key_name")?.and_then(|bytes| std::str::from_utf8(bytes).ok());
        match name.filter(|name| is_key_name(name)) {
            Some(name) => found.push((name.to_owned(), row.integer("attributes")?)),
            None => damaged += row.integer("attributes")?,
        }
    }
    found.sort();
    if damaged > 0 {
        findings.error(
            "key",
            &attributes.name,
            format!("{damaged} of the newest attributes name no key: what is sealed in them is damaged"),
            "`diesel-sessions keys reseal` says which they are: delete them, nothing opens them",
        );
    }
    if found.is_empty() {
        return Ok(());
    }
    let Some(keyring) = keyring_if_any(&args.keys_from)? else {
        let names: Vec<String> = found.iter().map(|(name, count)| format!("{name} ({count})")).collect();
        let what = format!(
            "attributes are sealed under {}, and there are no keys here, so that nobody can tell which are missing",
            names.join(", ")
        );
        findings.advice("key", &attributes.name, what, "run it with the keys of the application, or name them with --keys-from");
        return Ok(());
    };
    let known: BTreeSet<&str> = keyring.names().collect();
    for (name, count) in found.iter().filter(|(name, _)| !known.contains(name.as_str())) {
        findings.error(
            "key",
            &attributes.name,
            format!("{count} of the newest attributes are sealed under the key `{name}`, which is not there"),
            "give the application that key again, or delete those attributes: nothing else opens them",
        );
    }
    Ok(())
}

/// Whether it is a name that a key can have.
fn is_key_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=64).contains(&name.len()) && name.bytes().all(is_allowed)
}
