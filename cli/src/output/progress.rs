//! How far a long work is: a bar on a terminal, now and then a line elsewhere. Both go to standard error.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::terminal;

/// Between two lines.
const SILENCE: Duration = Duration::from_secs(10);

/// How far a long work is.
pub(crate) struct Progress {
    noun: &'static str,
    total: Option<u64>,
    done: u64,
    began: Instant,
    told: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// A work over `total` things, where that is known; `noun` is what they are called, like "sessions purged".
    pub(crate) fn new(noun: &'static str, total: Option<u64>) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| bar(noun, total));
        let now = Instant::now();
        Progress { noun, total, done: 0, began: now, told: now, bar }
    }

    /// So many more are done.
    pub(crate) fn add(&mut self, count: u64) {
        self.done += count;
        match &self.bar {
            Some(bar) => {
                // Others may have written meanwhile: a bar never shows more than all.
                if self.total.is_some_and(|total| self.done > total) {
                    bar.set_length(self.done);
                }
                bar.set_position(self.done);
            }
            None if self.told.elapsed() >= SILENCE => {
                self.told = Instant::now();
                terminal::say(&line(self.noun, self.done, self.total, self.began.elapsed()));
            }
            None => {}
        }
    }

    /// Clears the bar away.
    pub(crate) fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

/// The line elsewhere.
fn line(noun: &str, done: u64, total: Option<u64>, elapsed: Duration) -> String {
    let rate = done / elapsed.as_secs().max(1);
    match total.filter(|total| *total >= done) {
        Some(total) => {
            let left = humantime::format_duration(Duration::from_secs((total - done) / rate.max(1)));
            format!("{done} of {total} {noun}, {rate}/s, {left} left")
        }
        None => format!("{done} {noun}, {rate}/s"),
    }
}

fn bar(noun: &'static str, total: Option<u64>) -> ProgressBar {
    let bar = ProgressBar::new(total.unwrap_or_default());
    let template = match total {
        Some(_) => "{bar:30} {human_pos} of {human_len} {msg}, {per_sec}, {eta} left",
        None => "{spinner} {human_pos} {msg}, {per_sec}",
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(noun);
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_it_is_how_fast_and_how_long_it_will_take() {
        let minute = Duration::from_secs(60);
        assert_eq!(line("sessions purged", 6_000, Some(15_000), minute), "6000 of 15000 sessions purged, 100/s, 1m 30s left");
        assert_eq!(line("sessions purged", 0, Some(15), Duration::ZERO), "0 of 15 sessions purged, 0/s, 15s left");
        assert_eq!(line("keys resealed", 16, Some(15), minute), "16 keys resealed, 0/s", "others have written meanwhile");
        assert_eq!(line("keys resealed", 120, None, minute), "120 keys resealed, 2/s");
    }
}
