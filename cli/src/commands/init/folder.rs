//! The application's folder of migrations, as diesel_cli finds it, and a new migration in it.

use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use crate::failure::Failure;

/// One migration to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Migration {
    /// What stands behind the version in the folder's name.
    pub(crate) name: String,
    pub(crate) up: String,
    pub(crate) down: String,
    /// Whether Diesel runs it in a transaction.
    pub(crate) in_transaction: bool,
}

impl Migration {
    /// Its files.
    pub(crate) fn files(&self) -> Vec<(&'static str, &str)> {
        let mut files = vec![("up.sql", self.up.as_str()), ("down.sql", self.down.as_str())];
        if !self.in_transaction {
            files.push(("metadata.toml", "run_in_transaction = false\n"));
        }
        files
    }
}

/// What `diesel.toml` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Config {
    /// The folder of migrations.
    migrations: Option<PathBuf>,
    /// Whether `print-schema` makes an `INTEGER PRIMARY KEY` of SQLite's a `BigInt`.
    pub(crate) wide_keys: bool,
}

impl Config {
    /// The one that `DIESEL_CONFIG_FILE` names, or `diesel.toml` in this folder or one above it.
    pub(crate) fn read() -> Result<Self, Failure> {
        let file = match std::env::var_os("DIESEL_CONFIG_FILE") {
            Some(file) => Some(PathBuf::from(file)),
            None => above(&here()?, "diesel.toml").map(|folder| folder.join("diesel.toml")),
        };
        match file {
            Some(file) if file.is_file() => {
                let text = std::fs::read_to_string(&file).map_err(|error| Failure::io(file.display().to_string(), error))?;
                Config::parse(&text, file.parent().unwrap_or(Path::new("")))
                    .map_err(|why| Failure::Other(format!("{} cannot be read: {why}", file.display())))
            }
            _ => Ok(Config::default()),
        }
    }

    fn parse(text: &str, base: &Path) -> Result<Self, String> {
        // Its own message has several lines; the first place is what helps.
        let toml: toml::Table = text.parse().map_err(|error: toml::de::Error| error.message().to_owned())?;
        let migrations = toml.get("migrations_directory").and_then(|table| table.get("dir")).and_then(toml::Value::as_str);
        let wide_keys = toml.get("print_schema").and_then(|table| table.get("sqlite_integer_primary_key_is_bigint"));
        Ok(Config {
            migrations: migrations.map(|dir| base.join(dir)),
            wide_keys: wide_keys.and_then(toml::Value::as_bool).unwrap_or(false),
        })
    }

    /// Where migrations live: what is asked for, or `MIGRATION_DIRECTORY`, or what the file says, or a folder `migrations` here
    /// or above, or a new one beside `Cargo.toml`.
    pub(crate) fn folder(&self, asked: Option<&Path>) -> Result<PathBuf, Failure> {
        let variable = || std::env::var_os("MIGRATION_DIRECTORY").map(PathBuf::from);
        if let Some(folder) = asked.map(Path::to_owned).or_else(variable).or_else(|| self.migrations.clone()) {
            return Ok(folder);
        }
        let here = here()?;
        let found = here.ancestors().map(|folder| folder.join("migrations")).find(|folder| folder.is_dir());
        let project = || above(&here, "diesel.toml").or_else(|| above(&here, "Cargo.toml")).unwrap_or_else(|| here.clone());
        Ok(found.unwrap_or_else(|| project().join("migrations")))
    }
}

fn here() -> Result<PathBuf, Failure> {
    std::env::current_dir().map_err(|error| Failure::io("this folder", error))
}

/// The nearest folder at or above `folder` that holds a file of that name.
fn above(folder: &Path, file: &str) -> Option<PathBuf> {
    folder.ancestors().find(|folder| folder.join(file).is_file()).map(Path::to_owned)
}

/// The folders for new migrations, in order: behind all that are there, as diesel_cli numbers them.
pub(crate) fn paths(folder: &Path, migrations: &[Migration], now: DateTime<Utc>) -> Result<Vec<PathBuf>, Failure> {
    let mut newest = String::new();
    if folder.is_dir() {
        let unreadable = |error| Failure::io(folder.display().to_string(), error);
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            let name = entry.map_err(unreadable)?.file_name().to_string_lossy().into_owned();
            if let Some(same) =
                migrations.iter().find(|migration| name.split_once('_').is_some_and(|(_, rest)| rest == migration.name))
            {
                let there = folder.join(&name);
                return Err(Failure::Other(format!(
                    "{} is there already: delete it, or name the new one with --name (not {})",
                    there.display(),
                    same.name
                )));
            }
            if name.starts_with(|letter: char| letter.is_ascii_digit()) {
                let version: String = name.split('_').next().unwrap_or_default().replace('-', "");
                newest = newest.max(version);
            }
        }
    }
    let time = behind(&newest, now);
    let name =
        |(place, migration): (usize, &Migration)| format!("{}-{place:04x}_{}", time.format("%Y-%m-%d-%H%M%S"), migration.name);
    Ok(migrations.iter().enumerate().map(name).map(|name| folder.join(name)).collect())
}

/// Now, or the second after the newest version, whichever is later. A version that is no time is one of Diesel's own first ones.
fn behind(newest: &str, now: DateTime<Utc>) -> DateTime<Utc> {
    let second = newest.get(..14).and_then(|time| NaiveDateTime::parse_from_str(time, "%Y%m%d%H%M%S").ok());
    second.map_or(now, |time| now.max(time.and_utc() + TimeDelta::seconds(1)))
}

/// Refuses a name that is no part of a folder's name.
pub(crate) fn check_name(name: &str) -> Result<(), Failure> {
    let is_plain = name.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-'));
    if is_plain && !name.is_empty() {
        Ok(())
    } else {
        Err(Failure::Usage(format!("--name {name}: letters, digits, _ and - alone")))
    }
}

/// Writes the files.
pub(crate) fn write(path: &Path, migration: &Migration) -> Result<(), Failure> {
    std::fs::create_dir_all(path).map_err(|error| Failure::io(path.display().to_string(), error))?;
    for (name, text) in migration.files() {
        let file = path.join(name);
        std::fs::write(&file, text).map_err(|error| Failure::io(file.display().to_string(), error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon() -> DateTime<Utc> {
        "2026-11-21T12:00:00Z".parse().unwrap()
    }

    fn migration(name: &str) -> Migration {
        Migration { name: name.to_owned(), up: "up".to_owned(), down: "down".to_owned(), in_transaction: false }
    }

    #[test]
    fn diesel_toml_says_where_migrations_live_and_how_wide_keys_are() {
        let text = "[print_schema]\nsqlite_integer_primary_key_is_bigint = true\n[migrations_directory]\ndir = \"db/steps\"\n";
        let config = Config::parse(text, Path::new("/app")).unwrap();
        assert_eq!(config, Config { migrations: Some(PathBuf::from("/app/db/steps")), wide_keys: true });
        assert_eq!(Config::parse("", Path::new("/app")), Ok(Config::default()));
        assert!(Config::parse("[", Path::new("/app")).is_err());
    }

    #[test]
    fn a_new_migration_comes_behind_all_that_are_there() {
        let folder = tempfile::tempdir().unwrap();
        let two = [migration("a"), migration("b")];
        let names = || -> Vec<String> {
            let paths = paths(folder.path(), &two, noon()).unwrap();
            paths.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
        };
        assert_eq!(names(), ["2026-11-21-120000-0000_a", "2026-11-21-120000-0001_b"]);
        for there in ["00000000000000_diesel_initial_setup", "2026-11-22-090000-0003_create_users", "notes"] {
            std::fs::create_dir(folder.path().join(there)).unwrap();
        }
        assert_eq!(names(), ["2026-11-22-090001-0000_a", "2026-11-22-090001-0001_b"]);
    }

    #[test]
    fn a_migration_of_the_same_name_is_not_written_twice() {
        let folder = tempfile::tempdir().unwrap();
        let paths_of = || paths(folder.path(), &[migration("a")], noon());
        let path = paths_of().unwrap().remove(0);
        write(&path, &migration("a")).unwrap();
        let mut files: Vec<_> = std::fs::read_dir(&path).unwrap().map(|file| file.unwrap().file_name()).collect();
        files.sort();
        assert_eq!(files, ["down.sql", "metadata.toml", "up.sql"]);
        assert!(paths_of().unwrap_err().to_string().contains("is there already"));
    }
}
