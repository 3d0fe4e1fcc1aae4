//! The licences of everything that the library links.

use std::collections::BTreeSet;
use std::fs;

use super::licence::is_allowed;
use crate::Outcome;
use crate::task::Task;
use crate::workspace::root;

/// Packages that may not be there: the licence of what they compile in is not in their own `license` field.
const NEVER: &[(&str, &str)] = &[("mysqlclient-src", "it compiles MySQL's client in, which is under the GPL")];

/// Packages that the library links, on any platform and with any feature, and should not.
pub(super) fn findings() -> Outcome<Vec<String>> {
    let tree = "tree --package diesel-sessions --all-features --target all --edges normal,build --prefix none --format";
    let output = Task::cargo(tree).arg("{p}|{l}").output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let lock = fs::read_to_string(root().join("Cargo.lock"))?;
    Ok(refused(&String::from_utf8_lossy(&output.stdout)).into_iter().chain(never(&lock)).collect())
}

fn refused(tree: &str) -> BTreeSet<String> {
    let packages = tree.lines().filter(|line| !line.trim().is_empty()).map(|line| line.trim_end_matches(" (*)"));
    let packages = packages.map(|line| line.split_once('|').unwrap_or((line, "")));
    packages
        .filter(|(_package, licence)| !is_allowed(licence))
        .map(|(package, licence)| format!("{package}: licence \"{licence}\" is not among those that are allowed"))
        .collect()
}

fn never(lock: &str) -> Vec<String> {
    let present = NEVER.iter().filter(|(package, _reason)| lock.contains(&format!("name = \"{package}\"")));
    present.map(|(package, reason)| format!("Cargo.lock: {package}: {reason}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_judged_by_their_licence() {
        let tree = "a v1.0.0|MIT\nb v1.0.0 (proc-macro)|GPL-3.0-only\nb v1.0.0 (proc-macro)|GPL-3.0-only (*)\nc v1.0.0|\n\na v1.0.0|MIT (*)\n";
        let refused: Vec<_> = refused(tree).into_iter().collect();
        assert_eq!(refused.len(), 2);
        assert!(refused[0].starts_with("b v1.0.0 (proc-macro): licence \"GPL-3.0-only\""));
        assert!(refused[1].starts_with("c v1.0.0: licence \"\""));
    }

    #[test]
    fn some_packages_are_never_there() {
        assert_eq!(never("[[package]]\nname = \"mysqlclient-sys\"\n").len(), 0);
        assert_eq!(never("[[package]]\nname = \"mysqlclient-src\"\n").len(), 1);
    }
}
