//! `stats`: how many sessions there are: live, expired, by owner, by age.

use chrono::TimeDelta;
use diesel_sessions::Timestamp6;

use crate::args::options::Format;
use crate::args::sessions::StatsArgs;
use crate::context::Context;
use crate::database::Database;
use crate::database::row::Row;
use crate::database::statement::Statement;
use crate::failure::Failure;
use crate::layout::Layout;
use crate::output::field::Field;
use crate::output::json::Json;
use crate::output::table::Listing;
use crate::program::Outcome;

/// The ages that are told apart: up to so many hours.
const AGES: [(&str, i64); 5] =
    [("up to 1 hour", 1), ("up to 1 day", 24), ("up to 7 days", 7 * 24), ("up to 30 days", 30 * 24), ("up to 90 days", 90 * 24)];

/// Counts, and prints.
pub(crate) fn run(context: &mut Context, args: &StatsArgs) -> Result<Outcome, Failure> {
    let (mut database, layout) = context.connect_to_sessions()?;
    let now = context.now();
    let all = totals(&mut database, &layout, now)?;
    let ages = ages(&mut database, &layout, now)?;
    let owners = owners(&mut database, &layout, now, args.top)?;
    let attributes = attributes(&mut database, &layout)?;

    let number = |name: &str| all.maybe_integer(name).map(Option::unwrap_or_default);
    let mut properties = vec![
        ("live", Field::from(number("live")?)),
        ("signed_in", Field::from(number("signed_in")?)),
        ("anonymous", Field::from(number("live")? - number("signed_in")?)),
        ("persistent", Field::from(number("persistent")?)),
        ("expired", Field::from(number("expired")?)),
        ("oldest_expired_at", Field::time_in(&all, "oldest_expired_at", "-")?),
    ];
    if layout.owner.is_none() {
        properties.retain(|(name, _)| !["signed_in", "anonymous"].contains(name));
    }
    if let Some(attributes) = attributes {
        properties.push(("attributes", Field::from(attributes)));
    }
    match context.out.format() {
        Format::Json => {
            let mut document: Vec<(&str, Json)> = properties.iter().map(|(name, field)| (*name, field.json().into())).collect();
            let age = |(age, created, seen): &(&str, i64, i64)| {
                Json::object([("age", (*age).into()), ("created", (*created).into()), ("last_seen", (*seen).into())])
            };
            document.push(("ages", ages.iter().map(age).collect()));
            let owner =
                |(owner, count): &(Field, i64)| Json::object([("owner", owner.json().into()), ("sessions", (*count).into())]);
            document.extend(owners.map(|owners| ("owners", owners.iter().map(owner).collect())));
            context.out.json(&Json::object(document))?;
        }
        Format::Table => {
            context.out.properties(&properties)?;
            context.out.line("")?;
            let rows: Vec<_> =
                ages.iter().map(|(age, created, seen)| vec![(*age).into(), (*created).into(), (*seen).into()]).collect();
            print(context, ["live, by age", "created", "last seen"], &rows)?;
            if let Some(owners) = owners.filter(|owners| !owners.is_empty()) {
                context.out.line("")?;
                let rows: Vec<_> = owners.into_iter().map(|(owner, count)| vec![owner, count.into()]).collect();
                print(context, ["owner", "live"], &rows)?;
            }
        }
    }
    Ok(Outcome::Done)
}

fn print<const COLUMNS: usize>(context: &mut Context, heads: [&str; COLUMNS], rows: &[Vec<Field>]) -> Result<(), Failure> {
    let mut listing = Listing::new(heads);
    listing.page(&mut context.out, rows)?;
    listing.finish(&mut context.out)
}

/// One row of counts.
fn totals(database: &mut Database, layout: &Layout, now: Timestamp6) -> Result<Row, Failure> {
    let end = layout.column("expires_at");
    let owner = layout.owner.as_ref().map_or_else(|| "NULL".to_owned(), |owner| layout.engine.quoted(&owner.name));
    let sql = format!(
        "SELECT SUM(CASE WHEN {end} > ? THEN 1 ELSE 0 END) AS live, \
         SUM(CASE WHEN {end} > ? AND {owner} IS NOT NULL THEN 1 ELSE 0 END) AS signed_in, \
         SUM(CASE WHEN {end} > ? AND {persistent} THEN 1 ELSE 0 END) AS persistent, \
         SUM(CASE WHEN {end} <= ? THEN 1 ELSE 0 END) AS expired, \
         MIN(CASE WHEN {end} <= ? THEN {end} END) AS oldest_expired_at FROM {sessions}",
        persistent = layout.column("persistent"),
        sessions = layout.sessions(),
    );
    Ok(database.row(&Statement::new(sql).bind_all([now; 5]))?.unwrap_or_default())
}

/// Live sessions by age: what the age is called, how many were created so long ago, how many last seen.
fn ages(database: &mut Database, layout: &Layout, now: Timestamp6) -> Result<Vec<(&'static str, i64, i64)>, Failure> {
    let begin = |hours: i64| Timestamp6::from(now.to_utc() - TimeDelta::hours(hours));
    let (mut selected, mut values) = (Vec::new(), Vec::new());
    for column in ["created_at", "last_seen_at"] {
        let quoted = layout.column(column);
        for (place, (_, hours)) in AGES.iter().enumerate() {
            selected.push(format!("SUM(CASE WHEN {quoted} > ? THEN 1 ELSE 0 END) AS {column}_{place}"));
            values.push(begin(*hours));
        }
    }
    let sql = format!(
        "SELECT COUNT(*) AS live, {} FROM {} WHERE {} > ?",
        selected.join(", "),
        layout.sessions(),
        layout.column("expires_at"),
    );
    let row = database.row(&Statement::new(sql).bind_all(values).bind(now))?.unwrap_or_default();
    // Each count holds the younger ones, too.
    let mut younger = (0, 0);
    let mut ages = Vec::new();
    for (place, (age, _)) in AGES.iter().enumerate() {
        let count = |column: &str| row.maybe_integer(&format!("{column}_{place}")).map(Option::unwrap_or_default);
        let (created, seen) = (count("created_at")?, count("last_seen_at")?);
        ages.push((*age, created - younger.0, seen - younger.1));
        younger = (created, seen);
    }
    let live = row.maybe_integer("live")?.unwrap_or_default();
    ages.push(("older", live - younger.0, live - younger.1));
    Ok(ages)
}

/// The owners with the most live sessions; None where sessions have no owner.
fn owners(database: &mut Database, layout: &Layout, now: Timestamp6, top: u32) -> Result<Option<Vec<(Field, i64)>>, Failure> {
    let Some(column) = &layout.owner else { return Ok(None) };
    let quoted = layout.engine.quoted(&column.name);
    let sql = format!(
        "SELECT {owner}, COUNT(*) AS sessions FROM {sessions} WHERE {end} > ? AND {quoted} IS NOT NULL \
         GROUP BY {quoted} ORDER BY sessions DESC, {quoted} LIMIT ?",
        owner = layout.selected(column, "owner"),
        sessions = layout.sessions(),
        end = layout.column("expires_at"),
    );
    let rows = database.rows(&Statement::new(sql).bind(now).bind(top))?;
    rows.iter().map(|row| Ok((Field::cell(row.cell("owner")?), row.integer("sessions")?))).collect::<Result<_, _>>().map(Some)
}

/// How many attributes there are; None where sessions have none.
fn attributes(database: &mut Database, layout: &Layout) -> Result<Option<i64>, Failure> {
    let Some(table) = &layout.attributes else { return Ok(None) };
    let count = Statement::new(format!("SELECT COUNT(*) AS attributes FROM {}", table.name.quoted(layout.engine)));
    database.row(&count)?.map(|row| row.integer("attributes")).transpose()
}
