//! `completions`: scripts for shells.

use super::tool::{answer, tool};

#[test]
fn every_shell_has_a_script_that_knows_the_commands() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = answer(tool(folder.path()).args(["completions", shell]));
        assert_eq!(script.status, Some(0), "no database is needed");
        for word in ["purge", "revoke", "everyone", "tower-sessions-sqlx"] {
            assert!(script.stdout.contains(word), "{shell}: no {word}");
        }
    }
}
