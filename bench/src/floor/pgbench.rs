//! pgbench with the library's statement as its script: PostgreSQL's own client, to see whether the floor is one.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::Command;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::statement;

/// Seconds that a look-up of one session takes, by a client that prepares its statement and does nothing else for a second.
pub fn load(url: &str, dir: &Path, digest: Uuid, now: DateTime<Utc>) -> Result<f64, Box<dyn Error>> {
    let golden = statement(include_str!("../../../tests/golden/postgres/load.sql"));
    let script = dir.join("load.pgbench");
    fs::write(&script, format!("{};\n", golden.replace("$1", ":digest").replace("$2", ":now")))?;
    let mut pgbench = Command::new("pgbench");
    pgbench.args(["--no-vacuum", "--protocol=prepared", "--client=1", "--time=1"]);
    pgbench.arg(format!("--define=digest={digest}")).arg(format!("--define=now={}", now.to_rfc3339()));
    let output = pgbench.arg("--file").arg(&script).arg(url).output()?;
    let said = String::from_utf8(output.stdout)?;
    let latency = said.lines().find_map(|line| line.strip_prefix("latency average = ")?.strip_suffix(" ms"));
    match latency {
        Some(milliseconds) if said.contains("number of failed transactions: 0") => Ok(milliseconds.parse::<f64>()? / 1e3),
        _ => Err(format!("pgbench was refused:\n{said}{}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}
