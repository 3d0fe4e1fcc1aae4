//! `import tower-sessions-sqlx`: the sessions of that store, under the cookies that browsers hold.
//!
//! Each page of rows is a transaction that locks them where they are, so that whoever ends one of them there comes before it or after
//! it. What was ended is not brought back: a row that is moved is deleted in the transaction that inserts its session; of
//! one that is copied, the digest is kept, and it is never imported again.

use std::time::Instant;

use diesel_sessions::ErrorKind;

use crate::args::import::TowerSessionsSqlxArgs;
use crate::context::Context;
use crate::database::Database;
use crate::failure::Failure;
use crate::output::progress::Progress;
use crate::program::Outcome;
use crate::stop::Stop;
use crate::terminal;

use super::former::Which;
use super::page::Page;
use super::tally::Tally;
use super::transfer::{Mode, Transfer};
use super::unfit::Unfit;

/// Runs the command; without `--write`, it only says what it would do.
pub(super) fn run(context: &mut Context, args: &TowerSessionsSqlxArgs) -> Result<Outcome, Failure> {
    let (mut database, layout) = context.connect_to_sessions()?;
    let transfer = Transfer::new(&mut database, &layout, args)?;
    let is_dry = transfer.mode == Mode::Dry;
    if layout.owner.is_some() && args.owner_path.is_none() {
        terminal::say("without --owner-path, no session gets an owner: whose they are is not known here then");
    }
    let stop = Stop::listen()?;
    let mut progress = Progress::new("rows", Some(transfer.former.count(&mut database)?));
    let mut tally = Tally::default();
    let mut last: Option<String> = None;
    let interrupted = loop {
        let began = Instant::now();
        let page = page(context, &transfer, &mut database, last.as_deref(), args.batch)?;
        let Some(end) = page.ids.last() else { break None };
        last = Some(end.clone());
        progress.add(page.tally.rows());
        tally.add(page.tally);
        let signal = if is_dry { stop.asked() } else { stop.between_batches(layout.engine, began) };
        if signal.is_some() {
            break signal;
        }
    };
    progress.finish();
    tally.tell(&mut context.out, is_dry, interrupted.is_none())?;
    if is_dry && tally.imported > 0 {
        terminal::say(&format!("nothing was written: --write imports from `{}`", transfer.former.name()));
    }
    if interrupted.is_some() {
        terminal::say("interrupted: run it again, and it goes on");
    }
    Ok(match interrupted {
        Some(signal) => Outcome::Interrupted(signal),
        None if tally.unfit > 0 => Outcome::Findings,
        None => Outcome::Done,
    })
}

/// The next rows, together if that can be, else one by one: a row that the database refuses keeps no other from its session.
fn page(
    context: &Context,
    transfer: &Transfer,
    database: &mut Database,
    after: Option<&str>,
    limit: u32,
) -> Result<Page, Failure> {
    match together(context, transfer, database, Which::After(after, limit)) {
        Err(failure) if refusal(&failure).is_some() => one_by_one(context, transfer, database, after, limit),
        page => page,
    }
}

fn together(context: &Context, transfer: &Transfer, database: &mut Database, which: Which<'_>) -> Result<Page, Failure> {
    if transfer.mode == Mode::Dry {
        return Page::carry_out(transfer, database, which, context.now().to_utc());
    }
    database.transaction(|database| Page::carry_out(transfer, database, which, context.now().to_utc()))
}

/// What the database refuses then is a matter of the row: that rows can be written at all was looked at before.
fn one_by_one(
    context: &Context,
    transfer: &Transfer,
    database: &mut Database,
    after: Option<&str>,
    limit: u32,
) -> Result<Page, Failure> {
    let mut page = Page::default();
    for row in transfer.former.rows(database, Which::After(after, limit), false)? {
        match together(context, transfer, database, Which::One(&row.id)) {
            Ok(one) => page.tally.add(one.tally),
            Err(failure) => {
                let Some(reason) = refusal(&failure) else { return Err(failure) };
                let digest = row.token().map(|token| token.digest().as_uuid().to_string());
                page.tally.does_not_fit(digest.as_deref(), &Unfit::Database(reason));
            }
        }
        page.ids.push(row.id);
    }
    Ok(page)
}

/// Why the database refuses a row, if that is what it does. Its own text may hold a value.
fn refusal(failure: &Failure) -> Option<String> {
    let Failure::Database(error) = failure else { return None };
    if !matches!(error.kind(), ErrorKind::ForeignKey | ErrorKind::AlreadyExists | ErrorKind::Database) {
        return None;
    }
    Some(match error.constraint_name() {
        Some(constraint) => format!("constraint `{constraint}`"),
        None if error.kind() == ErrorKind::ForeignKey => "a foreign key".to_owned(),
        None => "a value of a column".to_owned(),
    })
}
