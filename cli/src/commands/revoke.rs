//! `revoke`: signs out, one session, a user's, or everyone's.

use chrono::{DateTime, TimeDelta};
use diesel_sessions::Timestamp6;

use crate::args::options::Format;
use crate::args::sessions::{RevokeArgs, Whose};
use crate::context::Context;
use crate::database::Database;
use crate::database::Engine;
use crate::database::statement::{Statement, Value};
use crate::failure::Failure;
use crate::layout::Layout;
use crate::output::field::Field;
use crate::output::json::Json;
use crate::program::Outcome;
use crate::terminal;

/// Asks, deletes, says how many.
pub(crate) fn run(context: &mut Context, args: &RevokeArgs) -> Result<Outcome, Failure> {
    let (mut database, layout) = context.connect_to_sessions()?;
    let Whose { id, owner, everyone } = &args.whose;
    let (question, deletion) = match (*id, owner, everyone) {
        (Some(id), None, false) => (one(&mut database, &layout, id)?, of_row(&layout, id)),
        (None, Some(owner), false) => {
            let (mine, value) = layout.owned_by(owner)?;
            let Count { sessions, others } = count(&mut database, &layout, &format!(" WHERE {mine}"), Some(value.clone()))?;
            let owner = Field::from(owner.as_str());
            (format!("End all {sessions} sessions of owner {}?{others}", owner.shown()), of_owner(&layout, &mine, value))
        }
        (None, None, true) => {
            let Count { sessions, others } = count(&mut database, &layout, "", None)?;
            let place = database.place();
            let question = format!("End all {sessions} sessions in {place}? Everyone will have to sign in again.{others}");
            (question, of_everyone(&layout))
        }
        // The parser lets none of these through; a deletion does not rely on it.
        _ => return Err(Failure::Usage("name an ID, or give --owner, or --everyone: one of them".to_owned())),
    };
    terminal::confirm(&question, args.yes)?;
    let revoked = database.execute(&deletion).map_err(|failure| layout.explained(failure))?;
    if let (Some(id), 0) = (*id, revoked) {
        // It ended while the question was answered.
        return Err(Failure::NoSession(id));
    }
    match context.out.format() {
        Format::Json => context.out.json(&Json::object([("revoked", revoked.into())]))?,
        Format::Table if revoked == 1 => context.out.line("1 session revoked")?,
        Format::Table => context.out.line(&format!("{revoked} sessions revoked"))?,
    }
    Ok(Outcome::Done)
}

/// The question about one session, which exists.
fn one(database: &mut Database, layout: &Layout, id: i64) -> Result<String, Failure> {
    let owner = layout.owner.as_ref().map_or_else(|| "NULL AS owner".to_owned(), |column| layout.selected(column, "owner"));
    let sql = format!(
        "SELECT {owner}, {} AS last_seen_at FROM {} WHERE {} = ?",
        layout.column("last_seen_at"),
        layout.sessions(),
        layout.column("id"),
    );
    let row = database.row(&Statement::new(sql).bind(id))?.ok_or(Failure::NoSession(id))?;
    let (owner, seen) = (Field::cell(row.cell("owner")?), Field::time_in(&row, "last_seen_at", "never")?);
    let whose = if owner.is_null() { "nobody's".to_owned() } else { format!("of owner {}", owner.shown()) };
    Ok(format!("End session {id}, {whose}, last seen {}?", seen.shown()))
}

/// What a deletion would delete.
struct Count {
    sessions: i64,
    /// A sentence about rows that are no sessions, if there are any.
    others: String,
}

/// Counts rows; those that `init --add-to` has found or that other code has inserted since were last seen in 1970.
fn count(database: &mut Database, layout: &Layout, condition: &str, value: Option<Value>) -> Result<Count, Failure> {
    let sql = format!(
        "SELECT COUNT(*) AS sessions, COUNT(CASE WHEN {} < ? THEN 1 END) AS others FROM {}{condition}",
        layout.column("last_seen_at"),
        layout.sessions()
    );
    let second_day = Timestamp6::from(DateTime::UNIX_EPOCH + TimeDelta::days(1));
    let row = database.row(&Statement::new(sql).bind(second_day).bind_all(value))?.unwrap_or_default();
    let (sessions, others) = (row.integer("sessions")?, row.integer("others")?);
    let others = match others {
        0 => String::new(),
        others => {
            format!(" {others} of them are rows of the application's own, which no token opens: they would be deleted, too.")
        }
    };
    Ok(Count { sessions, others })
}

fn of_row(layout: &Layout, id: i64) -> Statement {
    Statement::new(format!("DELETE FROM {} WHERE {} = ?", layout.sessions(), layout.column("id"))).bind(id)
}

fn of_everyone(layout: &Layout) -> Statement {
    Statement::new(format!("DELETE FROM {}", layout.sessions()))
}

/// On MySQL the rows are locked in the order of their ids first, as the library does, so that two such statements never meet.
fn of_owner(layout: &Layout, mine: &str, owner: Value) -> Statement {
    let (sessions, id) = (layout.sessions(), layout.column("id"));
    if layout.engine != Engine::Mysql {
        return Statement::new(format!("DELETE FROM {sessions} WHERE {mine}")).bind(owner);
    }
    let sql = format!(
        "DELETE {sessions} FROM (SELECT {id} FROM {sessions} WHERE {mine} ORDER BY {id} LIMIT ? FOR UPDATE) AS locked \
         STRAIGHT_JOIN {sessions} FORCE INDEX (PRIMARY) ON {sessions}.{id} = locked.{id} WHERE {sessions}.{mine}"
    );
    Statement::new(sql).bind(owner.clone()).bind(i64::MAX).bind(owner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::{assert_golden, layout};

    // What is written twice is compared.
    #[test]
    fn a_deletion_is_what_the_library_sends() {
        for engine in [Engine::Sqlite, Engine::Postgres, Engine::Mysql] {
            let layout = layout(engine);
            let mine = format!("{} = ?", engine.quoted("user_id"));
            assert_golden(engine, "revoke_row", &[of_row(&layout, 7).sql()]);
            assert_golden(engine, "revoke_all", &[of_owner(&layout, &mine, Value::Integer(7)).sql()]);
            assert_golden(engine, "revoke_everyone", &[of_everyone(&layout).sql()]);
        }
    }
}
