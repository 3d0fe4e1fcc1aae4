//! What a purge leaves to others between two batches.

use std::time::{Duration, Instant};

/// The longest pause.
const LONGEST: Duration = Duration::from_secs(1);

/// A third as long as the batch took, so that a quarter of the time belongs to others.
///
/// A database with few cores lets whoever needs one wait while batches follow each other without a gap, and SQLite does not queue
/// its writers at all: it lets them try again now and then, and they find the next batch.
fn pause_after(batch: Duration) -> Duration {
    (batch / 3).min(LONGEST)
}

/// A batch under way on this thread.
pub(crate) struct Pace {
    begun: Instant,
}

impl Pace {
    pub(crate) fn begin() -> Self {
        Pace { begun: Instant::now() }
    }

    /// How long others are to have now.
    pub(crate) fn pause(&self) -> Duration {
        pause_after(self.begun.elapsed())
    }

    /// Leaves them that time.
    pub(crate) fn rest(self) {
        std::thread::sleep(self.pause());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // PERFORMANCE P9
    #[test]
    fn a_pause_is_a_third_as_long_as_the_batch_and_no_longer_than_a_second() {
        for (batch, pause) in [(0, 0), (9, 3), (3_000, 1_000), (60_000, 1_000)] {
            assert_eq!(pause_after(Duration::from_millis(batch)), Duration::from_millis(pause));
        }
    }
}
