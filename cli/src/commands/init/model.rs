//! The model to paste: what fits the schema that `diesel print-schema` prints once the migration has run.

use std::collections::BTreeSet;

use askama::Template;

use super::names::{Columns, is_keyword};
use super::tables::rendered;
use super::types::RustType;
use crate::database::Engine;
use crate::failure::Failure;
use crate::layout::CORE;

/// A field beside the key and the core.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    /// The column's name in the database.
    pub(crate) column: String,
    pub(crate) rust: RustType,
    pub(crate) is_nullable: bool,
    pub(crate) is_owner: bool,
}

/// A session model.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    pub(crate) engine: Engine,
    pub(crate) table: String,
    pub(crate) attributes: Option<String>,
    pub(crate) columns: Columns,
    /// `i64` or `i32`.
    pub(crate) id_type: &'static str,
    pub(crate) fields: Vec<Field>,
    /// What is to be said about columns that the model leaves out, a line each.
    pub(crate) notes: Vec<String>,
    /// The users' table, when a foreign key links sessions to it.
    pub(crate) users: Option<String>,
}

/// A field as it is printed.
struct Line {
    attribute: Option<&'static str>,
    name: String,
    rust: String,
}

#[derive(Template)]
#[template(path = "model.txt", escape = "none")]
struct Page<'a> {
    uses: String,
    packages: Vec<String>,
    table: &'a str,
    table_name: String,
    backend: &'static str,
    session: Vec<String>,
    primary_key: Option<String>,
    id: String,
    id_type: &'a str,
    core: &'a str,
    lines: Vec<Line>,
    notes: &'a [String],
    users: Option<String>,
}

impl Model {
    /// The text of the model.
    pub(crate) fn text(&self) -> Result<String, Failure> {
        let table_name = schema_name(&self.table, None);
        let column_name = |column: &str| schema_name(column, Some(&table_name));
        let mut uses = vec![table_name.clone()];
        let mut session = Vec::new();
        if let Some(attributes) = &self.attributes {
            let attributes = schema_name(attributes, None);
            session.push(format!("attributes = {attributes}"));
            uses.push(attributes);
        }
        uses.sort();
        let renamed: Vec<String> = (self.columns.all().iter().zip(CORE).skip(1))
            .filter(|((_, name), (_, usual))| name.text() != *usual)
            .map(|((core, name), _)| format!("{core} = {}", column_name(name.text())))
            .collect();
        if !renamed.is_empty() {
            session.push(format!("columns({})", renamed.join(", ")));
        }
        let id = column_name(self.columns.id.text());
        let mut lines: Vec<Line> = Vec::new();
        let mut packages = BTreeSet::new();
        for field in &self.fields {
            let is_foreign = field.rust.package.is_some();
            let attribute = match (field.is_owner, field.is_nullable, is_foreign) {
                (true, ..) => Some("owner"),
                // Other crates' types need serde for access by key, which their crates do not always bring.
                (_, _, true) => Some("skip"),
                (_, false, false) => Some("default"),
                (_, true, false) => None,
            };
            packages.extend(field.rust.package.map(|package| (package, field.is_owner)));
            let path = field.rust.path;
            let rust = if field.is_nullable || field.is_owner { format!("Option<{path}>") } else { path.to_owned() };
            lines.push(Line { attribute, name: column_name(&field.column), rust });
        }
        let core = if lines.iter().any(|line| line.name == "core") || id == "core" { "session_core" } else { "core" };
        rendered(&Page {
            uses: if uses.len() == 1 { uses.remove(0) } else { format!("{{{}}}", uses.join(", ")) },
            packages: self.packages(&packages),
            table: &self.table,
            backend: match self.engine {
                Engine::Sqlite => "diesel::sqlite::Sqlite",
                Engine::Postgres => "diesel::pg::Pg",
                Engine::Mysql => "diesel::mysql::Mysql",
            },
            table_name,
            session,
            primary_key: (id != "id").then(|| id.clone()),
            id,
            id_type: self.id_type,
            core,
            lines,
            notes: &self.notes,
            users: self.users.as_deref().map(|users| schema_name(users, None)),
        })
    }

    /// The lines of `Cargo.toml` that the model needs.
    fn packages(&self, foreign: &BTreeSet<(&str, bool)>) -> Vec<String> {
        let feature = self.engine.feature();
        let ours = if self.engine == Engine::Sqlite {
            String::new()
        } else {
            format!(", default-features = false, features = [\"{feature}\"]")
        };
        let mut packages = vec![
            format!("diesel = {{ version = \"2.3\", features = [\"{feature}\"] }}"),
            format!("diesel-sessions = {{ version = \"{}\"{ours} }}", env!("CARGO_PKG_VERSION")),
        ];
        for package in foreign.iter().map(|(package, _)| *package).collect::<BTreeSet<_>>() {
            // The owner is accessible by key, and so needs serde's traits.
            let serde = if foreign.contains(&(package, true)) { ", features = [\"serde\"]" } else { "" };
            let version = if package == "chrono" { "0.4" } else { "1" };
            packages.push(format!("{package} = {{ version = \"{version}\"{serde} }}"));
        }
        packages
    }
}

/// What `diesel print-schema` makes of a name, so that it is one in Rust. A column must not be called as its table is.
pub(crate) fn schema_name(name: &str, table: Option<&str>) -> String {
    let (mut rust, mut was_replaced) = (String::new(), false);
    for letter in name.chars() {
        let is_kept = letter.is_ascii_alphanumeric() || letter == '_';
        if is_kept {
            // Nothing in Rust begins with a digit.
            rust.push_str(if rust.is_empty() && letter.is_ascii_digit() { "_" } else { "" });
            rust.push(letter);
        } else if !was_replaced {
            rust.push('_');
        }
        was_replaced = !is_kept;
    }
    let is_reserved = is_keyword(&rust)
        || ["table", "columns", "is_nullable"].contains(&rust.as_str())
        || rust.starts_with("__") && !rust.ends_with('_');
    if is_reserved || table == Some(&rust) { format!("{rust}_") } else { rust }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_print_schema() {
        let cases =
            [("sessions", "sessions"), ("type", "type_"), ("table", "table_"), ("remote addr", "remote_addr"), ("2fa", "_2fa")];
        for (name, rust) in cases {
            assert_eq!(schema_name(name, Some("visits")), rust);
        }
        assert_eq!(schema_name("visits", Some("visits")), "visits_");
    }
}
