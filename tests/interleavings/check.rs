//! Looks for an order of the steps that explains what was seen: each worker's own order and the order of steps that did not
//! overlap are kept, and one after the other they must give every answer and, in the end, the rows that are in the table.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use crate::attribute::{Deed, Key, Stored};
use crate::plan::{Plan, Verb};
use crate::seen::Report;
use crate::spec::{self, At, Part};
use crate::world::{FIRST_NEW_ROW, Handle, Row, State, StepId, World};

/// Steps that happen at one moment: one step or a part of it, or those of a caller's transaction.
struct Unit {
    steps: Vec<(usize, Part)>,
    start: u64,
    end: u64,
    undone: bool,
}

/// All that a run has shown.
pub(crate) struct Run<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) reports: &'a [Report],
    pub(crate) times: &'a [i64],
    pub(crate) rows: &'a BTreeMap<i64, Row>,
    pub(crate) attributes: &'a BTreeMap<Key, Stored>,
    pub(crate) serialisable: bool,
    pub(crate) inserts_in_two: bool,
    pub(crate) clears_first: bool,
    pub(crate) refuses: bool,
}

impl Run<'_> {
    /// Whether there is such an order.
    pub(crate) fn is_explained(&self) -> bool {
        let units: Vec<_> = self.reports.iter().map(|report| self.units(report)).collect();
        let attributes = self.plan.attributes.iter().copied().collect();
        let rows: BTreeMap<_, _> = self.plan.rows.iter().copied().collect();
        let first = &self.plan.rows[0];
        let handle = |loaded: bool| if loaded { Handle::of_row(first.0, &first.1) } else { Handle::new(0) };
        let handles = self.plan.programs.iter().map(|program| handle(program.loaded)).collect();
        let world = World { past: self.plan.rows.clone(), rows, attributes, handles };
        let mut search = Search { run: self, units: &units, visited: HashSet::new() };
        search.from(&vec![0; units.len()], world)
    }

    fn step_after(&self, world: &World, (worker, index): StepId, part: Part) -> Vec<World> {
        let seen = &self.reports[worker].seen[index];
        let span = self.reports[worker].span(seen);
        let settled = |(worker, step): StepId| {
            let report = &self.reports[worker];
            report.seen.get(step).is_some_and(|writer| report.span(writer).end < span.start)
        };
        let others = self.reports.iter().filter(|report| report.worker != worker);
        let overlaps = |other: &Range<u64>| other.start < span.end && span.start < other.end;
        let at_once: Vec<_> = others
            .flat_map(|report| (0..report.seen.len()).map(move |step| (report, step)))
            .filter(|(report, step)| overlaps(&report.span(&report.seen[*step])))
            .collect();
        let inserting = at_once.iter().filter(|(report, step)| self.inserts(report, *step)).count();
        let phantoms = if self.inserts_in_two { inserting } else { 0 };
        let mut worlds = Vec::new();
        let mut times = self.times[seen.times.0..=seen.times.1].to_vec();
        times.dedup();
        for now in times {
            let step = &self.plan.programs[worker].steps[index];
            let at = At {
                id: (worker, index),
                step,
                part,
                seen,
                now,
                settled: &settled,
                refuses_conflicts: self.plan.refuses_conflicts,
                serialisable: self.serialisable,
                contended: !at_once.is_empty(),
                refuses: self.refuses && !at_once.is_empty(),
                wrapped: self.reports[worker].is_wrapped(seen),
                phantoms,
            };
            worlds.extend(spec::after(world, &at));
        }
        worlds
    }

    /// Whether a step has given its handle a row that the database had not had before.
    fn inserts(&self, report: &Report, step: usize) -> bool {
        let state = report.seen[step].view.state;
        let opens = matches!(self.plan.programs[report.worker].steps[step].verb, Verb::Load(_) | Verb::Open(_));
        let is_new = step == 0 || report.seen[step - 1].view.state != state;
        is_new && !opens && matches!(state, State::Stored(id) if id >= FIRST_NEW_ROW)
    }

    fn unit_after(&self, world: &World, worker: usize, unit: &Unit) -> Vec<World> {
        let mut worlds = vec![world.clone()];
        for (step, part) in &unit.steps {
            worlds = worlds.iter().flat_map(|world| self.step_after(world, (worker, *step), *part)).collect();
        }
        if unit.undone && !worlds.is_empty() { vec![world.clone()] } else { worlds }
    }

    /// A worker's units. Where transactions are not serialisable, one that has a single verb is no closer together than that verb.
    fn units(&self, report: &Report) -> Vec<Unit> {
        let mut units: Vec<Unit> = Vec::new();
        let steps = &self.plan.programs[report.worker].steps;
        for (place, seen) in report.seen.iter().enumerate() {
            let span = report.span(seen);
            let wrapped = report.wrapped.filter(|_| report.is_wrapped(seen));
            for part in self.parts(steps[place].verb) {
                match units.last_mut().filter(|unit| self.serialisable && wrapped.is_some() && unit.start == span.start) {
                    Some(unit) => unit.steps.push((place, *part)),
                    None => units.push(Unit {
                        steps: vec![(place, *part)],
                        start: span.start,
                        end: span.end,
                        undone: wrapped.is_some_and(|(_, _, committed)| !committed),
                    }),
                }
            }
        }
        units
    }

    /// The parts of a verb between which others may be at work.
    fn parts(&self, verb: Verb) -> &'static [Part] {
        match verb {
            Verb::PurgeBatch(_) => &[Part::First, Part::Second],
            Verb::Attribute { deed: Deed::Create(..), .. } if self.clears_first => &[Part::First, Part::Second],
            _ => &[Part::Whole],
        }
    }
}

struct Search<'a> {
    run: &'a Run<'a>,
    units: &'a [Vec<Unit>],
    visited: HashSet<(Vec<usize>, World)>,
}

impl Search<'_> {
    fn from(&mut self, places: &[usize], world: World) -> bool {
        let next = |worker: usize| self.units[worker].get(places[worker]);
        let first_end = (0..places.len()).filter_map(next).map(|unit| unit.end).min();
        let Some(first_end) = first_end else { return self.ends_here(&world) };
        let candidates: Vec<_> =
            (0..places.len()).filter(|worker| next(*worker).is_some_and(|unit| unit.start < first_end)).collect();
        if !self.visited.insert((places.to_vec(), world.clone())) {
            return false;
        }
        for worker in candidates {
            let unit = &self.units[worker][places[worker]];
            for world in self.run.unit_after(&world, worker, unit) {
                let mut places = places.to_vec();
                places[worker] += 1;
                if self.from(&places, world) {
                    return true;
                }
            }
        }
        false
    }

    fn ends_here(&self, world: &World) -> bool {
        let same = |(id, row): (&i64, &Row)| {
            world.rows.get(id).is_some_and(|expected| (expected.stamp, expected.content) == (row.stamp, row.content))
        };
        world.attributes == *self.run.attributes && world.rows.len() == self.run.rows.len() && self.run.rows.iter().all(same)
    }
}
