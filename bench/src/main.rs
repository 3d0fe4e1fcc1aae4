//! How fast diesel-sessions is: see README.md.

mod cores;
mod engine;
mod floor;
mod ground;
mod payload;
mod report;
mod results;
mod rival;
mod rounds;
mod server;
mod wire;
mod work;

use std::error::Error;
use std::time::Instant;

use cores::Cores;
use ground::Ground;
use results::Results;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => {
            let begun = Instant::now();
            report::write(&measured(|_| true)?, begun)
        }
        ["only", kinds @ ..] => measured(|kind| kinds.contains(&kind)).map(|_| ()),
        ["profile", rest @ ..] => work::profile::run(&Ground::apart()?, rest),
        ["serve", whose, url] => work::requests::serve(whose, url),
        ["alone", work, engine, url] => work::memory::alone(work, engine, url),
        _ => Err("usage: diesel-sessions-bench [only <kind>… | profile <work> <engine> <bytes> <times>]".into()),
    }
}

/// A kind of work for one client.
type Work = fn(&Ground, &mut Results);

/// Does the work of these kinds; a kind is called after its file.
fn measured(is_wanted: impl Fn(&str) -> bool) -> Result<Results, Box<dyn Error>> {
    let mut results = Results::default();
    let alone: [(&str, Work); 6] = [
        ("load", work::load::run),
        ("save", work::save::run),
        ("verbs", work::verbs::run),
        ("touch", work::touch::run),
        ("growth", work::growth::run),
        ("attributes", work::attributes::run), // the last: from there on MariaDB waits for the disk
    ];
    if alone.iter().any(|(kind, _)| is_wanted(kind)) {
        let cores = Cores::of_this_process()?;
        let ground = Ground::apart()?;
        for (_, run) in alone.iter().filter(|(kind, _)| is_wanted(kind)) {
            run(&ground, &mut results);
        }
        drop(ground);
        cores.free()?;
    }
    let ground = Ground::start()?; // on all cores
    if is_wanted("requests") {
        work::requests::run(&ground, &mut results)?;
    }
    if is_wanted("purge") {
        // After the requests: what it writes goes to the disk for a while, which takes time of the cores.
        work::purge::run(&ground, &mut results);
    }
    if is_wanted("memory") {
        work::memory::run(&ground, &mut results)?;
    }
    Ok(results)
}
