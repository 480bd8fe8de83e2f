//! `erp-driver config`.

mod check;
mod check_imports;
mod check_login;
mod effect;
mod report;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::Failed;
use super::connect::read_config;
use crate::config::{Effective, File, SCHEMA};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check the file, and every company against its live ERP, with the whole effect of
    /// filters and steps. Nothing is changed.
    #[command(
        after_help = "Example:\n  erp-driver --config config.toml config check\n  erp-driver config check --approve-filters"
    )]
    Check(check::Arguments),
    /// Print the file as it was understood, and how documents are entered: every value that
    /// holds, from the file, a default or the company's profile.
    Show {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print the file's JSON schema, for editors.
    #[command(after_help = "Example:\n  erp-driver config schema > erp-driver.schema.json")]
    Schema,
}

impl Arguments {
    pub(crate) fn run(self, path: &Path) -> Result<ExitCode, Failed> {
        match self.command {
            Command::Check(arguments) => arguments.run(path),
            Command::Show { json } => show(path, json),
            Command::Schema => {
                host::cli::print(SCHEMA);
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

/// What holds for entering documents, by company.
type Holding = BTreeMap<String, Vec<Effective>>;

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    file: File,
    /// Not a key of the file.
    effective_imports: Holding,
}

fn show(path: &Path, json: bool) -> Result<ExitCode, Failed> {
    let config = read_config(path)?;
    let file: File = host::config::read(path)?;
    let file = file.without_secrets();
    let effective_imports = config
        .companies
        .iter()
        .map(|company| (company.id.to_string(), company.imports.effective()))
        .collect();
    if json {
        host::cli::print_json(&Shown {
            file,
            effective_imports,
        });
    } else {
        let text = toml::to_string_pretty(&file)
            .map_err(|e| Failed::new("config_unprintable", e.to_string(), "use --json"))?;
        host::cli::print(&format!("{text}{}", holding_text(&effective_imports)));
    }
    Ok(ExitCode::SUCCESS)
}

/// As comments, so that what is printed can be read again.
fn holding_text(holding: &Holding) -> String {
    let mut out = String::new();
    for (company, values) in holding {
        out.push_str(&format!("\n# {company}: how documents are entered\n"));
        for value in values {
            out.push_str("# imports.");
            value.write(&mut out);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn what_holds_is_shown_with_its_source() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("profile-ABC.json"),
            r#"{"sage": "7.10.3.0", "proved_at": "2026-11-20T10:00:00Z", "capabilities": {"receipts": true, "kits_explode": true, "later": true}}"#,
        )
        .unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, include_str!("config/shown.toml")).unwrap();
        let config = Config::read(&path).unwrap();
        let holding = BTreeMap::from([("ABC".to_owned(), config.companies[0].imports.effective())]);
        let shown = holding_text(&holding);
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/commands/config/shown.golden");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&golden, &shown).unwrap();
        }
        assert_eq!(shown, std::fs::read_to_string(&golden).unwrap());
        let text = format!("{}{shown}", include_str!("config/shown.toml"));
        assert_eq!(
            Config::parse(&path, &text).unwrap().companies[0]
                .imports
                .effective()[0],
            config.companies[0].imports.effective()[0]
        );
    }
}
