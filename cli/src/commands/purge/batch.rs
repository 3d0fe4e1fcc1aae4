//! One batch of a purge: the statements that the library sends, over names that are only known now.

use diesel_sessions::Timestamp6;

#[cfg(feature = "postgres")]
use crate::catalogue::TableName;
use crate::database::statement::{Statement, marks};
use crate::database::{Database, Engine};
use crate::failure::Failure;
use crate::layout::Layout;

/// Most sessions, and most attributes, that one statement names on MySQL.
const SESSIONS_IN_STATEMENT: usize = 1_000;
const ATTRIBUTES_IN_STATEMENT: usize = 100;

/// What has been deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Purged {
    pub(super) sessions: usize,
    /// Expired ones of live sessions.
    pub(super) attributes: usize,
}

impl Purged {
    pub(super) fn add(&mut self, batch: Purged) {
        self.sessions += batch.sessions;
        self.attributes += batch.attributes;
    }

    /// Whether a batch of `limit` rows has perhaps left some.
    pub(super) fn is_full(self, limit: u32) -> bool {
        u32::try_from(self.sessions.max(self.attributes)).map_or(true, |rows| rows >= limit)
    }
}

/// Where the next batch of a round begins, on PostgreSQL: where the one before it ended, by the expiry of what was deleted. None is
/// with the longest expired. Why is said where the library has the same.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Reached {
    sessions: Option<Timestamp6>,
    attributes: Option<Timestamp6>,
}

/// How many sessions have expired.
pub(super) fn expired(database: &mut Database, layout: &Layout, now: Timestamp6) -> Result<u64, Failure> {
    let sql = format!("SELECT COUNT(*) AS sessions FROM {} WHERE {} <= ?", layout.sessions(), layout.column("expires_at"));
    let count = database.row(&Statement::new(sql).bind(now))?.map_or(Ok(0), |row| row.integer("sessions"))?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// Deletes at most `limit` sessions, and as many attributes, each in a transaction of its own.
pub(super) fn purge(
    database: &mut Database,
    layout: &Layout,
    now: Timestamp6,
    limit: u32,
    reached: &mut Reached,
) -> Result<Purged, Failure> {
    Ok(Purged {
        sessions: sessions(database, layout, now, limit, &mut reached.sessions)?,
        attributes: attributes(database, layout, now, limit, &mut reached.attributes)?,
    })
}

/// The same in one transaction, unless another process is at it: None then. Where the engine has no lock that ends with its
/// transaction, a batch like any other.
pub(super) fn purge_in_turn(
    database: &mut Database,
    layout: &Layout,
    now: Timestamp6,
    limit: u32,
    reached: &mut Reached,
) -> Result<Option<Purged>, Failure> {
    #[cfg(feature = "postgres")]
    if layout.engine == Engine::Postgres {
        let key = diesel_sessions::__private::postgres::purge_key(&declared(database, &layout.table.name)?);
        let begun = *reached;
        return database.transaction(|database| {
            *reached = begun; // where a first attempt was rolled back
            let lock = database.row(&Statement::new("SELECT pg_try_advisory_xact_lock(?) AS is_ours").bind(key))?;
            match lock.map(|row| row.boolean("is_ours")).transpose()? {
                Some(true) => purge(database, layout, now, limit, reached).map(Some),
                _ => Ok(None),
            }
        });
    }
    purge(database, layout, now, limit, reached).map(Some)
}

/// The name by which the application's schema declares a table, and the library locks it: without the schema where that is the
/// default one, though it may be spelt out here.
#[cfg(feature = "postgres")]
fn declared(database: &mut Database, table: &TableName) -> Result<String, Failure> {
    let Some(schema) = &table.schema else { return Ok(table.name.clone()) };
    let row = database.row(&Statement::new("SELECT current_schema() AS first"))?;
    let first = row.as_ref().map(|row| row.maybe_text("first")).transpose()?.flatten();
    Ok(if first == Some(schema) { table.name.clone() } else { table.to_string() })
}

fn sessions(
    database: &mut Database,
    layout: &Layout,
    now: Timestamp6,
    limit: u32,
    reached: &mut Option<Timestamp6>,
) -> Result<usize, Failure> {
    let expired = expired_sessions(layout, now, limit, *reached);
    match layout.engine {
        Engine::Sqlite => database.execute(&expired),
        Engine::Postgres => deleted(database, &expired, reached),
        Engine::Mysql => {
            let rows = database.rows(&expired_ids(layout, now, limit))?;
            let mut ids = rows.iter().map(|row| row.integer("id")).collect::<Result<Vec<_>, _>>()?;
            ids.sort_unstable();
            let chunks = ids.chunks(SESSIONS_IN_STATEMENT);
            chunks.map(|chunk| database.execute(&these_sessions(layout, chunk, now))).sum()
        }
    }
}

fn attributes(
    database: &mut Database,
    layout: &Layout,
    now: Timestamp6,
    limit: u32,
    reached: &mut Option<Timestamp6>,
) -> Result<usize, Failure> {
    let Some(table) = &layout.attributes else { return Ok(0) };
    let attributes = table.name.quoted(layout.engine);
    let expired = expired_attributes(layout, &attributes, now, limit, *reached);
    match layout.engine {
        Engine::Sqlite => database.execute(&expired),
        Engine::Postgres => deleted(database, &expired, reached),
        Engine::Mysql => {
            let rows = database.rows(&expired_keys(layout, &attributes, now, limit, None))?;
            let keys = rows.iter().map(|row| Ok((row.integer("session_id")?, row.text("name")?)));
            let mut keys = keys.collect::<Result<Vec<_>, Failure>>()?;
            keys.sort_unstable();
            let chunks = keys.chunks(ATTRIBUTES_IN_STATEMENT);
            chunks.map(|chunk| database.execute(&these_attributes(layout, &attributes, chunk, now))).sum()
        }
    }
}

/// How many rows a deletion has given; the next one begins with their latest expiry (PostgreSQL).
fn deleted(database: &mut Database, deletion: &Statement, reached: &mut Option<Timestamp6>) -> Result<usize, Failure> {
    let rows = database.rows(deletion)?;
    // `-infinity` is no time.
    *reached = rows
        .iter()
        .filter_map(|row| row.maybe_time("expires_at").ok().flatten())
        .fold(*reached, |last, time| last.max(Some(time)));
    Ok(rows.len())
}

/// The longest expired sessions, deleted (SQLite, PostgreSQL). On PostgreSQL in the order of the index alone: with the ids behind
/// it, all that expired at the same time would be sorted for each batch.
fn expired_sessions(layout: &Layout, now: Timestamp6, limit: u32, reached: Option<Timestamp6>) -> Statement {
    let (sessions, id, end) = (layout.sessions(), layout.column("id"), layout.column("expires_at"));
    let from = from(layout, &format!("expired.{end}"), reached);
    let oldest = format!("SELECT expired.{id} FROM {sessions} AS expired WHERE {from}expired.{end} <= ? ORDER BY expired.{end}");
    let delete = match layout.engine {
        Engine::Postgres => {
            let batch = format!("{oldest} LIMIT ? FOR UPDATE SKIP LOCKED");
            format!("DELETE FROM {sessions} WHERE {id} = ANY(ARRAY({batch})) RETURNING {end} AS expires_at")
        }
        _ => format!("DELETE FROM {sessions} WHERE {id} IN ({oldest}, expired.{id} LIMIT ?)"),
    };
    Statement::new(delete).bind_all(reached).bind(now).bind(limit)
}

/// What a batch asks for besides, where batches go on from one another (PostgreSQL). Binds what was reached, if anything was.
fn from(layout: &Layout, end: &str, reached: Option<Timestamp6>) -> String {
    match (layout.engine, reached) {
        (Engine::Postgres, Some(_)) => format!("{end} >= ? AND "),
        (Engine::Postgres, None) => format!("{end} >= '-infinity' AND "),
        _ => String::new(),
    }
}

/// The longest expired attributes of live sessions, deleted (SQLite, PostgreSQL).
fn expired_attributes(layout: &Layout, attributes: &str, now: Timestamp6, limit: u32, reached: Option<Timestamp6>) -> Statement {
    let oldest = expired_keys(layout, attributes, now, limit, reached);
    let delete = match layout.engine {
        Engine::Postgres => format!(
            " FOR UPDATE SKIP LOCKED) DELETE FROM {attributes} USING held \
             WHERE {attributes}.session_id = held.session_id AND {attributes}.name = held.name \
             RETURNING {attributes}.expires_at"
        ),
        _ => ")".to_owned(),
    };
    let before = match layout.engine {
        Engine::Postgres => "WITH held AS MATERIALIZED (".to_owned(),
        _ => format!("DELETE FROM {attributes} WHERE (session_id, name) IN ("),
    };
    oldest.after_sql(&before).and_sql(&delete)
}

/// The longest expired sessions (MySQL).
fn expired_ids(layout: &Layout, now: Timestamp6, limit: u32) -> Statement {
    let (sessions, id, end) = (layout.sessions(), layout.column("id"), layout.column("expires_at"));
    let oldest = format!("SELECT {id} AS id FROM {sessions} WHERE {end} <= ? ORDER BY {end}, {id} LIMIT ?");
    Statement::new(oldest).bind(now).bind(limit)
}

/// The longest expired attributes of live sessions.
fn expired_keys(layout: &Layout, attributes: &str, now: Timestamp6, limit: u32, reached: Option<Timestamp6>) -> Statement {
    let (sessions, id, end) = (layout.sessions(), layout.column("id"), layout.column("expires_at"));
    let oldest = format!(
        "SELECT session_id, name FROM {attributes} \
         WHERE {from}expires_at <= ? AND session_id IN (SELECT {id} FROM {sessions} WHERE {end} > ?) \
         ORDER BY {order} LIMIT ?",
        from = from(layout, "expires_at", reached),
        order = if layout.engine == Engine::Postgres { "expires_at" } else { "expires_at, session_id, name" },
    );
    Statement::new(oldest).bind_all(reached).bind_all([now; 2]).bind(limit)
}

/// Some sessions, deleted where they have still expired (MySQL).
fn these_sessions(layout: &Layout, ids: &[i64], now: Timestamp6) -> Statement {
    let (sessions, id, end) = (layout.sessions(), layout.column("id"), layout.column("expires_at"));
    let delete = format!(
        "DELETE {sessions} FROM {locked} STRAIGHT_JOIN {sessions} FORCE INDEX (PRIMARY) ON {sessions}.{id} = locked.{id} \
         WHERE {sessions}.{end} <= ?",
        locked = locked(layout, ids.len()),
    );
    Statement::new(delete).bind_all(ids.iter().copied()).bind(i64::MAX).bind(now)
}

/// Some attributes, deleted behind the locks of their sessions (MySQL).
fn these_attributes(layout: &Layout, attributes: &str, keys: &[(i64, &str)], now: Timestamp6) -> Statement {
    let id = layout.column("id");
    let mut ids: Vec<i64> = keys.iter().map(|(id, _)| *id).collect();
    ids.dedup();
    let each = vec![format!("({attributes}.session_id = ? AND {attributes}.name = ?)"); keys.len()].join(" OR ");
    let delete = format!(
        "DELETE {attributes} FROM {locked} STRAIGHT_JOIN {attributes} FORCE INDEX (PRIMARY) \
         ON {attributes}.session_id = locked.{id} WHERE ({each}) AND {attributes}.expires_at <= ?",
        locked = locked(layout, ids.len()),
    );
    let delete = Statement::new(delete).bind_all(ids).bind(i64::MAX);
    keys.iter().fold(delete, |delete, (id, name)| delete.bind(*id).bind(*name)).bind(now)
}

/// Rows of the sessions' table, locked in the order of their ids, so that two such statements never wait for each other in a
/// circle (MySQL). Binds the ids, then a limit that is none: without one, a derived table has no order.
fn locked(layout: &Layout, ids: usize) -> String {
    let (sessions, id) = (layout.sessions(), layout.column("id"));
    let marks = marks(ids);
    format!(
        "(SELECT {id} FROM {sessions} FORCE INDEX (PRIMARY) WHERE {id} IN ({marks}) ORDER BY {id} LIMIT ? FOR UPDATE) AS locked"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::{assert_golden, layout};

    const LIMIT: u32 = 1_000;

    fn is_sent_by_the_library(engine: Engine, verb: &str, statements: &[Statement]) {
        assert_golden(engine, verb, &statements.iter().map(Statement::sql).collect::<Vec<_>>());
    }

    // What is written twice is compared.
    #[test]
    fn a_batch_is_what_the_library_sends() {
        let (now, attributes) = (Timestamp6::NEVER, "session_attributes");
        for (engine, reached) in [(Engine::Sqlite, None), (Engine::Postgres, Some(now))] {
            let layout = layout(engine);
            let sessions = expired_sessions(&layout, now, LIMIT, reached);
            let attributes = expired_attributes(&layout, attributes, now, LIMIT, reached);
            is_sent_by_the_library(engine, "purge_batch", &[sessions, attributes]);
        }
        let layout = layout(Engine::Mysql);
        let (ids, keys) = (expired_ids(&layout, now, LIMIT), expired_keys(&layout, attributes, now, LIMIT, None));
        is_sent_by_the_library(Engine::Mysql, "purge_batch", &[ids.clone(), these_sessions(&layout, &[1], now), keys.clone()]);
        let those = these_attributes(&layout, attributes, &[(1, "a"), (1, "b")], now);
        is_sent_by_the_library(Engine::Mysql, "attribute_purge_batch", &[ids, keys, those]);
    }
}
