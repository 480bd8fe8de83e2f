//! `play`: a user's day in Sage.

use std::path::PathBuf;

use clap::Args;
use sandbox::play::{self, Options, PlayError};
use sandbox::{Company, system_clock};

use crate::{CommandError, output};

/// Arguments of `play`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sage-sandbox play --list\n  sage-sandbox play abc.db --script price-load --count 1000\n  \
    sage-sandbox play abc.db --script truncate --table CI_Item"
)]
pub struct PlayArgs {
    /// Company file.
    #[arg(required_unless_present = "list")]
    pub file: Option<PathBuf>,
    /// The script.
    #[arg(long, value_name = "NAME", required_unless_present = "list")]
    pub script: Option<String>,
    /// Print the scripts and what they do.
    #[arg(long)]
    pub list: bool,
    /// How many rows, orders or items.
    #[arg(long, value_name = "N")]
    pub count: Option<u64>,
    /// Where chance begins.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
    /// A table, for scripts that damage one.
    #[arg(long, value_name = "TABLE")]
    pub table: Option<String>,
    /// A column, for scripts that damage one.
    #[arg(long, value_name = "COLUMN")]
    pub column: Option<String>,
    /// An IANA zone, for `clock`.
    #[arg(long, value_name = "ZONE")]
    pub zone: Option<String>,
    /// Print what was done as JSON.
    #[arg(long)]
    pub json: bool,
}

pub(crate) fn play(args: &PlayArgs) -> Result<(), CommandError> {
    let (Some(file), Some(script)) = (&args.file, &args.script) else {
        return list();
    };
    let mut company = Company::open(file, system_clock())?;
    let options = Options {
        count: args.count,
        seed: args.seed,
        table: args.table.clone(),
        column: args.column.clone(),
        zone: args.zone.clone(),
    };
    let report = play::play(&mut company, script, &options).map_err(Box::<PlayError>::from)?;
    if args.json {
        output::json(&report)?;
        return Ok(());
    }
    for (table, changes) in &report.tables {
        let mut line = format!("{table}:");
        for (count, what) in [
            (changes.inserted, "inserted"),
            (changes.updated, "updated"),
            (changes.deleted, "deleted"),
        ] {
            if count > 0 {
                line.push_str(&format!(" {count} {what}"));
            }
        }
        if line.ends_with(':') && changes.keys.is_empty() {
            line.push_str(" nothing");
        }
        if !changes.keys.is_empty() {
            line.push_str(&format!(" ({})", changes.keys.join(", ")));
        }
        output::line(&line)?;
    }
    Ok(())
}

fn list() -> Result<(), CommandError> {
    for script in play::SCRIPTS {
        output::line(&format!("{:<18} {}", script.name, script.doc))?;
    }
    Ok(())
}
