//! `--help` of every command, to the letter. `SNAPSHOTS=overwrite` writes the files anew.

use snapbox::{Data, assert_data_eq};

use super::tool::{answer, tool};

#[test]
fn the_help_is_what_it_was() {
    let mut commands = vec![vec![]];
    while let Some(path) = commands.pop() {
        let mut command = diesel_sessions_cli::command();
        for name in &path {
            command = command.find_subcommand(name).unwrap().clone();
        }
        for child in command.get_subcommands() {
            commands.push([&path[..], &[child.get_name().to_owned()]].concat());
        }
        let folder = tempfile::tempdir().unwrap();
        let help = answer(tool(folder.path()).args(&path).arg("--help"));
        assert_eq!((help.status, help.stderr.as_str()), (Some(0), ""), "{path:?}");
        let name = if path.is_empty() { "diesel-sessions".to_owned() } else { path.join("-") };
        let file = format!("{}/tests/cli/help/{name}.txt", env!("CARGO_MANIFEST_DIR"));
        assert_data_eq!(help.stdout, Data::read_from(file.as_ref(), None));
    }
}

#[test]
fn the_version_is_that_of_the_library() {
    let folder = tempfile::tempdir().unwrap();
    let version = answer(tool(folder.path()).arg("--version")).stdout;
    assert_eq!(version, format!("diesel-sessions {}\n", env!("CARGO_PKG_VERSION")));
}
