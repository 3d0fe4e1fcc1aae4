//! kill -9 of the process and of the server, at random moments: what was acknowledged is there after the restart, and what
//! was under way is there wholly or not at all.
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

#[path = "../support/support.rs"]
mod support;

mod child;
mod durable;
mod rounds;
mod script;
mod snapshot;

/// The tests of one engine. The first is also what the child processes run.
macro_rules! engine {
    ($module:ident, $feature:literal, $db:ident) => {
        #[cfg(feature = $feature)]
        mod $module {
            use crate::support::$db;

            // SECURITY 32: without it a half-done verb could not be told from one that was not begun.
            #[test]
            fn every_step_leaves_its_mark() {
                if !crate::child::played_for_a_parent::<$db>() {
                    crate::support::run::<$db>(crate::rounds::every_step_leaves_its_mark);
                }
            }

            // SECURITY 32 33
            #[test]
            fn what_was_acknowledged_survives_a_kill() {
                crate::rounds::what_was_acknowledged_survives_a_kill::<$db>();
            }
        }
    };
}

engine!(sqlite, "sqlite", Sqlite);
engine!(postgres, "postgres", Postgres);
engine!(mysql, "mysql", Mysql);
