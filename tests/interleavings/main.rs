//! Seeded races, statement by statement: two or three handles, each on a connection of its own, mix every verb. A schedule
//! lets one statement at a time through; what every verb answered and what the tables hold in the end must be what some order
//! of the verbs gives in a model that is written without the library.
//!
//! `INTERLEAVING_SEED=<seed>` runs that seed alone and tells what happened. `INTERLEAVING_RUNS=<n>` runs the first `n` seeds,
//! `INTERLEAVING_FAILURES=<n>` goes on until `n` of them have failed.
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

#[path = "../support/support.rs"]
mod support;

mod attribute;
mod check;
mod engine;
mod gate;
mod plan;
mod random;
mod rows;
mod safety;
mod schedule;
mod seen;
mod spec;
mod tally;
mod worker;
mod world;

use check::Run;
use engine::Engine;
use plan::{Plan, Verb};
use random::Random;
use schedule::{Shown, Stage};
use support::suite;
use tally::Tally;

suite! {
    every_interleaving_is_an_order_of_its_verbs,
}

/// How many seeds a full run takes.
const RUNS: u64 = 10_000;

// S43 S47 S48 S49 S62 S64 S65 S66 S67 S68 S69 S72 S73 S74 S75 S76 S94 SECURITY 9 10 11 13 14 15 20 31
fn every_interleaving_is_an_order_of_its_verbs<D: Engine>(db: &D) {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let (seed, runs) = (number("INTERLEAVING_SEED"), number("INTERLEAVING_RUNS"));
    let tolerated = number("INTERLEAVING_FAILURES").map_or(1, |failures| usize::try_from(failures).expect("a small number"));
    let mut stage = Stage::new(db);
    let mut tally = Tally::default();
    let mut failures = Vec::new();
    for seed in seed.map_or(0..runs.unwrap_or(RUNS), |seed| seed..seed + 1) {
        failures.extend(run(&mut stage, seed, &mut tally).err());
        if failures.len() == tolerated {
            break;
        }
        if tally.runs % 500 == 0 {
            stage.tidy();
        }
    }
    eprintln!("{}: {tally}", D::NAME);
    assert!(failures.is_empty(), "after {} runs\n{}", tally.runs, failures.join("\n\n"));
    if seed.is_none() && runs.is_none() {
        covers_everything::<D>(&tally);
    }
}

/// Carries out the run of a seed, and judges it. An error tells the run.
fn run<D: Engine>(stage: &mut Stage<D>, seed: u64, tally: &mut Tally) -> Result<(), String> {
    let mut random = Random::new(seed);
    let mut plan = Plan::new(&mut random, D::WRAPPING);
    let shown = stage.run(&mut plan, &mut random, tally);
    tally.add(&plan, &shown.reports);
    if std::env::var_os("INTERLEAVING_SEED").is_some() {
        eprintln!("{}", told::<D>(seed, &plan, &shown));
    }
    let complaint = judge::<D>(&plan, &shown);
    complaint.map_or(Ok(()), |complaint| Err(format!("{}\n{complaint}", told::<D>(seed, &plan, &shown))))
}

/// What is wrong with a run.
fn judge<D: Engine>(plan: &Plan, shown: &Shown) -> Option<String> {
    let Shown { reports, times, rows, attributes } = shown;
    if let Some(panic) = reports.iter().find_map(|report| report.panic.as_ref()) {
        return Some(format!("a worker panicked: {panic}"));
    }
    let run = Run {
        plan,
        reports,
        times,
        rows,
        attributes,
        serialisable: D::SERIALISABLE,
        inserts_in_two: D::INSERTS_IN_TWO,
        clears_first: D::CLEARS_FIRST,
        refuses: !D::WAITS,
    };
    let broken = safety::broken(&run);
    if !broken.is_empty() {
        return Some(broken.join("; "));
    }
    // Several verbs in one transaction happen at one moment only where transactions are serialisable.
    let explains = D::SERIALISABLE || plan.most_wrapped() < 2;
    (explains && !run.is_explained()).then(|| "no order of the verbs explains it".to_owned())
}

/// A run, as its failure tells it.
fn told<D: Engine>(seed: u64, plan: &Plan, shown: &Shown) -> String {
    let mut lines =
        vec![format!("{}, seed {seed}: replay with INTERLEAVING_SEED={seed}", D::NAME), format!("times {:?}", shown.times)];
    lines.extend(plan.rows.iter().map(|(id, row)| format!("before: {id} {row:x?}")));
    lines.extend(plan.attributes.iter().map(|(key, stored)| format!("before: {key:?} {stored:?}")));
    for (program, report) in plan.programs.iter().zip(&shown.reports) {
        lines.push(format!(
            "worker {}, loaded {}, transaction {:?} {:?}",
            report.worker, program.loaded, program.wrapped, report.wrapped
        ));
        for (step, seen) in program.steps.iter().zip(&report.seen) {
            lines.push(format!("  [{} {}] {:?} {:?} -> {:?}", seen.start, seen.end, step.verb, step.changes, seen.result));
            lines.push(format!("      times {:?} presented {:x?} {:x?}", seen.times, seen.presented, seen.view));
        }
    }
    lines.extend(shown.rows.iter().map(|(id, row)| format!("after: {id} {row:x?}")));
    lines.extend(shown.attributes.iter().map(|(key, stored)| format!("after: {key:?} {stored:?}")));
    lines.join("\n")
}

/// That the seeds reach every verb and every outcome.
fn covers_everything<D: Engine>(tally: &Tally) {
    assert!(tally.missing().is_empty(), "these never went well: {:?}", tally.missing());
    for outcome in [
        "Gone",
        "Rotated",
        "Conflict",
        "NotCreated",
        "NotFound",
        "AlreadyExists",
        "Created",
        "Updated",
        "Unchanged",
        "superseded",
    ] {
        assert!(tally.of(outcome) > 0, "{outcome} never occurred");
    }
    for verb in Verb::NAMES.iter().filter(|verb| verb.starts_with("attributes.")) {
        for outcome in ["Gone", "Rotated", "NotCreated"] {
            assert!(tally.of_verb(verb, outcome) > 0, "{verb} never said {outcome}");
        }
    }
    for (deed, outcomes) in [
        ("create", &["AlreadyExists", "done", "Gone"][..]),
        ("update", &["NotFound", "done", "Gone"]),
        ("set_expiry", &["NotFound", "done", "Gone"]),
        ("get", &["none", "some", "Gone"]),
        ("take", &["none", "some", "Gone"]),
        ("delete", &["none", "some", "Gone"]),
    ] {
        for (verb, outcome) in outcomes.iter().flat_map(|outcome| ["attributes", "attributes_of"].map(|of| (of, outcome))) {
            assert!(tally.of_verb(&format!("{verb}.{deed}"), outcome) > 0, "{verb}.{deed} never said {outcome}");
        }
    }
    for outcome in ["none", "sessions", "attributes"] {
        assert!(tally.of_verb("purge_batch", outcome) > 0, "purge_batch never removed {outcome}");
    }
    assert!(tally.wrapped > tally.undone && tally.undone > 0, "{} of {} transactions undone", tally.undone, tally.wrapped);
    if D::WAITS {
        assert!(tally.blocked > 0, "no statement ever waited for a lock");
    } else {
        assert!(tally.of("Busy") > 0, "no statement was ever refused as busy");
    }
}
