//! `show`: one session, its columns and the names of its attributes.

use diesel_sessions::Timestamp6;
use serde_json::Value;

use crate::args::options::Format;
use crate::args::sessions::ShowArgs;
use crate::catalogue::Column;
use crate::context::Context;
use crate::database::Database;
use crate::database::row::Row;
use crate::database::statement::Statement;
use crate::failure::Failure;
use crate::layout::Layout;
use crate::output::field::Field;
use crate::output::json::Json;
use crate::program::Outcome;
use crate::terminal;

/// Attributes that are read at a time.
const PAGE: u32 = 500;

/// The core columns that hold times, but for `expires_at`.
const TIMES: [&str; 5] = ["created_at", "authenticated_at", "rotated_at", "last_seen_at", "deadline_at"];

/// Prints the session.
pub(crate) fn run(context: &mut Context, args: &ShowArgs) -> Result<Outcome, Failure> {
    let (mut database, layout) = context.connect_to_sessions()?;
    let now = context.now();
    let row = read(&mut database, &layout, args.id)?;
    let mut properties = properties(&layout, &row, args.id, now)?;
    let columns = columns(&layout, &row)?;
    let attributes = attributes(&mut database, &layout, args.id, now)?;
    let data = if args.data {
        terminal::confirm(&format!("The data of session {} may be private. Show it?", args.id), args.yes)?;
        Some(data(&mut database, &layout, args.id)?)
    } else {
        None
    };
    match context.out.format() {
        Format::Json => {
            let mut document: Vec<(&str, Json)> =
                properties.iter().map(|(name, field)| (name.as_str(), field.json().into())).collect();
            document.push(("columns", Json::fields(columns.iter().map(|(name, field)| (name.as_str(), field)))));
            let attributes = attributes.map(|attributes| attributes.iter().map(Attribute::json).collect());
            document.push(("attributes", attributes.unwrap_or(Json::Value(Value::Null))));
            if let Some(data) = data {
                document.push(("data", serde_json::from_str(&data).unwrap_or(Value::String(data)).into()));
            }
            context.out.json(&Json::object(document))?;
        }
        Format::Table => {
            // A column may be named like one of the library's; here that misleads nobody.
            properties.extend(columns);
            let properties: Vec<_> = properties.iter().map(|(name, field)| (name.as_str(), field.clone())).collect();
            context.out.properties(&properties)?;
            for attribute in attributes.iter().flatten() {
                context.out.line(&format!("attribute  {}", attribute.line()))?;
            }
            if let Some(data) = data {
                let document = serde_json::from_str::<Value>(&data).map(|document| format!("{:#}", Json::from(document)));
                let document = document.unwrap_or_else(|_| Field::from(data).shown().into_owned());
                context.out.line("data")?;
                context.out.line(&document)?;
            }
        }
    }
    Ok(Outcome::Done)
}

/// The session's row, without its data.
fn read(database: &mut Database, layout: &Layout, id: i64) -> Result<Row, Failure> {
    let core = TIMES.iter().chain(&["expires_at", "idle_timeout", "persistent", "version"]);
    let core = core.map(|core| format!("{} AS {core}", layout.column(core)));
    let typed = layout.typed().enumerate().map(|(place, column)| layout.selected(column, &format!("typed_{place}")));
    let selected = core.chain(typed).collect::<Vec<_>>().join(", ");
    let sql = format!("SELECT {selected} FROM {} WHERE {} = ?", layout.sessions(), layout.column("id"));
    database.row(&Statement::new(sql).bind(id))?.ok_or(Failure::NoSession(id))
}

fn properties(layout: &Layout, row: &Row, id: i64, now: Timestamp6) -> Result<Vec<(String, Field)>, Failure> {
    let mut properties = vec![("id".to_owned(), Field::from(id))];
    let is_live = row.maybe_time("expires_at").ok().flatten().map(|time| time > now);
    let state = is_live.map_or("unreadable", |is_live| if is_live { "live" } else { "expired" });
    properties.push(("state".to_owned(), state.into()));
    for core in TIMES {
        properties.push((core.to_owned(), Field::time_in(row, core, "-")?));
    }
    properties.push(("expires_at".to_owned(), Field::end_in(row, "expires_at")?));
    for core in ["idle_timeout", "persistent", "version"] {
        let field = match core {
            "persistent" => row.boolean(core)?.into(),
            _ => Field::cell(row.cell(core)?),
        };
        properties.push((core.to_owned(), field));
    }
    for (place, column) in layout.typed().enumerate() {
        if is_owner(layout, column) {
            properties.insert(1, ("owner".to_owned(), Field::cell(row.cell(&format!("typed_{place}"))?)));
        }
    }
    Ok(properties)
}

/// The columns of the application's own, but for the owner's.
fn columns(layout: &Layout, row: &Row) -> Result<Vec<(String, Field)>, Failure> {
    let columns = layout.typed().enumerate().filter(|(_, column)| !is_owner(layout, column));
    columns.map(|(place, column)| Ok((column.name.clone(), Field::cell(row.cell(&format!("typed_{place}"))?)))).collect()
}

fn is_owner(layout: &Layout, column: &Column) -> bool {
    layout.owner.as_ref().is_some_and(|owner| owner.name == column.name)
}

/// An attribute, without its value.
struct Attribute {
    name: String,
    is_encrypted: bool,
    is_expired: bool,
    expires_at: Field,
    updated_at: Field,
}

impl Attribute {
    fn json(&self) -> Json {
        Json::object([
            ("name", self.name.as_str().into()),
            ("encrypted", self.is_encrypted.into()),
            ("expired", self.is_expired.into()),
            ("updated_at", self.updated_at.json().into()),
            ("expires_at", self.expires_at.json().into()),
        ])
    }

    fn line(&self) -> String {
        let encrypted = if self.is_encrypted { ", encrypted" } else { "" };
        let end = match (self.is_expired, self.expires_at.is_null()) {
            (true, _) => format!(", expired {}", self.expires_at.shown()),
            (false, false) => format!(", expires {}", self.expires_at.shown()),
            (false, true) => String::new(),
        };
        format!("{}{encrypted}{end}", Field::from(self.name.as_str()).shown())
    }
}

/// The names of a session's attributes, by bytes; None where the sessions have no attributes.
fn attributes(database: &mut Database, layout: &Layout, id: i64, now: Timestamp6) -> Result<Option<Vec<Attribute>>, Failure> {
    let Some(table) = &layout.attributes else { return Ok(None) };
    let sql = format!(
        "SELECT name, sealed IS NOT NULL AS is_encrypted, updated_at, expires_at FROM {} \
         WHERE session_id = ? AND name > ? ORDER BY name LIMIT ?",
        table.name.quoted(layout.engine),
    );
    let mut attributes: Vec<Attribute> = Vec::new();
    loop {
        let after = attributes.last().map_or("", |last| last.name.as_str());
        let rows = database.rows(&Statement::new(&sql).bind(id).bind(after).bind(PAGE))?;
        for row in &rows {
            attributes.push(Attribute {
                name: row.text("name")?.to_owned(),
                is_encrypted: row.boolean("is_encrypted")?,
                is_expired: row.maybe_time("expires_at").ok().flatten().is_some_and(|end| end <= now),
                expires_at: Field::time_in(row, "expires_at", "")?,
                updated_at: Field::time_in(row, "updated_at", "")?,
            });
        }
        if rows.len() < PAGE as usize {
            return Ok(Some(attributes));
        }
    }
}

/// The session's data, as it is stored.
fn data(database: &mut Database, layout: &Layout, id: i64) -> Result<String, Failure> {
    let sql = format!("SELECT {} AS data FROM {} WHERE {} = ?", layout.column("data"), layout.sessions(), layout.column("id"));
    let row = database.row(&Statement::new(sql).bind(id))?.ok_or(Failure::NoSession(id))?;
    Ok(Field::cell(row.cell("data")?).json().as_str().unwrap_or_default().to_owned())
}
