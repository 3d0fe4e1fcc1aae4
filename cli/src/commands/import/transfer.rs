//! How rows of the other store become sessions: what the command line says, against what the tables have.

use std::time::Duration;

use diesel_sessions::__private::moved::Mover;
use diesel_sessions::Timeouts;

use crate::args::import::TowerSessionsSqlxArgs;
use crate::catalogue::Column;
use crate::database::Database;
use crate::failure::Failure;
use crate::layout::Layout;

use super::fill::Fill;
use super::former::{FormerTable, Which};
use super::marker::Marker;
use super::rows::SessionsTable;

/// What happens to a row that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// It is counted.
    Dry,
    /// It stays where it is, too; its digest is marked.
    Copy,
    /// It is deleted where it was.
    Move,
}

/// How rows become sessions.
pub(super) struct Transfer {
    pub(super) mode: Mode,
    pub(super) former: FormerTable,
    pub(super) rows: SessionsTable,
    pub(super) marker: Marker,
    pub(super) fills: Vec<Fill>,
    pub(super) mover: Mover,
}

impl Transfer {
    /// Looks at the tables. A run that writes by copying creates the table of digests.
    pub(super) fn new(database: &mut Database, layout: &Layout, args: &TowerSessionsSqlxArgs) -> Result<Self, Failure> {
        let mode = match (args.write, args.moves) {
            (false, _) => Mode::Dry,
            (true, false) => Mode::Copy,
            (true, true) => Mode::Move,
        };
        let former = FormerTable::find(database, args.from.as_deref())?;
        let fills = fills(layout, args)?;
        check_required(layout, &fills)?;
        let rows = SessionsTable::new(layout)?;
        let mut marker = Marker::find(database, layout, rows.digest())?;
        if mode == Mode::Copy {
            marker.create(database)?;
        }
        let mover = Mover {
            core: layout.core.iter().map(|(_, column)| column.to_owned()).collect(),
            typed: layout.typed().map(|column| column.name.clone()).collect(),
            timeouts: Timeouts { idle: whole(args.idle_timeout)?, absolute: whole(args.absolute_timeout)? },
        };
        let transfer = Transfer { mode, former, rows, marker, fills, mover };
        if mode != Mode::Dry {
            database.transaction(|database| transfer.check_rights(database))?;
        }
        Ok(transfer)
    }

    /// Fails where rows could not be written, whatever they are: what fails later is a matter of the row.
    fn check_rights(&self, database: &mut Database) -> Result<(), Failure> {
        self.former.rows(database, Which::After(None, 0), true)?;
        self.rows.insert_none(database, &self.fills)?;
        if self.mode == Mode::Move { self.former.delete_none(database) } else { Ok(()) }
    }
}

/// A timeout has whole seconds, and its column is an INTEGER.
fn whole(timeout: Option<Duration>) -> Result<Option<Duration>, Failure> {
    let Some(timeout) = timeout else { return Ok(None) };
    match i32::try_from(timeout.as_secs()) {
        Ok(_) => Ok(Some(Duration::from_secs(timeout.as_secs()))),
        Err(_) => Err(Failure::Usage(format!("a timeout has at most {} seconds", i32::MAX))),
    }
}

fn fills(layout: &Layout, args: &TowerSessionsSqlxArgs) -> Result<Vec<Fill>, Failure> {
    let owner = args.owner_path.as_deref().map(|path| Ok((layout.owner_column()?, path)));
    let asked = args.fill.iter().map(|(name, path)| {
        let column = layout.typed().find(|column| column.name == *name).ok_or_else(|| Failure::NoColumn {
            table: layout.table.name.to_string(),
            column: name.clone(),
            advice: "--fill names a column of the application's own".to_owned(),
        })?;
        Ok((column, path.as_str()))
    });
    let all = owner.into_iter().chain(asked).collect::<Result<Vec<(&Column, &str)>, Failure>>()?;
    if let Some((twice, _)) =
        all.iter().enumerate().find_map(|(at, one)| all[..at].iter().find(|other| other.0.name == one.0.name))
    {
        return Err(Failure::Usage(format!("column `{}` is filled twice: leave one --fill or --owner-path out", twice.name)));
    }
    Ok(all.into_iter().map(|(column, path)| Fill::new(&layout.table, column, path)).collect())
}

/// A column that must be set needs a value.
fn check_required(layout: &Layout, fills: &[Fill]) -> Result<(), Failure> {
    let is_filled = |column: &Column| fills.iter().any(|fill| fill.column.name == column.name);
    let left = |column: &&Column| {
        !column.nullable && column.default.is_none() && !column.numbered && !column.generated && !is_filled(column)
    };
    match layout.typed().find(left) {
        None => Ok(()),
        Some(column) => {
            let name = &column.name;
            Err(Failure::Usage(format!(
                "column `{name}` must not be NULL and has no default: say --fill {name}=PATH, or give it a default in the database"
            )))
        }
    }
}
