//! The SQL that the library sends, as its golden files have it, against what the tool sends with names that it has looked up.

use std::path::Path;

use crate::catalogue::{Table, TableName};
use crate::database::Engine;
use crate::layout::{CoreNames, Layout};

/// The tables as the library ships them.
pub(crate) fn layout(engine: Engine) -> Layout {
    let table = |name: &str| Table {
        name: TableName::parse(name),
        columns: Vec::new(),
        indices: Vec::new(),
        foreign_keys: Vec::new(),
        references: Vec::new(),
    };
    let core = CoreNames::new(&[]).unwrap();
    Layout { engine, table: table("sessions"), core, attributes: Some(table("session_attributes")), owner: None }
}

/// The statements are those of the golden file, but for quotes, brackets, qualified names and numbers of parameters.
#[track_caller]
pub(crate) fn assert_golden(engine: Engine, verb: &str, statements: &[&str]) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/golden/{}/{verb}.sql", engine.feature()));
    let golden = std::fs::read_to_string(&file).unwrap();
    let golden: Vec<_> = golden.lines().filter(|line| !line.starts_with("--")).map(bare).collect();
    let sent: Vec<_> = statements.iter().copied().map(bare).collect();
    assert_eq!(sent, golden, "{}", file.display());
}

fn bare(sql: &str) -> String {
    let sql = sql.replace(['"', '`', '(', ')', ';'], "").replace(" AS id", "").replace(" AS expires_at", "");
    let words = sql.split_whitespace().map(|word| {
        let word = match (word.starts_with('$'), word.ends_with(',')) {
            (true, true) => "?,",
            (true, false) => "?",
            _ => word,
        };
        let qualified = ["sessions.", "session_attributes.", "expired."];
        qualified.iter().find_map(|table| word.strip_prefix(table)).unwrap_or(word).to_owned()
    });
    words.collect::<Vec<_>>().join(" ").replace("? ,", "?,")
}
