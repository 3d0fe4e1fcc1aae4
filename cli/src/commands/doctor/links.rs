//! Foreign keys: what becomes of sessions when their user goes, of attributes when their session goes, and what holds sessions.

use super::finding::Findings;
use super::indices::leads;
use crate::catalogue::{Action, ForeignKey, Table};
use crate::database::statement::Statement;
use crate::database::{Database, Engine};
use crate::failure::Failure;
use crate::layout::Layout;

const CHECK: &str = "foreign-key";

/// Looks at the keys from and to the tables.
pub(super) fn check(database: &mut Database, layout: &Layout, findings: &mut Findings) -> Result<(), Failure> {
    owner(layout, findings);
    if let Some(attributes) = &layout.attributes {
        of_attributes(database, layout, attributes, findings)?;
    }
    for key in &layout.table.references {
        let is_of_attributes = layout.attributes.as_ref().is_some_and(|attributes| attributes.name.is_same(&key.from));
        if !is_of_attributes {
            holder(database, &layout.table, key, findings)?;
        }
    }
    // What holds an attribute holds its session, which cannot be deleted without it.
    if let Some(attributes) = &layout.attributes {
        for key in attributes.references.iter().filter(|key| !key.from.is_same(&attributes.name)) {
            holder(database, attributes, key, findings)?;
        }
    }
    Ok(())
}

fn owner(layout: &Layout, findings: &mut Findings) {
    let Some(owner) = &layout.owner else { return };
    let about = format!("{}.{}", layout.table.name, owner.name);
    let key = layout.table.foreign_keys.iter().find(|key| key.columns == [owner.name.clone()]);
    let cascade = "let it say ON DELETE CASCADE";
    match key.map(|key| (&key.to, key.on_delete)) {
        None => findings.advice(
            CHECK,
            about,
            "it has no foreign key: the sessions of a user who is deleted live on",
            "add one to the users' table with ON DELETE CASCADE, or call revoke_all before a user is deleted",
        ),
        Some((_, Action::Cascade)) => {}
        Some((users, Action::SetNull | Action::SetDefault)) => findings.warning(
            CHECK,
            about,
            format!("when a row of {users} is deleted its sessions live on without an owner"),
            format!("{cascade}, or call revoke_all before a user is deleted"),
        ),
        Some((users, Action::Refuse)) => findings.warning(
            CHECK,
            about,
            format!("no row of {users} can be deleted that has sessions, expired ones included"),
            format!("{cascade}, or call revoke_all before a user is deleted"),
        ),
    }
}

fn of_attributes(database: &mut Database, layout: &Layout, attributes: &Table, findings: &mut Findings) -> Result<(), Failure> {
    let about = format!("{}.session_id", attributes.name);
    let key = attributes.foreign_keys.iter().find(|key| key.columns == ["session_id"] && key.to.is_same(&layout.table.name));
    let trigger = layout.engine == Engine::Sqlite && has_trigger(database, layout, attributes)?;
    let cascade = format!("give it a foreign key to {} with ON DELETE CASCADE", layout.table.name);
    match key.map(|key| key.on_delete) {
        Some(Action::Cascade) if layout.engine == Engine::Sqlite && !trigger => findings.warning(
            CHECK,
            about,
            "attributes end with their session only on connections with PRAGMA foreign_keys = ON",
            "add the trigger of the library's migration, which always acts",
        ),
        Some(Action::Cascade) => {}
        _ if trigger => {}
        Some(_) => findings.error(CHECK, about, "no session can be deleted that has attributes: each purge fails", cascade),
        None => findings.error(CHECK, about, "it has no foreign key: attributes outlive their session", cascade),
    }
    Ok(())
}

/// Whether a trigger deletes attributes with their session.
fn has_trigger(database: &mut Database, layout: &Layout, attributes: &Table) -> Result<bool, Failure> {
    let sql = "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND lower(tbl_name) = lower(?) LIMIT 1000";
    let rows = database.rows(&Statement::new(sql).bind(layout.table.name.name.as_str()))?;
    for row in &rows {
        let text = row.maybe_text("sql")?.unwrap_or_default().to_lowercase();
        if text.contains("delete from") && text.contains(&attributes.name.name.to_lowercase()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A key of the application's to sessions, or to their attributes.
fn holder(database: &mut Database, held: &Table, key: &ForeignKey, findings: &mut Findings) -> Result<(), Failure> {
    let about = format!("{}.{}", key.from, key.columns.join(", "));
    if key.on_delete == Action::Refuse {
        // SQLite's keys have no names.
        let named = key.name.as_ref().map_or_else(String::new, |name| format!("; it is called {name}"));
        let what = format!("its rows hold rows of {}: a purge that meets one fails, and so does a sign-out{named}", held.name);
        findings.error(CHECK, about.clone(), what, "let it say ON DELETE CASCADE or ON DELETE SET NULL");
    }
    // MySQL makes the index itself.
    let [column] = key.columns.as_slice() else { return Ok(()) };
    if database.engine() == Engine::Mysql {
        return Ok(());
    }
    if let Some(from) = Table::read(database, &key.from)? {
        if !from.indices.iter().any(|index| leads(index, column)) {
            findings.warning(
                "index",
                about,
                "it has no index: each session that is deleted costs a reading of that table",
                "index it",
            );
        }
    }
    Ok(())
}
