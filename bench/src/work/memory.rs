//! P12: what a purge and a reseal of a large table need in memory, each in a process of its own.

use std::error::Error;
use std::process::Command;

use chrono::{TimeDelta, Utc};
use diesel::connection::SimpleConnection;
use diesel_sessions::{Attribute, Keyring, SessionRepository, WriteOptions};

use crate::engine::{Engine, IDLE, Mariadb, Place, Postgres, Sqlite};
use crate::ground::Ground;
use crate::payload::{SIZES, document, text, token};
use crate::results::{Must, Results};

const FEW: u64 = 10_000;
const MANY: u64 = 1_000_000;
const ATTRIBUTES: u64 = 100;

pub fn run(ground: &Ground, results: &mut Results) -> Result<(), Box<dyn Error>> {
    purge::<Sqlite>(ground, results)?;
    purge::<Postgres>(ground, results)?;
    purge::<Mariadb>(ground, results)?;
    reseal::<Sqlite>(ground, results)
}

fn purge<E: Engine>(ground: &Ground, results: &mut Results) -> Result<(), Box<dyn Error>> {
    let peak = |rows| -> Result<f64, Box<dyn Error>> {
        let data = text(&document(SIZES[0]));
        let mut place = Place::fill::<E>(ground, "expired", 0, &data);
        place.now = Utc::now() - TimeDelta::from_std(IDLE)? - TimeDelta::hours(1);
        place.grow::<E>(rows, &data);
        in_process("purge", E::NAME, &place.url)
    };
    let what = format!("{}: purge: peak of 1,000,000 rows over that of 10,000", E::NAME);
    let (few, many) = (peak(FEW)?, peak(MANY)?);
    results.fact("P12", what, many - few, "MB", Must::AtMost(20.0));
    Ok(())
}

fn reseal<E: Engine>(ground: &Ground, results: &mut Results) -> Result<(), Box<dyn Error>> {
    let peak = |rows: u64| -> Result<f64, Box<dyn Error>> {
        let sessions = SessionRepository::<E::Model>::builder().keyring(Keyring::new("old", [3; 32])?).build()?;
        let place = Place::fill::<E>(ground, "sealed", rows / ATTRIBUTES, "{}");
        let mut conn = E::connect(&place.url);
        for number in 1..=place.rows {
            let session = sessions.load(&mut conn, token(number).reveal())?.ok_or("it is live")?;
            let hundred = (0..ATTRIBUTES).map(|which| Attribute::new(format!("attribute-{which}"), which));
            let hundred = hundred.collect::<Result<Vec<_>, _>>()?;
            sessions.attributes(&session).set_many(&mut conn, hundred, WriteOptions::new().encrypted())?;
        }
        conn.batch_execute("ANALYZE")?;
        in_process("reseal", E::NAME, &place.url)
    };
    let what = format!("{}: reseal: peak of 1,000,000 attributes over that of 10,000", E::NAME);
    let (few, many) = (peak(FEW)?, peak(MANY)?);
    results.fact("P12", what, many - few, "MB", Must::AtMost(20.0));
    Ok(())
}

/// Runs the work in a process of its own; gives the most memory that it had, in megabytes.
fn in_process(work: &str, engine: &str, url: &str) -> Result<f64, Box<dyn Error>> {
    let output = Command::new(std::env::current_exe()?).args(["alone", work, engine, url]).output()?;
    if !output.status.success() {
        return Err(format!("{work} on {engine}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// The process: does the work and prints the most memory that it had.
pub fn alone(work: &str, engine: &str, url: &str) -> Result<(), Box<dyn Error>> {
    match engine {
        Sqlite::NAME => done::<Sqlite>(work, url),
        Postgres::NAME => done::<Postgres>(work, url),
        _ => done::<Mariadb>(work, url),
    }
}

fn done<E: Engine>(work: &str, url: &str) -> Result<(), Box<dyn Error>> {
    let keyring = Keyring::new("new", [7; 32])?.and("old", [3; 32])?;
    let sessions = SessionRepository::<E::Model>::builder().keyring(keyring).build()?;
    let mut conn = E::connect(url);
    E::default_cache(&mut conn); // SQLite's is memory of this process
    let rows = match work {
        "purge" => sessions.purge_expired(&mut conn, 1_000)?.sessions,
        _ => sessions.reseal(&mut conn, u32::MAX)?.resealed,
    };
    if rows == 0 {
        return Err("there was nothing to do".into());
    }
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("the kernel says it")?;
    let kilobytes: f64 = peak.trim().trim_end_matches(" kB").parse()?;
    println!("{}", kilobytes * 1024.0 / 1e6);
    Ok(())
}
