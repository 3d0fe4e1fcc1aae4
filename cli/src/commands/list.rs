//! `list`: live sessions, newest first, page by page.

use diesel_sessions::Timestamp6;

use crate::args::sessions::ListArgs;
use crate::catalogue::Column;
use crate::context::Context;
use crate::database::Database;
use crate::database::row::Row;
use crate::database::statement::Statement;
use crate::failure::Failure;
use crate::layout::Layout;
use crate::output::field::Field;
use crate::output::table::Listing;
use crate::program::Outcome;

/// Rows in memory at a time.
const PAGE: u32 = 500;

/// What is listed of each session besides its id and its owner.
const LISTED: [&str; 5] = ["created_at", "authenticated_at", "last_seen_at", "expires_at", "persistent"];

/// Prints the list.
pub(crate) fn run(context: &mut Context, args: &ListArgs) -> Result<Outcome, Failure> {
    let (mut database, layout) = context.connect_to_sessions()?;
    let pages = Pages::new(&layout, args, context.now())?;
    let mut listing = Listing::new(pages.heads());
    let (mut before, mut left) = (None, args.limit.map_or(u32::MAX, Into::into));
    while left > 0 {
        let limit = PAGE.min(left);
        let rows = pages.read(&mut database, before, limit)?;
        let fields = rows.iter().map(|row| pages.fields(row)).collect::<Result<Vec<_>, _>>()?;
        listing.page(&mut context.out, &fields)?;
        left -= u32::try_from(rows.len()).unwrap_or(limit);
        match rows.last() {
            Some(last) if rows.len() >= limit as usize => before = Some(last.integer("id")?),
            _ => break,
        }
    }
    listing.finish(&mut context.out)?;
    Ok(Outcome::Done)
}

/// The query behind a list.
struct Pages<'l> {
    layout: &'l Layout,
    with: Vec<&'l Column>,
    /// Its first part: what is selected, and of which sessions.
    base: Statement,
    has_condition: bool,
}

impl<'l> Pages<'l> {
    fn new(layout: &'l Layout, args: &ListArgs, now: Timestamp6) -> Result<Self, Failure> {
        let with = args.with.iter().map(|name| {
            let column = layout.typed().find(|column| column.name == *name);
            column.ok_or_else(|| Failure::NoColumn {
                table: layout.table.name.to_string(),
                column: name.clone(),
                advice: "--with lists columns of the application's own".to_owned(),
            })
        });
        let with = with.collect::<Result<Vec<_>, _>>()?;

        let core = LISTED.iter().map(|core| format!("{} AS {core}", layout.column(core)));
        let mut selected = vec![format!("{} AS id", layout.column("id"))];
        selected.extend(core);
        selected.extend(layout.owner.iter().map(|column| layout.selected(column, "owner")));
        selected.extend(with.iter().enumerate().map(|(place, column)| layout.selected(column, &typed(place))));
        let (mut conditions, mut values) = (Vec::new(), Vec::new());
        if !args.expired {
            conditions.push(format!("{} > ?", layout.column("expires_at")));
            values.push(now.into());
        }
        if let Some(owner) = &args.owner {
            let (condition, value) = layout.owned_by(owner)?;
            conditions.push(condition);
            values.push(value);
        }
        let mut sql = format!("SELECT {} FROM {}", selected.join(", "), layout.sessions());
        if !conditions.is_empty() {
            sql = format!("{sql} WHERE {}", conditions.join(" AND "));
        }
        Ok(Pages { layout, with, base: Statement::new(sql).bind_all(values), has_condition: !conditions.is_empty() })
    }

    /// At most so many sessions with an id below that one.
    fn read(&self, database: &mut Database, before: Option<i64>, limit: u32) -> Result<Vec<Row>, Failure> {
        let id = self.layout.column("id");
        let mut page = self.base.clone();
        if let Some(before) = before {
            page = page.and_sql(&format!(" {} {id} < ?", if self.has_condition { "AND" } else { "WHERE" })).bind(before);
        }
        database.rows(&page.and_sql(&format!(" ORDER BY {id} DESC LIMIT ?")).bind(limit))
    }

    fn heads(&self) -> Vec<String> {
        let owner = self.layout.owner.iter().map(|_| "owner");
        let with = self.with.iter().map(|column| column.name.as_str());
        ["id"].into_iter().chain(owner).chain(LISTED).chain(with).map(ToOwned::to_owned).collect()
    }

    fn fields(&self, row: &Row) -> Result<Vec<Field>, Failure> {
        let mut fields = vec![Field::from(row.integer("id")?)];
        if self.layout.owner.is_some() {
            fields.push(Field::cell(row.cell("owner")?));
        }
        for core in LISTED {
            fields.push(match core {
                "persistent" => row.boolean(core).map(Field::from)?,
                "expires_at" => Field::end_in(row, core)?,
                _ => Field::time_in(row, core, "-")?,
            });
        }
        for place in 0..self.with.len() {
            fields.push(Field::cell(row.cell(&typed(place))?));
        }
        Ok(fields)
    }
}

/// What a column of the application's own is called in a query: its own name may be one of ours, too.
fn typed(place: usize) -> String {
    format!("typed_{place}")
}
