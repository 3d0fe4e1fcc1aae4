//! `cargo xtask …`: one door for all chores, the same for people and for CI.

#![allow(clippy::print_stdout, reason = "a chore tells what it does")]

mod bench;
mod broken_guards;
mod client_libraries;
mod engine;
mod fuzz;
mod packages;
mod run_directory;
mod task;
mod test;
mod tidy;
mod workspace;

use std::env;
use std::error::Error;
use std::process::ExitCode;

/// What a chore comes to; the message says what to do about it.
type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const USAGE: &str = "\
usage: cargo xtask <chore>

  test [arguments]   the tests on SQLite, PostgreSQL and MariaDB, the examples, fuzz and broken-guards
                     with arguments: only the tests, the arguments passed on to cargo test
  tidy               formatting, clippy on every engine, documentation, house rules, licences
  broken-guards      whether the tests find a guard that is missing
  bench              how fast it is: bench/RESULTS.md and its pictures
  fuzz [seconds]     the fuzz targets, each for 60 seconds or the number given

TEST_POSTGRES_URL and TEST_MYSQL_URL name servers to test on; without them, private ones are started.";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["test", ..] => test::run(&arguments[1..]),
        ["tidy"] => tidy::run(),
        ["broken-guards"] => broken_guards::run(),
        ["bench", ..] => bench::run(&arguments[1..]),
        ["fuzz"] => fuzz::run(None),
        ["fuzz", seconds] => fuzz::run(Some(seconds)),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        _unknown => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nfailed: {error}");
            ExitCode::FAILURE
        }
    }
}
