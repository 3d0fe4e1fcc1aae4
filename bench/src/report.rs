//! What a run has found, written down: RESULTS.md, results.json and the pictures.

mod before;
mod pictures;
mod table;

use std::collections::BTreeSet;
use std::env;
use std::error::Error;
use std::ffi::CStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use chrono::Utc;
use xtask::servers::{MariaDbProgram, PostgresProgram, Program, Settings};

use self::before::Run;
use self::table::{Align, counted, number, table};
use crate::ground;
use crate::results::{Line, Must, Results, said};
use crate::rounds::{PASSES, ROUNDS, Ratio, Times};
use crate::work::requests::POOL;

/// Writes the results into the bench's directory, beside those of the run before.
///
/// # Errors
///
/// When a file cannot be written, or a picture not be drawn.
pub fn write(results: &Results, begun: Instant) -> Result<(), Box<dyn Error>> {
    let minutes = begun.elapsed().as_secs_f64() / 60.0;
    let dir = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    let kept = dir.join("results.json");
    let before = fs::read_to_string(&kept).ok().and_then(|text| Run::from_json(&text)); // none after the first run
    let now =
        Run::of(results, Utc::now().format("%Y-%m-%d %H:%M UTC").to_string(), git(&dir, &["rev-parse", "--short=12", "HEAD"]));
    fs::write(dir.join("RESULTS.md"), text(results, &now, before.as_ref(), minutes, &dir))?;
    fs::write(kept, now.to_json())?;
    let pictures = dir.join("pictures");
    fs::create_dir_all(&pictures)?;
    for picture in &results.pictures {
        fs::write(pictures.join(picture.file).with_extension("svg"), pictures::svg(picture)?)?;
    }
    println!("{}", summary(results));
    Ok(())
}

fn text(results: &Results, now: &Run, before: Option<&Run>, minutes: f64, dir: &Path) -> String {
    let beside = before.map_or_else(|| "There is no run before this one.\n".to_owned(), |before| now.beside(before));
    let shown = results.pictures.iter().map(|picture| format!("![{}](pictures/{}.svg)\n\n", picture.title, picture.file));
    format!(
        "# Results\n\nWritten by `cargo xtask bench`; [README.md](README.md) says what is compared with what.\n\n\
         {}\n\n## The run\n\n{}\n\
         ## Settings\n\n{}\n\
         ## Work\n\n{}\n{}\n\
         ## Counts and growth\n\n{}\n\
         ## The run before\n\n{beside}\n\
         ## Pictures\n\n{}",
        summary(results),
        circumstances(now, minutes, dir),
        settings(),
        METHOD.replace("{ROUNDS}", &ROUNDS.to_string()).replace("{PASSES}", &PASSES.to_string()),
        lines(results),
        facts(results),
        shown.collect::<String>().trim_end()
    ) + "\n"
}

/// How much of what must be reached is, and what is not.
fn summary(results: &Results) -> String {
    let lines = results.lines.iter().map(|line| (line.holds(), named(line.number, &line.work)));
    let facts = results.facts.iter().map(|fact| (fact.holds(), named(fact.number, &fact.what)));
    let asked: Vec<_> = lines.chain(facts).filter_map(|(holds, what)| Some((holds?, what))).collect();
    let missed: Vec<_> = asked.iter().filter(|(holds, _what)| !holds).map(|(_holds, what)| what.as_str()).collect();
    let reached = format!("Of {} targets, {} are reached.", asked.len(), asked.len() - missed.len());
    if missed.is_empty() { reached } else { format!("{reached} Missed: {}.", missed.join("; ")) }
}

/// A line or a fact, with the number of what must be reached, if it has one.
fn named(number: &str, what: &str) -> String {
    if number.is_empty() { what.to_owned() } else { format!("{number} {what}") }
}

const METHOD: &str = "\
Every piece of work is done by each contender in {ROUNDS} rounds. Within a round they take turns of some milliseconds each, in changing
order. A time is the median over the rounds; a ratio is the median of the rounds' own ratios, with the least and the most in
brackets. *Floor*: the library's own statements, prepared by hand and sent through the client libraries' C interfaces with nothing
around them. *Rival*: tower-sessions-sqlx-store. The rounds are spread over {PASSES} passes through the run, each with servers, tables,
connections and processes of its own, and on SQLite for each round; what is found in each of them is a median too. Growth, purge and
memory, which need large tables, come once. The requests of P11 come from wrk, which asks the two applications in turn for a second
each; their time is one over the requests a second. pgbench, which sends and gets texts, is another floor: it and the library take
turns of a second.
";

fn lines(results: &Results) -> String {
    let columns = [
        ("#", Align::Left),
        ("work", Align::Left),
        ("floor µs", Align::Right),
        ("ours µs", Align::Right),
        ("rival µs", Align::Right),
        ("ours ÷ floor", Align::Right),
        ("rival ÷ ours", Align::Right),
        ("must", Align::Left),
        ("", Align::Left),
    ];
    let time = |times: Option<&Times>| times.map_or_else(none, |times| number(times.median() * 1e6, 1));
    let ratio = |ratio: Option<Ratio>| {
        ratio.map_or_else(none, |ratio| {
            let (least, most) = ratio.spread();
            format!("{} [{}–{}]", number(ratio.median(), 3), number(least, 2), number(most, 2))
        })
    };
    let row = |line: &Line| {
        let must = [line.at_most.map(|most| format!("≤ {most}")), line.at_least.map(|least| format!("≥ {least}"))];
        vec![
            line.number.to_owned(),
            line.work.clone(),
            time(line.floor.as_ref()),
            time(Some(&line.ours)),
            time(line.rival.as_ref()),
            ratio(line.over_floor()),
            ratio(line.under_rival()),
            must.into_iter().flatten().collect::<Vec<_>>().join(", "),
            said(line.holds()).to_owned(),
        ]
    };
    table(&columns, &results.lines.iter().map(row).collect::<Vec<_>>())
}

fn none() -> String {
    "–".to_owned()
}

fn facts(results: &Results) -> String {
    let columns = [
        ("#", Align::Left),
        ("what", Align::Left),
        ("found", Align::Right),
        ("", Align::Left),
        ("must", Align::Left),
        ("", Align::Left),
    ];
    let must = |must| match must {
        Must::AtMost(most) => format!("≤ {}", counted(most)),
        Must::AtLeast(least) => format!("≥ {}", counted(least)),
        Must::Be(exactly) => format!("= {}", counted(exactly)),
        Must::Nothing => String::new(),
    };
    let rows = results.facts.iter().map(|fact| {
        let (found, holds) = (counted(fact.median()), said(fact.holds()));
        vec![fact.number.to_owned(), fact.what.clone(), found, fact.unit.to_owned(), must(fact.must), holds.to_owned()]
    });
    table(&columns, &rows.collect::<Vec<_>>())
}

fn settings() -> String {
    let options = |options: &[&str]| options.iter().map(|option| format!("`{option}`")).collect::<Vec<_>>().join(", ");
    let columns = [("what", Align::Left), ("is", Align::Left)];
    let rows = [
        ("PostgreSQL", options(&ground::POSTGRES)),
        ("MariaDB", options(&ground::MARIADB)),
        ("SQLite", "a file for each contender, `journal_mode = WAL`, `synchronous = NORMAL`, `cache_size` 256 MiB".to_owned()),
        (
            "connections",
            format!("through the servers' Unix sockets, one for each contender; P11: a pool of {POOL} on either side"),
        ),
        ("cores", "a client and its server have a core each; SQLite and work of several clients have all cores, but where the work says otherwise".to_owned()),
        ("payloads", "300 B, 2 kB and 8 kB of JSON, the same for all; look-ups go to about 2 MB of sessions, saves to 10,000 sessions".to_owned()),
    ];
    let table = table(&columns, &rows.map(|(what, is)| vec![what.to_owned(), is]));
    format!(
        "All contenders run on the same servers and with the same settings. None waits for a disk to store a commit, but where the work says so.\n\n{table}"
    )
}

/// Date, commits, machine and versions.
fn circumstances(now: &Run, minutes: f64, dir: &Path) -> String {
    const RESULTS: [&str; 3] =
        [":(exclude,top)bench/RESULTS.md", ":(exclude,top)bench/results.json", ":(exclude,top)bench/pictures"];
    let about = |arguments: &[&str]| git(dir, &[arguments, &RESULTS].concat());
    let changed = about(&["status", "--porcelain", "--", ":(top)"]);
    let changed = match changed.lines().count() {
        0 => String::new(),
        _some if changed == unknown() => String::new(),
        1 => ", **with one change that is not committed**".to_owned(),
        several => format!(", **with {several} changes that are not committed**"),
    };
    let bench = about(&["log", "-1", "--format=%h", "--abbrev=12", "--", ":(top)bench"]);
    let locked: Vec<String> =
        ["diesel", "diesel-sessions", "tower-sessions", "tower-sessions-sqlx-store", "sqlx", "axum", "tokio", "r2d2"]
            .into_iter()
            .map(|name| format!("{name} {}", locked(name)))
            .collect();
    let rows = [
        ("date", format!("{}; {minutes:.1} minutes", now.date)),
        ("library", format!("commit `{}`{changed}", now.commit)),
        ("bench", format!("commit `{bench}`")),
        ("machine", machine()),
        ("servers", format!("PostgreSQL {}; MariaDB {}", server::<PostgresProgram>(") "), server::<MariaDbProgram>("Ver "))),
        ("clients", clients()),
        ("compiler", said_by(Command::new("rustc").arg("--version"))),
        ("crates", locked.join(", ")),
    ];
    table(&[("what", Align::Left), ("is", Align::Left)], &rows.map(|(what, is)| vec![what.to_owned(), is]))
}

fn machine() -> String {
    let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
    let value = |text: &str, key: &str| {
        let line = text.lines().find(|line| line.starts_with(key)).map(str::to_owned);
        line.and_then(|line| Some(line.split_once(':')?.1.trim().to_owned()))
    };
    let model = value(&read("/proc/cpuinfo"), "model name").unwrap_or_else(unknown);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = value(&read("/proc/meminfo"), "MemTotal").and_then(|total| total.split(' ').next()?.parse::<f64>().ok());
    let memory = memory.map_or_else(unknown, |kibibytes| format!("{:.1} GiB", kibibytes / 1_048_576.0));
    let kernel = read("/proc/sys/kernel/osrelease");
    let kernel = kernel.trim().split('-').next().unwrap_or_default();
    format!("{cores} cores of {model}, {memory} of memory, Linux {kernel}")
}

/// What a server's program says of its version, behind `before`.
fn server<P: Program>(before: &str) -> String {
    let program = P::find().map(|program| program.serve(Path::new(""), 0, &Settings::default()).0);
    let said = program.map_or_else(unknown, |program| said_by(Command::new(program).arg("--version")));
    said.split_once(before).map_or(said.clone(), |(_name, version)| version.to_owned())
}

/// The C libraries that this program is linked with.
fn clients() -> String {
    // SAFETY: it takes nothing, and looks at nothing.
    let libpq = unsafe { pq_sys::PQlibVersion() };
    // SAFETY: both give a string that is never changed or freed.
    let (mariadb, sqlite) = unsafe {
        (CStr::from_ptr(mysqlclient_sys::mysql_get_client_info()), CStr::from_ptr(libsqlite3_sys::sqlite3_libversion()))
    };
    let libpq = format!("{}.{}", libpq / 10_000, libpq % 10_000);
    format!("libpq {libpq}, libmariadb {}, SQLite {}", mariadb.to_string_lossy(), sqlite.to_string_lossy())
}

/// The version, or versions, of a crate that this program is built with.
fn locked(name: &str) -> String {
    let mut lines = include_str!("../Cargo.lock").lines();
    let mut versions = BTreeSet::new();
    while let Some(line) = lines.next() {
        if line == format!("name = \"{name}\"") {
            versions.extend(lines.next().and_then(|line| line.strip_prefix("version = \"")?.strip_suffix('"')));
        }
    }
    versions.into_iter().collect::<Vec<_>>().join(" and ")
}

/// What git says; nothing where there is no repository.
fn git(dir: &Path, arguments: &[&str]) -> String {
    said_by(Command::new("git").arg("-C").arg(dir).args(arguments))
}

fn said_by(command: &mut Command) -> String {
    let output = command.output().ok().filter(|output| output.status.success());
    output.map_or_else(unknown, |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn unknown() -> String {
    "unknown".to_owned()
}
