//! Rounds: the contenders take turns, so that whatever else the machine does meets all of them alike.

use std::time::{Duration, Instant};

/// Rounds of a measurement.
pub const ROUNDS: usize = 9;

/// How often contenders whose work is short are set up anew within a measurement. Where a process's memory and a table's pages happen
/// to lie stays the same for as long as they are there, and makes one of them some per cent slower or faster in every round.
pub const SETUPS: usize = 3;

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

/// Lets contenders that read take turns for [`ROUNDS`] rounds. Each is first run until a turn of its own is known to take about
/// 12 ms, which also warms caches and prepares plans.
pub fn alternate(contenders: &mut [Contender<'_>]) -> Vec<Times> {
    turns(contenders, TURN, ROUNDS)
}

/// The same for contenders that are set up so often, each time for a share of the rounds.
pub fn alternate_anew<const N: usize>(mut with_contenders: impl FnMut(&mut dyn FnMut([Contender<'_>; N]))) -> [Times; N] {
    let mut all = [const { Times(Vec::new()) }; N];
    for _ in 0..SETUPS {
        with_contenders(&mut |mut contenders| {
            for (all, times) in all.iter_mut().zip(turns(&mut contenders, TURN, ROUNDS / SETUPS)) {
                all.0.extend(times.0);
            }
        });
    }
    all
}

/// The same for contenders that write.
pub fn alternate_writing(contenders: &mut [Contender<'_>]) -> Vec<Times> {
    turns(contenders, LONG_TURN, ROUNDS)
}

fn turns(contenders: &mut [Contender<'_>], turn: Duration, rounds: usize) -> Vec<Times> {
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
