//! What an answer of the database means. Plain functions over plain values: no statement is sent from here.

use chrono::TimeDelta;

use super::GRACE;
use crate::clock::Timestamp6;
use crate::error::{Error, ErrorKind};
use crate::model::{SaveShape, SessionModel, Stamp};
use crate::policy;

/// What a second look at the row says after a guarded write has met none.
#[derive(Debug)]
pub(super) enum Answer<M> {
    /// The row is deleted or has expired.
    Gone,
    /// It has another token.
    Rotated,
    /// Another request changed it: its version is not the one that was seen.
    Changed(M),
    /// Only what a touch writes may differ, or the new token was taken.
    Same(M),
}

impl<M> Answer<M> {
    /// The error of an answer that ends the verb.
    pub(super) fn into_row(self, deed: &'static str) -> Result<(M, bool), Error> {
        match self {
            Answer::Gone => Err(Error::new(ErrorKind::Gone, deed)),
            Answer::Rotated => Err(Error::new(ErrorKind::Rotated, deed)),
            Answer::Changed(row) => Ok((row, true)),
            Answer::Same(row) => Ok((row, false)),
        }
    }
}

/// Reads the row that a guarded write did not match.
pub(super) fn after_miss<M: SessionModel>(row: Option<M>, seen: &Stamp, version: i32, now: Timestamp6) -> Answer<M> {
    let Some(row) = row else { return Answer::Gone };
    let stamp = &row.core_field().stamp;
    if !stamp.is_live(now) || is_ended_by_a_save(stamp) {
        Answer::Gone
    } else if stamp.digest != seen.digest {
        Answer::Rotated
    } else if stamp.version != version {
        Answer::Changed(row)
    } else {
        Answer::Same(row)
    }
}

/// Whether a save has given the row an end that had come by then. Whoever has read the clock earlier must not take it for a live
/// one.
fn is_ended_by_a_save(row: &Stamp) -> bool {
    row.expires_at <= row.last_seen_at
}

/// Whether a row with the id of a session is that session, rotated more than once since: its id alone may be given again to
/// another where the session's own insert was rolled back.
pub(super) fn is_rotated_since(row: &Stamp, created_at: Timestamp6) -> bool {
    row.created_at == created_at && row.rotated_at.is_some()
}

/// Whether the token that a rotation replaced belongs to a request that may still be under way.
pub(super) fn in_grace(rotated_at: Option<Timestamp6>, now: Timestamp6) -> bool {
    rotated_at.is_some_and(|rotated| now < rotated.plus(GRACE))
}

/// Since when a session must not have been seen for a touch to be due now; `None` when none is.
pub(super) fn touch_due(seen: &Stamp, touch_every: Option<TimeDelta>, now: Timestamp6) -> Option<Timestamp6> {
    let idle_since = now.minus(policy::throttle(seen.idle_timeout, touch_every));
    (seen.last_seen_at <= idle_since && seen.last_seen_at < now).then_some(idle_since)
}

/// The shape of a save: as little as the change needs.
pub(super) fn save_shape(policy: bool, columns: bool, touch: bool) -> SaveShape {
    match (policy, columns, touch) {
        (true, _, _) => SaveShape::Policy,
        (false, true, true) => SaveShape::ColumnsTouch,
        (false, true, false) => SaveShape::Columns,
        (false, false, true) => SaveShape::DataTouch,
        (false, false, false) => SaveShape::Data,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, Utc};

    fn at(second: i64) -> Timestamp6 {
        DateTime::<Utc>::from_timestamp(1_800_000_000 + second, 0).unwrap().into()
    }

    // S64
    #[test]
    fn the_replaced_token_has_sixty_seconds() {
        assert!(in_grace(Some(at(0)), at(59)) && !in_grace(Some(at(0)), at(60)) && !in_grace(None, at(0)));
    }

    #[test]
    fn a_save_writes_as_little_as_the_change_needs() {
        assert_eq!(save_shape(false, false, false), SaveShape::Data);
        assert_eq!(save_shape(false, true, false), SaveShape::Columns);
        assert_eq!(save_shape(true, false, false), SaveShape::Policy);
        assert_eq!(save_shape(false, true, true), SaveShape::ColumnsTouch);
    }
}
