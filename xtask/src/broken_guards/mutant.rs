//! Guards that can be taken away.

use std::fs;
use std::path::Path;

use crate::Outcome;
use crate::engine::Engine;

/// A guard, and the one place in the sources where it is.
#[derive(Debug)]
pub(crate) struct Mutant {
    /// What is missing; also the name of the copy's directory, so without spaces.
    pub(crate) name: &'static str,
    /// The engine on which the tests are to find it.
    pub(crate) engine: Engine,
    /// The file, seen from the workspace's directory.
    pub(crate) file: &'static str,
    /// What stands there: exactly once, over as many lines as that takes.
    pub(crate) guard: &'static str,
    /// What stands there instead. It must compile, with at most a warning.
    pub(crate) instead: &'static str,
}

/// The guards without which a session comes back to life, or loses somebody's changes, or is reached by who may not.
pub(crate) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "no-uuid-guard",
        engine: Engine::Sqlite,
        file: "derive/src/statements.rs",
        guard: ".and(#known_digest)",
        instead: "",
    },
    Mutant {
        name: "no-version-guard",
        engine: Engine::Sqlite,
        file: "derive/src/statements.rs",
        guard: ".and(__table::#version.eq(__guard.version))",
        instead: "",
    },
    Mutant {
        name: "no-liveness-guard",
        engine: Engine::Sqlite,
        file: "derive/src/statements.rs",
        guard: ".and(__table::#expires_at.gt(__guard.now))",
        instead: "",
    },
    Mutant {
        name: "no-attribute-uuid-guard",
        engine: Engine::Sqlite,
        file: "derive/src/attribute_statements.rs",
        guard: ".and(__table::#uuid.eq(__statement::coalesce(__place.digest, __table::#uuid)))",
        instead: "",
    },
    Mutant {
        name: "no-attribute-liveness-guard",
        engine: Engine::Sqlite,
        file: "derive/src/attribute_statements.rs",
        guard: ".and(__table::#expires_at.gt(__place.now))",
        instead: "",
    },
    // SQLite has one writer and so no locks on rows.
    Mutant {
        name: "no-attribute-lock",
        engine: Engine::Postgres,
        file: "derive/src/attribute_statements.rs",
        guard: ".for_key_share()",
        instead: "",
    },
];

impl Mutant {
    /// Takes the guard away in a copy of the workspace.
    pub(crate) fn apply(&self, copy: &Path) -> Outcome {
        let path = copy.join(self.file);
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {}: {error}", self.name, self.file))?;
        Ok(fs::write(path, self.mutate(&text)?)?)
    }

    fn mutate(&self, text: &str) -> Outcome<String> {
        let count = text.matches(self.guard).count();
        if count != 1 {
            return Err(format!("{}: the guard is {count} times in {}, not once: {:?}", self.name, self.file, self.guard).into());
        }
        Ok(text.replacen(self.guard, self.instead, 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_guard_stands_where_it_is_said_to() {
        for mutant in MUTANTS {
            let text = fs::read_to_string(crate::workspace::root().join(mutant.file)).unwrap();
            assert!(mutant.mutate(&text).is_ok(), "{mutant:?}");
        }
    }

    #[test]
    fn a_guard_is_taken_away_where_it_stands_once() {
        let mutant = Mutant { name: "none", engine: Engine::Sqlite, file: "", guard: ".filter(live)", instead: "" };
        assert_eq!(mutant.mutate("table.filter(live).filter(mine)").unwrap(), "table.filter(mine)");
        assert!(mutant.mutate("table.filter(mine)").is_err());
        assert!(mutant.mutate("a.filter(live); b.filter(live)").is_err());
    }
}
