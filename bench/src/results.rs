//! What was measured, and what it must come to.

use crate::rounds::{Ratio, Times, median};

/// Everything that a run has found.
#[derive(Debug, Default)]
pub struct Results {
    pub lines: Vec<Line>,
    pub facts: Vec<Fact>,
    pub pictures: Vec<Picture>,
}

/// A picture: curves over a common axis.
#[derive(Debug, Clone)]
pub struct Picture {
    /// The name of its file, without `.svg`.
    pub file: &'static str,
    pub title: &'static str,
    /// What the axes show, and in what unit.
    pub across: &'static str,
    pub up: &'static str,
    /// Whether the axis across is logarithmic; the one upwards begins at zero.
    pub logarithmic: bool,
    /// Spans of the axis across that are shaded, with what they are: a purge that runs.
    pub spans: Vec<(f64, f64, String)>,
    /// Each with its name and its points, from left to right.
    pub curves: Vec<(String, Vec<(f64, f64)>)>,
}

/// One piece of work, by each contender.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its number in the list of what must be reached: `P1`.
    pub number: &'static str,
    /// The engine, and what is done there: unique among the lines.
    pub work: String,
    pub floor: Option<Times>,
    pub ours: Times,
    pub rival: Option<Times>,
    /// Ours may take at most so many times the floor.
    pub at_most: Option<f64>,
    /// The rival must take at least so many times ours.
    pub at_least: Option<f64>,
}

impl Line {
    /// Ours over the floor.
    pub fn over_floor(&self) -> Option<Ratio> {
        self.floor.as_ref().map(|floor| self.ours.over(floor))
    }

    /// The rival's over ours.
    pub fn under_rival(&self) -> Option<Ratio> {
        self.rival.as_ref().map(|rival| rival.over(&self.ours))
    }

    /// Whether it is what it must be; `None` where nothing is asked.
    pub fn holds(&self) -> Option<bool> {
        let floor = self.at_most.map(|most| self.over_floor().is_some_and(|ratio| ratio.median() <= most));
        let rival = self.at_least.map(|least| self.under_rival().is_some_and(|ratio| ratio.median() >= least));
        floor.into_iter().chain(rival).reduce(|a, b| a && b)
    }
}

/// Something that was counted, or a ratio of another kind.
#[derive(Debug, Clone)]
pub struct Fact {
    pub number: &'static str,
    /// What was counted: unique among the facts.
    pub what: String,
    /// What was found, in each pass that has looked.
    pub found: Vec<f64>,
    /// What it is counted in; a ratio has none.
    pub unit: &'static str,
    pub must: Must,
}

/// What a fact must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Must {
    AtMost(f64),
    AtLeast(f64),
    Be(f64),
    /// It is there to be known.
    Nothing,
}

impl Fact {
    pub fn median(&self) -> f64 {
        median(self.found.clone())
    }

    /// A count must be the same in every pass.
    pub fn holds(&self) -> Option<bool> {
        match self.must {
            Must::AtMost(most) => Some(self.median() <= most),
            Must::AtLeast(least) => Some(self.median() >= least),
            Must::Be(exactly) => Some(self.found.iter().all(|found| *found == exactly)),
            Must::Nothing => None,
        }
    }
}

impl Results {
    /// Takes in a line; what another pass has measured of the same work goes with it.
    pub fn line(&mut self, line: Line) {
        let ratio = |ratio: Option<Ratio>| ratio.map_or("–".to_owned(), |ratio| format!("{:.2}", ratio.median()));
        println!(
            "{:4} {:52} {:>10.2} µs  over the floor {:>6}  under the rival {:>6}  {}",
            line.number,
            line.work,
            line.ours.median() * 1e6,
            ratio(line.over_floor()),
            ratio(line.under_rival()),
            said(line.holds())
        );
        match self.lines.iter_mut().find(|known| known.work == line.work) {
            None => self.lines.push(line),
            Some(known) => {
                known.ours.extend(line.ours);
                let sides = [(&mut known.floor, line.floor), (&mut known.rival, line.rival)];
                sides
                    .into_iter()
                    .for_each(|(known, more)| known.iter_mut().zip(more).for_each(|(known, more)| known.extend(more)));
            }
        }
    }

    /// Takes in a fact, as [`line`](Results::line) does.
    pub fn fact(&mut self, number: &'static str, what: impl Into<String>, found: f64, unit: &'static str, must: Must) {
        let fact = Fact { number, what: what.into(), found: vec![found], unit, must };
        println!("{:4} {:52} {found:>10.2} {}  {}", fact.number, fact.what, fact.unit, said(fact.holds()));
        match self.facts.iter_mut().find(|known| known.what == fact.what && known.number == fact.number) {
            None => self.facts.push(fact),
            Some(known) => known.found.push(found),
        }
    }
}

/// In the table: whether it holds.
pub fn said(holds: Option<bool>) -> &'static str {
    match holds {
        Some(true) => "reached",
        Some(false) => "MISSED",
        None => "",
    }
}
