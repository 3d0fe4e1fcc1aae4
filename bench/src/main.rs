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
use rounds::PASSES;

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

/// A kind of work for one client; a kind is called after its file.
type Kind = (&'static str, fn(&Ground, &mut Results));

/// What counts, or needs large tables: done in the first pass only.
const ONCE: [Kind; 3] = [("verbs", work::verbs::run), ("touch", work::touch::run), ("growth", work::growth::run)];

/// What is short, and done in every pass. Attributes are the last: from there on MariaDB waits for the disk.
const SHORT: [Kind; 3] = [("load", work::load::run), ("save", work::save::run), ("attributes", work::attributes::run)];

/// Does the work of these kinds.
fn measured(is_wanted: impl Fn(&str) -> bool) -> Result<Results, Box<dyn Error>> {
    let mut results = Results::default();
    for pass in 0..PASSES {
        let once = ONCE.iter().filter(|_| pass == 0);
        let kinds: Vec<&Kind> = once.chain(&SHORT).filter(|(kind, _)| is_wanted(kind)).collect();
        if !kinds.is_empty() {
            let cores = Cores::of_this_process()?;
            let ground = Ground::apart()?;
            for (kind, run) in kinds {
                timed(kind, || run(&ground, &mut results));
            }
            drop(ground);
            cores.free()?;
        }
        if is_wanted("requests") {
            let ground = Ground::start()?; // on all cores
            timed("requests", || work::requests::run(&ground, &mut results))?;
        }
    }
    if is_wanted("purge") {
        let ground = Ground::start()?;
        timed("purge", || work::purge::run(&ground, &mut results));
    }
    if is_wanted("memory") {
        let ground = Ground::start()?;
        timed("memory", || work::memory::run(&ground, &mut results))?;
    }
    Ok(results)
}

fn timed<T>(kind: &str, run: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let done = run();
    println!("{kind}: {:.0} s", begun.elapsed().as_secs_f64());
    done
}
