//! `doctor`: schema, settings and rows against what sessions need.

mod columns;
mod finding;
mod indices;
mod links;
mod rows;
mod settings;

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use crate::args::options::Format;
use crate::args::sessions::{DoctorArgs, Severity};
use crate::context::Context;
use crate::failure::Failure;
use crate::layout::Layout;
use crate::output::field::Field;
use crate::output::json::Json;
use crate::program::Outcome;
use finding::{Finding, Findings};
use rows::Backlog;

/// Runs the command.
pub(crate) fn run(context: &mut Context, args: &DoctorArgs) -> Result<Outcome, Failure> {
    let mut database = context.connect()?;
    let layout = Layout::find_leniently(&mut database, &context.tables)?;
    let now = context.now();
    let mut findings = Findings::default();
    columns::check(&layout, &mut findings);
    indices::check(&layout, &mut findings);
    links::check(&mut database, &layout, &mut findings)?;
    let hot = settings::check(&mut database, &layout, now, &mut findings)?;
    // What lacks a column cannot be read.
    let backlog = if findings.are_readable() {
        rows::decode(&mut database, &layout, args, &mut findings)?;
        rows::attributes(&mut database, &layout, args, &mut findings)?;
        rows::keys(&mut database, &layout, args, &mut findings)?;
        Some(rows::backlog(&mut database, &layout, now, &mut findings)?)
    } else {
        None
    };
    let findings = findings.sorted();
    match context.out.format() {
        Format::Json => {
            let backlog = backlog.map(|backlog| {
                Json::object([
                    ("sessions", backlog.sessions.into()),
                    ("oldest_expired_at", Field::time(backlog.oldest, "-").json().into()),
                    ("attributes", backlog.attributes.into()),
                ])
            });
            let document = [
                ("findings", findings.iter().map(Finding::to_json).collect()),
                ("backlog", backlog.unwrap_or(Json::Value(Value::Null))),
                ("hot_updates", hot.into()),
            ];
            context.out.json(&Json::object(document))?;
        }
        Format::Table => {
            print(context, &layout, &findings)?;
            summarise(context, backlog, hot)?;
        }
    }
    let is_bad = findings.first().is_some_and(|worst| worst.severity >= args.fail_on);
    Ok(if is_bad { Outcome::Findings } else { Outcome::Done })
}

fn print(context: &mut Context, layout: &Layout, findings: &[Finding]) -> Result<(), Failure> {
    if findings.is_empty() {
        return context.out.line(&format!("nothing is wrong with `{}`", layout.table.name));
    }
    for finding in findings {
        let colour = match finding.severity {
            Severity::Error => AnsiColor::Red,
            Severity::Warning => AnsiColor::Yellow,
            Severity::Advice => AnsiColor::Cyan,
        };
        let style = Style::new().fg_color(Some(colour.into()));
        let [head, advice] = finding.lines();
        let (word, rest) = head.split_at(finding::word(finding.severity).len());
        context.out.line(&format!("{style}{word}{style:#}{rest}"))?;
        context.out.line(&advice)?;
    }
    Ok(())
}

/// What is worth knowing where nothing is wrong, too.
fn summarise(context: &mut Context, backlog: Option<Backlog>, hot: Option<f64>) -> Result<(), Failure> {
    if let Some(backlog) = backlog {
        let since = Field::time(backlog.oldest, "");
        let since = if since.shown().is_empty() { String::new() } else { format!(", the oldest since {}", since.shown()) };
        let Backlog { sessions, attributes, .. } = backlog;
        context.out.line(&format!("waiting for a purge: {sessions} sessions{since}; {attributes} attributes"))?;
    }
    match hot {
        Some(share) => context.out.line(&format!("HOT updates: {:.0} %", share * 100.0)),
        None => Ok(()),
    }
}
