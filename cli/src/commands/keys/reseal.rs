//! `keys reseal`: what older keys have sealed is sealed with the first one, while the application runs.

mod sealed;

use std::time::Instant;

use diesel_sessions::Keyring;

use crate::args::keys::ResealArgs;
use crate::args::options::Format;
use crate::catalogue::Table;
use crate::context::Context;
use crate::database::Database;
use crate::failure::Failure;
use crate::layout::Layout;
use crate::output::field::Field;
use crate::output::json::Json;
use crate::output::progress::Progress;
use crate::output::table::Listing;
use crate::program::Outcome;
use crate::stop::Stop;
use crate::terminal;

use super::keyring;
use sealed::{Anew, Sealed, SealedAttributes};

/// How many of those that do not open are listed.
const LISTED: usize = 100;

/// What was done.
#[derive(Default)]
struct Done {
    resealed: u64,
    unreadable: u64,
    /// The first of those that do not open.
    listed: Vec<Unreadable>,
}

/// An attribute that does not open.
struct Unreadable {
    session: i64,
    name: String,
    reason: String,
}

/// Seals page by page; what was done before an interruption stays done.
pub(super) fn run(context: &mut Context, args: &ResealArgs) -> Result<Outcome, Failure> {
    let keyring = keyring(&args.keys_from)?;
    let (mut database, layout) = context.connect_to_sessions()?;
    let attributes = attributes(&layout)?;
    let sealed = SealedAttributes::new(&layout, attributes, &keyring);
    let stop = Stop::listen()?;
    let mut progress = Progress::new("attributes", Some(sealed.count(&mut database)?));
    let mut done = Done::default();
    let mut after = None;
    let interrupted = loop {
        let began = Instant::now();
        let page = sealed.page(&mut database, after.as_ref(), args.batch.get())?;
        let Some(last) = page.last() else { break None };
        after = Some((last.session, last.name.clone()));
        let read = u64::try_from(page.len()).unwrap_or(u64::MAX);
        done.page(&mut database, &sealed, &keyring, page)?;
        progress.add(read);
        let signal = stop.between_batches(layout.engine, began);
        if signal.is_some() {
            break signal;
        }
    };
    progress.finish();
    let remaining = sealed.count(&mut database)?;
    tell(context, &done, remaining, interrupted.is_none())?;
    if interrupted.is_some() {
        terminal::say("interrupted: run it again, and it goes on");
    }
    Ok(match interrupted {
        Some(signal) => Outcome::Interrupted(signal),
        None if done.unreadable > 0 => Outcome::Findings,
        None => Outcome::Done,
    })
}

fn attributes(layout: &Layout) -> Result<&Table, Failure> {
    layout
        .attributes
        .as_ref()
        .ok_or_else(|| Failure::Usage("these sessions have no attributes: name their table with --attributes-table".to_owned()))
}

impl Done {
    fn page(
        &mut self,
        database: &mut Database,
        sealed: &SealedAttributes,
        keyring: &Keyring,
        page: Vec<Sealed>,
    ) -> Result<(), Failure> {
        let mut moved = Vec::with_capacity(page.len());
        for one in page {
            match sealed.anew(keyring, &one)? {
                Anew::Sealed(bytes) => moved.push((one, bytes)),
                Anew::Unreadable(reason) => {
                    self.unreadable += 1;
                    if self.listed.len() < LISTED {
                        self.listed.push(Unreadable { session: one.session, name: one.name, reason });
                    }
                }
            }
        }
        self.resealed += sealed.write(database, &moved)?;
        Ok(())
    }
}

fn tell(context: &mut Context, done: &Done, remaining: u64, is_complete: bool) -> Result<(), Failure> {
    let number = |count: u64| Field::from(serde_json::Value::from(count));
    let counts = [("resealed", number(done.resealed)), ("remaining", number(remaining)), ("unreadable", number(done.unreadable))];
    let rows: Vec<Vec<Field>> = done.listed.iter().map(Unreadable::fields).collect();
    if context.out.format() == Format::Json {
        let mut document: Vec<(&str, Json)> = counts.iter().map(|(name, field)| (*name, field.json().into())).collect();
        document.push(("complete", is_complete.into()));
        let listed = rows.iter().map(|row| Json::fields(HEADS.into_iter().zip(row)));
        document.push(("unreadable_attributes", listed.collect()));
        return context.out.json(&Json::object(document));
    }
    context.out.properties(&counts)?;
    if !rows.is_empty() {
        context.out.line("")?;
        let mut listing = Listing::new(HEADS);
        listing.page(&mut context.out, &rows)?;
        listing.finish(&mut context.out)?;
    }
    if done.unreadable > u64::try_from(rows.len()).unwrap_or(u64::MAX) {
        context.out.line("…")?;
    }
    Ok(())
}

const HEADS: [&str; 3] = ["session", "name", "reason"];

impl Unreadable {
    fn fields(&self) -> Vec<Field> {
        vec![self.session.into(), self.name.as_str().into(), self.reason.as_str().into()]
    }
}
