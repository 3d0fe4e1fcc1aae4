//! Indices: those that statements need, and those that make writes slow.

use super::finding::Findings;
use crate::catalogue::{Index, Table};
use crate::database::Engine;
use crate::layout::Layout;

/// Looks at the indices of both tables.
pub(super) fn check(layout: &Layout, findings: &mut Findings) {
    let (table, core) = (&layout.table, &layout.core);
    let about = |column: &str| format!("{}.{column}", table.name);
    let create = |unique: &str, columns: &str| create(layout, table, unique, columns);
    let has = |column: &str| table.column(column).is_some();
    let (uuid, previous, expires) = (core.get("uuid"), core.get("previous_uuid"), core.get("expires_at"));
    if has(uuid) && !table.indices.iter().any(|index| is_unique(index, &[uuid])) {
        let what = "it is not unique: every request reads the table, and two sessions may have one token";
        findings.error("index", about(uuid), what, create("UNIQUE ", &layout.column("uuid")));
    }
    if has(previous) && !table.indices.iter().any(|index| index.unique && index.columns.len() == 1 && leads(index, previous)) {
        let what = "it is not unique: a token that misses costs a reading of the table";
        findings.warning("index", about(previous), what, create("UNIQUE ", &layout.column("previous_uuid")));
    }
    if has(expires) && !table.indices.iter().any(|index| leads(index, expires)) {
        findings.warning(
            "index",
            about(expires),
            "it has no index: each purge reads the table",
            create("", &layout.column("expires_at")),
        );
    }
    if let Some(owner) = &layout.owner {
        if !table.indices.iter().any(|index| leads(index, &owner.name)) {
            let columns = format!("{}, {}", layout.engine.quoted(&owner.name), layout.column("id"));
            let what = "it has no index: a list of a user's sessions, and the deletion of a user, read the table";
            findings.warning("index", about(&owner.name), what, create("", &columns));
        }
    }
    if layout.engine == Engine::Postgres {
        hot(layout, findings);
    }
    if let Some(attributes) = &layout.attributes {
        of_attributes(layout, attributes, findings);
    }
}

/// A save writes these columns: an index on one of them makes every save write to every index.
fn hot(layout: &Layout, findings: &mut Findings) {
    let owner = layout.owner.as_ref().map(|owner| owner.name.as_str());
    let is_saved = |column: &str| {
        let is_kept =
            ["id", "uuid", "previous_uuid", "created_at", "expires_at"].iter().any(|core| layout.core.get(core) == column);
        !is_kept && owner != Some(column)
    };
    for index in &layout.table.indices {
        if index.columns.iter().flatten().any(|column| is_saved(column)) {
            let columns: Vec<&str> = index.columns.iter().flatten().map(String::as_str).collect();
            findings.advice(
                "hot",
                format!("{}.{}", layout.table.name, index.name),
                format!("it indexes what a save writes ({}): such a save writes to every index of the table", columns.join(", ")),
                "drop it, unless a query of yours needs it",
            );
        }
    }
}

fn of_attributes(layout: &Layout, attributes: &Table, findings: &mut Findings) {
    let key = ["session_id", "name"];
    if !attributes.indices.iter().any(|index| is_unique(index, &key)) {
        let what = "(session_id, name) is not unique: an attribute may be there twice";
        findings.error("index", &attributes.name, what, "make (session_id, name) the primary key");
    }
    for index in attributes.indices.iter().filter(|index| index.unique && !index.primary && !is_unique(index, &key)) {
        let about = format!("{}.{}", attributes.name, index.name);
        let what = "it is a second unique index";
        if layout.engine == Engine::Mysql {
            findings.error(
                "index",
                about,
                format!("{what}, and an upsert writes over whatever row it finds by any of them"),
                "drop it",
            );
        } else {
            findings.warning("index", about, format!("{what}: a write that meets it fails"), "drop it");
        }
    }
    let expires = "expires_at";
    if attributes.column(expires).is_some() && !attributes.indices.iter().any(|index| leads(index, expires)) {
        let what = "it has no index: each purge reads the table of attributes";
        let advice = create(layout, attributes, "", &layout.engine.quoted(expires));
        findings.warning("index", format!("{}.{expires}", attributes.name), what, advice);
    }
}

/// Whether the index is over exactly these columns, and over all rows.
fn is_unique(index: &Index, columns: &[&str]) -> bool {
    let same = index.columns.len() == columns.len()
        && columns.iter().all(|column| index.columns.iter().any(|found| found.as_deref() == Some(column)));
    (index.unique || index.primary) && index.predicate.is_none() && same
}

/// Whether the index finds rows by a value of this column. One that leaves out NULL alone does.
pub(super) fn leads(index: &Index, column: &str) -> bool {
    let has_all = index.predicate.as_deref().is_none_or(|predicate| is_not_null(predicate, column));
    has_all && index.columns.first().is_some_and(|first| first.as_deref() == Some(column))
}

/// Whether the condition is `column IS NOT NULL` and no more.
fn is_not_null(predicate: &str, column: &str) -> bool {
    let bare = predicate.replace(['(', ')', '"', '`', '[', ']'], " ").to_lowercase();
    let wanted = format!("{} is not null", column.to_lowercase());
    bare.split_whitespace().eq(wanted.split_whitespace())
}

/// How an index is made while the table is in use.
fn create(layout: &Layout, table: &Table, unique: &str, columns: &str) -> String {
    let table = table.name.quoted(layout.engine);
    match layout.engine {
        Engine::Postgres => format!("CREATE {unique}INDEX CONCURRENTLY ON {table} ({columns})"),
        Engine::Mysql => format!("ALTER TABLE {table} ADD {unique}INDEX ({columns}), ALGORITHM = INPLACE, LOCK = NONE"),
        Engine::Sqlite => format!("CREATE {unique}INDEX name_of_your_choice ON {table} ({columns})"),
    }
}
