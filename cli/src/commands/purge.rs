//! `purge`: deletes what has expired, in batches, once or for ever.

mod batch;

use std::time::{Duration, Instant};

use crate::args::options::Format;
use crate::args::sessions::PurgeArgs;
use crate::context::Context;
use crate::database::Database;
use crate::failure::Failure;
use crate::layout::Layout;
use crate::output::json::Json;
use crate::output::progress::Progress;
use crate::program::Outcome;
use crate::stop::Stop;
use crate::terminal;
use batch::{Purged, Reached};

/// Purges once, or round after round.
pub(crate) fn run(context: &mut Context, args: &PurgeArgs) -> Result<Outcome, Failure> {
    let stop = Stop::listen()?;
    let batch = args.batch.get();
    let Some(interval) = args.every else {
        let round = round(context, batch, Turn::Always, &stop)?;
        tell(context, &round)?;
        return Ok(round.interrupted.map_or(Outcome::Done, Outcome::Interrupted));
    };
    // What is wrong from the start is said at once; later, a database may be away for a while.
    let mut result = round(context, batch, Turn::IfNobodyElse, &stop);
    let mut is_first = true;
    loop {
        match result {
            Ok(round) => tell(context, &round)?,
            Err(failure) if is_first || failure.is_broken_pipe() => return Err(failure),
            Err(failure) => terminal::complain(&failure),
        }
        is_first = false;
        if stop.wait(interval + jitter(interval)).is_some() {
            return Ok(Outcome::Done);
        }
        result = round(context, batch, Turn::IfNobodyElse, &stop);
    }
}

/// Whether a round is left to another process that is at it (PostgreSQL tells).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    Always,
    IfNobodyElse,
}

/// What a round came to.
#[derive(Default)]
struct Round {
    purged: Purged,
    /// The signal that ended it before its end.
    interrupted: Option<u8>,
}

/// Batch after batch until one is not full, on a connection of its own.
fn round(context: &Context, limit: u32, turn: Turn, stop: &Stop) -> Result<Round, Failure> {
    let (mut database, layout) = context.connect_to_sessions()?;
    let total = batch::expired(&mut database, &layout, context.now())?;
    let mut progress = Progress::new("sessions purged", Some(total));
    let result = batches(context, &mut database, &layout, limit, turn, stop, &mut progress);
    progress.finish();
    result.map_err(|failure| layout.explained(failure))
}

fn batches(
    context: &Context,
    database: &mut Database,
    layout: &Layout,
    limit: u32,
    turn: Turn,
    stop: &Stop,
    progress: &mut Progress,
) -> Result<Round, Failure> {
    let (mut round, mut reached) = (Round::default(), Reached::default());
    loop {
        let (now, began) = (context.now(), Instant::now());
        let purged = match turn {
            Turn::Always => Some(batch::purge(database, layout, now, limit, &mut reached)?),
            Turn::IfNobodyElse => batch::purge_in_turn(database, layout, now, limit, &mut reached)?,
        };
        let Some(purged) = purged else { return Ok(round) };
        round.purged.add(purged);
        progress.add(u64::try_from(purged.sessions).unwrap_or(u64::MAX));
        if !purged.is_full(limit) {
            return Ok(round);
        }
        round.interrupted = stop.rest(began);
        if round.interrupted.is_some() {
            return Ok(round);
        }
    }
}

/// What a round has done, on a line.
fn tell(context: &mut Context, round: &Round) -> Result<(), Failure> {
    let Purged { sessions, attributes } = round.purged;
    match context.out.format() {
        Format::Json => {
            let is_complete = round.interrupted.is_none();
            let counts = [("sessions", sessions.into()), ("attributes", attributes.into()), ("complete", is_complete.into())];
            // On one line: there may be round after round of them.
            context.out.line(&Json::object(counts).to_string())?;
        }
        Format::Table => {
            let rest = if round.interrupted.is_some() { "; interrupted, more is left" } else { "" };
            context.out.line(&format!("{sessions} expired sessions and {attributes} expired attributes deleted{rest}"))?;
        }
    }
    context.out.finish()
}

/// Up to a tenth of the interval, so that processes that began together do not stay together.
fn jitter(interval: Duration) -> Duration {
    let share = getrandom::u32().map_or(0.0, |drawn| f64::from(drawn) / f64::from(u32::MAX));
    interval.mul_f64(share / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_is_at_most_a_tenth() {
        for _ in 0..1_000 {
            assert!(jitter(Duration::from_secs(300)) <= Duration::from_secs(30));
        }
    }
}
