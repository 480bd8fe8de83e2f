//! `erp-driver pause` and `erp-driver resume`.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use jiff::civil::DateTime;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use serde::Serialize;
use values::CompanyId;

use super::Failed;
use super::connect::{make_private_folder, read_config};
use crate::config::Config;
use crate::pause::{Handle, Held, Holding, PauseEntry, PauseFile, Paused};
use crate::times::for_people;

/// The driver has so long to give everything back; a write has its own deadline.
const PATIENCE: Duration = Duration::from_secs(30);
/// After a write's deadline its process is ended, which takes a moment.
const AFTER_DEADLINE: SignedDuration = SignedDuration::from_secs(10);
/// Between two looks at the driver's answer.
const STEP: Duration = Duration::from_millis(200);
/// A pause has an end that people live to see.
const LONGEST: SignedDuration = SignedDuration::from_hours(10 * 366 * 24);
/// What fits a line of `status`.
const MOST_REASON: usize = 200;

#[derive(Debug, Args)]
pub(crate) struct PauseArguments {
    /// How long: 90m, 2h, 1h30m, 2d.
    #[arg(long = "for", value_name = "TIME", conflicts_with = "until")]
    duration: Option<String>,
    /// Until when, in the Sage server's time: 2026-05-06T18:00.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Why, for whoever looks.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// This company only.
    #[arg(long, value_name = "ID")]
    company: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ResumeArguments {
    /// This company only.
    #[arg(long, value_name = "ID")]
    company: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// The companies that are paused now, by a person or the schedule.
pub(crate) fn paused_companies(config: &Config) -> Result<BTreeMap<CompanyId, Paused>, Failed> {
    let file = match PauseFile::load(&config.state_dir) {
        Ok(file) => file,
        Err(error) if config.state_dir.exists() => {
            tracing::warn!(code = error.code(), remedy = error.remedy(), "{error}");
            let paused = Paused {
                since: host::clock::now(),
                until: None,
                reason: error.to_string(),
            };
            let all = config.companies.iter().map(|c| (c.id.clone(), paused.clone()));
            return Ok(all.collect());
        }
        Err(error) => return Err(error.into()),
    };
    let now = host::clock::now();
    let paused = config.companies.iter().filter_map(|company| {
        let paused = file.paused(&company.id, &config.pauses, &config.time_zone, now)?;
        Some((company.id.clone(), paused))
    });
    Ok(paused.collect())
}

#[derive(Debug, Serialize)]
struct Answer {
    /// A driver runs.
    running: bool,
    /// Companies that are paused now.
    paused: BTreeMap<CompanyId, Paused>,
    /// What the running driver gave back since the pause began.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    released: Vec<String>,
}

impl PauseArguments {
    pub(crate) fn run(self, path: &Path) -> Result<ExitCode, Failed> {
        let config = read_config(path)?;
        let companies = named(&config, self.company.as_deref())?;
        let now = host::clock::now();
        let until = self.end(&config, now)?;
        let reason = line(self.reason.as_deref().unwrap_or_default())?;
        let mut file = load(&config)?;
        for company in &companies {
            let entry = PauseEntry {
                since: now,
                until,
                reason: reason.clone(),
            };
            file.companies.insert(company.clone(), entry);
        }
        save(&config, &mut file, now)?;
        let released = Wait::new(&config, &file, &companies).until_released()?;
        let answer = Answer {
            running: is_running(&config),
            paused: paused_companies(&config)?,
            released: released.clone().unwrap_or_default(),
        };
        if self.json {
            host::cli::print_json(&answer);
            return Ok(ExitCode::SUCCESS);
        }
        let mut text = String::new();
        for company in &companies {
            let end = until.map_or_else(
                || "until erp-driver resume".to_owned(),
                |until| format!("until {}", local(&config, until)),
            );
            text.push_str(&format!("{company} is paused {end}\n"));
        }
        match released {
            Some(released) if released.is_empty() => text.push_str("nothing was held\n"),
            Some(released) => text.push_str(&format!("released: {}\n", released.join(", "))),
            None => text.push_str("no driver runs here; one that is started leaves Sage alone\n"),
        }
        host::cli::print(&text);
        Ok(ExitCode::SUCCESS)
    }

    fn end(&self, config: &Config, now: Timestamp) -> Result<Option<Timestamp>, Failed> {
        let wrong = |message: String, remedy: &str| Failed::new("time_invalid", message, remedy);
        if let Some(text) = &self.duration {
            let remedy = "write --for 90m, --for 2h or --for 2d";
            let span: Result<Span, _> = text.parse();
            let long = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()));
            let long = long.ok().filter(|long| long.is_positive() && *long <= LONGEST);
            let long = long.ok_or_else(|| wrong(format!("{text:?} is no length of time"), remedy))?;
            return now
                .checked_add(long)
                .map(Some)
                .map_err(|_| wrong(format!("{text:?} is too long"), remedy));
        }
        let Some(text) = &self.until else { return Ok(None) };
        let remedy = "write --until 2026-05-06T18:00, in the Sage server's time";
        let until = match text.parse::<Timestamp>() {
            Ok(until) => until,
            Err(_) => {
                let civil: DateTime = text
                    .parse()
                    .map_err(|_| wrong(format!("{text:?} is no time"), remedy))?;
                // An hour that comes twice: the pause is longer rather than shorter.
                let until = config.time_zone.to_ambiguous_timestamp(civil).later();
                until.map_err(|_| wrong(format!("{text:?} is no time"), remedy))?
            }
        };
        if until <= now {
            let now = local(config, now);
            return Err(wrong(format!("{text:?} is over: it is {now}"), remedy));
        }
        Ok(Some(until))
    }
}

impl ResumeArguments {
    pub(crate) fn run(self, path: &Path) -> Result<ExitCode, Failed> {
        let config = read_config(path)?;
        let companies = named(&config, self.company.as_deref())?;
        let now = host::clock::now();
        let mut file = load(&config)?;
        let planned = config.pauses.active(&config.time_zone, now);
        let mut text = String::new();
        for company in &companies {
            let was = file.paused(company, &config.pauses, &config.time_zone, now);
            file.companies.remove(company);
            if let Some(until) = planned.as_ref().and_then(|paused| paused.until) {
                file.unscheduled.insert(company.clone(), until);
            }
            text.push_str(&match was {
                Some(_) => format!("{company} goes on\n"),
                None => format!("{company} was not paused\n"),
            });
        }
        save(&config, &mut file, now)?;
        Wait::new(&config, &file, &companies).until_heard();
        let answer = Answer {
            running: is_running(&config),
            paused: paused_companies(&config)?,
            released: Vec::new(),
        };
        if self.json {
            host::cli::print_json(&answer);
        } else {
            host::cli::print(&text);
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn named(config: &Config, company: Option<&str>) -> Result<Vec<CompanyId>, Failed> {
    let Some(name) = company else {
        return Ok(config.companies.iter().map(|c| c.id.clone()).collect());
    };
    let known: Vec<&str> = config.companies.iter().map(|c| c.id.as_str()).collect();
    let found = config.company(name).map(|c| vec![c.id.clone()]);
    found.ok_or_else(|| {
        Failed::new(
            "company_unknown",
            format!("{} has no company {name:?}", config.path.display()),
            format!("use one of {}", known.join(", ")),
        )
    })
}

fn line(reason: &str) -> Result<String, Failed> {
    if reason.chars().count() > MOST_REASON || reason.chars().any(char::is_control) {
        return Err(Failed::new(
            "reason_invalid",
            "the reason does not fit a line",
            format!("use up to {MOST_REASON} characters in one line"),
        ));
    }
    Ok(reason.trim().to_owned())
}

/// What was said before; a file that cannot be read is written anew.
fn load(config: &Config) -> Result<PauseFile, Failed> {
    make_private_folder(&config.state_dir).map_err(|e| {
        Failed::new(
            "state_dir_unusable",
            format!("{}: {e}", config.state_dir.display()),
            "create the folder named as state.dir, writable for this user",
        )
    })?;
    Ok(PauseFile::load(&config.state_dir).unwrap_or_else(|error| {
        tracing::warn!(code = error.code(), "{error}: it is written anew");
        PauseFile::default()
    }))
}

fn save(config: &Config, file: &mut PauseFile, now: Timestamp) -> Result<(), Failed> {
    file.forget_past(now);
    file.revision = host::random::hex::<8>();
    Ok(file.save(&config.state_dir)?)
}

fn local(config: &Config, at: Timestamp) -> String {
    for_people(&config.time_zone, at)
}

fn is_running(config: &Config) -> bool {
    host::lock::Exclusive::is_held(&config.state_dir.join("driver.lock"))
}

/// What a person who waits is told, without disturbing the answer.
fn tell(words: &str) {
    // When stderr is gone nobody reads it.
    let _ = writeln!(std::io::stderr().lock(), "{words}");
}

/// Waiting for the driver that runs.
struct Wait<'a> {
    config: &'a Config,
    file: &'a PauseFile,
    companies: &'a [CompanyId],
    began: Instant,
    told: String,
}

impl<'a> Wait<'a> {
    fn new(config: &'a Config, file: &'a PauseFile, companies: &'a [CompanyId]) -> Self {
        Self {
            config,
            file,
            companies,
            began: Instant::now(),
            told: String::new(),
        }
    }

    /// What was given back; none when no driver runs.
    fn until_released(mut self) -> Result<Option<Vec<String>>, Failed> {
        loop {
            if !is_running(self.config) {
                return Ok(None);
            }
            let held = self.answer();
            let handles = joined(&held, |held| &held.handles);
            if !held.is_empty() && handles.is_empty() && held.iter().all(|h| h.writing_until.is_none()) {
                return Ok(Some(joined(&held, |held| &held.released)));
            }
            let writing = held.iter().filter_map(|h| h.writing_until).max();
            let now = host::clock::now();
            let words = match writing {
                Some(until) => {
                    let left = until.duration_since(now).as_secs().max(0);
                    let what = if handles.iter().any(|handle| handle == Handle::ImportJob.as_str()) {
                        "an import job runs"
                    } else {
                        "a document is being written"
                    };
                    format!("{what}, its deadline is in {left} s; nothing new begins")
                }
                None if held.is_empty() => "waiting for the driver".to_owned(),
                None => format!("waiting for: {}", handles.join(", ")),
            };
            self.say(&words, writing.map(|until| until.to_string()));
            let is_patient = match writing {
                Some(until) => now < until.saturating_add(AFTER_DEADLINE).unwrap_or(Timestamp::MAX),
                None => self.began.elapsed() < PATIENCE,
            };
            if !is_patient {
                return Err(self.give_up(&held, &handles));
            }
            std::thread::sleep(STEP);
        }
    }

    /// Until the driver has heard, or it is clear that it does not listen.
    fn until_heard(&self) {
        while is_running(self.config) && self.answer().is_empty() && self.began.elapsed() < PATIENCE / 6 {
            std::thread::sleep(STEP);
        }
    }

    /// What the running driver has, once it has heard of what was just said.
    fn answer(&self) -> Vec<Held> {
        let Some(holding) = Holding::load(&self.config.state_dir) else {
            return Vec::new();
        };
        let holder = std::fs::read_to_string(self.config.state_dir.join("driver.lock.pid"));
        let is_its = holder.is_ok_and(|pid| pid.trim() == holding.pid.to_string());
        if !is_its || holding.revision != self.file.revision {
            return Vec::new();
        }
        let held = self.companies.iter();
        held.map(|company| holding.companies.get(company).cloned().unwrap_or_default())
            .collect()
    }

    /// Once for each thing that is waited for.
    fn say(&mut self, words: &str, about: Option<String>) {
        let about = about.unwrap_or_else(|| words.to_owned());
        if self.told != about {
            tell(words);
            self.told = about;
        }
    }

    fn give_up(&self, held: &[Held], handles: &[String]) -> Failed {
        if held.is_empty() {
            return Failed::new(
                "driver_not_listening",
                "the process that holds driver.lock does not answer; the pause is noted and holds once it looks",
                "erp-driver sync and reconcile run to their end: wait for them, or stop them; restart the service if it is the service",
            );
        }
        Failed::new(
            "still_held",
            format!("paused, but the driver still has: {}", handles.join(", ")),
            "nothing new begins; ask erp-driver status again in a minute, and stop the service if it lasts",
        )
    }
}

fn joined(held: &[Held], of: impl Fn(&Held) -> &Vec<String>) -> Vec<String> {
    let mut all: Vec<String> = held.iter().flat_map(|held| of(held).clone()).collect();
    all.sort();
    all.dedup();
    all
}
