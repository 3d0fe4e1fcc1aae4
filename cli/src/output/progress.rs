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
                terminal::say(&self.line());
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

    fn line(&self) -> String {
        let seconds = self.began.elapsed().as_secs().max(1);
        let rate = self.done / seconds;
        match self.total.filter(|total| *total >= self.done) {
            Some(total) => {
                let left = humantime::format_duration(Duration::from_secs((total - self.done) / rate.max(1)));
                format!("{} of {total} {}, {rate}/s, {left} left", self.done, self.noun)
            }
            None => format!("{} {}, {rate}/s", self.done, self.noun),
        }
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
