//! The features of the library and of the tool: each has a comment, and the README names all of the library's.

use std::collections::BTreeSet;
use std::fs;
use std::io;

use crate::Outcome;
use crate::workspace::root;

/// Features without a comment, and differences between Cargo.toml and the table in the README, where there is one.
pub(super) fn findings() -> Outcome<Vec<String>> {
    let manifest = fs::read_to_string(root().join("Cargo.toml"))?;
    let readme = match fs::read_to_string(root().join("README.md")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        text => text?,
    };
    let tool = fs::read_to_string(root().join("cli/Cargo.toml"))?;
    let mut findings = [without_comment("Cargo.toml", &manifest), without_comment("cli/Cargo.toml", &tool)].concat();
    if let Some(named) = in_table(&readme) {
        findings.extend(differences(&in_manifest(&manifest), &named));
    }
    Ok(findings)
}

/// The lines of the section `[features]`.
fn section(manifest: &str) -> impl Iterator<Item = &str> {
    manifest.lines().skip_while(|line| line.trim() != "[features]").skip(1).take_while(|line| !line.starts_with('['))
}

/// The feature that a line of the section begins to define.
fn defined(line: &str) -> Option<&str> {
    let (name, _value) = line.split_once('=')?;
    (!line.starts_with(['#', ' ', '\t'])).then(|| name.trim().trim_matches('"'))
}

fn without_comment(file: &str, manifest: &str) -> Vec<String> {
    let lines: Vec<_> = section(manifest).collect();
    let above = std::iter::once("").chain(lines.iter().copied());
    let bare = above.zip(&lines).filter(|(above, _line)| !above.starts_with("# ")).filter_map(|(_above, line)| defined(line));
    bare.filter(|name| *name != "default").map(|name| format!("{file}: feature {name} has no comment above it")).collect()
}

/// The features that others may ask for: not `default`, and not the private ones, which begin with two underscores.
fn in_manifest(manifest: &str) -> BTreeSet<String> {
    let names = section(manifest).filter_map(defined);
    names.filter(|name| *name != "default" && !name.starts_with("__")).map(String::from).collect()
}

/// The first column of the table whose first heading is "feature", if there is one; names are `quoted`.
fn in_table(readme: &str) -> Option<BTreeSet<String>> {
    let first_cell = |line: &str| Some(line.trim().strip_prefix('|')?.split('|').next()?.trim().to_owned());
    let is_heading = |line: &&str| first_cell(line).is_some_and(|cell| cell.to_lowercase().starts_with("feature"));
    let mut lines = readme.lines().skip_while(|line| !is_heading(line));
    lines.next()?;
    let cells = lines.map_while(first_cell).skip(1);
    let names = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2).map(String::from).collect::<Vec<_>>());
    Some(names.filter(|name| name != "default").collect())
}

fn differences(manifest: &BTreeSet<String>, readme: &BTreeSet<String>) -> Vec<String> {
    let missing = manifest.difference(readme).map(|name| format!("README.md: the table of features lacks {name}"));
    let unknown =
        readme.difference(manifest).map(|name| format!("README.md: the table of features has {name}, Cargo.toml has not"));
    missing.chain(unknown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "\
[package]
name = \"x\"

[features]
default = [\"sqlite\"]
# In SQLite.
sqlite = [
    \"diesel/sqlite\",
]
bare = []
# Private.
__x = []

[dependencies]
other = \"1\"
";

    #[test]
    fn features_without_a_comment_are_found() {
        assert_eq!(without_comment("Cargo.toml", MANIFEST), ["Cargo.toml: feature bare has no comment above it"]);
    }

    #[test]
    fn the_readme_and_the_manifest_name_the_same_features() {
        let readme = "# x\n\n| Feature | Brings |\n|---|---|\n| `sqlite` (default) | SQLite |\n| `gone` | `nothing` |\n\n| `other` | table |\n";
        let named = in_table(readme).unwrap();
        assert_eq!(named, BTreeSet::from(["sqlite".to_owned(), "gone".to_owned()]));
        assert_eq!(
            differences(&in_manifest(MANIFEST), &named),
            ["README.md: the table of features lacks bare", "README.md: the table of features has gone, Cargo.toml has not"]
        );
        assert_eq!(in_table("no table"), None);
    }
}
