//! The tool `diesel-sessions`.

use std::process::ExitCode;

fn main() -> ExitCode {
    diesel_sessions_cli::run()
}
