//! `init`: a migration for the application's own folder, and the model to paste.

mod added;
mod existing;
mod fields;
mod folder;
mod model;
mod names;
mod new;
mod owner;
mod tables;
mod types;

use crate::args::init::InitArgs;
use crate::context::Context;
use crate::database::{Database, Engine, url::Place};
use crate::failure::Failure;
use crate::program::Outcome;
use crate::terminal;
use folder::{Config, Migration};
use model::Model;

/// What is to be written, and the model that fits it.
struct Plan {
    migrations: Vec<Migration>,
    model: Model,
    /// What whoever runs it should know.
    remarks: Vec<String>,
}

/// Runs the command.
pub(crate) fn run(context: &mut Context, args: &InitArgs) -> Result<Outcome, Failure> {
    let config = Config::read()?;
    let (engine, mut database) = place(context, args)?;
    let plan = match &args.add_to {
        Some(table) => existing::plan(context, args, &config, database.as_mut(), table)?,
        None => new::plan(context, args, &config, engine, database.as_mut())?,
    };
    let model = plan.model.text()?;
    let folder = config.folder(args.migration_dir.as_deref())?;
    let paths = folder::paths(&folder, &plan.migrations, context.now().to_utc())?;
    for (path, migration) in paths.iter().zip(&plan.migrations) {
        if !args.dry_run {
            folder::write(path, migration)?;
        }
        for (file, text) in migration.files() {
            let file = path.join(file);
            if args.dry_run {
                context.out.text(&format!("-- {}\n{text}\n", file.display()))?;
            } else {
                terminal::say(&format!("written: {}", file.display()));
            }
        }
    }
    context.out.text(&model)?;
    for remark in &plan.remarks {
        terminal::say(&format!("note: {remark}"));
    }
    if !args.dry_run {
        terminal::say("next: diesel migration run; then diesel print-schema > src/schema.rs; the model is on standard output");
    }
    Ok(Outcome::Done)
}

/// Which engine, and the database, if there is one to be asked.
fn place(context: &Context, args: &InitArgs) -> Result<(Engine, Option<Database>), Failure> {
    if let Some(engine) = args.engine {
        return Ok((engine, None));
    }
    let url = context.connection.database_url.as_ref().filter(|url| !url.0.is_empty());
    let Some(url) = url else {
        return Err(Failure::Usage(
            "no database is named: set DATABASE_URL, give --database-url, or say which --engine".to_owned(),
        ));
    };
    let place = Place::of(url)?;
    // A database of SQLite's may begin with its first migration.
    if place.engine == Engine::Sqlite && place.check_file().is_err() {
        return Ok((place.engine, None));
    }
    let database = context.connect()?;
    Ok((database.engine(), Some(database)))
}
