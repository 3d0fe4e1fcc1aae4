//! The ratios of a run, kept for the next one to be compared with.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::named;
use super::table::{Align, number, table};
use crate::results::Results;

/// Two runs agree where no ratio of one is more than so many per cent above the other's.
const AGREE: f64 = 10.0;

/// What is kept of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// When it was, and of which commit, for people.
    pub date: String,
    pub commit: String,
    /// What each ratio is of, and its median.
    pub ratios: BTreeMap<String, f64>,
}

impl Run {
    /// What is to be kept of these results.
    pub fn of(results: &Results, date: String, commit: String) -> Self {
        let mut ratios = BTreeMap::new();
        for line in &results.lines {
            let found = [("ours ÷ floor", line.over_floor()), ("rival ÷ ours", line.under_rival())];
            for (what, ratio) in found {
                ratios.extend(ratio.map(|ratio| (format!("{}, {what}", named(line.number, &line.work)), ratio.median())));
            }
        }
        // A fact that is counted in something is no ratio.
        let facts = results.facts.iter().filter(|fact| fact.unit.is_empty());
        ratios.extend(facts.map(|fact| (named(fact.number, &fact.what), fact.median())));
        Run { date, commit, ratios }
    }

    /// As it is kept.
    pub fn to_json(&self) -> String {
        let run = json!({ "date": self.date, "commit": self.commit, "ratios": self.ratios });
        format!("{run:#}\n")
    }

    /// Reads what [`Run::to_json`] wrote; `None` for anything else.
    pub fn from_json(text: &str) -> Option<Self> {
        let run: Value = serde_json::from_str(text).ok()?;
        let word = |key: &str| run.get(key)?.as_str().map(str::to_owned);
        let ratios = run.get("ratios")?.as_object()?.iter();
        let ratios = ratios.map(|(what, ratio)| Some((what.clone(), ratio.as_f64()?))).collect::<Option<_>>()?;
        Some(Run { date: word("date")?, commit: word("commit")?, ratios })
    }

    /// How far this run and an earlier one are apart: a sentence, and a table of every ratio.
    pub fn beside(&self, before: &Run) -> String {
        let mut rows = Vec::new();
        let mut furthest: Option<(f64, &str)> = None;
        let mut beyond = 0;
        for (what, now) in &self.ratios {
            let Some(then) = before.ratios.get(what) else {
                rows.push(vec![what.clone(), "–".to_owned(), number(*now, 2), "new".to_owned()]);
                continue;
            };
            let apart = apart(*now, *then);
            beyond += usize::from(apart > AGREE);
            if furthest.is_none_or(|(most, _what)| apart > most) {
                furthest = Some((apart, what));
            }
            rows.push(vec![what.clone(), number(*then, 2), number(*now, 2), format!("{apart:.1} %")]);
        }
        let Some((most, what)) = furthest else {
            return format!(
                "The run before ({}, commit `{}`) has no ratio in common with this one.\n",
                before.date, before.commit
            );
        };
        let agree = match beyond {
            0 => format!("All agree within {AGREE} %."),
            1 => format!("**One does not agree within {AGREE} %.**"),
            several => format!("**{several} do not agree within {AGREE} %.**"),
        };
        let columns = [("ratio", Align::Left), ("before", Align::Right), ("now", Align::Right), ("apart", Align::Right)];
        format!(
            "The run before was {}, of commit `{}`. {agree} The furthest apart, by {most:.1} %: {what}.\n\n{}",
            before.date,
            before.commit,
            table(&columns, &rows)
        )
    }
}

/// By how many per cent the larger is above the smaller.
fn apart(one: f64, other: f64) -> f64 {
    if one == other {
        return 0.0;
    }
    ((one / other).max(other / one) - 1.0).abs() * 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(ratios: &[(&str, f64)]) -> Run {
        let ratios = ratios.iter().map(|(what, ratio)| ((*what).to_owned(), *ratio)).collect();
        Run { date: "2026-11-21 20:00 UTC".into(), commit: "0123abc".into(), ratios }
    }

    #[test]
    fn what_is_kept_is_read_again() {
        let kept = run(&[("P1 SQLite: load, 300 B, ours ÷ floor", 1.203), ("P8 load", 1.0)]);
        assert_eq!(Run::from_json(&kept.to_json()), Some(kept));
        assert_eq!(Run::from_json("{}"), None);
        assert_eq!(Run::from_json("what is this"), None);
    }

    #[test]
    fn runs_agree_within_a_tenth_either_way() {
        let before = run(&[("a", 1.0), ("b", 2.0)]);
        assert!(run(&[("a", 1.09), ("b", 1.9)]).beside(&before).contains("All agree"));
        assert!(
            run(&[("a", 0.9), ("b", 2.0)])
                .beside(&before)
                .contains("One does not agree within 10 %.** The furthest apart, by 11.1 %: a.")
        );
        let both = run(&[("a", 1.2), ("b", 1.0), ("c", 1.0)]).beside(&before);
        assert!(both.contains("2 do not agree") && both.contains("by 100.0 %: b.") && both.contains(" new |"));
    }

    #[test]
    fn nothing_in_common_is_said() {
        assert!(run(&[("a", 1.0)]).beside(&run(&[])).contains("no ratio in common"));
    }
}
