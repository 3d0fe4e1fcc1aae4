//! What happened in all runs, so that one sees that every verb and every outcome was among it.

use std::collections::BTreeMap;
use std::fmt;

use crate::plan::{Plan, Verb};
use crate::seen::{Report, Seen};
use crate::world::State;

/// Counts.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) runs: usize,
    pub(crate) wrapped: usize,
    pub(crate) undone: usize,
    pub(crate) statements: usize,
    pub(crate) blocked: usize,
    outcomes: BTreeMap<&'static str, BTreeMap<String, usize>>,
}

impl Tally {
    /// Counts a run.
    pub(crate) fn add(&mut self, plan: &Plan, reports: &[Report]) {
        self.runs += 1;
        for (program, report) in plan.programs.iter().zip(reports) {
            if let Some((_, _, committed)) = report.wrapped {
                self.wrapped += 1;
                self.undone += usize::from(!committed);
            }
            for (step, seen) in program.steps.iter().zip(&report.seen) {
                self.statements += seen.statements;
                *self.outcomes.entry(step.verb.name()).or_default().entry(outcome(step.verb, seen)).or_default() += 1;
            }
        }
    }

    /// How often an outcome occurred, of any verb.
    pub(crate) fn of(&self, outcome: &str) -> usize {
        self.outcomes.values().filter_map(|outcomes| outcomes.get(outcome)).sum()
    }

    /// How often an outcome of a verb occurred.
    pub(crate) fn of_verb(&self, verb: &str, outcome: &str) -> usize {
        self.outcomes.get(verb).and_then(|outcomes| outcomes.get(outcome)).copied().unwrap_or(0)
    }

    /// The verbs that never ran, or never well.
    pub(crate) fn missing(&self) -> Vec<&'static str> {
        let is_error = |outcome: &String| outcome.chars().next().is_some_and(char::is_uppercase) && !is_saved(outcome);
        let went_well =
            |verb: &&str| self.outcomes.get(verb).is_some_and(|outcomes| outcomes.keys().any(|outcome| !is_error(outcome)));
        Verb::NAMES.iter().copied().filter(|verb| !went_well(verb)).collect()
    }
}

/// The outcome in a word; of `open`, what kind of session it gave.
fn outcome(verb: Verb, seen: &Seen) -> String {
    match (verb, seen.view.state) {
        (Verb::Open(_), State::New) => "a new one".to_owned(),
        (Verb::Open(_), State::Superseded(_)) => "superseded".to_owned(),
        _ => seen.outcome(),
    }
}

fn is_saved(outcome: &str) -> bool {
    matches!(outcome, "Created" | "Updated" | "Unchanged")
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { runs, wrapped, undone, statements, blocked, .. } = self;
        writeln!(f, "{runs} runs, {statements} statements, {blocked} blocked; {wrapped} callers' transactions, {undone} undone")?;
        for (verb, outcomes) in &self.outcomes {
            let outcomes: Vec<_> = outcomes.iter().map(|(outcome, count)| format!("{outcome} {count}")).collect();
            writeln!(f, "  {verb}: {}", outcomes.join(", "))?;
        }
        Ok(())
    }
}
