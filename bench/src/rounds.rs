//! Rounds: the contenders take turns, so that whatever else the machine does meets all of them alike.

use std::time::{Duration, Instant};

/// Passes of a run through all work that is short, each with servers, tables, connections and processes of its own. Where a process's
/// memory and a table's pages happen to lie stays the same for as long as they are there, and makes one contender some per cent slower
/// or faster in every round; and a machine that others use too is slower or faster for minutes.
pub const PASSES: usize = 3;

/// Rounds of a measurement, in all passes together.
pub const ROUNDS: usize = 9;

/// Rounds of a pass. What runs within the process is set up anew for each of them: more hangs on where its memory lies.
pub const PER_PASS: usize = ROUNDS / PASSES;

/// How often the contenders take turns within a round.
const TURNS: u64 = 8;

/// How long one turn takes that only reads.
const TURN: Duration = Duration::from_millis(12);

/// How long one takes that writes: an engine that catches up with its log does so now and then, and each turn is to meet that.
const LONG_TURN: Duration = Duration::from_millis(40);

/// Somebody who does the same work: called with a number of times to do it.
pub type Contender<'a> = Box<dyn FnMut(u64) + 'a>;

/// Seconds that the work took, once per round.
#[derive(Debug, Clone, Default)]
pub struct Times(pub Vec<f64>);

impl Times {
    pub fn median(&self) -> f64 {
        median(self.0.clone())
    }

    /// Takes in what was measured of the same work in another pass.
    pub fn extend(&mut self, others: Times) {
        self.0.extend(others.0);
    }

    /// This one's time over the other's, round by round.
    pub fn over(&self, other: &Times) -> Ratio {
        Ratio(self.0.iter().zip(&other.0).map(|(own, others)| own / others).collect())
    }
}

/// A ratio, once per round.
#[derive(Debug, Clone)]
pub struct Ratio(pub Vec<f64>);

impl Ratio {
    pub fn median(&self) -> f64 {
        median(self.0.clone())
    }

    /// The smallest and the largest.
    pub fn spread(&self) -> (f64, f64) {
        self.0.iter().fold((f64::MAX, f64::MIN), |(least, most), ratio| (least.min(*ratio), most.max(*ratio)))
    }
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}

/// Lets contenders that read take turns for so many rounds. Each is first run until a turn of its own is known to take about 12 ms,
/// which also warms caches and prepares plans.
pub fn alternate(rounds: usize, contenders: &mut [Contender<'_>]) -> Vec<Times> {
    turns(rounds, contenders, TURN)
}

/// The same for contenders that write.
pub fn alternate_writing(rounds: usize, contenders: &mut [Contender<'_>]) -> Vec<Times> {
    turns(rounds, contenders, LONG_TURN)
}

fn turns(rounds: usize, contenders: &mut [Contender<'_>], turn: Duration) -> Vec<Times> {
    let work: Vec<u64> = contenders.iter_mut().map(|contender| calibrate(contender, turn)).collect();
    let mut times = vec![Times::default(); contenders.len()];
    for _ in 0..rounds {
        let mut spent = vec![Duration::ZERO; contenders.len()];
        for turn in 0..TURNS {
            let mut order: Vec<usize> = (0..contenders.len()).collect();
            if turn % 2 == 1 {
                order.reverse(); // nobody always follows the same one
            }
            for which in order {
                let begun = Instant::now();
                contenders[which](work[which]);
                spent[which] += begun.elapsed();
            }
        }
        for (which, spent) in spent.into_iter().enumerate() {
            times[which].0.push(spent.as_secs_f64() / (work[which] * TURNS) as f64);
        }
    }
    times
}

fn calibrate(contender: &mut Contender<'_>, turn: Duration) -> u64 {
    let mut count = 1;
    loop {
        let begun = Instant::now();
        contender(count);
        let spent = begun.elapsed();
        if spent > turn * 4 && count >= 16 {
            return ((count as f64 * turn.as_secs_f64() / spent.as_secs_f64()) as u64).max(1);
        }
        count *= 2;
    }
}
