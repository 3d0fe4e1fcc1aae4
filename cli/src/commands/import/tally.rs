//! What an import comes to, in numbers, and which rows do not fit.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::args::options::Format;
use crate::failure::Failure;
use crate::output::Output;
use crate::output::field::Field;
use crate::output::json::Json;
use crate::output::table::Listing;

use super::unfit::Unfit;

/// How many rows that do not fit are listed, and how many reasons are counted.
const LISTED: usize = 100;

/// What became of rows.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) imported: u64,
    /// There was a session of that digest already.
    pub(super) present: u64,
    /// It was imported before, and is no more.
    pub(super) ended: u64,
    pub(super) expired: u64,
    pub(super) unfit: u64,
    reasons: BTreeMap<String, u64>,
    listed: Vec<(String, String)>,
}

impl Tally {
    /// A row that does not fit; `digest` names it, as nothing else of it may be told.
    pub(super) fn does_not_fit(&mut self, digest: Option<&str>, unfit: &Unfit) {
        let reason = unfit.to_string();
        self.unfit += 1;
        if self.listed.len() < LISTED {
            self.listed.push((digest.unwrap_or("-").to_owned(), reason.clone()));
        }
        if self.reasons.len() < LISTED || self.reasons.contains_key(&reason) {
            *self.reasons.entry(reason).or_default() += 1;
        }
    }

    /// Adds what another has counted.
    pub(super) fn add(&mut self, other: Tally) {
        self.imported += other.imported;
        self.present += other.present;
        self.ended += other.ended;
        self.expired += other.expired;
        self.unfit += other.unfit;
        for (reason, rows) in other.reasons {
            if self.reasons.len() < LISTED || self.reasons.contains_key(&reason) {
                *self.reasons.entry(reason).or_default() += rows;
            }
        }
        let room = LISTED - self.listed.len();
        self.listed.extend(other.listed.into_iter().take(room));
    }

    /// How many rows that is.
    pub(super) fn rows(&self) -> u64 {
        self.imported + self.present + self.ended + self.expired + self.unfit
    }

    /// Prints it; `is_dry` says that nothing was written, `is_complete` that all rows were seen.
    pub(super) fn tell(&self, out: &mut Output, is_dry: bool, is_complete: bool) -> Result<(), Failure> {
        let counts = [
            (if is_dry { "importable" } else { "imported" }, self.imported),
            ("already_here", self.present),
            ("ended_here", self.ended),
            ("expired", self.expired),
            ("unfit", self.unfit),
        ];
        if out.format() == Format::Json {
            let mut document: Vec<(&str, Json)> = counts.map(|(name, count)| (name, count.into())).into();
            document.push(("dry_run", is_dry.into()));
            document.push(("complete", is_complete.into()));
            let reasons = self.reasons.iter().map(|(reason, rows)| (reason.as_str(), (*rows).into()));
            document.push(("reasons", Json::object(reasons)));
            let rows = self.fields();
            document.push(("unfit_rows", rows.iter().map(|row| Json::fields(HEADS.into_iter().zip(row))).collect()));
            return out.json(&Json::object(document));
        }
        let fields: Vec<(String, Field)> =
            counts.iter().map(|(name, count)| (name.replace('_', " "), Field::from(Value::from(*count)))).collect();
        let fields: Vec<(&str, Field)> = fields.iter().map(|(name, field)| (name.as_str(), field.clone())).collect();
        out.properties(&fields)?;
        if self.unfit == 0 {
            return Ok(());
        }
        out.line("")?;
        let mut listing = Listing::new(HEADS);
        listing.page(out, &self.fields())?;
        listing.finish(out)?;
        let more = self.unfit - u64::try_from(self.listed.len()).unwrap_or(self.unfit);
        if more > 0 {
            out.line(&format!("and {more} more"))?;
        }
        Ok(())
    }

    fn fields(&self) -> Vec<Vec<Field>> {
        self.listed.iter().map(|(digest, reason)| vec![digest.as_str().into(), reason.as_str().into()]).collect()
    }
}

const HEADS: [&str; 2] = ["_uuid", "reason"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_rows_that_do_not_fit_are_counted_and_not_kept() {
        let mut tally = Tally::default();
        for row in 0..1_000 {
            tally.does_not_fit(Some("a"), &Unfit::Library(format!("`key{row}` is reserved")));
            let mut page = Tally::default();
            page.does_not_fit(None, &Unfit::Id);
            tally.add(page);
        }
        assert_eq!((tally.unfit, tally.rows()), (2_000, 2_000));
        assert_eq!((tally.listed.len(), tally.reasons.len()), (LISTED, LISTED));
        assert_eq!(tally.reasons[&Unfit::Id.to_string()], 1_000);
    }
}
