//! What a purge leaves to others between two batches.

use std::time::{Duration, Instant};

/// The longest pause.
const LONGEST: Duration = Duration::from_secs(1);

/// As long as the batch took, so that half of the time belongs to others.
///
/// A database with few cores lets whoever needs one wait while batches follow each other without a gap, and SQLite does not queue
/// its writers at all: it lets them try again now and then, and they find the next batch.
pub(super) fn pause_after(batch: Duration) -> Duration {
    batch.min(LONGEST)
}

/// A batch under way on this thread.
pub(super) struct Pace {
    begun: Instant,
}

impl Pace {
    pub(super) fn begin() -> Self {
        Pace { begun: Instant::now() }
    }

    /// Waits until the next one may begin.
    pub(super) fn rest(self) {
        std::thread::sleep(pause_after(self.begun.elapsed()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // PERFORMANCE P9
    #[test]
    fn a_pause_is_as_long_as_the_batch_and_no_longer_than_a_second() {
        for (batch, pause) in [(0, 0), (7, 7), (1_000, 1_000), (60_000, 1_000)] {
            assert_eq!(pause_after(Duration::from_millis(batch)), Duration::from_millis(pause));
        }
    }
}
