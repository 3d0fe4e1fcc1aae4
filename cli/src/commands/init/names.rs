//! Names of tables and columns, as a migration writes them.

use std::fmt;

use crate::database::Engine;
use crate::failure::Failure;
use crate::layout::{CORE, CoreNames};

/// The longest name of a table: what is derived from it must fit into the 63 bytes that PostgreSQL gives a name.
pub(crate) const LONGEST: usize = 40;

/// A name of the database's. Displayed, it is quoted, unless it is one of the library's own, which need no quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    engine: Engine,
    text: String,
    is_plain: bool,
}

/// The library's own names, and those that stand in its migrations: reserved on no engine.
const PLAIN: &[&str] = &["sessions", "session_attributes", "users", "id", "user_id"];

impl Name {
    /// Any name.
    pub(crate) fn new(engine: Engine, text: impl Into<String>) -> Self {
        let text = text.into();
        let is_plain = PLAIN.contains(&text.as_str()) || CORE.iter().any(|(_, column)| *column == text);
        Name { engine, text, is_plain }
    }

    /// The name with something behind it, as constraints and indices are called.
    pub(crate) fn with(&self, end: &str) -> Self {
        Name { text: format!("{}{end}", self.text), ..self.clone() }
    }

    /// Another name on the same engine.
    pub(crate) fn other(&self, text: &str) -> Self {
        Name::new(self.engine, text)
    }

    /// The name itself, without quotes.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_plain { f.pad(&self.text) } else { f.pad(&self.engine.quoted(&self.text)) }
    }
}

/// How the columns are called in one table: in templates, `c.uuid` and so on.
#[derive(Debug, Clone)]
pub(crate) struct Columns {
    pub(crate) id: Name,
    pub(crate) uuid: Name,
    pub(crate) previous_uuid: Name,
    pub(crate) data: Name,
    pub(crate) version: Name,
    pub(crate) created_at: Name,
    pub(crate) authenticated_at: Name,
    pub(crate) rotated_at: Name,
    pub(crate) last_seen_at: Name,
    pub(crate) expires_at: Name,
    pub(crate) deadline_at: Name,
    pub(crate) idle_timeout: Name,
    pub(crate) persistent: Name,
}

impl Columns {
    /// The names that were asked for, or the library's own.
    pub(crate) fn new(engine: Engine, names: &CoreNames) -> Result<Self, Failure> {
        let name = |core: &str| Name::new(engine, names.get(core));
        let columns = Columns {
            id: name("id"),
            uuid: name("uuid"),
            previous_uuid: name("previous_uuid"),
            data: name("data"),
            version: name("version"),
            created_at: name("created_at"),
            authenticated_at: name("authenticated_at"),
            rotated_at: name("rotated_at"),
            last_seen_at: name("last_seen_at"),
            expires_at: name("expires_at"),
            deadline_at: name("deadline_at"),
            idle_timeout: name("idle_timeout"),
            persistent: name("persistent"),
        };
        let all = columns.all();
        all.iter().try_for_each(|(_, column)| check_any("--column", column.text()))?;
        for (place, (_, column)) in all.iter().enumerate() {
            if all[..place].iter().any(|(_, before)| before.text() == column.text()) {
                return Err(Failure::Usage(format!("two columns are called `{}`: name them apart with --column", column.text())));
            }
        }
        Ok(columns)
    }

    /// Each with what the library calls it, in the table's order.
    pub(crate) fn all(&self) -> [(&'static str, &Name); 13] {
        [
            ("id", &self.id),
            ("uuid", &self.uuid),
            ("previous_uuid", &self.previous_uuid),
            ("data", &self.data),
            ("version", &self.version),
            ("created_at", &self.created_at),
            ("authenticated_at", &self.authenticated_at),
            ("rotated_at", &self.rotated_at),
            ("last_seen_at", &self.last_seen_at),
            ("expires_at", &self.expires_at),
            ("deadline_at", &self.deadline_at),
            ("idle_timeout", &self.idle_timeout),
            ("persistent", &self.persistent),
        ]
    }
}

/// Refuses a name that could not stand in a comment.
pub(crate) fn check_any(what: &str, name: &str) -> Result<(), Failure> {
    if name.chars().any(char::is_control) {
        Err(Failure::Usage(format!("{what}: a name without control characters")))
    } else {
        Ok(())
    }
}

/// Refuses a name that `diesel print-schema` would not print as it is, or that leaves no room for the names of constraints.
pub(crate) fn check_new(what: &str, name: &str) -> Result<(), Failure> {
    let starts_well = name.starts_with(|letter: char| letter.is_ascii_lowercase() || letter == '_');
    let is_plain = name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
    // What diesel_cli itself renames, and keywords of Rust.
    let is_taken = ["table", "columns", "is_nullable"].contains(&name) || is_keyword(name) || name.starts_with("__");
    if !starts_well || !is_plain || is_taken || name.len() > LONGEST {
        return Err(Failure::Usage(format!(
            "{what} `{name}`: a new name has 1 to {LONGEST} letters a to z, digits and _, begins with none of the digits, and is \
             no keyword of Rust"
        )));
    }
    Ok(())
}

/// Whether Rust reserves the word: it can be no name of a field, nor of a module.
pub(crate) fn is_keyword(word: &str) -> bool {
    const KEYWORDS: &[&str] = &[
        "_", "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
        "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
        "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true", "try",
        "type", "typeof", "union", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
    ];
    KEYWORDS.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    // SECURITY 28
    #[test]
    fn what_is_not_the_librarys_own_is_quoted() {
        let name = |text| Name::new(Engine::Postgres, text);
        assert_eq!(name("sessions").to_string(), "sessions");
        assert_eq!(name("sessions").with("_uuid_key").to_string(), "sessions_uuid_key");
        assert_eq!(name("order").to_string(), "\"order\"");
        assert_eq!(name("or\"der").with("_pkey").to_string(), "\"or\"\"der_pkey\"");
        assert_eq!(Name::new(Engine::Mysql, "a`b").to_string(), "`a``b`");
        assert_eq!(format!("{:8}|{:10}|", name("_uuid"), name("digest")), "_uuid   |\"digest\"  |");
    }

    #[test]
    fn two_columns_have_two_names() {
        let renamed = [("data".to_owned(), "_uuid".to_owned())];
        let names = CoreNames::new(&renamed).unwrap();
        assert_eq!(Columns::new(Engine::Sqlite, &names).unwrap_err().exit_status(), 2);
    }

    #[test]
    fn a_new_name_is_one_that_print_schema_prints_as_it_is() {
        for good in ["sessions", "_s", "web_sessions_2"] {
            check_new("--table", good).unwrap();
        }
        let long = "s".repeat(LONGEST + 1);
        for bad in ["", "Sessions", "2sessions", "web sessions", "a.b", "table", "type", "__sessions", &long] {
            assert_eq!(check_new("--table", bad).unwrap_err().exit_status(), 2, "{bad}");
        }
    }
}
