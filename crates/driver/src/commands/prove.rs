//! `erp-driver prove`.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::Failed;
use super::connect::{make_private_folder, read_config, today};
use super::writing::desk;
use crate::bridge::{ReadBridge, default_program};
use crate::config::{Company, Config, Profile, profile_path};
use crate::pause::{PauseFile, replace_json};
use crate::prove::{Proof, Setup, prove};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The copied company: a [[company]] with `copy_of`.
    #[arg(long, value_name = "ID")]
    company: String,
    /// The company whose profile is written; the one that it is a copy of when left out.
    #[arg(long = "for", value_name = "ID")]
    stands_for: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Told<'a> {
    copy: &'a str,
    company: &'a str,
    profile_file: Option<String>,
    #[serde(flatten)]
    profile: Profile,
    made: &'a [String],
}

impl Arguments {
    pub(crate) fn run(self, path: &Path) -> Result<ExitCode, Failed> {
        let config = read_config(path)?;
        let copy = company(&config, &self.company)?;
        let original = copy.copy_of.as_ref().ok_or_else(|| {
            Failed::new(
                "not_a_copy",
                format!("{} is not marked as a copy: nothing is tried in it", copy.id),
                "copy the company in Sage (Company Maintenance, Copy), name the copy in a [[company]] section of its own with copy_of = \"ID\", and prove that",
            )
        })?;
        let stands_for = company(&config, self.stands_for.as_deref().unwrap_or(original.as_str()))?;
        if stands_for.copy_of.is_some() {
            return Err(Failed::new(
                "profile_of_a_copy",
                format!("{} is a copy: documents are never entered into it", stands_for.id),
                "name a live company with --for, or leave --for out",
            ));
        }
        let file = PauseFile::load(&config.state_dir)?;
        let now = host::clock::now();
        if let Some(paused) = file.paused(&copy.id, &config.pauses, &config.time_zone, now) {
            return Err(Failed::new(
                "paused",
                format!("{}: {}", copy.id, paused.local_words(&config.time_zone)),
                "wait until the pause is over, or end it with erp-driver resume",
            ));
        }
        let setup = setup(&config, copy)?;
        let source = copy.read_source().map_err(crate::reading::SetupError::from)?;
        let reader = ReadBridge::start(&default_program(), &source)
            .map_err(|error| Failed::new(error.code.as_str(), error.to_string(), error.remedy()))?;
        let proof = prove(setup, Box::new(reader), &mut |check| {
            if self.json {
                tracing::info!(
                    check = check.name,
                    verdict = check.verdict.words(),
                    "{}",
                    check.seen
                );
            } else {
                host::cli::print(&check.line());
            }
        });
        let profile = proof.profile(now.to_string());
        let kept = keep(&config, stands_for, &proof, &profile)?;
        if self.json {
            host::cli::print_json(&Told {
                copy: copy.id.as_str(),
                company: stands_for.id.as_str(),
                profile_file: kept,
                profile,
                made: &proof.made,
            });
        } else if let Some(file) = kept {
            let end = format!("\nprofile of {}: {file}; restart the service\n", stands_for.id);
            host::cli::print(&format!("{}{end}", proof.text()));
        }
        if let Some(hint) = &proof.hint {
            return Err(Failed::new(
                "no_session",
                format!(
                    "{} cannot be tried; the profile of {} stays as it was",
                    copy.id, stands_for.id
                ),
                hint,
            ));
        }
        Ok(if proof.is_whole() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

/// Keeps the profile, unless Sage could not be asked at all; the file's name when it did.
fn keep(
    config: &Config,
    company: &Company,
    proof: &Proof,
    profile: &Profile,
) -> Result<Option<String>, Failed> {
    if !proof.has_run() {
        return Ok(None);
    }
    let path = profile_path(&config.state_dir, &company.id);
    make_private_folder(&config.state_dir)
        .and_then(|()| replace_json(&path, profile))
        .map_err(|error| {
            Failed::new(
                "profile_unwritable",
                format!("{}: {error}", path.display()),
                "make the state folder writable for this user, and prove again",
            )
        })?;
    Ok(Some(path.display().to_string()))
}

fn company<'a>(config: &'a Config, name: &str) -> Result<&'a Company, Failed> {
    config.company(name).ok_or_else(|| {
        let known: Vec<&str> = config.companies.iter().map(|c| c.id.as_str()).collect();
        Failed::new(
            "company_unknown",
            format!("{} has no company {name:?}", config.path.display()),
            format!("use one of {}", known.join(", ")),
        )
    })
}

fn setup(config: &Config, copy: &Company) -> Result<Setup, Failed> {
    let Some(writer) = &copy.writer else {
        return Err(Failed::new(
            "copy_without_writer",
            format!("{} has no writer", copy.id),
            "name writer in the copy's [[company]] section",
        ));
    };
    let (target, login) = desk(copy, writer)?;
    let settings = &copy.orders;
    Ok(Setup {
        target,
        login,
        today: today(config),
        call_limit: Duration::from_secs(settings.call_limit_s),
        fence_wait: Duration::from_secs(settings.fence_wait_s),
        tag: host::random::hex::<3>(),
    })
}
